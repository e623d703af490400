/* SPDX-License-Identifier: MIT */
#include "img/proto/nbd_name.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void names(const char *text, const char *path, const char *host, const char *port,
		  const char *export, const char *uri)
{
	struct nbd_name n;
	struct err e = { 0 };
	char *shown;

	assert_int_equal(nbd_name_parse(text, &n, &e), 0);
	assert_true(path ? n.path && !strcmp(n.path, path) : !n.path);
	assert_true(host ? n.host && !strcmp(n.host, host) : !n.host);
	assert_true(port ? n.port && !strcmp(n.port, port) : !n.port);
	assert_string_equal(n.export, export);
	shown = nbd_name_uri(&n, &e);
	assert_string_equal(shown, uri);
	free(shown);
	nbd_name_free(&n);
}

static void uris(void **state)
{
	names("nbd://host", NULL, "host", "10809", "", "nbd://host:10809");
	names("nbd://host:1/a%20b", NULL, "host", "1", "a b", "nbd://host:1/a%20b");
	names("nbd+tcp://[::1]:5/x/y", NULL, "::1", "5", "x/y", "nbd://[::1]:5/x/y");
	names("nbd://", NULL, "localhost", "10809", "", "nbd://localhost:10809");
	names("nbd+unix:///e?socket=/s", "/s", NULL, NULL, "e", "nbd+unix:///e?socket=/s");
	names("nbds+unix://?socket=s%3F", "s?", NULL, NULL, "", "nbds+unix://?socket=s%3F");
}

static void older_names(void **state)
{
	names("nbd:h:7", NULL, "h", "7", "", "nbd://h:7");
	names("nbd:h:7:exportname=a:b", NULL, "h", "7", "a:b", "nbd://h:7/a%3Ab");
	names("nbd:[::1]:7", NULL, "::1", "7", "", "nbd://[::1]:7");
	names("nbd:unix:/s:exportname=e", "/s", NULL, NULL, "e", "nbd+unix:///e?socket=/s");
}

static void refusals(void **state)
{
	static const char *const bad[] = {
		"nbd",
		"nbd:h",
		"nbd:unix:",
		"nbd:unix::exportname=x",
		"nbd://h:0",
		"nbd://h:65536",
		"nbd://h:1x",
		"nbd://h/%0",
		"nbd://h/%zz",
		"nbd://h/%00",
		"nbd://[::1",
		"nbd+unix:///e",
		"nbd://h/?what",
		"nbd://h?socket=s",
		"nbd+unix://?x=",
		"http://h",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct nbd_name n;
		struct err e = { 0 };

		assert_int_equal(nbd_name_parse(bad[i], &n, &e), -EINVAL);
		assert_true(e.msg[0] && !n.export && !n.host);
	}
}

static void options(void **state)
{
	struct optset o = OPTSET_INIT;
	struct nbd_name n = { 0 };
	struct err e = { 0 };

	assert_int_equal(optset_parse(&o, "server.type=unix,server.path=s,export=x", NULL, &e),
			 0);
	assert_int_equal(nbd_name_options(&o, &n, &e), 0);
	assert_string_equal(n.path, "s");
	assert_string_equal(n.export, "x");
	/* twice */
	assert_int_equal(nbd_name_options(&o, &n, &e), -EINVAL);
	nbd_name_free(&n);
	optset_free(&o);

	assert_int_equal(optset_parse(&o, "path=s,host=h", NULL, &e), 0);
	assert_int_equal(nbd_name_options(&o, &n, &e), -EINVAL);
	nbd_name_free(&n);
	optset_free(&o);

	assert_int_equal(nbd_name_options(&o, &n, &e), -EINVAL);
	assert_string_equal(e.msg, "NBD server address missing");
	nbd_name_free(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris),
		cmocka_unit_test(older_names),
		cmocka_unit_test(refusals),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
