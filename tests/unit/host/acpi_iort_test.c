/* SPDX-License-Identifier: MIT */
#include "host/acpi_iort.h"

#include "tests/lib/acpi.h"
#include "tests/unit/unit.h"

static void node(struct table *t, unsigned type, unsigned length, unsigned maps, unsigned at)
{
	put(t, type, 1), put(t, length, 2), put(t, 3, 1), put(t, 40 + type, 4);
	put(t, maps, 4), put(t, at, 4);
}

static void map(struct table *t, unsigned in, unsigned count, unsigned out, unsigned to)
{
	put(t, in, 4), put(t, count - 1, 4), put(t, out, 4), put(t, to, 4), put(t, 0, 4);
}

/* As QEMU's virt machine with iommu=smmuv3, and a range of memory that stays mapped. */
static void full(struct table *t, unsigned smmu_to)
{
	table_begin(t, "IORT");
	put(t, 5, 4), put(t, 48, 4), put(t, 0, 4);
	/* 48: ITS group */
	node(t, IORT_ITS, 24, 0, 0);
	put(t, 1, 4), put(t, 0, 4);
	/* 72: SMMUv3 */
	node(t, IORT_SMMU_V3, 68 + 20, 1, 68);
	put(t, 0x9050000, 8), put(t, 1, 4), put(t, 0, 4), put(t, 0, 8), put(t, 0, 4);
	put(t, 0, 4 * 4), put(t, 0, 8);
	map(t, 0, 0x10000, 0, smmu_to);
	/* 160: root complex */
	node(t, IORT_ROOT_COMPLEX, 36 + 40, 2, 36);
	put(t, 1, 8), put(t, 1, 4), put(t, 2, 4), put(t, 64, 4);
	map(t, 0, 0x1000, 0, 72);
	map(t, 0x1000, 0xf000, 0x1000, 48);
	/* 236: memory to stay mapped */
	node(t, IORT_RMR, 28 + 40, 1, 28);
	put(t, 1, 4), put(t, 1, 4), put(t, 48, 4);
	map(t, 0, 1, 0x100, 72);
	put(t, 0x8000000, 8), put(t, 0x10000, 8), put(t, 0, 4);
	/* 304: SMMU version 2 */
	node(t, IORT_SMMU, 76, 0, 0);
	put(t, 0x2b400000, 8), put(t, 0x10000, 8), put(t, 3, 4), put(t, 2, 4), put(t, 0, 36);
	table_end(t);
}

static void all_kinds(void **state)
{
	struct table t;
	struct iort v;

	full(&t, 48);
	assert_int_equal(iort_parse(t.b, t.len, &v, NULL), 0);
	assert_true(v.sum_ok);
	assert_int_equal(v.n, 5);
	assert_int_equal(iort_count(&v, IORT_SMMU_V3), 1);
	assert_int_equal(iort_count(&v, IORT_NAMED), 0);
	assert_int_equal(v.nodes[0].its, 1);
	assert_int_equal(v.nodes[1].base, 0x9050000);
	assert_int_equal(v.nodes[1].flags, 1);
	assert_int_equal(v.nodes[1].id, 44);
	assert_int_equal(v.nodes[1].n_maps, 1);
	assert_int_equal(v.nodes[1].maps[0].count, 0x10000);
	assert_int_equal(v.nodes[1].maps[0].node, 0);
	assert_int_equal(v.nodes[2].segment, 2);
	assert_int_equal(v.nodes[2].maps[0].node, 1);
	assert_int_equal(v.nodes[2].maps[1].out, 0x1000);
	assert_int_equal(v.nodes[3].n_rmrs, 1);
	assert_int_equal(v.nodes[3].rmrs[0].base, 0x8000000);
	assert_int_equal(v.nodes[3].rmrs[0].length, 0x10000);
	assert_int_equal(v.nodes[4].base, 0x2b400000);
	assert_int_equal(v.nodes[4].model, 3);
	iort_free(&v);
	table_cut_everywhere(&t, iort_parse, struct iort, iort_free);
}

static void places_that_lie(void **state)
{
	static const unsigned to[] = { 0, 49, 0x7fffffff };
	struct table t;
	struct iort v;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		full(&t, to[i]);
		assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
		assert_non_null(strstr(e.msg, "where no node is"));
	}
	/* more nodes than there are, lists that do not fit their node */
	full(&t, 48);
	t.b[36] = 6;
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	full(&t, 48);
	memset(t.b + 40, 0xff, 4);
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	full(&t, 48);
	memset(t.b + 72 + 8, 0xff, 4);
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	full(&t, 48);
	memset(t.b + 72 + 12, 0xff, 4);
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	full(&t, 48);
	t.b[236 + 20] = 2;
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	full(&t, 48);
	t.b[48 + 16] = 2;
	assert_int_equal(iort_parse(t.b, t.len, &v, &e), -EUCLEAN);
	assert_non_null(strstr(e.msg, "2 ITSs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(places_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
