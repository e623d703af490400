/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

static void every_width_keeps_neighbours_apart(void **state)
{
	for (unsigned order = 0; order <= 6; order++) {
		uint8_t block[64] = { 0 };
		unsigned n = 512 >> order;
		uint64_t max = UINT64_MAX >> (64 - (1u << order));

		for (unsigned i = 0; i < n; i++) {
			qcow2_rb_set(block, order, i, max);
			for (unsigned k = 0; k < n; k++)
				assert_int_equal(qcow2_rb_get(block, order, k),
						 k == i ? max : 0);
			qcow2_rb_set(block, order, i, 0);
		}
		for (unsigned i = 0; i < n; i++)
			qcow2_rb_set(block, order, i, (i * 7 + 3) & max);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(qcow2_rb_get(block, order, i), (i * 7 + 3) & max);
	}
}

static void layout_is_that_of_the_format(void **state)
{
	uint8_t block[16] = { 0 };

	qcow2_rb_set(block, 0, 0, 1); /* lowest bit first */
	assert_int_equal(block[0], 1);
	qcow2_rb_set(block, 1, 5, 2);
	assert_int_equal(block[1], 8);
	qcow2_rb_set(block, 4, 2, 0x1234); /* big endian */
	assert_int_equal(block[4], 0x12);
	assert_int_equal(block[5], 0x34);
}

static void add_changes_whole_runs(void **state)
{
	struct fixture f;
	uint64_t v;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	/* 256 counts in a block: this run crosses into one that does not exist yet */
	assert_int_equal(qcow2_refcount_add(&f.s, 200, 100, 3, NULL), 0);
	for (uint64_t c = 190; c < 310; c++) {
		assert_int_equal(qcow2_refcount_get(&f.s, c, &v, NULL), 0);
		assert_int_equal(v, c >= 200 && c < 300 ? 3 : 0);
	}
	assert_int_equal(qcow2_refcount_add(&f.s, 250, 20, -3, NULL), 0);
	assert_int_equal(qcow2_refcount_get(&f.s, 255, &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(qcow2_refcount_get(&f.s, 270, &v, NULL), 0);
	assert_int_equal(v, 3);
	fixture_close(&f);
}

static void overflow_puts_back_what_was_done(void **state)
{
	for (unsigned order = 0; order <= 6; order++) {
		uint64_t max = UINT64_MAX >> (64 - (1u << order));
		struct fixture f;
		struct err e = { 0 };
		uint64_t v;

		assert_int_equal(fixture_open(&f, 9, order, 4, 4), 0);
		if (order < 6)
			assert_int_equal(qcow2_refcount_add(&f.s, 20, 1, (int64_t)max, NULL),
					 0);
		else
			for (int i = 0; i < 2; i++)
				assert_int_equal(qcow2_refcount_add(&f.s, 20, 1, INT64_MAX,
								    NULL),
						 0);
		assert_int_equal(qcow2_refcount_add(&f.s, 18, 4, order < 6 ? 1 : 2, &e),
				 -ERANGE);
		assert_non_null(strstr(e.msg, "0x14"));
		for (uint64_t c = 18; c < 22; c++) {
			assert_int_equal(qcow2_refcount_get(&f.s, c, &v, NULL), 0);
			if (c == 20)
				assert_true(v == max || v == max - 1);
			else
				assert_int_equal(v, 0);
		}
		fixture_close(&f);
	}
}

static void below_zero_is_damage(void **state)
{
	struct fixture f;
	uint64_t v;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 10, 5, 1, NULL), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 10, 6, -1, NULL), -EUCLEAN);
	assert_int_equal(qcow2_refcount_get(&f.s, 12, &v, NULL), 0);
	assert_int_equal(v, 1);
	/* where there is no block at all */
	assert_int_equal(qcow2_refcount_add(&f.s, 100000, 1, -1, NULL), -EUCLEAN);
	fixture_close(&f);
}

static void unaligned_block_marks_the_image(void **state)
{
	struct fixture f;
	uint64_t v;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.reftable[1] = 0x2a00;
	assert_int_equal(qcow2_refcount_get(&f.s, 2048, &v, NULL), -EIO);
	assert_string_equal(f.warned,
			    "qcow2: Marking image as corrupt: Refblock offset 0x2a00 unaligned "
			    "(reftable index: 0x1); further corruption events will be "
			    "suppressed\n");
	assert_int_equal(load_be64(memblk(f.s.blk.child)->m.p + 72), QCOW2_INCOMPAT_CORRUPT);
	assert_int_equal(qcow2_begin_change(&f.s, NULL), -EIO);
	assert_int_equal(qcow2_refcount_get(&f.s, 2048, &v, NULL), -EIO);
	fixture_close(&f);
}

static void block_beyond_the_file_is_refused(void **state)
{
	struct fixture f;
	uint64_t v;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.reftable[1] = 1ull << 40;
	assert_int_equal(qcow2_refcount_get(&f.s, 2048, &v, NULL), -EUCLEAN);
	assert_int_equal(f.log.n, 0);
	fixture_close(&f);
}

static void freed_later_waits_for_the_flush(void **state)
{
	struct fixture f;
	uint64_t c, d, v;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_alloc(&f.s, 3, &c, NULL, NULL), 0);
	assert_int_equal(qcow2_free_later(&f.s, c * 512, 512, NULL), 0);
	assert_int_equal(qcow2_free_later(&f.s, c * 512 + 512, 1024, NULL), 0);
	assert_int_equal(f.s.frees_n, 1);
	assert_int_equal(qcow2_alloc(&f.s, 1, &d, NULL, NULL), 0);
	assert_int_equal(d, c + 3);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(qcow2_refcount_get(&f.s, c + 2, &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &d, NULL, NULL), 0);
	assert_int_equal(d, c);
	fixture_close(&f);
}

static void two_compressed_runs_in_a_cluster_are_two_uses(void **state)
{
	struct fixture f;
	uint64_t a, b, v;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 1000, &a, NULL), 0);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 1000, &b, NULL), 0);
	assert_int_equal(b, a + 1000);
	assert_int_equal(qcow2_refcount_get(&f.s, a >> 12, &v, NULL), 0);
	assert_int_equal(v, 2);
	assert_int_equal(qcow2_free_later(&f.s, a, 1000, NULL), 0);
	assert_int_equal(qcow2_free_later(&f.s, b, 1000, NULL), 0);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(qcow2_refcount_get(&f.s, a >> 12, &v, NULL), 0);
	assert_int_equal(v, 0);
	/* the cluster is gone: nothing may be packed into it any more */
	assert_int_equal(f.s.comp_off, 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_keeps_neighbours_apart),
		cmocka_unit_test(layout_is_that_of_the_format),
		cmocka_unit_test(add_changes_whole_runs),
		cmocka_unit_test(overflow_puts_back_what_was_done),
		cmocka_unit_test(below_zero_is_damage),
		cmocka_unit_test(unaligned_block_marks_the_image),
		cmocka_unit_test(block_beyond_the_file_is_refused),
		cmocka_unit_test(freed_later_waits_for_the_flush),
		cmocka_unit_test(two_compressed_runs_in_a_cluster_are_two_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
