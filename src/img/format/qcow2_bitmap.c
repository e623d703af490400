/* SPDX-License-Identifier: MIT */
/*
 * Keeping automatic bitmaps up to date.  The first change of guest bytes marks them in use
 * in the file, synced before the change: from then on nobody trusts their bits, so these
 * may be written at leisure.  Storing writes bits, then tables, then takes the mark away,
 * with a sync between each.  A bitmap that was in use when the image was opened stays so.
 *
 * Only clusters of bits that changed are held in memory.
 */
#include "img/format/qcow2_bitmap.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_bitmap_bits.h"

#include <stdlib.h>
#include <string.h>

/* One bitmap that follows writes. */
struct live {
	struct qcow2_bitmap *b; /* in qcow2_bitmaps.dir */
	uint64_t *table;        /* b->table_entries */
	uint8_t **bits;         /* the same: changed clusters, NULL where nothing changed */
};

struct qcow2_bitmaps {
	struct qcow2_bitmap *dir;
	uint32_t n;
	struct live *live;
	uint32_t live_n;
};

static void free_live(struct live *l)
{
	for (uint32_t i = 0; l->bits && i < l->b->table_entries; i++)
		free(l->bits[i]);
	free(l->bits);
	free(l->table);
}

void qcow2_bitmaps_free(struct qcow2 *s)
{
	struct qcow2_bitmaps *m = s->bitmaps;

	if (!m)
		return;
	for (uint32_t i = 0; i < m->live_n; i++)
		free_live(&m->live[i]);
	free(m->live);
	qcow2_bitmap_dir_free(m->dir, m->n);
	free(m);
	s->bitmaps = NULL;
}

/* Follows writes, and its bits can be trusted so far. */
static bool follows(const struct qcow2_bitmap *b)
{
	return b->flags & QCOW2_BITMAP_AUTO && !(b->flags & QCOW2_BITMAP_IN_USE);
}

static int load(struct qcow2 *s, struct err *e)
{
	struct qcow2_bitmaps *m = mem_zalloc(1, sizeof(*m), e);
	int r;

	if (!m)
		return -ENOMEM;
	s->bitmaps = m;
	r = qcow2_bitmap_dir_load(s, &m->dir, e);
	if (r < 0)
		return r;
	m->n = s->h.bitmaps_n;
	m->live = mem_zalloc(m->n, sizeof(*m->live), e);
	if (!m->live)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n; i++) {
		struct live *l = &m->live[m->live_n];

		/* with extra data unknown here, all we may do is to say that it is out of date */
		if (!follows(&m->dir[i]) || qcow2_bitmap_usable(&m->dir[i], NULL) < 0)
			continue;
		l->b = &m->dir[i];
		m->live_n++;
		r = qcow2_bitmap_table_load(s, l->b, &l->table, e);
		if (r < 0)
			return r;
		l->bits = mem_zalloc(l->b->table_entries, sizeof(*l->bits), e);
		if (!l->bits)
			return -ENOMEM;
	}
	return 0;
}

/* Writes [buf, buf + len) at @off, where no metadata of another kind may be. */
static int put(struct qcow2 *s, const void *buf, size_t len, uint64_t off, unsigned kind,
	       struct err *e)
{
	int r = qcow2_check_overlap(s, off, len, kind, e);

	return r < 0 ? r : blk_pwrite(s->blk.child, buf, len, off, e);
}

/* Writes the directory where it is: nothing but flags changed, each in a byte of its own,
 * so any part of the write that reaches the disk makes sense. */
static int write_flags(struct qcow2 *s, struct err *e)
{
	struct qcow2_bitmaps *m = s->bitmaps;
	uint8_t *buf = mem_zalloc(1, s->h.bitmap_dir_size, e);
	int r;

	if (!buf)
		return -ENOMEM;
	qcow2_bitmap_dir_write(m->dir, m->n, buf);
	r = put(s, buf, s->h.bitmap_dir_size, s->h.bitmap_dir_offset, QCOW2_R_BITMAP_DIR, e);
	free(buf);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	return r < 0 ? err_wrap(e, r, "writing the bitmap directory") : 0;
}

static int mark_in_use(struct qcow2 *s, struct err *e)
{
	struct qcow2_bitmaps *m = s->bitmaps;
	bool any = false;

	for (uint32_t i = 0; i < m->n; i++) {
		if (!follows(&m->dir[i]))
			continue;
		m->dir[i].flags |= QCOW2_BITMAP_IN_USE;
		any = true;
	}
	return any ? write_flags(s, e) : 0;
}

static int touch_one(struct qcow2 *s, struct live *l, uint64_t off, uint64_t len, struct err *e)
{
	uint64_t per = s->cluster_size * 8; /* bits in a cluster */
	uint64_t bit = off >> l->b->granularity_bits;
	uint64_t last = (off + len - 1) >> l->b->granularity_bits;

	while (bit <= last) {
		uint64_t i = bit / per, end = min_u64(last, i * per + per - 1);
		uint64_t entry;

		if (i >= l->b->table_entries)
			return err_set(e, -EUCLEAN, "bitmap '%s' is too small for the disk",
				       l->b->name);
		entry = l->table[i];
		/* All ones already: nothing to add. */
		if (l->bits[i] || !(entry & QCOW2_BITMAP_ALL_ONES)) {
			if (!l->bits[i]) {
				uint8_t *buf = mem_zalloc(1, s->cluster_size, e);
				int r = buf ? qcow2_bits_read(s, entry, buf, e) : -ENOMEM;

				if (r < 0) {
					free(buf);
					return err_wrap(e, r, "bitmap '%s'", l->b->name);
				}
				l->bits[i] = buf;
			}
			qcow2_bits_set(l->bits[i], bit % per, end % per);
		}
		bit = end + 1;
	}
	return 0;
}

int qcow2_bitmaps_touch(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e)
{
	int r = 0;

	if (!s->h.has_bitmaps || !len)
		return 0;
	if (!s->bitmaps) {
		r = load(s, e);
		if (r == 0)
			r = mark_in_use(s, e);
		if (r < 0) {
			qcow2_bitmaps_free(s);
			return r;
		}
	}
	for (uint32_t i = 0; r == 0 && i < s->bitmaps->live_n; i++)
		r = touch_one(s, &s->bitmaps->live[i], off, len, e);
	return r;
}

/* Writes the changed bits, with new clusters for those that had none. */
static int store_bits(struct qcow2 *s, struct live *l, bool *moved, struct err *e)
{
	*moved = false;
	for (uint32_t i = 0; i < l->b->table_entries; i++) {
		uint64_t cluster, off = l->table[i] & QCOW2_BITMAP_OFFSET_MASK;
		int r = 0;

		if (!l->bits[i])
			continue;
		if (!off) {
			r = qcow2_alloc(s, 1, &cluster, NULL, e);
			if (r < 0)
				return r;
			off = cluster << s->cluster_bits;
			l->table[i] = off;
			*moved = true;
		}
		r = put(s, l->bits[i], s->cluster_size, off, 0, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int qcow2_bitmap_table_write(struct qcow2 *s, const uint64_t *table, uint32_t n, uint64_t off,
			     struct err *e)
{
	uint8_t *buf = mem_zalloc(n, 8, e);
	int r;

	if (!buf)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		store_be64(buf + i * 8ull, table[i]);
	r = put(s, buf, n * 8ull, off, 0, e);
	free(buf);
	return r;
}

static int store_all(struct qcow2 *s, struct err *e)
{
	struct qcow2_bitmaps *m = s->bitmaps;
	bool *moved = mem_zalloc(m->live_n, sizeof(*moved), e);
	int r = 0;

	if (!moved)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < m->live_n; i++)
		r = store_bits(s, &m->live[i], &moved[i], e);
	/* Refcounts of new clusters before the tables that name them. */
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	for (uint32_t i = 0; r == 0 && i < m->live_n; i++) {
		struct live *l = &m->live[i];

		if (moved[i])
			r = qcow2_bitmap_table_write(s, l->table, l->b->table_entries,
						     l->b->table_offset, e);
	}
	free(moved);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	for (uint32_t i = 0; r == 0 && i < m->live_n; i++)
		m->live[i].b->flags &= ~(uint32_t)QCOW2_BITMAP_IN_USE;
	return r < 0 ? r : write_flags(s, e);
}

int qcow2_bitmaps_store(struct qcow2 *s, struct err *e)
{
	int r = 0;

	if (!s->bitmaps)
		return 0;
	if (s->bitmaps->live_n && !s->broken)
		r = store_all(s, e);
	if (r == 0)
		qcow2_bitmaps_free(s);
	return r < 0 ? err_wrap(e, r, "storing the bitmaps") : 0;
}

/* The last cluster that both sizes share, with bits from @keep on cleared: in a cluster of
 * its own, for the old one must stay as it is until the header changes. */
static int cut_bits(struct qcow2 *s, uint64_t *entry, uint64_t keep, struct qcow2_swap *w,
		    struct err *e)
{
	uint64_t off = *entry & QCOW2_BITMAP_OFFSET_MASK, at = keep / 8;
	uint8_t *buf;
	int r;

	if (!*entry)
		return 0;
	buf = mem_zalloc(1, s->cluster_size, e);
	if (!buf)
		return -ENOMEM;
	r = qcow2_bits_read(s, *entry, buf, e);
	if (r == 0) {
		if (keep % 8)
			buf[at++] &= (uint8_t)(0xff >> (8 - keep % 8));
		memset(buf + at, 0, s->cluster_size - at);
		r = qcow2_swap_alloc(s, w, 1, entry, e);
	}
	if (r == 0)
		r = put(s, buf, s->cluster_size, *entry, 0, e);
	if (r == 0 && off)
		r = qcow2_swap_drop(w, off, s->cluster_size, e);
	free(buf);
	return r;
}

/* A new table for @b that covers @size bytes: old bits up to the smaller size, then 0. */
static int resize_one(struct qcow2 *s, struct qcow2_bitmap *b, uint64_t size,
		      struct qcow2_swap *w, struct err *e)
{
	uint64_t gran = 1ull << b->granularity_bits, per = s->cluster_size * 8;
	uint64_t keep = div_up(min_u64(size, s->h.size), gran);
	uint64_t n = max_u64(div_up(div_up(size, gran), per), 1);
	uint64_t old_bytes = round_up(b->table_entries * 8ull, s->cluster_size), off = 0;
	AUTO_FREE uint64_t *old = NULL;
	AUTO_FREE uint64_t *table = NULL;
	int r;

	if (n > QCOW2_BITMAP_TABLE_MAX || n << s->cluster_bits > QCOW2_BITMAP_BYTES_MAX)
		return err_set(e, -EFBIG, "bitmap '%s' would need %llu bytes", b->name,
			       (unsigned long long)(n << s->cluster_bits));
	r = qcow2_bitmap_table_load(s, b, &old, e);
	table = r < 0 ? NULL : mem_zalloc(n, 8, e);
	if (!table)
		return r < 0 ? r : -ENOMEM;
	for (uint64_t i = 0; r == 0 && i < b->table_entries; i++) {
		if (i < n && i * per < keep)
			table[i] = old[i];
		else if (old[i] & QCOW2_BITMAP_OFFSET_MASK)
			r = qcow2_swap_drop(w, old[i], s->cluster_size, e);
	}
	if (r == 0 && keep % per)
		r = cut_bits(s, &table[keep / per], keep % per, w, e);
	if (r == 0)
		r = qcow2_swap_alloc(s, w, div_up(n * 8, s->cluster_size), &off, e);
	if (r == 0)
		r = qcow2_bitmap_table_write(s, table, (uint32_t)n, off, e);
	if (r == 0)
		r = qcow2_swap_drop(w, b->table_offset, old_bytes, e);
	b->table_offset = off;
	b->table_entries = (uint32_t)n;
	return r;
}

int qcow2_bitmap_dir_move(struct qcow2 *s, const struct qcow2_bitmap *dir, uint32_t n,
			  struct qcow2_swap *w, struct err *e)
{
	struct qcow2_header *h = &s->h;
	uint64_t off = 0, old = h->has_bitmaps ? h->bitmap_dir_offset : 0;
	uint64_t old_bytes = round_up(h->bitmap_dir_size, s->cluster_size);
	size_t bytes = qcow2_bitmap_dir_bytes(dir, n);
	AUTO_FREE uint8_t *buf = mem_zalloc(1, bytes ? bytes : 1, e);
	int r = 0;

	if (!buf)
		return -ENOMEM;
	qcow2_bitmap_dir_write(dir, n, buf);
	if (n) {
		r = qcow2_swap_alloc(s, w, div_up(bytes, s->cluster_size), &off, e);
		if (r == 0)
			r = put(s, buf, bytes, off, 0, e);
		if (r == 0)
			r = qcow2_region_add(s, off, round_up(bytes, s->cluster_size),
					     QCOW2_R_BITMAP_DIR, e);
	}
	if (r == 0 && old)
		r = qcow2_swap_drop(w, old, old_bytes, e);
	if (r < 0)
		return r;
	if (old)
		qcow2_region_del(s, old, old_bytes);
	h->has_bitmaps = n != 0;
	h->bitmaps_stale = false;
	h->bitmaps_n = n;
	h->bitmap_dir_offset = off;
	h->bitmap_dir_size = bytes;
	h->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
	h->autoclear |= n ? QCOW2_AUTOCLEAR_BITMAPS : 0;
	return 0;
}

int qcow2_bitmaps_resize(struct qcow2 *s, uint64_t size, struct qcow2_swap *w, struct err *e)
{
	struct qcow2_bitmap *dir;
	uint32_t n = s->h.bitmaps_n;
	int r;

	if (!s->h.has_bitmaps)
		return 0;
	r = qcow2_bitmaps_store(s, e);
	if (r == 0)
		r = qcow2_bitmap_dir_load(s, &dir, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = qcow2_bitmap_usable(&dir[i], e);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = resize_one(s, &dir[i], size, w, e);
	if (r == 0)
		r = qcow2_bitmap_dir_move(s, dir, n, w, e);
	qcow2_bitmap_dir_free(dir, n);
	return r;
}
