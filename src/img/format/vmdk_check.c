/* SPDX-License-Identifier: MIT */
/*
 * Are all grains within their files, none of them used twice, none of them over tables, and do the
 * two directories say the same?  Nothing is repaired: what is lost cannot be told.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vmdk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 100 };

struct look {
	struct vmdk *s;
	struct vmdk_extent *x;
	struct img_check *c;
	uint8_t *used; /* a bit for each sector, or grain's worth of them, of the file */
	uint64_t used_n, unit;
	unsigned lines;
};

static void PRINTF(2, 3) problem(struct look *k, const char *fmt, ...)
{
	char text[ERR_MSG_SIZE];
	va_list ap;

	k->c->corruptions++;
	if (!k->c->report || k->lines++ >= LINES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	k->c->report(k->c->arg, text);
}

/* Marks [at, at + len) of the file, bytes; @what and @index are for messages. */
static void use(struct look *k, uint64_t at, uint64_t len, const char *what, uint64_t index)
{
	if (at >= k->x->file->size) {
		problem(k, "ERROR: %s %llu points after EOF of %s: %#llx", what,
			(unsigned long long)index, k->x->file->filename,
			(unsigned long long)at);
		return;
	}
	for (uint64_t u = at / k->unit; u < div_up(at + len, k->unit) && u < k->used_n; u++) {
		if (k->used[u / 8] & 1u << u % 8) {
			problem(k, "ERROR: %s %llu lies over something else in %s, at %#llx",
				what, (unsigned long long)index, k->x->file->filename,
				(unsigned long long)at);
			return;
		}
		k->used[u / 8] |= (uint8_t)(1u << u % 8);
	}
}

static void check_grains(struct look *k)
{
	struct vmdk_extent *x = k->x;

	for (uint64_t off = 0; off < x->size;) {
		struct vmdk_run run;
		struct err e = { 0 };

		if (vmdk_lookup(k->s, x, off, x->size - off, &run, &e) < 0) {
			problem(k, "ERROR: %s", e.msg);
			off = round_down(off, x->grain) + x->grain;
			continue;
		}
		if (run.state == VMDK_DATA)
			for (uint64_t n = 0; n < run.len; n += x->grain)
				use(k, run.host + n, x->grain, "grain", (off + n) / x->grain);
		else if (run.state == VMDK_PACKED)
			use(k, run.host, 1, "grain", off / x->grain);
		off += run.len;
	}
}

/* The copy of each table has to be what the table is. */
static void check_copies(struct look *k, uint8_t *a, uint8_t *b)
{
	struct vmdk_extent *x = k->x;

	for (uint64_t t = 0; t < x->h.gd_entries; t++) {
		uint64_t at = (uint64_t)load_le32(x->gd + t * 4) * VMDK_SECTOR;
		uint64_t copy = (uint64_t)load_le32(x->rgd + t * 4) * VMDK_SECTOR;

		if (!at && !copy)
			continue;
		if (blk_pread(x->file, a, x->gt_bytes, at, NULL) < 0 ||
		    blk_pread(x->file, b, x->gt_bytes, copy, NULL) < 0) {
			k->c->check_errors++;
			return;
		}
		if (!at || !copy || memcmp(a, b, x->gt_bytes))
			problem(k, "ERROR: the two copies of grain table %llu differ",
				(unsigned long long)t);
	}
}

static int check_tables(struct look *k, struct err *e)
{
	struct vmdk_extent *x = k->x;
	AUTO_FREE uint8_t *buf = NULL;

	for (uint64_t t = 0; t < x->h.gd_entries && x->kind != VMDK_SE; t++) {
		uint64_t a = (uint64_t)load_le32(x->gd + t * 4) * VMDK_SECTOR;
		uint64_t b = x->rgd ? (uint64_t)load_le32(x->rgd + t * 4) * VMDK_SECTOR : 0;

		if (a)
			use(k, a, x->gt_bytes, "grain table", t);
		if (b)
			use(k, b, x->gt_bytes, "the copy of grain table", t);
	}
	if (!x->rgd)
		return 0;
	buf = mem_zalloc(2, x->gt_bytes, e);
	if (!buf)
		return -ENOMEM;
	check_copies(k, buf, buf + x->gt_bytes);
	return 0;
}

static int check_sparse(struct look *k, struct err *e)
{
	int r;

	k->unit = VMDK_SECTOR;
	k->used_n = div_up(k->x->file->size, k->unit);
	k->used = mem_zalloc(1, (size_t)(k->used_n / 8 + 1), e);
	if (!k->used)
		return -ENOMEM;
	use(k, 0, VMDK_SECTOR, "the header", 0);
	r = check_tables(k, e);
	if (r == 0)
		check_grains(k);
	free(k->used);
	return r;
}

static void check_flat(struct look *k)
{
	const struct vmdk_extent *x = k->x;

	if (x->flat_off + x->size > round_up(x->file->size, VMDK_SECTOR))
		problem(k, "ERROR: %s has %llu bytes, and the disk needs %llu",
			x->file->filename, (unsigned long long)x->file->size,
			(unsigned long long)(x->flat_off + x->size));
}

int vmdk_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	struct look k = { .s = s, .c = c };
	int r = 0;

	if (c->repair)
		return err_set(e, -ENOTSUP, "vmdk images cannot be repaired");
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n && r == 0; i++) {
		k.x = &s->v[i];
		if (k.x->kind == VMDK_FLAT)
			check_flat(&k);
		else
			r = check_sparse(&k, e);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}
