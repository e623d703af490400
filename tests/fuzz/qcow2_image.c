/* SPDX-License-Identifier: MIT */
/*
 * A hostile image, whole: opened, described, mapped, read, checked; then repaired and
 * checked again; then written to.  Nothing may take memory or time beyond what the bytes
 * that are there explain.
 */
#include "img/format/qcow2.h"
#include "img/img.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/memblk.h"

#include <string.h>

enum { READ_MAX = 256 << 10, EXTENTS_MAX = 256, FILE_MAX = 16 << 20 };

static struct blk *open_image(const uint8_t *data, size_t len, unsigned flags, struct err *e)
{
	struct blk *file = memblk_new(data, len), *b = NULL;
	int r;

	/* A table may send a write anywhere; a disk ends somewhere. */
	memblk(file)->limit = FILE_MAX;
	r = img_format_qcow2.open(file, NULL, flags | BLK_NOBACKING, &b, e);
	if (r == 0)
		return b;
	must(r < 0 && r == e->code && e->msg[0]);
	(void)blk_close(file, NULL);
	return NULL;
}

static void look_at(struct blk *b)
{
	struct err e = { 0 };
	struct img_info info;
	struct img_snapshot *v = NULL;
	struct blk_extent x;
	uint64_t off = 0;
	size_t n = 0;
	uint8_t *buf = malloc(READ_MAX);

	must(buf != NULL);
	memset(&info, 0, sizeof(info));
	if (b->format->info(b, &info, &e) == 0)
		must(info.virtual_size == b->size);
	img_info_free(&info);
	if (b->format->snapshot_list(b, &v, &n, &e) == 0)
		img_snapshots_free(v, n);

	for (int i = 0; i < EXTENTS_MAX && off < b->size; i++) {
		if (blk_extent(b, off, b->size - off, &x, &e) < 0)
			break;
		must(x.len > 0 && x.len <= b->size - off);
		off += x.len;
	}
	for (off = 0; off < b->size && off < READ_MAX; off += 4096) {
		uint64_t left = b->size - off;

		(void)!blk_pread(b, buf, left < 4096 ? (size_t)left : 4096, off, &e);
	}
	if (b->size >= 512)
		(void)!blk_pread(b, buf, 512, (b->size - 512) & ~511ull, &e);
	free(buf);
}

static int check(struct blk *b, unsigned repair, struct img_check *c)
{
	struct err e = { 0 };

	memset(c, 0, sizeof(*c));
	c->repair = repair;
	return b->format->check(b, c, &e);
}

/* Every operation on bitmaps, with the first that the image has. */
static void change_bitmaps(struct blk *b)
{
	struct img_info info = { 0 };
	struct err e = { 0 };
	size_t at;

	if (b->format->info(b, &info, &e) == 0 && info.bitmaps_n) {
		const char *old = info.bitmaps[0].name;
		struct img_bitmap_op ops[] = {
			{ .verb = BITMAP_ADD, .name = "fuzz", .granularity = 512 },
			{ .verb = BITMAP_MERGE, .name = "fuzz", .src_name = old },
			{ .verb = BITMAP_MERGE, .name = old, .src_name = "fuzz" },
			{ .verb = BITMAP_DISABLE, .name = old },
			{ .verb = BITMAP_CLEAR, .name = old },
			{ .verb = BITMAP_REMOVE, .name = old },
		};

		for (size_t n = 1; n <= sizeof(ops) / sizeof(ops[0]); n++) {
			int r = b->format->bitmap(b, ops, n, &at, &e);

			must(r == 0 || (at <= n && e.msg[0]));
			if (r == 0)
				(void)!b->format->bitmap(b,
							 &(struct img_bitmap_op){
								 .verb = BITMAP_REMOVE,
								 .name = "fuzz" },
							 1, &at, &e);
		}
	}
	img_info_free(&info);
}

/* Writes and snapshots of an image that may be damaged: refused or done, never worse. */
static void change(struct blk *b)
{
	struct err e = { 0 };
	uint8_t sector[512];

	memset(sector, 0x5a, sizeof(sector));
	if (b->size < sizeof(sector))
		return;
	(void)!blk_pwrite(b, sector, sizeof(sector), 0, &e);
	(void)!blk_pwrite(b, sector, sizeof(sector), (b->size - 512) & ~511ull, &e);
	(void)!blk_discard(b, 0, b->size < READ_MAX ? b->size : READ_MAX, &e);
	change_bitmaps(b);
	(void)!b->format->snapshot(b, SNAPSHOT_CREATE, "fuzz", NULL, &e);
	(void)!blk_flush(b, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct img_check c, after;
	struct blk *b;

	b = open_image(data, len, 0, &e);
	if (b) {
		look_at(b);
		(void)check(b, 0, &c);
		(void)blk_close(b, NULL);
	}

	memset(&e, 0, sizeof(e));
	b = open_image(data, len, BLK_WRITE | BLK_CHECK, &e);
	if (b) {
		int r = check(b, IMG_FIX_LEAKS | IMG_FIX_ERRORS, &c);

		/* Some damage cannot be mended (a snapshot's table beyond the end of the
		 * file), and mending one thing can bring others to light.  But what was
		 * clean stays so, and where no damage is left no cluster is lost. */
		if (r == 0 && !c.check_errors && check(b, 0, &after) == 0) {
			must(after.corruptions == 0 || c.corruptions > 0);
			must(after.leaks == 0 || after.corruptions > 0);
		}
		(void)blk_close(b, NULL);
	}

	memset(&e, 0, sizeof(e));
	b = open_image(data, len, BLK_WRITE, &e);
	if (b) {
		change(b);
		look_at(b);
		(void)blk_close(b, NULL);
	}
	return 0;
}
