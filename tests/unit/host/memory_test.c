/* SPDX-License-Identifier: MIT */
/* Memory and nodes, and the lists of numbers they are told in. */
#include "host/memory.h"

#include "tests/unit/host/fixture.h"

static int list(const char *text, struct cpulist *l)
{
	return cpulist_parse(text, strlen(text), l, NULL);
}

static void lists_of_processors(void **state)
{
	static const char *const bad[] = { ",",   "1,", ",1",  "1-",    "-1",
					   "2-1", "a",  "1 2", "1-2-3", "99999999" };
	struct cpulist l, m;

	assert_int_equal(list("0-3,8,10-11\n", &l), 0);
	assert_true(l.n == 3 && cpulist_count(&l) == 7);
	assert_true(cpulist_has(&l, 0) && cpulist_has(&l, 3) && cpulist_has(&l, 8));
	assert_false(cpulist_has(&l, 4) || cpulist_has(&l, 12));
	assert_int_equal(list("", &l), 0);
	assert_true(l.n == 0 && cpulist_count(&l) == 0);
	/* as people write them */
	assert_int_equal(list("5,0-1,2,4,1-3,9", &l), 0);
	assert_true(l.n == 2 && l.v[0].first == 0 && l.v[0].last == 5 && l.v[1].first == 9);
	assert_int_equal(list("2-4,9", &m), 0);
	assert_true(cpulist_within(&m, &l));
	assert_false(cpulist_within(&l, &m));
	assert_int_equal(list("4-6", &m), 0);
	assert_false(cpulist_within(&m, &l));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(list(bad[i], &l), -EINVAL);
}

static void a_list_of_too_many(void **state)
{
	char text[1024] = "";
	struct cpulist l;

	for (int i = 0; i < CPULIST_MAX; i++)
		snprintf(text + strlen(text), 8, "%d,", 2 * i);
	strcat(text, "0");
	assert_int_equal(list(text, &l), 0);
	assert_int_equal(l.n, CPULIST_MAX);
	strcat(text, ",900");
	assert_int_equal(list(text, &l), -E2BIG);
}

static void meminfo(void **state)
{
	static const char text[] = "MemTotal:       16318480 kB\nMemFree:         1000 kB\n"
				   "MemAvailable:    2000 kB\nSwapTotal:       3000 kB\n"
				   "SwapFree:        2500 kB\nHugePages_Total:       7\n"
				   "Hugepagesize:       2048 kB\nHugetlb:           14336 kB\n";
	struct memory m;

	assert_int_equal(memory_parse(text, sizeof(text) - 1, &m, NULL), 0);
	assert_true(m.total == 16318480ull << 10 && m.free == 1000 << 10);
	assert_true(m.available == 2000 << 10 && m.swap_total == 3000 << 10);
	assert_true(m.swap_free == 2500 << 10 && m.huge_default == 2u << 20);
	assert_int_equal(m.hugetlb, 14336 << 10);
	assert_int_equal(memory_parse("MemTotal: 5 kB\nMemFree: 3 kB\n", 29, &m, NULL), 0);
	assert_int_equal(m.available, 3 << 10);
	assert_int_equal(memory_parse("MemFree: 3 kB\n", 14, &m, NULL), -EINVAL);
	assert_int_equal(memory_parse("MemTotal: 99999999999999999999 kB", 33, &m, NULL),
			 -EINVAL);
}

static void two_nodes(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	AUTO_NODES struct memory_nodes n = { 0 };

	tree_file(t, "/sys/devices/system/node/online", "0,2\n");
	tree_file(t, "/sys/devices/system/node/node0/meminfo",
		  "Node 0 MemTotal:  1000 kB\nNode 0 MemFree:  10 kB\n");
	tree_file(t, "/sys/devices/system/node/node0/cpulist", "0-1\n");
	tree_file(t, "/sys/devices/system/node/node2/meminfo",
		  "Node 2 MemTotal:  2000 kB\nNode 2 MemFree:  20 kB\n");
	tree_file(t, "/sys/devices/system/node/node2/cpulist", "\n");
	assert_int_equal(memory_nodes_read(h, &n, NULL), 0);
	assert_int_equal(n.n, 2);
	assert_true(n.v[0].id == 0 && n.v[0].total == 1000 << 10 && n.v[0].free == 10 << 10);
	assert_int_equal(cpulist_count(&n.v[0].cpus), 2);
	assert_true(n.v[1].id == 2 && n.v[1].total == 2000 << 10 && n.v[1].cpus.n == 0);
	memory_nodes_free(&n);
	tree_file(t, "/sys/devices/system/node/online", "0-9999\n");
	assert_int_equal(memory_nodes_read(h, &n, NULL), -EINVAL);
	tree_file(t, "/sys/devices/system/node/online", "0-1\n");
	assert_int_equal(memory_nodes_read(h, &n, NULL), -ENOENT);
	assert_int_equal(n.n, 0);
}

static void a_kernel_without_nodes(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	AUTO_NODES struct memory_nodes n = { 0 };
	struct err e = { 0 };
	struct memory m;

	tree_file(t, "/proc/meminfo", "MemTotal: 4000 kB\nMemFree: 30 kB\n");
	tree_file(t, "/proc/sys/vm/min_free_kbytes", "64\n");
	tree_file(t, "/sys/devices/system/cpu/online", "0-3\n");
	assert_int_equal(memory_nodes_read(h, &n, &e), 0);
	assert_true(n.n == 1 && n.v[0].total == 4000 << 10);
	assert_int_equal(cpulist_count(&n.v[0].cpus), 4);
	assert_int_equal(e.code, 0);
	assert_int_equal(memory_read(h, &m, NULL), 0);
	assert_int_equal(m.min_free, 64 << 10);
}

static void swaps(void **state)
{
	static const char text[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
				   "/swap\\040file   file  1024  512 -2\n"
				   "/dev/zram0  partition  2048  0 100\n";
	struct memory_swaps s;

	assert_int_equal(memory_swaps_parse(text, sizeof(text) - 1, &s), 0);
	assert_int_equal(s.n, 2);
	assert_true(s.v[0].is_file && !s.v[0].zram && s.v[0].size == 1 << 20);
	assert_true(s.v[0].used == 512 << 10 && s.v[1].zram && !s.v[1].is_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_processors),
		cmocka_unit_test(a_list_of_too_many),
		cmocka_unit_test(meminfo),
		in_tree(two_nodes),
		in_tree(a_kernel_without_nodes),
		cmocka_unit_test(swaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
