/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

/* What a first write into a fresh part of the disk does: data cluster, L2 table, L1. */
static void link_cluster(struct fixture *f, uint32_t l1_index)
{
	struct qcow2 *s = &f->s;
	uint64_t data, l2;
	uint8_t *t;

	assert_int_equal(qcow2_begin_change(s, NULL), 0);
	assert_int_equal(qcow2_alloc(s, 1, &data, NULL, NULL), 0);
	assert_int_equal(qcow2_alloc(s, 1, &l2, NULL, NULL), 0);
	assert_int_equal(qcow2_cache_new_table(s->l2c, l2 << s->cluster_bits, &t, NULL), 0);
	store_be64(t, data << s->cluster_bits | QCOW2_OFLAG_COPIED);
	qcow2_cache_dirty(s->l2c, t);
	s->l1[l1_index] = l2 << s->cluster_bits | QCOW2_OFLAG_COPIED;
	s->l1_dirty_lo = l1_index;
	s->l1_dirty_hi = l1_index + 1;
}

static void each_step_waits_for_the_one_before(void **state)
{
	struct fixture f;
	char story[128];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	link_cluster(&f, 5);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	/* counts, L2 table, L1 entry */
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W2 S W5 S W3 S");
	assert_int_equal(f.log.v[4].off, 3 * 4096 + 5 * 8);
	assert_int_equal(f.log.v[4].len, 8);
	memlog_clear(&f.log);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(f.log.n, 0);
	fixture_close(&f);
}

static void flush_of_data_in_place_is_one_sync(void **state)
{
	struct fixture f;
	char story[128];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	assert_int_equal(qcow2_flush(&f.s.blk, NULL), 0);
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "S");
	fixture_close(&f);
}

static void without_syncs_the_order_stays(void **state)
{
	struct fixture f;
	char story[128];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.blk.flags |= BLK_NOFLUSH;
	link_cluster(&f, 0);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W2 W5 W3");
	fixture_close(&f);
}

static void lazy_refcounts_wait_behind_the_dirty_bit(void **state)
{
	struct fixture f;
	char story[128];
	uint64_t c;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	f.s.lazy = true;
	link_cluster(&f, 0);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	/* dirty bit, L2 table, L1 entry; no counts */
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W0 S W5 S W3 S");
	assert_int_equal(load_be64(memblk(f.s.blk.child)->m.p + 72), QCOW2_INCOMPAT_DIRTY);
	assert_int_equal(fixture_file_refcount(&f, 4), 0);
	/* the bit is set once */
	memlog_clear(&f.log);
	assert_int_equal(qcow2_begin_change(&f.s, NULL), 0);
	assert_int_equal(qcow2_alloc(&f.s, 1, &c, NULL, NULL), 0);
	assert_int_equal(f.log.n, 0);
	fixture_close(&f);
}

static void dropped_clusters_are_free_after_the_sync(void **state)
{
	struct fixture f;
	uint8_t *t;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	link_cluster(&f, 0);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(qcow2_cache_get(f.s.l2c, 5 << 12, &t, NULL), 0);
	store_be64(t, 0);
	qcow2_cache_dirty(f.s.l2c, t);
	assert_int_equal(qcow2_free_later(&f.s, 4 << 12, 4096, NULL), 0);

	/* the sync that makes the entry stable fails: still taken */
	struct memblk *m = memblk(f.s.blk.child);
	uint64_t v;

	m->fail_writes = true;
	m->calls = 0;
	m->fail_at = 2;
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), -EIO);
	assert_int_equal(qcow2_refcount_get(&f.s, 4, &v, NULL), 0);
	assert_int_equal(v, 1);
	m->fail_at = 0;
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(qcow2_refcount_get(&f.s, 4, &v, NULL), 0);
	assert_int_equal(v, 0);
	fixture_close(&f);
}

static void unknown_autoclear_bits_go_before_anything_else(void **state)
{
	struct fixture f;
	char story[128];
	struct memblk *m;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	m = memblk(f.s.blk.child);
	f.s.h.autoclear = 0xf3;
	store_be64(m->m.p + 88, 0xf3);
	assert_int_equal(qcow2_begin_change(&f.s, NULL), 0);
	assert_int_equal(qcow2_begin_change(&f.s, NULL), 0);
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W0 S");
	assert_int_equal(load_be64(m->m.p + 88), 3);
	fixture_close(&f);
}

/* A disk may apply the writes between two syncs in any order: whatever subset got
 * there, every entry that is in the file refers to counted clusters. */
static void any_cut_leaves_leaks_at_worst(void **state)
{
	enum { BITS = 9, ROUNDS = 12 };
	struct fixture f;
	size_t len;
	uint8_t *image = fixture_image(BITS, 4, 16, &len);
	uint64_t seed = 42;

	assert_int_equal(fixture_open(&f, BITS, 4, 4, 4), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t c;

		link_cluster(&f, i);
		assert_int_equal(qcow2_alloc(&f.s, 100, &c, NULL, NULL), 0);
		assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	}
	for (size_t cut = 0; cut <= f.log.n; cut++) {
		struct membytes m = { 0 };
		size_t synced = 0;

		membytes_size(&m, len);
		memcpy(m.p, image, len);
		for (size_t i = 0; i < cut; i++)
			if (f.log.v[i].kind == MEMOP_SYNC)
				synced = i;
		for (size_t i = 0; i < cut; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			if (i < synced || seed >> 63)
				memlog_apply(&m, &f.log.v[i]);
		}

		struct membytes whole = memblk(f.s.blk.child)->m;

		memblk(f.s.blk.child)->m = m;
		for (unsigned i = 0; i < 16; i++) {
			uint64_t l2 = load_be64(m.p + (3 << BITS) + i * 8) & QCOW2_OFFSET_MASK;

			if (!l2)
				continue;
			assert_true(l2 + (1 << BITS) <= m.len);
			assert_int_equal(fixture_file_refcount(&f, l2 >> BITS), 1);

			uint64_t data = load_be64(m.p + l2) & QCOW2_OFFSET_MASK;

			assert_true(data);
			assert_int_equal(fixture_file_refcount(&f, data >> BITS), 1);
		}
		memblk(f.s.blk.child)->m = whole;
		free(m.p);
	}
	free(image);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_waits_for_the_one_before),
		cmocka_unit_test(flush_of_data_in_place_is_one_sync),
		cmocka_unit_test(without_syncs_the_order_stays),
		cmocka_unit_test(lazy_refcounts_wait_behind_the_dirty_bit),
		cmocka_unit_test(dropped_clusters_are_free_after_the_sync),
		cmocka_unit_test(unknown_autoclear_bits_go_before_anything_else),
		cmocka_unit_test(any_cut_leaves_leaks_at_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
