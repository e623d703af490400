/* SPDX-License-Identifier: MIT */
#include "tests/unit/img/qcow2_fixture.h"
#include "tests/unit/unit.h"

/* Allocates a cluster and makes an L2 table there, whose first byte is @mark. */
static uint64_t new_table(struct fixture *f, uint8_t mark)
{
	uint64_t c;
	uint8_t *t;

	assert_int_equal(qcow2_alloc(&f->s, 1, &c, NULL, NULL), 0);
	assert_int_equal(qcow2_cache_new_table(f->s.l2c, c << f->s.cluster_bits, &t, NULL), 0);
	for (size_t i = 0; i < f->s.cluster_size; i++)
		assert_int_equal(t[i], 0);
	t[0] = mark;
	return c;
}

static uint8_t mark_of(struct fixture *f, uint64_t c)
{
	uint8_t *t = NULL;

	assert_int_equal(qcow2_cache_get(f->s.l2c, c << f->s.cluster_bits, &t, NULL), 0);
	return t[0];
}

static void eviction_waits_for_refcounts(void **state)
{
	struct fixture f;
	char story[128];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(new_table(&f, (uint8_t)(i + 1)), 4 + i);
	assert_int_equal(f.log.n, 0);
	/* the fifth needs room: counts first, a sync, then the tables in file order */
	new_table(&f, 5);
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "W2 S W4 W5 W6 W7");
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(mark_of(&f, 4 + i), i + 1);
	fixture_close(&f);
}

static void copied_data_is_synced_before_a_table(void **state)
{
	struct fixture f;
	char story[128];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	new_table(&f, 1);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	memlog_clear(&f.log);

	uint8_t *t;

	assert_int_equal(qcow2_cache_get(f.s.l2c, 4 << 12, &t, NULL), 0);
	qcow2_cache_dirty(f.s.l2c, t);
	f.s.cow_unsynced = true;
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_string_equal(fixture_story(&f, story, sizeof(story)), "S W4 S");
	fixture_close(&f);
}

static void least_recently_used_goes_first(void **state)
{
	struct fixture f;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	for (uint8_t i = 0; i < 4; i++)
		new_table(&f, (uint8_t)(i + 1));
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	mark_of(&f, 4); /* now 5 is the oldest */
	new_table(&f, 5);

	/* change the file behind the cache's back: only 5 is read again */
	for (uint64_t c = 4; c < 8; c++)
		memblk(f.s.blk.child)->m.p[c << 12] = 99;
	assert_int_equal(mark_of(&f, 4), 1);
	assert_int_equal(mark_of(&f, 6), 3);
	assert_int_equal(mark_of(&f, 7), 4);
	assert_int_equal(mark_of(&f, 5), 99);
	fixture_close(&f);
}

static void pinned_tables_stay(void **state)
{
	struct fixture f;
	uint8_t *t[4];

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	for (uint8_t i = 0; i < 4; i++) {
		new_table(&f, (uint8_t)(i + 1));
		assert_int_equal(qcow2_cache_get(f.s.l2c, (uint64_t)(4 + i) << 12, &t[i], NULL),
				 0);
		qcow2_cache_pin(f.s.l2c, t[i]);
	}

	uint8_t *other;

	assert_int_equal(qcow2_cache_get(f.s.l2c, 3 << 12, &other, NULL), -EBUSY);
	qcow2_cache_unpin(f.s.l2c, t[2]);
	assert_int_equal(qcow2_cache_get(f.s.l2c, 3 << 12, &other, NULL), 0);
	assert_ptr_equal(other, t[2]);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			assert_int_equal(t[i][0], i + 1);
	fixture_close(&f);
}

static void freed_cluster_is_forgotten(void **state)
{
	struct fixture f;
	uint64_t c, again;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	c = new_table(&f, 7);
	assert_int_equal(qcow2_region_kinds(&f.s, c << 12), QCOW2_R_L2);
	assert_int_equal(qcow2_free(&f.s, c << 12, 4096, NULL), 0);
	assert_false(qcow2_cache_is_dirty(f.s.l2c));
	assert_int_equal(qcow2_region_kinds(&f.s, c << 12), 0);
	/* guest data may go there now, and no table comes over it */
	assert_int_equal(qcow2_alloc(&f.s, 1, &again, NULL, NULL), 0);
	assert_int_equal(again, c);
	memlog_clear(&f.log);
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	for (size_t i = 0; i < f.log.n; i++)
		assert_true(f.log.v[i].kind == MEMOP_SYNC || f.log.v[i].off >> 12 != c);
	fixture_close(&f);
}

static void offsets_are_judged(void **state)
{
	struct fixture f;
	uint8_t *t;

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	assert_int_equal(qcow2_cache_get(f.s.l2c, 0, &t, NULL), -EUCLEAN);
	assert_int_equal(qcow2_cache_get(f.s.l2c, 3 * 4096 + 512, &t, NULL), -EUCLEAN);
	assert_int_equal(qcow2_cache_get(f.s.l2c, 4 * 4096, &t, NULL), -EUCLEAN);
	assert_int_equal(qcow2_cache_get(f.s.l2c, UINT64_MAX & ~4095ull, &t, NULL), -EUCLEAN);
	/* a last cluster that was cut short reads as zeroes behind the cut */
	membytes_size(&memblk(f.s.blk.child)->m, 4 * 4096 + 100);
	memset(memblk(f.s.blk.child)->m.p + 4 * 4096, 0xff, 100);
	f.s.blk.child->size = 4 * 4096 + 100;
	assert_int_equal(qcow2_cache_get(f.s.l2c, 4 * 4096, &t, NULL), 0);
	assert_int_equal(t[99], 0xff);
	assert_int_equal(t[100], 0);
	fixture_close(&f);
}

static void failed_write_keeps_the_table(void **state)
{
	struct fixture f;
	struct err e = { 0 };

	assert_int_equal(fixture_open(&f, 12, 4, 4, 4), 0);
	new_table(&f, 1);
	new_table(&f, 2);

	/* counts, sync, first table; the second fails */
	struct memblk *m = memblk(f.s.blk.child);

	m->fail_writes = true;
	m->calls = 0;
	m->fail_at = 4;
	assert_int_equal(qcow2_flush_meta(&f.s, &e), -EIO);
	assert_non_null(strstr(e.msg, "L2 table"));
	assert_true(qcow2_cache_is_dirty(f.s.l2c));
	m->fail_at = 0;
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	assert_int_equal(m->m.p[4 << 12], 1);
	assert_int_equal(m->m.p[5 << 12], 2);
	fixture_close(&f);
}

static void many_tables_against_a_model(void **state)
{
	enum { N = 200 };
	struct fixture f;
	uint8_t model[N];
	uint64_t seed = 1;

	assert_int_equal(fixture_open(&f, 9, 4, 16, 4), 0);
	for (unsigned i = 0; i < N; i++) {
		uint64_t c = new_table(&f, model[i] = (uint8_t)i);

		assert_int_equal(c, 4 + i);
	}
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;

		unsigned k = (unsigned)(seed >> 40) % N;
		uint8_t *t;

		assert_int_equal(qcow2_cache_get(f.s.l2c, (4ull + k) << 9, &t, NULL), 0);
		assert_int_equal(t[0], model[k]);
		if (seed >> 63) {
			t[0] = model[k] = (uint8_t)(seed >> 32);
			qcow2_cache_dirty(f.s.l2c, t);
		}
	}
	assert_int_equal(qcow2_flush_meta(&f.s, NULL), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(memblk(f.s.blk.child)->m.p[(4 + i) << 9], model[i]);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eviction_waits_for_refcounts),
		cmocka_unit_test(copied_data_is_synced_before_a_table),
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(pinned_tables_stay),
		cmocka_unit_test(freed_cluster_is_forgotten),
		cmocka_unit_test(offsets_are_judged),
		cmocka_unit_test(failed_write_keeps_the_table),
		cmocka_unit_test(many_tables_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
