/* SPDX-License-Identifier: MIT */
/* Writes that fail, and what is given back when: nothing may leak, nothing may be lost. */
/* clang-format off */
#include "tests/unit/unit.h"
/* clang-format on */

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"

enum { CS = 65536, DISK = 8 << 20 };

struct image {
	struct blk *b;
	struct memblk *mem;
	uint8_t *want; /* DISK bytes */
};

static void image_new(struct image *m, bool extended, unsigned flags)
{
	struct blk *file = memblk_new(NULL, 0);
	struct img_create c;
	struct err e = { 0 };

	img_create_defaults(&c);
	c.size = DISK;
	c.extended_l2 = extended;
	if (img_format_qcow2.create(file, NULL, &c, NULL, &e) < 0 ||
	    img_format_qcow2.open(file, NULL, BLK_WRITE | BLK_UNMAP | flags, &m->b, &e) < 0)
		fail_msg("create: %s", e.msg);
	m->mem = memblk(file);
	m->want = calloc(1, DISK);
	assert_non_null(m->want);
}

/* Shrinks to a third or so. */
static void fill(uint8_t *buf, size_t len, int byte)
{
	uint32_t v = (uint32_t)byte + 1;

	memset(buf, byte, len);
	for (size_t i = 0; byte && i < len; i += 3)
		buf[i] = (uint8_t)((v = v * 1664525 + 1013904223) >> 24);
}

static int put(struct image *m, uint64_t off, size_t len, int byte, bool compressed)
{
	uint8_t *buf = malloc(len);
	struct err e = { 0 };
	int r;

	assert_non_null(buf);
	fill(buf, len, byte);
	if (compressed)
		r = blk_pwrite_compressed(m->b, buf, len, off, NULL, &e);
	else
		r = blk_pwrite(m->b, buf, len, off, &e);
	if (r < 0)
		assert_true(e.code == r && e.msg[0]);
	else
		memcpy(m->want + off, buf, len);
	free(buf);
	return r;
}

static void must_hold(struct image *m)
{
	uint8_t *have = malloc(DISK);
	struct err e = { 0 };

	assert_non_null(have);
	if (blk_pread(m->b, have, DISK, 0, &e) < 0)
		fail_msg("read: %s", e.msg);
	assert_memory_equal(have, m->want, DISK);
	free(have);
}

/* All that is allocated is in use and the other way round, once it is flushed. */
static void must_be_tight(struct image *m)
{
	struct img_check c = { 0 };
	struct err e = { 0 };

	if (blk_flush(m->b, &e) < 0 || blk_flush(m->b, &e) < 0 ||
	    img_format_qcow2.check(m->b, &c, &e) < 0)
		fail_msg("check: %s", e.msg);
	assert_int_equal(c.corruptions, 0);
	assert_int_equal(c.leaks, 0);
	assert_int_equal(c.check_errors, 0);
}

static void image_free(struct image *m)
{
	must_hold(m);
	must_be_tight(m);
	assert_int_equal(blk_close(m->b, NULL), 0);
	free(m->want);
}

/* The next call to the file fails, all after it work. */
static void fail_next(struct image *m, int code)
{
	m->mem->calls = 0;
	m->mem->fail_at = 1;
	m->mem->fail_writes = true;
	m->mem->fail_code = code;
}

static void a_failed_write_gives_its_clusters_back(void **state)
{
	struct blk_extent x;
	struct image m;

	(void)state;
	image_new(&m, false, 0);
	assert_int_equal(put(&m, 0, 3 * CS, 1, false), 0);
	fail_next(&m, -ENOSPC);
	assert_int_equal(put(&m, 10 * CS + 5, 4 * CS, 2, false), -ENOSPC);
	assert_int_equal(blk_extent(m.b, 10 * CS, 8 * CS, &x, NULL), 0);
	assert_int_equal(x.flags, BLK_EXT_ZERO);
	must_hold(&m);
	must_be_tight(&m);
	/* and the same place takes them the next time: with its edges filled, although the
	 * file may have got longer before it failed */
	assert_int_equal(put(&m, 10 * CS + 5, 4 * CS, 2, false), 0);
	image_free(&m);
}

static void what_a_failed_write_left_is_not_taken_for_zeroes(void **state)
{
	struct image m;
	uint64_t end;

	(void)state;
	image_new(&m, false, 0);
	assert_int_equal(put(&m, 0, CS, 1, false), 0);
	end = m.b->child->size;
	fail_next(&m, -EIO);
	assert_int_equal(put(&m, CS, CS, 2, false), -EIO);
	/* half of it arrived, and the node does not know */
	membytes_size(&m.mem->m, end + 2 * CS);
	memset(m.mem->m.p + end, 0xee, 2 * CS);
	assert_int_equal(put(&m, CS + 700, 100, 3, false), 0);
	image_free(&m);
}

static void a_failed_copy_leaves_the_old_cluster(void **state)
{
	struct err e = { 0 };
	struct image m;

	(void)state;
	for (unsigned extended = 0; extended < 2; extended++) {
		image_new(&m, extended, 0);
		assert_int_equal(put(&m, 0, 4 * CS, 1, false), 0);
		assert_int_equal(put(&m, 4 * CS, 2 * CS, 2, true), 0);
		if (qcow2_snapshot(m.b, SNAPSHOT_CREATE, "s", NULL, &e) < 0)
			fail_msg("%s", e.msg);
		/* shared with the snapshot: the table is copied, then a cluster; each
		 * call fails once */
		for (unsigned k = 1; k < 4; k++) {
			m.mem->calls = 0;
			m.mem->fail_writes = false;
			m.mem->fail_code = -EIO;
			m.mem->fail_at = k;
			(void)put(&m, 2 * CS + 100, CS, 9, false);
			m.mem->calls = 0;
			m.mem->fail_at = k;
			(void)put(&m, 4 * CS + 100, 100, 8, false);
			m.mem->fail_at = 0;
			must_hold(&m);
			must_be_tight(&m);
		}
		image_free(&m);
	}
}

static void failed_compressed_writes_give_their_bytes_back(void **state)
{
	struct image m;

	(void)state;
	image_new(&m, false, 0);
	assert_int_equal(put(&m, 0, 3 * CS, 1, true), 0);
	fail_next(&m, -ENOSPC);
	assert_int_equal(put(&m, CS, 20 * CS, 2, true), -ENOSPC);
	must_hold(&m);
	must_be_tight(&m);
	assert_int_equal(put(&m, CS, 20 * CS, 2, true), 0);
	image_free(&m);
}

static void overwriting_gives_back_what_was_there(void **state)
{
	static const struct {
		bool first, second; /* compressed */
	} ways[] = { { true, true }, { true, false }, { false, true } };
	struct image m;
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		image_new(&m, false, 0);
		assert_int_equal(put(&m, 0, 32 * CS, 1, ways[i].first), 0);
		for (int k = 0; k < 30; k++) {
			assert_int_equal(put(&m, 0, 32 * CS, k, ways[i].first), 0);
			assert_int_equal(put(&m, 0, 32 * CS, k + 1, ways[i].second), 0);
			must_be_tight(&m);
			if (k == 14)
				before = m.b->child->size;
		}
		/* what was freed is used again */
		assert_true(m.b->child->size <= before + CS);
		image_free(&m);
	}
}

/* The old clusters stay until nothing on disk names them: a flush. */
static void dropped_clusters_wait_for_the_flush(void **state)
{
	struct blk_extent x;
	struct image m;
	uint8_t *old = malloc(8 * CS);
	struct err e = { 0 };

	(void)state;
	assert_non_null(old);
	image_new(&m, false, 0);
	assert_int_equal(put(&m, 0, 8 * CS, 7, false), 0);
	memcpy(old, m.want, 8 * CS);
	assert_int_equal(blk_flush(m.b, NULL), 0);
	assert_int_equal(blk_extent(m.b, 0, DISK, &x, NULL), 0);
	if (blk_discard(m.b, 0, 8 * CS, &e) < 0)
		fail_msg("%s", e.msg);
	memset(m.want, 0, 8 * CS);
	assert_int_equal(put(&m, 20 * CS, 8 * CS, 9, false), 0);
	assert_memory_equal(m.mem->m.p + x.host_off, old, 8 * CS);
	must_be_tight(&m);
	assert_int_equal(put(&m, 40 * CS, 8 * CS, 10, false), 0);
	assert_memory_not_equal(m.mem->m.p + x.host_off, old, 8 * CS);
	free(old);
	image_free(&m);
}

/* Small reads in a row expand a cluster once, and see it when it changes. */
static void kept_clusters_do_not_outlive_their_bytes(void **state)
{
	struct image m;

	(void)state;
	image_new(&m, false, 0);
	for (int k = 1; k < 60; k++) {
		uint8_t part[100];

		assert_int_equal(put(&m, (uint64_t)(k % 3) * CS, CS, k, true), 0);
		if (k % 2)
			assert_int_equal(blk_flush(m.b, NULL), 0);
		for (uint64_t off = 50; off < 3 * CS; off += 30000) {
			assert_int_equal(blk_pread(m.b, part, sizeof(part), off, NULL), 0);
			assert_memory_equal(part, m.want + off, sizeof(part));
		}
	}
	image_free(&m);
}

static void preallocation_keeps_contents(void **state)
{
	static const enum blk_prealloc hows[] = { PREALLOC_METADATA, PREALLOC_FALLOC,
						  PREALLOC_FULL };
	struct image m;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(hows); i++) {
		struct blk_extent x;

		image_new(&m, i % 2, 0);
		assert_int_equal(put(&m, 100, 4 * CS, 1, false), 0);
		assert_int_equal(put(&m, 8 * CS, CS, 2, true), 0);
		if (blk_zero(m.b, 16 * CS, CS, 0, &e) < 0 || blk_discard(m.b, CS, CS, &e) < 0)
			fail_msg("%s", e.msg);
		memset(m.want + CS, 0, CS);
		must_be_tight(&m); /* clusters with old bytes in them are free now */
		if (qcow2_preallocate(to_qcow2(m.b), 0, DISK, hows[i / 2], NULL, &e) < 0)
			fail_msg("%s", e.msg);
		must_hold(&m);
		must_be_tight(&m);
		assert_int_equal(blk_extent(m.b, 20 * CS, DISK, &x, NULL), 0);
		assert_true(x.flags & BLK_EXT_OFFSET);
		assert_int_equal(x.len, DISK - 20 * CS);
		/* writes now need nothing new */
		uint64_t size = m.b->child->size;

		assert_int_equal(put(&m, 20 * CS + 9, 30 * CS, 5, false), 0);
		assert_int_equal(m.b->child->size, size);
		image_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_write_gives_its_clusters_back),
		cmocka_unit_test(what_a_failed_write_left_is_not_taken_for_zeroes),
		cmocka_unit_test(a_failed_copy_leaves_the_old_cluster),
		cmocka_unit_test(failed_compressed_writes_give_their_bytes_back),
		cmocka_unit_test(overwriting_gives_back_what_was_there),
		cmocka_unit_test(dropped_clusters_wait_for_the_flush),
		cmocka_unit_test(kept_clusters_do_not_outlive_their_bytes),
		cmocka_unit_test(preallocation_keeps_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
