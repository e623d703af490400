/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

static uint64_t refcount(struct fixture *f, uint64_t cluster)
{
	uint64_t v = UINT64_MAX;

	assert_int_equal(qcow2_refcount_get(&f->s, cluster, &v, NULL), 0);
	return v;
}

static void first_fit_uses_holes(void **state)
{
	struct fixture f;
	uint64_t c, got;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_alloc(&f.s, 10, &c, NULL, NULL), 0);
	assert_int_equal(c, 4);
	assert_int_equal(qcow2_free(&f.s, 6 * 512, 2 * 512, NULL), 0);
	/* fewer are fine: the hole */
	assert_int_equal(qcow2_alloc(&f.s, 5, &c, &got, NULL), 0);
	assert_int_equal(c, 6);
	assert_int_equal(got, 2);
	assert_int_equal(qcow2_free(&f.s, 6 * 512, 2 * 512, NULL), 0);
	/* fewer are not: behind it */
	assert_int_equal(qcow2_alloc(&f.s, 5, &c, NULL, NULL), 0);
	assert_int_equal(c, 14);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), 0);
	assert_int_equal(c, 6);
	fixture_close(&f);
}

static void scan_finds_the_hole_at_every_width(void **state)
{
	for (unsigned order = 0; order <= 6; order++) {
		for (uint64_t hole = 4; hole < 118; hole += 3) {
			struct fixture f;
			uint64_t c;

			assert_int_equal(fixture_open(&f, 10, order, 4, 4), 0);
			assert_int_equal(qcow2_refcount_add(&f.s, 4, hole - 4, 1, NULL), 0);
			assert_int_equal(qcow2_refcount_add(&f.s, hole + 1, 8, 1, NULL), 0);
			f.s.alloc_hint = 0;
			assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), 0);
			assert_int_equal(c, hole);
			fixture_close(&f);
		}
	}
}

static void full_block_gets_one_that_counts_itself(void **state)
{
	struct fixture f;
	uint64_t c;

	/* 256 counts in a block of 512 bytes */
	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 4, 252, 1, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), 0);
	assert_int_equal(f.s.reftable[1], 256 * 512);
	assert_int_equal(c, 257);
	assert_int_equal(refcount(&f, 256), 1);
	assert_int_equal(refcount(&f, 257), 1);
	assert_int_equal(refcount(&f, 258), 0);
	/* the block is on its place and stable before the table names it */
	f.log.n = 0;
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);

	char story[64];

	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W2 W256 S W1 S");
	fixture_close(&f);
}

/* Follows an image of 512-byte clusters until its table was moved several times, and
 * judges what is in the file: each used cluster counted once, no other counted. */
static void table_grows_as_far_as_needed(void **state)
{
	for (unsigned order = 0; order <= 6; order += 2) {
		struct fixture f;
		uint64_t total = 0, c, got, last = 0;
		unsigned grown = 0;

		assert_int_equal(fixture_open(&f, 9, order, 4, 4), 0);
		while (grown < 3) {
			uint32_t before = f.s.h.reftable_clusters;

			assert_int_equal(qcow2_alloc(&f.s, 1 + total % 50, &c, &got, NULL), 0);
			total += got;
			assert_true(got >= 1);
			last = c + got > last ? c + got : last;
			grown += f.s.h.reftable_clusters > before;
		}
		assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
		assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
		assert_int_equal(f.s.h.reftable_offset,
				 load_be64(memblk(f.s.blk.child)->m.p + 48));

		uint64_t counted = 0, blocks = 0;

		for (uint64_t i = 0; i < last + 5000; i++) {
			uint64_t v = fixture_file_refcount(&f, i);

			assert_true(v <= 1);
			counted += v;
		}
		for (uint32_t i = 0; i < f.s.reftable_entries; i++) {
			if (!f.s.reftable[i])
				continue;
			blocks++;
			assert_int_equal(fixture_file_refcount(&f, f.s.reftable[i] / 512), 1);
		}
		/* header and L1 table, the blocks, the table, and what was handed out */
		assert_int_equal(counted, 2 + blocks + f.s.h.reftable_clusters + total);
		fixture_close(&f);
	}
}

static void a_long_run_crosses_blocks(void **state)
{
	struct fixture f;
	uint64_t c;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_alloc(&f.s, 3000, &c, NULL, NULL), 0);
	for (uint64_t i = 0; i < 3000; i++) {
		assert_int_equal(refcount(&f, c + i), 1);
		assert_int_equal(qcow2_region_kinds(&f.s, (c + i) * 512), 0);
	}
	fixture_close(&f);
}

static void at_a_chosen_place(void **state)
{
	struct fixture f;
	uint64_t got;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 30, 1, 1, NULL), 0);
	assert_int_equal(qcow2_alloc_at(&f.s, 20, 16, &got, NULL), 0);
	assert_int_equal(got, 10);
	assert_int_equal(qcow2_alloc_at(&f.s, 20, 1, &got, NULL), 0);
	assert_int_equal(got, 0);
	assert_int_equal(refcount(&f, 29), 1);
	assert_int_equal(qcow2_alloc_at(&f.s, UINT64_MAX >> 8, 1, &got, NULL), 0);
	assert_int_equal(got, 0);
	fixture_close(&f);
}

static void metadata_is_never_handed_out(void **state)
{
	struct fixture f;
	uint64_t c;

	/* the refcounts claim that the L1 table's cluster is free */
	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 3, 1, -1, NULL), 0);
	assert_int_equal(qcow2_region_add(&f.s, 3 << 12, 4096, QCOW2_R_L1, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), -EIO);
	assert_string_equal(
		f.warned,
		"qcow2: Marking image as corrupt: Preventing invalid write on metadata "
		"(overlaps with active L1 table); further corruption events will be "
		"suppressed\n");
	assert_true(f.s.broken);
	fixture_close(&f);

	/* the refcount block itself: it stays protected though its count fell to 0 */
	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	assert_int_equal(qcow2_refcount_add(&f.s, 2, 1, -1, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), -EIO);
	assert_non_null(strstr(f.warned, "refcount block"));
	fixture_close(&f);

	/* the header, even when nothing is checked */
	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.overlap_kinds = 0;
	assert_int_equal(qcow2_refcount_add(&f.s, 0, 1, -1, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), -EIO);
	assert_non_null(strstr(f.warned, "at offset 0"));
	fixture_close(&f);
}

static void devices_do_not_grow(void **state)
{
	struct fixture f;
	uint64_t c;

	assert_int_equal(fixture_open(&f, 9, 4, 4, 4), 0);
	membytes_size(&memblk(f.s.blk.child)->m, 16 * 512);
	f.s.blk.child->size = 16 * 512;
	f.s.blk.child->fixed = true;
	assert_int_equal(qcow2_alloc(&f.s, 12, &c, NULL, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), -ENOSPC);
	assert_int_equal(refcount(&f, 16), 0);
	fixture_close(&f);
}

static void compressed_runs_go_on_in_the_next_cluster(void **state)
{
	struct fixture f;
	uint64_t a, b, c, d;

	assert_int_equal(fixture_open(&f, 12, 1, 4, 4), 0);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 3000, &a, NULL), 0);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 3000, &b, NULL), 0);
	assert_int_equal(b, a + 3000);
	assert_int_equal(refcount(&f, a >> 12), 2);
	assert_int_equal(refcount(&f, (a >> 12) + 1), 1);
	/* something else takes the cluster behind: a new start */
	assert_int_equal(qcow2_alloc(&f.s, 1, &d, NULL, NULL), 0);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 3000, &c, NULL), 0);
	assert_int_equal(c, (d + 1) << 12);
	assert_int_equal(refcount(&f, b >> 12), 2);
	fixture_close(&f);

	/* a full count starts a new cluster: 2 bits hold 3 */
	assert_int_equal(fixture_open(&f, 12, 1, 4, 4), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(qcow2_alloc_bytes(&f.s, 100, &a, NULL), 0);
	assert_int_equal(refcount(&f, a >> 12), 3);
	assert_int_equal(qcow2_alloc_bytes(&f.s, 100, &b, NULL), 0);
	assert_int_equal(b, ((a >> 12) + 1) << 12);
	fixture_close(&f);
}

static void failed_writes_lose_no_count(void **state)
{
	/* the n-th change fails while the table grows: what the file says must still be
	 * an image, and the next attempt succeeds */
	for (unsigned n = 1; n < 40; n++) {
		struct fixture f;
		uint64_t c;
		unsigned failed = 0;

		assert_int_equal(fixture_open(&f, 9, 6, 4, 4), 0);
		memblk(f.s.blk.child)->fail_writes = true;
		memblk(f.s.blk.child)->fail_at = n;
		for (unsigned i = 0; i < 5000; i++) {
			uint32_t before = f.s.h.reftable_clusters;
			int r = qcow2_alloc(&f.s, 1, &c, NULL, NULL);

			failed += r < 0;
			if (r == 0)
				assert_int_equal(refcount(&f, c), 1);
			if (f.s.h.reftable_clusters > before && failed)
				break;
		}
		memblk(f.s.blk.child)->fail_at = 0;
		assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
		assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
		assert_int_equal(f.warned[0], '\0');
		for (uint64_t i = 0; i < 6000; i++)
			assert_int_equal(fixture_file_refcount(&f, i), refcount(&f, i));
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_fit_uses_holes),
		cmocka_unit_test(scan_finds_the_hole_at_every_width),
		cmocka_unit_test(full_block_gets_one_that_counts_itself),
		cmocka_unit_test(table_grows_as_far_as_needed),
		cmocka_unit_test(a_long_run_crosses_blocks),
		cmocka_unit_test(at_a_chosen_place),
		cmocka_unit_test(metadata_is_never_handed_out),
		cmocka_unit_test(devices_do_not_grow),
		cmocka_unit_test(compressed_runs_go_on_in_the_next_cluster),
		cmocka_unit_test(failed_writes_lose_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
