/* SPDX-License-Identifier: MIT */
/*
 * A hostile image of any format, whole: opened, described, mapped, read, checked and repaired;
 * then written to and read again.  Nothing may take memory or time beyond what the bytes explain.
 */
#ifndef TESTS_LIB_FMTFUZZ_H
#define TESTS_LIB_FMTFUZZ_H

#include "img/img.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/memblk.h"

#include <string.h>

enum { FMT_READ_MAX = 128 << 10, FMT_EXTENTS_MAX = 64, FMT_FILE_MAX = 16 << 20 };

static struct blk *fmt_open(const struct img_format *f, const uint8_t *data, size_t len,
			    unsigned flags)
{
	struct blk *file = memblk_new(data, len), *b = NULL;
	struct err e = { 0 };
	int r;

	/* A table may send a write anywhere; a disk ends somewhere. */
	memblk(file)->limit = FMT_FILE_MAX;
	r = f->open(file, NULL, flags | BLK_NOBACKING, &b, &e);
	if (r == 0)
		return b;
	must(r < 0 && r == e.code && e.msg[0]);
	(void)blk_close(file, NULL);
	return NULL;
}

static void fmt_look(struct blk *b)
{
	struct err e = { 0 };
	struct img_info info;
	struct blk_extent x;
	uint64_t off = 0;
	uint8_t *buf = malloc(4096);

	must(buf != NULL && b->size <= INT64_MAX);
	memset(&info, 0, sizeof(info));
	if (b->format->info(b, &info, &e) == 0)
		must(info.virtual_size == b->size && info.format);
	img_info_free(&info);
	for (int i = 0; i < FMT_EXTENTS_MAX && off < b->size; i++) {
		if (blk_extent(b, off, b->size - off, &x, &e) < 0)
			break;
		must(x.len > 0 && x.len <= b->size - off);
		/* what is said to be zero reads as zero */
		if (x.flags & BLK_EXT_ZERO && !(x.flags & BLK_EXT_DATA)) {
			size_t n = x.len < 4096 ? (size_t)x.len : 4096;

			if (blk_pread(b, buf, n, off, &e) == 0)
				for (size_t k = 0; k < n; k++)
					must(buf[k] == 0);
		}
		off += x.len;
	}
	for (off = 0; off < b->size && off < FMT_READ_MAX; off += 4096) {
		uint64_t left = b->size - off;

		(void)!blk_pread(b, buf, left < 4096 ? (size_t)left : 4096, off, &e);
	}
	if (b->size >= 512)
		(void)!blk_pread(b, buf, 512, (b->size - 512) & ~511ull, &e);
	free(buf);
}

static void fmt_write(struct blk *b)
{
	struct err e = { 0 };
	uint8_t sector[512], again[512];
	uint64_t last = b->size < 512 ? 0 : (b->size - 512) & ~511ull;

	memset(sector, 0x5a, sizeof(sector));
	if (b->size < sizeof(sector))
		return;
	if (blk_pwrite(b, sector, sizeof(sector), last, &e) == 0 &&
	    blk_pread(b, again, sizeof(again), last, &e) == 0)
		must(!memcmp(sector, again, sizeof(sector)));
	(void)!blk_pwrite(b, sector, sizeof(sector), 0, &e);
	(void)!blk_zero(b, 0, sizeof(sector), 0, &e);
	(void)!blk_discard(b, 0, b->size < FMT_READ_MAX ? b->size : FMT_READ_MAX, &e);
	(void)!blk_flush(b, &e);
}

static void fmt_check(struct blk *b, unsigned repair)
{
	struct err e = { 0 };
	struct img_check c = { .repair = repair }, after = { 0 };
	int r;

	if (!b->format->check)
		return;
	r = b->format->check(b, &c, &e);
	must(r == 0 || (r == e.code && e.msg[0]));
	if (r < 0 || !repair || b->format->check(b, &after, &e) < 0)
		return;
	must(after.corruptions <= c.corruptions || c.corruptions_fixed || c.leaks_fixed);
}

static inline void fmt_fuzz(const struct img_format *f, const uint8_t *data, size_t len)
{
	static const unsigned ways[] = { BLK_NOIO, 0, BLK_CHECK, BLK_CHECK | BLK_WRITE,
					 BLK_WRITE };

	if (f->probe)
		must(f->probe(data, len < IMG_PROBE_BYTES ? len : IMG_PROBE_BYTES, "x") <= 100);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct blk *b = fmt_open(f, data, len, ways[i]);
		struct img_info info = { 0 };
		struct err e = { 0 };

		if (!b)
			continue;
		if (ways[i] & BLK_NOIO) {
			(void)!f->info(b, &info, &e);
			img_info_free(&info);
		} else if (ways[i] & BLK_CHECK) {
			fmt_check(b, ways[i] & BLK_WRITE ? IMG_FIX_LEAKS | IMG_FIX_ERRORS : 0);
		} else if (ways[i] & BLK_WRITE && b->ops->pwrite) {
			fmt_write(b);
			fmt_look(b);
		} else {
			fmt_look(b);
		}
		(void)blk_close(b, NULL);
	}
}

#endif
