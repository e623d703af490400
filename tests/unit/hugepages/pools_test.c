/* SPDX-License-Identifier: MIT */
#include "hugepages/pools.h"

#include "tests/unit/hugepages/tree.h"

static void pools_by_size_and_node(void **state)
{
	struct world *w = *state;
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	const struct hugepool *v;

	world_record(&w->t, 2);
	world_pools(&w->t, -1, 1048576, 2, 2, 0, 0);
	world_pools(&w->t, -1, 2048, 100, 40, 15, 4);
	for (int i = 0; i < 2; i++) {
		world_pools(&w->t, i, 2048, 50, 20, 0, 2);
		world_pools(&w->t, i, 1048576, 1, 1, 0, 0);
	}
	tree_dir(&w->t, "/sys/kernel/mm/hugepages/hugepages-3kB");
	tree_dir(&w->t, "/sys/kernel/mm/hugepages/other");
	world_open(w);
	assert_int_equal(hugepools_read(w->h, &p, NULL), 0);
	assert_int_equal(p.n, 6);
	assert_int_equal(p.default_page, 2 * MIB);
	assert_int_equal(p.n_nodes, 2);
	assert_int_equal(p.v[0].page, 2 * MIB);
	assert_int_equal(p.v[0].node, HUGEPOOL_ALL);
	assert_int_equal(p.v[1].node, 0);
	v = hugepools_find(&p, 2 * MIB, HUGEPOOL_ALL);
	assert_int_equal(v->nr, 100);
	assert_int_equal(v->surplus, 4);
	/* 60 are out, 15 promised */
	assert_int_equal(hugepool_used(v), 75);
	assert_int_equal(hugepool_available(v), 25);
	assert_int_equal(hugepools_find(&p, GIB, 1)->nr, 1);
	assert_null(hugepools_find(&p, GIB, 2));
	assert_int_equal(hugepools_bytes(&p, HUGEPOOL_ALL, 0), 2 * GIB + 200 * MIB);
	assert_int_equal(hugepools_bytes(&p, HUGEPOOL_ALL, 2 * MIB), 2 * GIB);
	assert_int_equal(hugepools_bytes(&p, 1, GIB), 100 * MIB);
}

static void hosts_without(void **state)
{
	struct world *w = *state;
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	struct err e = { 0 };

	tree_dir(&w->t, "/etc");
	world_open(w);
	assert_int_equal(hugepools_read(w->h, &p, &e), -ENOTSUP);
	host_close(w->h);
	world_record(&w->t, 0);
	world_open(w);
	assert_int_equal(hugepools_read(w->h, &p, NULL), 0);
	assert_int_equal(p.n, 0);
	assert_int_equal(p.default_page, 0);
}

static void broken_pools(void **state)
{
	struct world *w = *state;
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	struct err e = { 0 };

	world_record(&w->t, 0);
	tree_file(&w->t, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "many\n");
	world_open(w);
	assert_int_equal(hugepools_read(w->h, &p, &e), -EINVAL);
	assert_true(strstr(e.msg, "many") != NULL);
	/* numbers that cannot be */
	tree_file(&w->t, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
		  "18446744073709551615\n");
	world_pool(&w->t, -1, 2048, "resv_hugepages", 7);
	assert_int_equal(hugepools_read(w->h, &p, NULL), 0);
	assert_int_equal(hugepools_bytes(&p, HUGEPOOL_ALL, 0), UINT64_MAX);
	assert_int_equal(hugepool_used(&p.v[0]), UINT64_MAX);
	assert_int_equal(hugepool_available(&p.v[0]), 0);
}

static void sizes_as_text(void **state)
{
	static const struct {
		const char *text;
		uint64_t page; /* 0: none */
		const char *again;
	} table[] = {
		{ "2M", 2 * MIB, "2M" },
		{ "2048k", 2 * MIB, "2M" },
		{ "2097152", 2 * MIB, "2M" },
		{ "1G", GIB, "1G" },
		{ "1024m", GIB, "1G" },
		{ "64K", 65536, "64K" },
		{ "1T", 1024 * GIB, "1T" },
		{ "2048", 0, NULL },
		{ "3M", 0, NULL },
		{ "2MB", 0, NULL },
		{ "2048kk", 0, NULL },
		{ "", 0, NULL },
		{ "M", 0, NULL },
		{ "-2M", 0, NULL },
		{ "0", 0, NULL },
		{ "99999999999T", 0, NULL },
		{ "99999999999999999999999", 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint64_t page = 0;
		char text[HUGEPAGE_TEXT];
		int r = hugepage_parse(table[i].text, &page, NULL);

		if ((r == 0) != (table[i].page != 0) || page != table[i].page)
			fail_msg("'%s': %d", table[i].text, r);
		if (page)
			assert_string_equal(hugepage_text(page, text), table[i].again);
	}
}

static void setting_a_pool(void **state)
{
	struct world *w = *state;
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	struct err e = { 0 };
	uint64_t got = 0;

	world_record(&w->t, 0);
	world_pools(&w->t, -1, 2048, 10, 6, 2, 0);
	world_open(w);
	assert_int_equal(hugepool_set(w->h, 2 * MIB, HUGEPOOL_ALL, 1500, 0, NULL, &got, NULL),
			 0);
	assert_int_equal(got, 1500);
	assert_int_equal(hugepools_read(w->h, &p, NULL), 0);
	assert_int_equal(p.v[0].nr, 1500);
	/* 1494 are out in this record, whose kernel does not run */
	assert_int_equal(hugepool_set(w->h, 2 * MIB, HUGEPOOL_ALL, 1495, 0, NULL, &got, &e),
			 -EBUSY);
	assert_true(strstr(e.msg, "1496 of the 1500") != NULL);
	assert_int_equal(hugepool_set(w->h, GIB, HUGEPOOL_ALL, 1, 0, NULL, &got, &e), -ENODEV);
	assert_int_equal(hugepool_set(w->h, 2 * MIB, 3, 1, 0, NULL, &got, &e), -ENODEV);
	/* the kernel would try */
	assert_int_equal(hugepool_set(w->h, 2 * MIB, HUGEPOOL_ALL, 8192, 0, NULL, &got, &e),
			 -EINVAL);
	assert_int_equal(hugepool_set(w->h, 2 * MIB, HUGEPOOL_ALL, UINT64_MAX, 0, NULL, &got,
				      &e),
			 -EINVAL);
}

static void setting_one_of_a_node(void **state)
{
	struct world *w = *state;
	AUTO_HUGEPOOLS struct hugepools p = { 0 };
	uint64_t got = 0;

	world_record(&w->t, 2);
	world_pools(&w->t, -1, 2048, 0, 0, 0, 0);
	world_pools(&w->t, 0, 2048, 0, 0, 0, 0);
	world_pools(&w->t, 1, 2048, 0, 0, 0, 0);
	world_open(w);
	assert_int_equal(hugepool_set(w->h, 2 * MIB, 1, 64, 0, NULL, &got, NULL), 0);
	assert_int_equal(hugepools_read(w->h, &p, NULL), 0);
	assert_int_equal(hugepools_find(&p, 2 * MIB, 1)->nr, 64);
	assert_int_equal(hugepools_find(&p, 2 * MIB, 0)->nr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(pools_by_size_and_node), world_test(hosts_without),
		world_test(broken_pools),           cmocka_unit_test(sizes_as_text),
		world_test(setting_a_pool),         world_test(setting_one_of_a_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
