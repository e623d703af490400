/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps that follow writes.  What must hold at every instant: a bitmap that is not marked
 * in use knows of each sector that differs from what it was when tracking began.
 */
#include "img/format/qcow2_bitmap.h"

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

enum {
	CLUSTER = 512,
	GRANULARITY_BITS = 9,
	PER = CLUSTER * 8, /* bits in a cluster of them */
	DISK = 5 << 20,    /* three clusters of bits, the last not full */
	SECTORS = DISK / 512,
};

/* What each test starts from: "auto" follows writes, "off" does not, "lost" was in use. */
struct image {
	struct memblk *mem;
	struct blk *b;
	struct memlog log;
};

static uint64_t place(struct qcow2 *s, const void *bytes, size_t len)
{
	uint64_t cluster, n = div_up(len, CLUSTER);

	assert_int_equal(qcow2_alloc(s, n, &cluster, NULL, NULL), 0);
	assert_int_equal(blk_pwrite(s->blk.child, bytes, len, cluster * CLUSTER, NULL), 0);
	return cluster * CLUSTER;
}

/* A table of three clusters: zeroes, ones, and 0x80 in each byte. */
static uint64_t place_table(struct qcow2 *s)
{
	uint8_t bits[CLUSTER], table[24];

	memset(bits, 0x80, sizeof(bits));
	store_be64(table, 0);
	store_be64(table + 8, QCOW2_BITMAP_ALL_ONES);
	store_be64(table + 16, place(s, bits, sizeof(bits)));
	return place(s, table, sizeof(table));
}

static struct blk *open_node(struct blk *file, unsigned flags)
{
	struct blk *b = NULL;
	struct err e = { 0 };

	if (img_format_qcow2.open(file, NULL, flags, &b, &e) < 0)
		fail_msg("open: %s", e.msg);
	return b;
}

static void add_bitmaps(struct qcow2 *s)
{
	char names[3][8] = { "auto", "off", "lost" };
	struct qcow2_bitmap v[3] = { { .flags = QCOW2_BITMAP_AUTO },
				     { .flags = 0 },
				     { .flags = QCOW2_BITMAP_AUTO | QCOW2_BITMAP_IN_USE } };
	uint8_t dir[256];

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < 3; i++) {
		v[i].table_offset = place_table(s);
		v[i].table_entries = 3;
		v[i].granularity_bits = GRANULARITY_BITS;
		v[i].name = names[i];
	}
	qcow2_bitmap_dir_write(v, 3, dir);
	s->h.bitmap_dir_size = qcow2_bitmap_dir_bytes(v, 3);
	s->h.bitmap_dir_offset = place(s, dir, s->h.bitmap_dir_size);
	s->h.bitmaps_n = 3;
	s->h.has_bitmaps = true;
	s->h.autoclear |= QCOW2_AUTOCLEAR_BITMAPS;
	assert_int_equal(qcow2_flush_meta(s, NULL), 0);
	assert_int_equal(qcow2_write_header(s, NULL), 0);
	pthread_mutex_unlock(&s->lock);
}

static void start(struct image *m, unsigned flags)
{
	struct blk *file = memblk_new(NULL, 0);
	struct img_create c;

	memset(m, 0, sizeof(*m));
	img_create_defaults(&c);
	c.size = DISK;
	c.cluster_size = CLUSTER;
	assert_int_equal(img_format_qcow2.create(file, NULL, &c, NULL, NULL), 0);
	m->b = open_node(file, BLK_WRITE | flags);
	m->mem = memblk(file);
	add_bitmaps(to_qcow2(m->b));
}

/* Closes the image and opens what it left, read-only. */
static void reopen(struct image *m, unsigned flags)
{
	struct blk *file = memblk_new(NULL, 0);
	struct membytes bytes = { 0 };

	assert_int_equal(blk_flush(m->b, NULL), 0);
	/* Closing writes into the node that goes away by it. */
	m->mem->log = &m->log;
	membytes_size(&bytes, m->mem->m.len);
	memcpy(bytes.p, m->mem->m.p, bytes.len);
	assert_int_equal(blk_close(m->b, NULL), 0);
	for (size_t i = 0; i < m->log.n; i++)
		memlog_apply(&bytes, &m->log.v[i]);
	memlog_clear(&m->log);
	free(memblk(file)->m.p);
	memblk(file)->m = bytes;
	file->size = bytes.len;
	m->mem = memblk(file);
	m->b = open_node(file, flags);
}

static void end(struct image *m)
{
	m->mem->log = NULL;
	assert_int_equal(blk_close(m->b, NULL), 0);
	memlog_free(&m->log);
}

/* Bit @i of bitmap @which as the file has it. */
static bool bit(struct image *m, int which, uint64_t i)
{
	struct qcow2 *s = to_qcow2(m->b);
	struct qcow2_bitmap *v = NULL;
	uint64_t *table = NULL, entry;
	uint8_t byte;
	bool on;

	assert_int_equal(qcow2_bitmap_dir_load(s, &v, NULL), 0);
	assert_int_equal(qcow2_bitmap_table_load(s, &v[which], &table, NULL), 0);
	assert_true(i / PER < v[which].table_entries);
	entry = table[i / PER];
	on = entry & QCOW2_BITMAP_ALL_ONES;
	if (entry > 1) {
		assert_int_equal(blk_pread(&m->mem->blk, &byte, 1, entry + i % PER / 8, NULL),
				 0);
		on = byte >> i % 8 & 1;
	}
	free(table);
	qcow2_bitmap_dir_free(v, s->h.bitmaps_n);
	return on;
}

static unsigned flags_of(struct image *m, int which)
{
	struct qcow2 *s = to_qcow2(m->b);
	struct qcow2_bitmap *v = NULL;
	unsigned flags;

	assert_int_equal(qcow2_bitmap_dir_load(s, &v, NULL), 0);
	flags = v[which].flags;
	qcow2_bitmap_dir_free(v, s->h.bitmaps_n);
	return flags;
}

static void check_clean(struct image *m)
{
	struct img_check c = { 0 };

	reopen(m, BLK_CHECK);
	assert_int_equal(img_format_qcow2.check(m->b, &c, NULL), 0);
	assert_true(c.corruptions == 0 && c.leaks == 0 && c.check_errors == 0);
}

static void put(struct image *m, uint64_t sector, uint64_t n)
{
	uint8_t *buf = malloc(n * 512);

	assert_non_null(buf);
	memset(buf, 0x5a, n * 512);
	assert_int_equal(blk_pwrite(m->b, buf, n * 512, sector * 512, NULL), 0);
	free(buf);
}

static void lists_names_flags_and_granularity(void **state)
{
	struct image m;
	struct img_bitmap *v = NULL;
	size_t n = 0;

	start(&m, 0);
	assert_int_equal(qcow2_bitmaps_list(to_qcow2(m.b), &v, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(v[0].name, "auto");
	assert_true(v[0].automatic && !v[0].in_use);
	assert_string_equal(v[1].name, "off");
	assert_true(!v[1].automatic && !v[1].in_use);
	assert_string_equal(v[2].name, "lost");
	assert_true(v[2].in_use);
	assert_int_equal(v[0].granularity, 512);
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
	end(&m);
}

static void writes_set_bits_of_the_automatic_one_alone(void **state)
{
	struct image m;

	start(&m, 0);
	put(&m, 3, 1);
	put(&m, PER - 2, 4);         /* over the edge into the one that is all ones */
	put(&m, 2 * PER + 8, 1);     /* a cluster of its own */
	put(&m, 2 * PER + 100, 100); /* many bytes of bits */
	assert_int_equal(blk_zero(m.b, 9 * 512, 512, 0, NULL), 0);
	reopen(&m, 0);
	for (uint64_t i = 0; i < SECTORS; i++) {
		bool was = i < PER ? false : i < 2 * PER ? true : i % 8 == 7;
		bool now = was || i == 3 || i == 9 || (i >= PER - 2 && i < PER) ||
			   i == 2 * PER + 8 || (i >= 2 * PER + 100 && i < 2 * PER + 200);

		if (bit(&m, 0, i) != now)
			fail_msg("automatic: bit %llu is %d", (unsigned long long)i, !now);
		if (i % 97 == 0 || i < 16)
			assert_true(bit(&m, 1, i) == was && bit(&m, 2, i) == was);
	}
	assert_int_equal(flags_of(&m, 0), QCOW2_BITMAP_AUTO);
	assert_int_equal(flags_of(&m, 1), 0);
	assert_int_equal(flags_of(&m, 2), QCOW2_BITMAP_AUTO | QCOW2_BITMAP_IN_USE);
	check_clean(&m);
	end(&m);
}

static void nothing_is_written_without_a_change(void **state)
{
	struct image m;
	uint8_t buf[512];

	start(&m, 0);
	reopen(&m, BLK_WRITE);
	m.mem->log = &m.log;
	assert_int_equal(blk_pread(m.b, buf, 512, 0, NULL), 0);
	assert_int_equal(blk_flush(m.b, NULL), 0);
	for (size_t i = 0; i < m.log.n; i++)
		assert_int_equal(m.log.v[i].kind, MEMOP_SYNC);
	end(&m);
}

/* Before the first guest byte is written, the mark is stable. */
static void the_mark_comes_first(void **state)
{
	struct image m;
	struct qcow2 *s;
	size_t i = 0;

	start(&m, 0);
	s = to_qcow2(m.b);
	m.mem->log = &m.log;
	put(&m, 3, 1);
	assert_int_equal(m.log.v[i].kind, MEMOP_WRITE);
	assert_int_equal(m.log.v[i].off, s->h.bitmap_dir_offset);
	assert_int_equal(m.log.v[i + 1].kind, MEMOP_SYNC);
	assert_true(flags_of(&m, 0) & QCOW2_BITMAP_IN_USE);
	assert_false(flags_of(&m, 1) & QCOW2_BITMAP_IN_USE);
	end(&m);
}

/* A state that a crash may leave: the automatic bitmap is in use, or knows every sector that
 * is not zero.  Bits that were set stay. */
static void judge(const struct membytes *bytes, size_t at)
{
	struct image m = { 0 };
	struct blk *file = memblk_new(bytes->p, bytes->len);
	struct img_check c = { 0 };
	uint8_t buf[512];

	m.mem = memblk(file);
	m.b = open_node(file, BLK_CHECK);
	assert_int_equal(img_format_qcow2.check(m.b, &c, NULL), 0);
	if (c.corruptions || c.check_errors)
		fail_msg("cut at %zu: %llu corruptions", at, (unsigned long long)c.corruptions);
	if (!(flags_of(&m, 0) & QCOW2_BITMAP_IN_USE))
		for (uint64_t i = 0; i < PER; i++) {
			assert_int_equal(blk_pread(m.b, buf, 512, i * 512, NULL), 0);
			if (buf[0] && !bit(&m, 0, i))
				fail_msg("cut at %zu: sector %llu changed, and no bit tells",
					 at, (unsigned long long)i);
		}
	end(&m);
}

static void every_crash_is_told(void **state)
{
	struct membytes synced = { 0 }, now = { 0 };
	struct image m;
	size_t sync = 0;

	start(&m, 0);
	assert_int_equal(blk_flush(m.b, NULL), 0);
	membytes_size(&synced, m.mem->m.len);
	memcpy(synced.p, m.mem->m.p, synced.len);
	m.mem->log = &m.log;
	put(&m, 3, 1);
	put(&m, 40, 20);
	assert_int_equal(blk_flush(m.b, NULL), 0);
	put(&m, 80, 1);
	assert_int_equal(blk_close(m.b, NULL), 0);
	for (size_t i = 0; i <= m.log.n; i++) {
		/* all that was written so far; without its last; its last alone */
		for (int k = 0; k < 3; k++) {
			membytes_size(&now, 0);
			membytes_size(&now, synced.len);
			memcpy(now.p, synced.p, synced.len);
			for (size_t n = sync; n < i; n++)
				if (k == 0 || (k == 1) == (n + 1 < i))
					memlog_apply(&now, &m.log.v[n]);
			judge(&now, i);
		}
		if (i < m.log.n && m.log.v[i].kind == MEMOP_SYNC)
			for (; sync <= i; sync++)
				memlog_apply(&synced, &m.log.v[sync]);
	}
	free(synced.p);
	free(now.p);
	memlog_free(&m.log);
}

static void failures_leave_the_mark(void **state)
{
	int r = -1;

	for (uint64_t n = 1; r < 0; n++) {
		struct membytes bytes = { 0 };
		struct image m;

		start(&m, 0);
		assert_int_equal(blk_flush(m.b, NULL), 0);
		membytes_size(&bytes, m.mem->m.len);
		memcpy(bytes.p, m.mem->m.p, bytes.len);
		m.mem->log = &m.log;
		m.mem->calls = 0;
		m.mem->fail_writes = m.mem->fail_after = true;
		m.mem->fail_at = n;
		r = blk_pwrite(m.b, (uint8_t[512]){ 1 }, 512, 5 * 512, NULL);
		if (r == 0)
			r = blk_close(m.b, NULL);
		else
			(void)!blk_close(m.b, NULL);
		for (size_t i = 0; i < m.log.n; i++)
			memlog_apply(&bytes, &m.log.v[i]);
		judge(&bytes, n);
		free(bytes.p);
		memlog_free(&m.log);
		assert_true(n < 100);
	}
}

static void another_size_keeps_bits_and_adds_none(void **state)
{
	struct image m;

	start(&m, 0);
	/* The inconsistent one stands in the way. */
	assert_int_equal(blk_resize(m.b, 2 * DISK, PREALLOC_OFF, NULL), -ENOTSUP);
	assert_int_equal(m.b->size, DISK);
	{
		struct qcow2 *s = to_qcow2(m.b);
		struct qcow2_bitmap *v = NULL;
		uint8_t dir[256];

		assert_int_equal(qcow2_bitmap_dir_load(s, &v, NULL), 0);
		v[2].flags = 0;
		qcow2_bitmap_dir_write(v, 3, dir);
		assert_int_equal(blk_pwrite(s->blk.child, dir, s->h.bitmap_dir_size,
					    s->h.bitmap_dir_offset, NULL),
				 0);
		qcow2_bitmap_dir_free(v, 3);
	}
	put(&m, 3, 1);
	assert_int_equal(blk_resize(m.b, 2 * DISK, PREALLOC_OFF, NULL), 0);
	put(&m, 2 * SECTORS - 1, 1);
	reopen(&m, BLK_WRITE);
	assert_true(bit(&m, 0, 3) && bit(&m, 0, PER) && bit(&m, 0, 2 * SECTORS - 1));
	for (uint64_t i = SECTORS; i < 2 * SECTORS - 1; i++)
		if (bit(&m, 0, i) || bit(&m, 1, i))
			fail_msg("new sector %llu is dirty", (unsigned long long)i);
	/* All ones end where the disk does. */
	assert_int_equal(blk_resize(m.b, (PER + 5) * 512, PREALLOC_OFF, NULL), 0);
	assert_int_equal(blk_resize(m.b, DISK, PREALLOC_OFF, NULL), 0);
	reopen(&m, 0);
	for (uint64_t i = PER; i < SECTORS; i++)
		assert_true(bit(&m, 1, i) == (i < PER + 5));
	check_clean(&m);
	end(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_names_flags_and_granularity),
		cmocka_unit_test(writes_set_bits_of_the_automatic_one_alone),
		cmocka_unit_test(nothing_is_written_without_a_change),
		cmocka_unit_test(the_mark_comes_first),
		cmocka_unit_test(every_crash_is_told),
		cmocka_unit_test(failures_leave_the_mark),
		cmocka_unit_test(another_size_keeps_bits_and_adds_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
