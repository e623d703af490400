/* SPDX-License-Identifier: MIT */
/*
 * Another size for the guest's disk.
 *
 * Growing: first the tables become large enough, by one write of the header that leaves the
 * size alone; then the new part is zeroed and preallocated; then the size is written.
 * Shrinking: the size is written first, and what lies past it is given back after.  A crash
 * in between leaves an image of the old or the new size, with leaks or clusters past the
 * end at worst.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_data.h"
#include "img/format/qcow2_swap.h"
#include "img/format/qcow2_tree.h"

#include <stdlib.h>
#include <string.h>

static uint64_t l1_needed(const struct qcow2 *s, uint64_t size)
{
	return div_up(size, s->cluster_size << s->l2_bits);
}

/* ---- both ways; under both locks ---- */

/* Header fields, table and swap of a change that may have to be taken back. */
struct attempt {
	struct qcow2_header saved; /* shallow: strings are not touched */
	uint64_t *old_l1;          /* NULL: s->l1 is still the old one */
	struct qcow2_swap swap;
};

static int attempt_end(struct qcow2 *s, struct attempt *a, int r, struct err *e)
{
	if (r == 0)
		r = qcow2_swap_commit(s, &a->swap, e);
	if (r == 0) {
		free(a->old_l1);
		return 0;
	}
	s->h = a->saved;
	if (a->old_l1) {
		free(s->l1);
		s->l1 = a->old_l1;
	}
	qcow2_swap_undo(s, &a->swap);
	return r;
}

/* Room for @entries: where the table is if its clusters suffice, else in new ones. */
static int grow_l1(struct qcow2 *s, struct attempt *a, uint64_t entries, struct err *e)
{
	struct qcow2_header *h = &s->h;
	uint64_t have = round_up(h->l1_entries * 8ull, s->cluster_size), off = h->l1_offset;
	uint64_t *l1;
	int r;

	if (entries > QCOW2_L1_BYTES_MAX / 8)
		return err_set(e, -EFBIG, "Failed to grow the L1 table: File too large");
	l1 = mem_zalloc(entries, sizeof(*l1), e);
	if (!l1)
		return -ENOMEM;
	if (h->l1_entries)
		memcpy(l1, s->l1, h->l1_entries * sizeof(*l1));
	if (entries * 8 <= have) {
		r = qcow2_l1_write(s, off, l1, (uint32_t)entries, QCOW2_R_L1, e);
	} else {
		r = qcow2_swap_alloc(s, &a->swap, div_up(entries * 8, s->cluster_size), &off,
				     e);
		if (r == 0)
			r = qcow2_l1_write(s, off, l1, (uint32_t)entries, 0, e);
		if (r == 0)
			r = qcow2_region_add(s, off, entries * 8, QCOW2_R_L1, e);
		if (r == 0)
			r = qcow2_swap_drop(&a->swap, h->l1_offset, have, e);
	}
	if (r < 0) {
		free(l1);
		return r;
	}
	a->old_l1 = s->l1;
	s->l1 = l1;
	h->l1_offset = off;
	h->l1_entries = (uint32_t)entries;
	return 0;
}

/* Clean tables, so that the file has what is about to be copied. */
static int settle(struct qcow2 *s, struct err *e)
{
	int r = qcow2_begin_change(s, e);

	return r < 0 ? r : qcow2_flush_meta(s, e);
}

/* ---- growing ---- */

static int make_room(struct qcow2 *s, uint64_t size, struct err *e)
{
	struct attempt a = { .saved = s->h };
	uint64_t entries = l1_needed(s, size);
	int r = settle(s, e);

	if (r < 0)
		return r;
	if (entries > s->h.l1_entries)
		r = grow_l1(s, &a, entries, e);
	if (r == 0)
		r = qcow2_bitmaps_resize(s, size, &a.swap, e);
	if (r == 0 && !a.old_l1 && !a.swap.fresh_n)
		return 0;
	return attempt_end(s, &a, r, e);
}

static int write_size(struct qcow2 *s, uint64_t size, struct err *e)
{
	uint64_t old = s->h.size;
	struct qcow2_swap none = { 0 };
	int r;

	s->h.size = size;
	r = qcow2_swap_commit(s, &none, e);
	if (r < 0) {
		s->h.size = old;
		qcow2_swap_undo(s, &none);
	}
	return r;
}

/* What the guest would see past the old end: the rest of the last cluster, and a longer
 * backing image. */
static int zero_new(struct qcow2 *s, uint64_t old, uint64_t size, struct err *e)
{
	struct blk *backing = s->blk.backing;
	uint64_t end = round_up(old, s->cluster_size);

	if (backing)
		end = max_u64(end, backing->size);
	end = min_u64(end, size);
	return end > old ? qcow2_zero(&s->blk, old, end - old, 0, e) : 0;
}

static int fill_new(struct qcow2 *s, uint64_t old, uint64_t size, enum blk_prealloc p,
		    const struct blk_watch *w, struct err *e)
{
	struct blk *data = s->blk.data;
	struct blk_watch rest = { .stop = w ? w->stop : NULL };
	int r = 0;

	/* A raw data file must be described whole. */
	if (p == PREALLOC_OFF && qcow2_data_is_raw(s))
		p = PREALLOC_METADATA;
	if (data && data->size < size && p != PREALLOC_OFF && p != PREALLOC_METADATA) {
		r = blk_resize_watched(data, size, p, w, e);
		w = &rest; /* that was the work: what follows only describes it */
	} else if (data && data->size < size) {
		r = blk_resize(data, size, PREALLOC_OFF, e);
	}
	if (r == 0)
		r = zero_new(s, old, size, e);
	if (r < 0 || p == PREALLOC_OFF)
		return r;
	pthread_rwlock_wrlock(&s->io);
	r = qcow2_preallocate(s, old, size - old, p, w, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}

/* ---- shrinking; under both locks ---- */

/* Entries from guest offset @off on, up to the end of its L2 table. */
static int cut_table(struct qcow2 *s, uint64_t off, struct err *e)
{
	uint64_t end = round_up(off + 1, s->cluster_size << s->l2_bits);

	if (!(s->l1[qcow2_l1_index(s, off)] & QCOW2_OFFSET_MASK))
		return 0;
	while (off < end) {
		uint64_t i = qcow2_slice_index(s, off), n = 1ull << s->slice_bits;
		uint8_t *table;
		int r = qcow2_l2_for_write(s, off, &table, e);

		for (; r == 0 && i < n; i++, off += s->cluster_size) {
			r = qcow2_free_entry(s, qcow2_l2_entry(s, table, i), e);
			if (r == 0)
				qcow2_l2_set(s, table, i, 0, 0);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Drops all that maps guest bytes from @size on. */
static int cut_tail(struct qcow2 *s, uint64_t size, struct err *e)
{
	enum { FREES_MAX = 32768 }; /* ranges that wait in memory at most */
	uint64_t off = round_up(size, s->cluster_size);
	int r = 0;

	if (off & ((s->cluster_size << s->l2_bits) - 1))
		r = cut_table(s, off, e);
	for (uint64_t i = l1_needed(s, size); r == 0 && i < s->h.l1_entries; i++) {
		uint64_t l2 = s->l1[i] & QCOW2_OFFSET_MASK;

		if (!l2)
			continue;
		if (l2 & (s->cluster_size - 1))
			return qcow2_corrupt(
				s, true, e, "L2 table offset %#llx unaligned (L1 index: %#llx)",
				(unsigned long long)l2, (unsigned long long)i);
		r = qcow2_drop_data(s, l2, e);
		if (r == 0)
			r = qcow2_free_later(s, l2, s->cluster_size, e);
		if (r == 0)
			qcow2_l1_set(s, i, 0);
		if (r == 0 && s->frees_n > FREES_MAX)
			r = qcow2_flush_meta(s, e);
	}
	return r < 0 ? r : qcow2_flush_meta(s, e);
}

/* The L1 table gives up the clusters it does not need. */
static int cut_l1(struct qcow2 *s, uint64_t size, struct err *e)
{
	struct attempt a = { .saved = s->h };
	uint64_t entries = l1_needed(s, size);
	uint64_t keep = round_up(entries * 8, s->cluster_size);
	uint64_t have = round_up(s->h.l1_entries * 8ull, s->cluster_size);
	uint64_t cut = s->h.l1_offset + keep;
	int r = 0;

	if (entries >= s->h.l1_entries)
		return 0;
	s->h.l1_entries = (uint32_t)entries;
	if (!entries)
		s->h.l1_offset = 0;
	r = qcow2_swap_drop(&a.swap, cut, have - keep, e);
	r = attempt_end(s, &a, r, e);
	if (r == 0)
		qcow2_region_del(s, cut, have - keep);
	return r;
}

/* Whether @block, at cluster @self, counts nothing from @first on but maybe itself. */
static bool counts_nothing(const struct qcow2 *s, const uint8_t *block, uint64_t first,
			   uint64_t self)
{
	uint64_t per = (8ull << s->cluster_bits) >> s->h.refcount_order;

	for (uint64_t i = 0; i < per; i++)
		if (first + i != self && qcow2_rb_get(block, s->h.refcount_order, i))
			return false;
	return true;
}

int qcow2_cut_refblocks(struct qcow2 *s, struct err *e)
{
	uint64_t per = (8ull << s->cluster_bits) >> s->h.refcount_order;
	uint32_t i = s->reftable_entries;
	struct qcow2_swap w = { 0 };
	int r = 0;

	while (i-- > 1) {
		uint64_t off = s->reftable[i], self = off >> s->cluster_bits;
		uint8_t *block;

		if (!off)
			continue;
		r = qcow2_cache_get(s->rbc, off, &block, e);
		if (r < 0 || !counts_nothing(s, block, i * per, self))
			break;
		if (self / per != i)
			r = qcow2_swap_drop(&w, off, s->cluster_size, e);
		if (r < 0)
			break;
		s->reftable[i] = 0;
		qcow2_region_del(s, off, s->cluster_size);
		if (s->rt_dirty_lo >= s->rt_dirty_hi)
			s->rt_dirty_hi = i + 1;
		s->rt_dirty_lo = i;
	}
	/* The table no longer names them before their clusters are free. */
	if (r == 0)
		r = qcow2_swap_commit(s, &w, e);
	return r < 0 ? r : qcow2_flush_meta(s, e);
}

/* What lies past @size, the new size, goes back to the file system. */
static int give_back(struct qcow2 *s, uint64_t size, struct err *e)
{
	int r = cut_tail(s, size, e);

	if (r == 0)
		r = cut_l1(s, size, e);
	/* What was freed must be free in the file before the file gets shorter. */
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	if (r == 0 && !s->lazy)
		r = qcow2_cut_refblocks(s, e);
	if (r == 0 && !s->lazy)
		r = qcow2_cut_file(s, e);
	return r;
}

static int shrink(struct qcow2 *s, uint64_t size, struct err *e)
{
	struct attempt a = { .saved = s->h };
	int r = settle(s, e);

	if (r < 0)
		return r;
	r = qcow2_bitmaps_resize(s, size, &a.swap, e);
	s->h.size = size;
	r = attempt_end(s, &a, r, e);
	if (r < 0)
		return r;
	s->blk.size = size;
	s->freeing = QCOW2_FREED_REQUEST;
	r = give_back(s, size, e);
	s->freeing = QCOW2_FREED_OTHER;
	return r;
}

/* ---- growing, and back if that fails ---- */

/* A preallocation that came to nothing gives its space back.  The size in the file is still
 * the old one, so what cannot be undone here lies past the end and does no harm. */
static void undo_fill(struct qcow2 *s, uint64_t old, uint64_t data_size)
{
	struct blk *data = s->blk.data;

	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	if (!s->broken)
		(void)!shrink(s, old, NULL);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	if (data && !data->fixed && data->size > data_size)
		(void)!blk_resize(data, data_size, PREALLOC_OFF, NULL);
}

/* Takes the lock for the tables, none while guest bytes are written. */
static int grow(struct qcow2 *s, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
		struct err *e)
{
	uint64_t old = s->blk.size, data_size = s->blk.data ? s->blk.data->size : 0;
	int r;

	if (s->h.backing_file && !s->blk.backing)
		return err_set(e, -EINVAL,
			       "cannot grow the image without its backing file '%s', which may "
			       "be larger",
			       s->h.backing_file);
	pthread_mutex_lock(&s->lock);
	r = make_room(s, size, e);
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return r;
	s->blk.size = size;
	r = fill_new(s, old, size, p, w, e);
	if (r < 0 && p != PREALLOC_OFF)
		undo_fill(s, old, data_size);
	pthread_mutex_lock(&s->lock);
	if (r == 0)
		r = write_size(s, size, e);
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		s->blk.size = old;
	return r;
}

int qcow2_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
		 struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	if (size % 512)
		return err_set(e, -EINVAL, "The new size must be a multiple of 512");
	if (s->h.version < 3 && s->snapshots_n)
		return err_set(e, -ENOTSUP, "Can't resize a v2 image which has snapshots");
	if (size > INT64_MAX - s->cluster_size)
		return err_set(e, -EFBIG, "Failed to grow the L1 table: File too large");
	if (size < b->size && p != PREALLOC_OFF)
		return err_set(e, -EINVAL,
			       "Preallocation can't be used for shrinking an image");
	if (size == b->size && size == s->h.size)
		return 0;
	if (size >= b->size)
		return grow(s, size, p, w, e);
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = shrink(s, size, e);
	if (r == 0 && b->data && !b->data->fixed && b->data->size > size)
		r = blk_resize(b->data, size, PREALLOC_OFF, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
