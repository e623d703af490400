/* SPDX-License-Identifier: MIT */
#include "host/bridge_conf.h"

#include "base/mem.h"
#include "host/bridge.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

/* What the helper says of br0. */
static void answers(void **state)
{
	static const struct {
		const char *text;
		enum bridge_answer want;
		unsigned line; /* of the rule or of the fatal fault */
	} t[] = {
		{ "", BRIDGE_NO_RULE, 0 },
		{ "allow br0\n", BRIDGE_ALLOWED, 1 },
		{ "allow br0", BRIDGE_ALLOWED, 1 },
		{ "\n# c\n  allow   br0  \r\n", BRIDGE_ALLOWED, 3 },
		{ "allow\tbr0\n", BRIDGE_ALLOWED, 1 },
		{ "allow all\n", BRIDGE_ALLOWED, 1 },
		{ "allow all\ndeny br0\n", BRIDGE_DENIED, 2 },
		{ "deny all\nallow br0\n", BRIDGE_DENIED, 1 },
		{ "allow br0\ndeny br1\n", BRIDGE_ALLOWED, 1 },
		{ "allow br\n", BRIDGE_NO_RULE, 0 },
		{ "#allow br0\n", BRIDGE_NO_RULE, 0 },
		/* a comment behind a name is part of the name */
		{ "allow br0 # lan\n", BRIDGE_NO_RULE, 0 },
		{ "allow br0 br1\n", BRIDGE_NO_RULE, 0 },
		/* a blank at the end makes the tab a part of the command */
		{ "allow\tbr0 \n", BRIDGE_REFUSED, 1 },
		{ "allow br0\nallow\n", BRIDGE_REFUSED, 2 },
		{ "allow br0\nAllow br1\n", BRIDGE_REFUSED, 2 },
		{ "allow br0\n;x y\n", BRIDGE_REFUSED, 2 },
		{ "allow \n", BRIDGE_NO_RULE, 0 },
		{ "deny allow br0\n", BRIDGE_NO_RULE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct bridge_rule *rule;
		struct bridge_conf c;

		assert_int_equal(bridge_conf_parse("f", t[i].text, strlen(t[i].text), NULL,
						   NULL, &c, NULL),
				 0);
		assert_int_equal(bridge_conf_ask(&c, "br0", &rule), t[i].want);
		if (t[i].want == BRIDGE_REFUSED) {
			assert_null(rule);
			assert_true(c.lints[c.n_lints - 1].fatal);
			assert_int_equal(c.lints[c.n_lints - 1].line, t[i].line);
		} else {
			assert_int_equal(rule ? rule->line : 0, t[i].line);
		}
		bridge_conf_free(&c);
	}
}

static void names_are_cut(void **state)
{
	static const char text[] = "allow bridge-of-fifteen\nallow a234567890123456\n";
	struct bridge_conf c;

	assert_int_equal(bridge_conf_parse("f", text, strlen(text), NULL, NULL, &c, NULL), 0);
	assert_int_equal(bridge_conf_ask(&c, "bridge-of-fifte", NULL), BRIDGE_ALLOWED);
	assert_int_equal(bridge_conf_ask(&c, "a23456789012345", NULL), BRIDGE_ALLOWED);
	/* such a device cannot exist, and no rule is as long */
	assert_int_equal(bridge_conf_ask(&c, "a234567890123456", NULL), BRIDGE_NO_RULE);
	assert_int_equal(c.n_lints, 2);
	bridge_conf_free(&c);
}

static void long_lines_are_two(void **state)
{
	char *text = NULL;
	struct bridge_conf c;
	size_t len = 4095;

	text = malloc(len + 32);
	assert_non_null(text);
	memset(text, '#', len);
	strcpy(text + len, "allow br0\nbad\n");
	assert_int_equal(bridge_conf_parse("f", text, strlen(text), NULL, NULL, &c, NULL), 0);
	assert_int_equal(c.n_rules, 1);
	assert_int_equal(c.rules[0].line, 1);
	assert_true(c.refused);
	assert_int_equal(c.lints[c.n_lints - 1].line, 2);
	bridge_conf_free(&c);
	free(text);
}

static void included_files(void **state)
{
	const struct bridge_rule *rule;
	struct bridge_conf c;
	struct host *h;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/etc/qemu/bridge.conf",
		  "include /etc/qemu/a.conf\ninclude /none\ninclude rel\n"
		  "include /etc/qemu/b.conf\nallow br2\n");
	tree_file(&t, "/etc/qemu/a.conf", "allow br0\nwrong\nallow br1\n");
	tree_file(&t, "/etc/qemu/b.conf", "include /etc/qemu/bridge.conf\ndeny br3\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(bridge_conf_read(h, NULL, &c, NULL), 0);
	/* a fault in an included file ends that one only */
	assert_false(c.refused);
	assert_int_equal(bridge_conf_ask(&c, "br0", &rule), BRIDGE_ALLOWED);
	assert_string_equal(c.files[rule->file], "/etc/qemu/a.conf");
	assert_int_equal(bridge_conf_ask(&c, "br1", NULL), BRIDGE_NO_RULE);
	assert_int_equal(bridge_conf_ask(&c, "br2", NULL), BRIDGE_ALLOWED);
	assert_int_equal(bridge_conf_ask(&c, "br3", NULL), BRIDGE_DENIED);
	assert_int_equal(c.n_lints, 4);
	bridge_conf_free(&c);
	host_close(h);
	tree_remove(&t);
}

static void allows_without_touching_others(void **state)
{
	static const struct {
		const char *text, *bridge, *want;
		int r;
	} t[] = {
		{ "", "br0", "allow br0\n", 1 },
		{ "# mine\nallow br1\nallow br2 # x", "br0",
		  "# mine\nallow br1\nallow br2 # x\nallow br0\n", 1 },
		{ "allow br1\r\n", "br0", "allow br1\r\nallow br0\r\n", 1 },
		{ "allow br0\n", "br0", NULL, 0 },
		{ "allow all\n", "br0", NULL, 0 },
		{ "deny br0\n", "br0", NULL, -EPERM },
		{ "oops\n", "br0", NULL, -EUCLEAN },
		{ "", "all", NULL, -EINVAL },
		{ "", "a b", NULL, -EINVAL },
		{ "", "", NULL, -EINVAL },
		{ "", "a234567890123456", NULL, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *out = NULL;
		struct err e = { 0 };
		size_t len;

		assert_int_equal(bridge_conf_allow(t[i].text, strlen(t[i].text), t[i].bridge,
						   NULL, NULL, &out, &len, &e),
				 t[i].r);
		if (t[i].want)
			assert_string_equal(out, t[i].want);
		else
			assert_null(out);
		assert_int_equal(e.code, t[i].r < 0 ? t[i].r : 0);
	}
}

static void bridges_and_helper(void **state)
{
	struct bridge_helper helper;
	struct bridges b;
	struct host *h;
	struct tree t;

	tree_make(&t);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(bridges_read(h, &b, NULL), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(bridge_helper_find(h, &helper, NULL), -ENOENT);
	host_close(h);
	tree_file(&t, "/.hostkit-record",
		  "node /usr/libexec/qemu-bridge-helper = f 0 0 04710 0 36\n");
	tree_file(&t, "/sys/class/net/br0/bridge/stp_state", "1\n");
	tree_file(&t, "/sys/class/net/br0/flags", "0x1003\n");
	tree_file(&t, "/sys/class/net/br0/operstate", "up\n");
	tree_dir(&t, "/sys/class/net/br0/brif/eth0");
	tree_dir(&t, "/sys/class/net/br0/brif/tap0");
	tree_file(&t, "/sys/class/net/eth0/flags", "0x1003\n");
	tree_file(&t, "/sys/class/net/br1/bridge/stp_state", "0\n");
	tree_file(&t, "/sys/class/net/br1/flags", "0x1002\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(bridges_read(h, &b, NULL), 0);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.v[0].name, "br0");
	assert_true(b.v[0].up && b.v[0].stp);
	assert_int_equal(b.v[0].n_ports, 2);
	assert_string_equal(b.v[0].ports[1].name, "tap0");
	assert_false(bridges_find(&b, "br1")->up);
	assert_null(bridges_find(&b, "eth0"));
	assert_true(bridge_name_taken(h, "eth0"));
	assert_false(bridge_name_taken(h, "../net"));
	assert_int_equal(bridge_helper_find(h, &helper, NULL), 0);
	assert_true(helper.suid);
	bridges_free(&b);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(names_are_cut),
		cmocka_unit_test(long_lines_are_two),
		cmocka_unit_test(included_files),
		cmocka_unit_test(allows_without_touching_others),
		cmocka_unit_test(bridges_and_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
