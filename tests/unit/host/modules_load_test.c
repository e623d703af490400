/* SPDX-License-Identifier: MIT */
#include "host/modules_load.h"

#include "base/mem.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void whole_first_words(void **state)
{
	static const char text[] = "# tun\n; vhost\nip_tunnel\n\ttun\tnumqueues=4  x # c\n"
				   "vhost-net\r\ntun\nvhost_net";
	struct modules_load m = { 0 };

	assert_int_equal(modules_load_parse(&m, "f", text, strlen(text), NULL), 0);
	assert_int_equal(m.n, 5);
	assert_string_equal(m.v[0].name, "ip_tunnel");
	assert_string_equal(m.v[1].name, "tun");
	assert_string_equal(m.v[1].args, "numqueues=4  x");
	assert_int_equal(m.v[1].line, 4);
	assert_false(m.v[1].again);
	assert_string_equal(m.v[2].name, "vhost-net");
	assert_true(m.v[3].again);
	assert_true(m.v[4].again);
	assert_int_equal(modules_load_find(&m, "vhost_net")->line, 5);
	assert_null(modules_load_find(&m, "vhost"));
	modules_load_free(&m);
}

static void openrc_variables(void **state)
{
	static const char text[] = "# modules=\"no\"\n"
				   "modules=\"tun\n  vhost_net\"\n"
				   "modules_6_1='kvm'\n"
				   "module_tun_args=\"x=1\"\n"
				   "modules=\"$modules loop\" # more\n"
				   "modules_x=\"no\"\n"
				   "modules=nbd rest\n"
				   "modules=\"open";
	static const struct {
		const char *name;
		unsigned line;
	} want[] = { { "tun", 2 },  { "vhost_net", 3 }, { "kvm", 4 },
		     { "loop", 6 }, { "nbd", 8 },       { "open", 9 } };
	struct modules_load m = { 0 };

	assert_int_equal(modules_load_parse_confd(&m, "f", text, strlen(text), NULL), 0);
	assert_int_equal(m.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < m.n; i++) {
		assert_string_equal(m.v[i].name, want[i].name);
		assert_int_equal(m.v[i].line, want[i].line);
	}
	modules_load_free(&m);
}

static void all_lists_of_a_host(void **state)
{
	struct modules_load m;
	struct host *h;
	struct tree t;

	tree_make(&t);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(modules_load_read(h, &m, NULL), 0);
	assert_int_equal(m.n, 0);
	tree_file(&t, "/etc/modules", "tun\n");
	tree_link(&t, "/etc/modules-load.d/modules.conf", "../modules");
	tree_file(&t, "/etc/modules-load.d/kvm.conf", "kvm\n");
	tree_file(&t, "/usr/lib/modules-load.d/kvm.conf", "masked\n");
	tree_file(&t, "/lib/modules-load.d/libvirt.conf", "tun\n");
	tree_file(&t, "/etc/conf.d/modules", "modules=\"nbd\"\n");
	assert_int_equal(modules_load_read(h, &m, NULL), 0);
	assert_int_equal(m.n, 4);
	assert_string_equal(m.v[1].name, "kvm");
	assert_string_equal(m.v[2].file, "/lib/modules-load.d/libvirt.conf");
	assert_true(m.v[2].again);
	assert_string_equal(m.v[3].name, "nbd");
	modules_load_free(&m);
	host_close(h);
	tree_remove(&t);
}

static void adds_and_removes(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "", "vhost_net\n" },
		{ "#vhost_net\nip_tunnel", "#vhost_net\nip_tunnel\nvhost_net\n" },
		{ "tun\r\n", "tun\r\nvhost_net\r\n" },
		{ "vhost-net # here\n", NULL },
		{ "x\nvhost_net arg", NULL },
	};
	AUTO_FREE char *out = NULL;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *new = NULL;

		assert_int_equal(modules_load_add(t[i].text, strlen(t[i].text), "vhost_net",
						  &new, &len, NULL),
				 t[i].want != NULL);
		if (t[i].want)
			assert_string_equal(new, t[i].want);
		else
			assert_null(new);
	}
	assert_int_equal(modules_load_add("", 0, "a b", &out, &len, NULL), -EINVAL);
	assert_int_equal(modules_load_add("", 0, "", &out, &len, NULL), -EINVAL);
	assert_int_equal(modules_load_remove("a\ntun\n#tun\ntun x", 15, "tun", &out, &len,
					     NULL),
			 1);
	assert_string_equal(out, "a\n#tun\n");
	mem_freep(&out);
	assert_int_equal(modules_load_remove("ip_tunnel\n", 10, "tun", &out, &len, NULL), 0);
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_first_words),
		cmocka_unit_test(openrc_variables),
		cmocka_unit_test(all_lists_of_a_host),
		cmocka_unit_test(adds_and_removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
