/* SPDX-License-Identifier: MIT */
/* Guest offsets to runs, extents, and tables that lie. */
/* clang-format off */
#include "tests/unit/unit.h"
/* clang-format on */

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"

enum { CS = 65536, DISK = 20 << 20 };

/* An image in memory that can be closed, changed by hand and opened again. */
struct image {
	uint8_t *p;
	uint64_t len;
	struct blk *b;
	char said[512];
};

static void note(void *arg, const char *text)
{
	struct image *m = arg;

	snprintf(m->said, sizeof(m->said), "%s", text);
}

static void image_open(struct image *m, unsigned flags)
{
	static struct blk_log log = { .warn = note };
	struct blk *file = memblk_new(m->p, m->len);
	struct err e = { 0 };

	log.arg = m;
	file->log = &log;
	if (img_format_qcow2.open(file, NULL, flags, &m->b, &e) < 0)
		fail_msg("open: %s", e.msg);
	m->b->log = &log;
}

/* Keeps the bytes. */
static void image_close(struct image *m)
{
	struct memblk *f = memblk(m->b->child);
	struct err e = { 0 };

	if (blk_flush(m->b, &e) < 0)
		fail_msg("flush: %s", e.msg);
	free(m->p);
	m->len = f->m.len;
	m->p = malloc(m->len);
	assert_non_null(m->p);
	memcpy(m->p, f->m.p, m->len);
	assert_int_equal(blk_close(m->b, NULL), 0);
	m->b = NULL;
}

static void image_new(struct image *m, unsigned compat, bool extended)
{
	struct blk *file = memblk_new(NULL, 0);
	struct img_create c;
	struct err e = { 0 };

	memset(m, 0, sizeof(*m));
	img_create_defaults(&c);
	c.size = DISK;
	c.compat = compat;
	c.extended_l2 = extended;
	if (img_format_qcow2.create(file, NULL, &c, NULL, &e) < 0 ||
	    img_format_qcow2.open(file, NULL, BLK_WRITE | BLK_UNMAP, &m->b, &e) < 0)
		fail_msg("create: %s", e.msg);
}

static void image_write(struct image *m, uint64_t off, size_t len, int byte)
{
	uint8_t *buf = malloc(len);
	struct err e = { 0 };

	assert_non_null(buf);
	memset(buf, byte, len);
	if (blk_pwrite(m->b, buf, len, off, &e) < 0)
		fail_msg("write: %s", e.msg);
	free(buf);
}

static uint64_t l1_offset(const struct image *m)
{
	return load_be64(m->p + 40);
}

static uint64_t l2_offset(const struct image *m, unsigned i)
{
	return load_be64(m->p + l1_offset(m) + i * 8) & QCOW2_OFFSET_MASK;
}

static int read_at(struct image *m, uint64_t off, uint8_t *byte)
{
	struct err e = { 0 };
	int r = blk_pread(m->b, byte, 1, off, &e);

	assert_true(r == 0 || e.msg[0]);
	return r;
}

/* ---- runs ---- */

static struct blk_extent extent(struct image *m, uint64_t off, uint64_t max)
{
	struct blk_extent x;
	struct err e = { 0 };

	if (blk_extent(m->b, off, max, &x, &e) < 0)
		fail_msg("extent: %s", e.msg);
	return x;
}

static void clusters_of_one_write_are_one_run(void **state)
{
	struct image m;
	struct blk_extent x;
	struct qcow2_run run;

	(void)state;
	image_new(&m, 3, false);
	memblk(m.b->child)->calls = 0;
	image_write(&m, 4 * CS, 32 * CS, 1);
	x = extent(&m, 0, DISK);
	assert_int_equal(x.len, 4 * CS);
	assert_int_equal(x.flags, BLK_EXT_ZERO);
	x = extent(&m, 4 * CS + 5, DISK - 4 * CS - 5);
	assert_int_equal(x.len, 32 * CS - 5);
	assert_int_equal(x.flags, BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET);
	assert_ptr_equal(x.file, m.b->child);
	assert_int_equal(extent(&m, 36 * CS, 77).len, 77);
	assert_int_equal(qcow2_lookup(to_qcow2(m.b), 4 * CS, DISK, &run, NULL), 0);
	assert_int_equal(run.len, 32 * CS);
	assert_int_equal(run.host % CS, 0);
	assert_true(run.copied);
	image_close(&m);
	free(m.p);
}

static void a_large_write_is_one_request(void **state)
{
	struct memlog log = { 0 };
	unsigned writes = 0;
	struct image m;

	(void)state;
	image_new(&m, 3, false);
	memblk(m.b->child)->log = &log;
	image_write(&m, 0, 2 << 20, 1);
	for (size_t i = 0; i < log.n; i++) {
		assert_int_equal(log.v[i].kind, MEMOP_WRITE);
		assert_int_equal(log.v[i].len, 2 << 20);
		writes++;
	}
	assert_int_equal(writes, 1);
	/* in place just the same, from the middle of a cluster */
	image_write(&m, 100, (1 << 20) + 7, 2);
	assert_int_equal(log.n, 2);
	assert_int_equal(log.v[1].len, (1 << 20) + 7);
	memblk(m.b->child)->log = NULL;
	memlog_free(&log);
	image_close(&m);
	free(m.p);
}

static void filling_past_the_end_costs_nothing(void **state)
{
	struct memlog log = { 0 };
	struct image m;
	uint8_t byte;

	(void)state;
	image_new(&m, 3, false);
	memblk(m.b->child)->log = &log;
	image_write(&m, 10 * CS + 4096, 4096, 1);
	assert_int_equal(log.n, 1);
	assert_int_equal(log.v[0].len, 4096);
	memblk(m.b->child)->log = NULL;
	memlog_free(&log);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(read_at(&m, 10 * CS + i * 4096 + 7, &byte), 0);
		assert_int_equal(byte, i == 1);
	}
	image_close(&m);
	free(m.p);
}

static void subclusters_are_filled_alone(void **state)
{
	struct memlog log = { 0 };
	struct blk_extent x;
	struct image m;

	(void)state;
	image_new(&m, 3, true);
	image_write(&m, 3 * CS, CS, 9); /* the file has an end behind what comes */
	image_write(&m, 0, 512, 1);
	image_write(&m, 5 * CS, CS, 9);
	memblk(m.b->child)->log = &log;
	image_write(&m, 3000, 10, 2); /* subcluster 1, within a cluster that is there */
	assert_int_equal(log.n, 1);
	assert_int_equal(log.v[0].len, 2048);
	memblk(m.b->child)->log = NULL;
	memlog_free(&log);
	x = extent(&m, 0, CS);
	assert_int_equal(x.len, 4096);
	x = extent(&m, 4096, CS);
	assert_int_equal(x.len, CS - 4096);
	assert_false(x.flags & (BLK_EXT_DATA | BLK_EXT_ALLOCATED));
	image_close(&m);
	free(m.p);
}

/* ---- lies ---- */

struct lie {
	uint64_t entry;
	int read, write; /* what comes of it */
	bool marked;     /* a write marks the image */
};

static void entries_that_lie(void **state)
{
	static const struct lie lies[] = {
		{ 0x8000000000050200, -EIO, -EIO, true },  /* unaligned */
		{ 0x0000000000000200, -EIO, -EIO, true },  /* ... and shared */
		{ 0x400000000004ffff, -EIO, -EIO, false }, /* no deflate stream */
		{ 0x40000000ffffffff, -EIO, -EIO, false }, /* past the end */
		{ 0x7fffffffffffffff, -EIO, -EIO, false }, /* as far as can be */
		{ 0x8000000000000001, 0, 0, false },       /* flag without a place */
		{ 0x8000ffffff000000, 0, -ENOSPC, false }, /* a hole, terabytes away */
		{ 0x8000000000000000, 0, 0, false },
		{ 0x8000000000020000, 0, -EIO, true }, /* a refcount block */
		{ 0x8000000000030000, 0, -EIO, true }, /* the L1 table */
		{ 0x8000000000040000, 0, -EIO, true }, /* the L2 table itself */
		{ 0x8000000000030001, 0, -EIO, true }, /* zero, but place for a write */
		{ 0xbf00000000050000, 0, 0, false },   /* reserved bits */
	};
	struct image m;
	uint64_t at;

	(void)state;
	image_new(&m, 3, false);
	image_write(&m, 0, CS, 1);
	image_close(&m);
	at = l2_offset(&m, 0);
	assert_int_equal(at, 0x40000);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct err e = { 0 };
		uint8_t byte = 7;
		int r;

		store_be64(m.p + at, lies[i].entry);
		m.said[0] = 0;
		image_open(&m, 0);
		assert_int_equal(read_at(&m, 100, &byte), lies[i].read);
		assert_int_equal(!!strstr(m.said, "is corrupt"),
				 lies[i].read == -EIO && lies[i].marked);
		/* its neighbours are fine */
		assert_int_equal(read_at(&m, CS + 100, &byte), 0);
		assert_int_equal(blk_close(m.b, NULL), 0);

		m.said[0] = 0;
		image_open(&m, BLK_WRITE);
		memblk(m.b->child)->limit = 1 << 30;
		r = blk_pwrite(m.b, &byte, 1, 100, &e);
		if (r != lies[i].write || (r < 0 && !e.msg[0]))
			fail_msg("%#llx: write gives %d: %s", (unsigned long long)lies[i].entry,
				 r, e.msg);
		assert_int_equal(!!strstr(m.said, "Marking image as corrupt"), lies[i].marked);
		if (lies[i].marked)
			assert_int_equal(memblk(m.b->child)->m.p[79] & 2, 2);
		(void)blk_close(m.b, NULL);
	}
	free(m.p);
}

static void tables_that_lie(void **state)
{
	static const uint64_t places[] = {
		0x8000000000040200, /* unaligned */
		0x8000000000990000, /* past the end */
		0x80fffffffffffe00,
		0x00ffffffffff0000,
	};
	struct image m;

	(void)state;
	image_new(&m, 3, false);
	image_write(&m, 0, CS, 1);
	image_close(&m);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct blk_extent x;
		uint8_t byte = 0;

		store_be64(m.p + l1_offset(&m), places[i]);
		image_open(&m, BLK_WRITE | BLK_UNMAP);
		assert_true(read_at(&m, 5, &byte) < 0);
		assert_true(blk_extent(m.b, 0, DISK, &x, NULL) < 0);
		assert_true(blk_pwrite(m.b, &byte, 1, 0, NULL) < 0);
		assert_true(blk_zero(m.b, 0, CS, BLK_MAY_UNMAP, NULL) < 0);
		assert_true(blk_discard(m.b, 0, CS, NULL) < 0);
		(void)blk_close(m.b, NULL);
	}
	free(m.p);
}

/* The last stream may say it goes on past the end of the file: sectors are counted. */
static void compressed_bytes_end_with_the_file(void **state)
{
	uint8_t *buf = malloc(CS);
	struct image m;
	struct err e = { 0 };
	uint8_t byte;

	(void)state;
	assert_non_null(buf);
	memset(buf, 3, CS);
	image_new(&m, 3, false);
	if (blk_pwrite_compressed(m.b, buf, CS, 0, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	image_close(&m);
	store_be64(m.p + l2_offset(&m, 0),
		   load_be64(m.p + l2_offset(&m, 0)) | 0x7full << 54 | QCOW2_OFLAG_COMPRESSED);
	image_open(&m, 0);
	assert_int_equal(read_at(&m, 9, &byte), 0);
	assert_int_equal(byte, 3);
	assert_int_equal(blk_close(m.b, NULL), 0);
	free(m.p);
	free(buf);
}

static void subclusters_that_lie(void **state)
{
	static const uint64_t bitmaps[] = { 0x0000000100000001, 0x8000000080000000 };
	struct image m;

	(void)state;
	image_new(&m, 3, true);
	image_write(&m, 0, CS, 1);
	image_close(&m);
	for (size_t i = 0; i < ARRAY_SIZE(bitmaps); i++) {
		uint8_t byte = 0;

		store_be64(m.p + l2_offset(&m, 0) + 8, bitmaps[i]);
		image_open(&m, BLK_WRITE);
		assert_int_equal(read_at(&m, 4000, &byte), -EIO);
		assert_true(blk_pwrite(m.b, &byte, 1, 0, NULL) < 0);
		(void)blk_close(m.b, NULL);
	}
	free(m.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters_of_one_write_are_one_run),
		cmocka_unit_test(a_large_write_is_one_request),
		cmocka_unit_test(filling_past_the_end_costs_nothing),
		cmocka_unit_test(subclusters_are_filled_alone),
		cmocka_unit_test(entries_that_lie),
		cmocka_unit_test(tables_that_lie),
		cmocka_unit_test(compressed_bytes_end_with_the_file),
		cmocka_unit_test(subclusters_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
