/* SPDX-License-Identifier: MIT */
#include "tune/mdev.h"

#include "tests/unit/unit.h"
#include "tune/ifupdown.h"

#include <stdlib.h>
#include <string.h>

#define RULE "vhost-net\troot:kvm 0660\n"

static void before_what_decides(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", RULE },
		{ "kvm root:kvm 660\n", "kvm root:kvm 660\n" RULE },
		{ "kvm root:kvm 660", "kvm root:kvm 660\n" RULE },
		{ "kvm root:kvm 660\n.* root:root 0600\n",
		  "kvm root:kvm 660\n" RULE ".* root:root 0600\n" },
		/* says it already, in its own way */
		{ "(vhost-net|vsock)\troot:kvm 660 @x\n.* root:root 0600\n", NULL },
		{ "vhost-net root:root 0600\n", RULE "vhost-net root:root 0600\n" },
		/* only a part of the name, and one that lets the reading go on */
		{ "vhost root:kvm 660\n-vhost-net a:b 1\n#vhost-net root:kvm 0660\n",
		  "vhost root:kvm 660\n-vhost-net a:b 1\n#vhost-net root:kvm 0660\n" RULE },
	};
	static const struct mdev_rule rule = { "vhost-net", "root:kvm", "0660" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = { 0 };
		char *out = NULL;
		size_t len;
		int r = mdev_set(rows[i].text, strlen(rows[i].text), &rule, &out, &len, &e);

		assert_int_equal(r, rows[i].want != NULL);
		if (rows[i].want)
			assert_string_equal(out, rows[i].want);
		free(out);
	}
}

static bool sources(const char *text)
{
	return ifupdown_sources(text, strlen(text), "/etc/network/interfaces.d");
}

static void interfaces(void **state)
{
	static const char text[] =
		"auto br0 br01\n#iface br1 inet dhcp\n  iface br0 inet dhcp\n";

	(void)state;
	assert_true(ifupdown_has(text, strlen(text), "br0"));
	assert_false(ifupdown_has(text, strlen(text), "br01"));
	assert_false(ifupdown_has(text, strlen(text), "br1"));
	assert_true(sources("x\nsource /etc/network/interfaces.d/*\n"));
	assert_true(sources("source-directory /etc/network/interfaces.d"));
	assert_false(sources("source /etc/network/interfaces.d/eth0\n"));
	assert_false(sources("#source /etc/network/interfaces.d/*\n"));
	assert_false(sources("source-directory /etc/network/interfaces.d2\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_what_decides),
		cmocka_unit_test(interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
