/* SPDX-License-Identifier: MIT */
#include "host/sysctl_conf.h"

#include "base/mem.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void keys(void **state)
{
	static const char *const t[][2] = {
		{ "vm.nr_hugepages", "vm/nr_hugepages" },
		{ "vm/nr_hugepages", "vm/nr_hugepages" },
		{ "net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter" },
		{ "net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter" },
		{ "plain", "plain" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *path = sysctl_path(t[i][0], NULL);

		assert_string_equal(path, t[i][1]);
	}
}

static void lines(void **state)
{
	static const char text[] = "# c\n; c\n vm.swappiness = 10 # kept\n-kernel.x=1\n-net.a\n"
				   "vm/swappiness=20\r\nnonsense\n= 3\nempty =\n";
	struct sysctl_conf c = { 0 };

	assert_int_equal(sysctl_conf_parse(&c, "f", text, strlen(text), NULL), 0);
	assert_int_equal(c.n, 5);
	/* what is behind the value belongs to it */
	assert_string_equal(c.v[0].value, "10 # kept");
	assert_false(c.v[0].final);
	assert_true(c.v[1].ignore_errors && !c.v[1].exclude);
	assert_true(c.v[2].exclude && !c.v[2].final);
	assert_string_equal(c.v[3].value, "20");
	assert_true(c.v[3].final);
	assert_string_equal(c.v[4].value, "");
	assert_int_equal(c.n_faults, 2);
	assert_int_equal(c.faults[0].line, 7);
	assert_int_equal(c.faults[1].line, 8);
	assert_int_equal(sysctl_conf_find(&c, "vm.swappiness")->line, 6);
	assert_null(sysctl_conf_find(&c, "vm.swap"));
	sysctl_conf_free(&c);
}

static void wildcards(void **state)
{
	static const char text[] = "net.ipv4.conf.*.rp_filter = 2\n"
				   "net.ipv4.conf.eth0.rp_filter = 0\n"
				   "-net.ipv4.conf.lo.rp_filter\n"
				   "net.ipv4.conf.*.rp_filter = 1\n";
	struct sysctl_conf c = { 0 };

	assert_int_equal(sysctl_conf_parse(&c, "f", text, strlen(text), NULL), 0);
	assert_string_equal(sysctl_conf_find(&c, "net.ipv4.conf.eth1.rp_filter")->value, "1");
	/* who is named is not one of the others */
	assert_string_equal(sysctl_conf_find(&c, "net.ipv4.conf.eth0.rp_filter")->value, "0");
	assert_null(sysctl_conf_find(&c, "net.ipv4.conf.lo.rp_filter"));
	assert_null(sysctl_conf_find(&c, "net.ipv4.conf.a.b.rp_filter"));
	sysctl_conf_free(&c);
}

static void values(void **state)
{
	assert_true(sysctl_same_value("4096\t131072  6291456\n", "4096 131072 6291456"));
	assert_true(sysctl_same_value("", " \n"));
	assert_false(sysctl_same_value("10", "1 0"));
	assert_false(sysctl_same_value("1", "10"));
	assert_false(sysctl_same_value("10", "1"));
}

static void files_of_a_host(void **state)
{
	struct sysctl_conf c;
	struct host *h;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/usr/lib/sysctl.d/50-a.conf", "vm.swappiness = 1\n");
	tree_file(&t, "/etc/sysctl.d/50-a.conf", "vm.swappiness = 2\n");
	tree_file(&t, "/usr/lib/sysctl.d/60-b.conf", "vm.swappiness = 3\n");
	tree_file(&t, "/etc/sysctl.d/10-c.conf", "vm.swappiness = 4\n");
	tree_link(&t, "/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(sysctl_conf_read(h, &c, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(sysctl_conf_find(&c, "vm.swappiness")->value, "3");
	sysctl_conf_free(&c);
	tree_file(&t, "/etc/sysctl.conf", "vm.swappiness = 5\n");
	assert_int_equal(sysctl_conf_read(h, &c, NULL), 0);
	assert_string_equal(sysctl_conf_find(&c, "vm.swappiness")->value, "5");
	assert_string_equal(sysctl_conf_find(&c, "vm.swappiness")->file, "/etc/sysctl.conf");
	sysctl_conf_free(&c);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(lines),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(values),
		cmocka_unit_test(files_of_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
