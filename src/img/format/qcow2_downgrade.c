/* SPDX-License-Identifier: MIT */
/*
 * From version 3 to 2, which has no entries that say "reads as zero": these become plain
 * clusters of zero bytes, or unallocated ones where nothing lies below.  Tables of snapshots
 * too.  Each entry is changed for one that reads the same, so a crash at any point leaves
 * a good version 3 image.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_amend.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_data.h"
#include "img/format/qcow2_swap.h"
#include "img/format/qcow2_tree.h"

#include <stdlib.h>
#include <string.h>

/* L2 tables already seen: snapshots share them.  An open hash of offsets, 0 is empty. */
struct seen {
	uint64_t *v;
	size_t n, slots; /* slots is a power of two */
};

static bool seen_put(struct seen *t, uint64_t off)
{
	size_t i = (size_t)(off * 0x9e3779b97f4a7c15ull >> 20) & (t->slots - 1);

	while (t->v[i] && t->v[i] != off)
		i = (i + 1) & (t->slots - 1);
	if (t->v[i])
		return false;
	t->v[i] = off;
	t->n++;
	return true;
}

static int seen_grow(struct seen *t, struct err *e)
{
	struct seen wide = { .slots = t->slots ? t->slots * 2 : 1024 };

	if (t->n < t->slots / 2)
		return 0;
	wide.v = mem_zalloc(wide.slots, sizeof(*wide.v), e);
	if (!wide.v)
		return -ENOMEM;
	for (size_t i = 0; i < t->slots; i++)
		if (t->v[i])
			(void)seen_put(&wide, t->v[i]);
	free(t->v);
	*t = wide;
	return 0;
}

struct expand {
	struct seen seen;
	bool zstd;   /* compressed clusters would be read as something else */
	bool active; /* not tables that only snapshots have: these say nothing of sharing */
	struct progress *progress;
};

/* A zero cluster that gets a place of its own; @refs tables' worth of references. */
static int new_place(struct qcow2 *s, uint64_t refs, uint64_t *host, struct err *e)
{
	uint64_t cluster;
	int r = qcow2_alloc(s, 1, &cluster, NULL, e);

	if (r == 0 && refs > 1)
		r = qcow2_refcount_add(s, cluster, 1, (int64_t)refs - 1, e);
	*host = cluster << s->cluster_bits;
	return r;
}

/* The entry that stands in for zero entry @entry of a table with @refs references. */
static int plain_entry(struct qcow2 *s, uint64_t entry, uint64_t refs, uint64_t *out,
		       struct err *e)
{
	uint64_t host = entry & QCOW2_OFFSET_MASK, n = 0;
	int r = 0;

	*out = 0;
	if (host & (s->cluster_size - 1))
		return qcow2_corrupt(s, true, e, "cluster offset %#llx unaligned",
				     (unsigned long long)host);
	if (host)
		r = qcow2_refcount_get(s, host >> s->cluster_bits, &n, e);
	/* Others may have real data there: leave it to them. */
	if (r == 0 && host && n != refs) {
		for (uint64_t i = 0; r == 0 && i < refs; i++)
			r = qcow2_free_later(s, host, s->cluster_size, e);
		host = 0;
	}
	if (r < 0 || (!host && !qcow2_has_backing(s)))
		return r;
	if (!host)
		r = new_place(s, refs, &host, e);
	if (r == 0)
		r = qcow2_check_overlap(s, host, s->cluster_size, 0, e);
	if (r == 0)
		r = blk_zero(s->blk.child, host, s->cluster_size, 0, e);
	s->cow_unsynced = true;
	*out = host;
	return r;
}

static int expand_slice(struct qcow2 *s, struct expand *x, uint64_t off, uint64_t refs,
			struct err *e)
{
	uint8_t *table;
	int r = qcow2_cache_get(s->l2c, off, &table, e);

	if (r < 0)
		return r;
	qcow2_cache_pin(s->l2c, table);
	for (uint64_t i = 0; r == 0 && i < 1ull << s->slice_bits; i++) {
		uint64_t plain, entry = qcow2_l2_entry(s, table, i);

		if (entry & QCOW2_OFLAG_COMPRESSED && x->zstd)
			r = err_set(e, -ENOTSUP,
				    "Cannot downgrade an image with zstd compression type and "
				    "existing compressed clusters");
		if (entry & QCOW2_OFLAG_COMPRESSED || !(entry & QCOW2_OFLAG_ZERO))
			continue;
		r = plain_entry(s, entry, refs, &plain, e);
		if (r < 0)
			break;
		if (plain && refs == 1 && x->active)
			plain |= QCOW2_OFLAG_COPIED;
		qcow2_l2_set(s, table, i, plain, 0);
		qcow2_cache_dirty(s->l2c, table);
	}
	qcow2_cache_unpin(s->l2c, table);
	return r;
}

static int expand_l1(struct qcow2 *s, struct expand *x, const uint64_t *l1, uint32_t n,
		     struct err *e)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint64_t refs, off = l1[i] & QCOW2_OFFSET_MASK;
		size_t bytes = qcow2_slice_bytes(s);

		progress_add(x->progress, 1);
		if (!off)
			continue;
		r = seen_grow(&x->seen, e);
		if (r < 0)
			return r;
		if (!seen_put(&x->seen, off))
			continue;
		r = qcow2_refcount_get(s, off >> s->cluster_bits, &refs, e);
		for (uint64_t at = 0; r == 0 && at < s->cluster_size; at += bytes)
			r = expand_slice(s, x, off + at, refs, e);
		/* What waits to be freed is not to pile up. */
		if (r == 0 && s->frees_n > 4096)
			r = qcow2_flush_meta(s, e);
	}
	return r;
}

static int expand_all(struct qcow2 *s, struct progress *p, struct err *e)
{
	struct expand x = { .zstd = s->h.compression == QCOW2_ZSTD, .progress = p };
	uint64_t total = s->h.l1_entries;
	int r;

	for (uint32_t i = 0; i < s->snapshots_n; i++)
		total += s->snapshots[i].l1_entries;
	progress_total(p, total);
	x.active = true;
	r = expand_l1(s, &x, s->l1, s->h.l1_entries, e);
	x.active = false;
	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		const struct qcow2_snapshot *sn = &s->snapshots[i];
		uint64_t *l1 = NULL;
		uint32_t n;

		r = qcow2_l1_read(s, sn->l1_offset, sn->l1_entries, &l1, &n, e);
		if (r == 0)
			r = expand_l1(s, &x, l1, n, e);
		free(l1);
	}
	free(x.seen.v);
	if (r < 0)
		return r == -ENOTSUP ? r
				     : err_wrap(e, r, "Failed to turn zero into data clusters");
	return qcow2_flush_meta(s, e);
}

/* Version 2 has no bitmaps: their clusters go back.  An unreadable directory only
 * leaves leaks. */
static int drop_bitmaps(struct qcow2 *s, struct qcow2_swap *w, struct err *e)
{
	struct qcow2_bitmap *dir = NULL;
	uint32_t n = s->h.bitmaps_n;
	int r = 0;

	if (!s->h.has_bitmaps)
		return 0;
	qcow2_bitmaps_free(s);
	if (qcow2_bitmap_dir_load(s, &dir, NULL) < 0)
		return 0;
	blk_warn(&s->blk, "warning: version 2 cannot hold bitmaps: %u of them are dropped", n);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint64_t bytes = round_up(dir[i].table_entries * 8ull, s->cluster_size);
		uint64_t *table = NULL;

		if (qcow2_bitmap_table_load(s, &dir[i], &table, NULL) < 0)
			continue;
		for (uint32_t k = 0; r == 0 && k < dir[i].table_entries; k++)
			if (table[k] & QCOW2_BITMAP_OFFSET_MASK)
				r = qcow2_swap_drop(w, table[k] & QCOW2_BITMAP_OFFSET_MASK,
						    s->cluster_size, e);
		if (r == 0)
			r = qcow2_swap_drop(w, dir[i].table_offset, bytes, e);
		free(table);
	}
	qcow2_bitmap_dir_free(dir, n);
	if (r == 0)
		r = qcow2_swap_drop(w, s->h.bitmap_dir_offset,
				    round_up(s->h.bitmap_dir_size, s->cluster_size), e);
	if (r == 0)
		qcow2_region_del(s, s->h.bitmap_dir_offset, s->h.bitmap_dir_size);
	return r;
}

int qcow2_downgrade_check(struct qcow2 *s, struct err *e)
{
	uint64_t fatal =
		s->h.incompat & ~(uint64_t)(QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_COMPRESSION);

	if (qcow2_has_data_file(s))
		return err_set(e, -ENOTSUP, "Cannot downgrade an image with a data file");
	for (uint32_t i = 0; i < s->snapshots_n; i++)
		if (s->snapshots[i].info.vm_state_size > UINT32_MAX ||
		    s->snapshots[i].info.disk_size != s->blk.size)
			return err_set(e, -ENOTSUP,
				       "Internal snapshots prevent downgrade of image");
	if (fatal)
		return err_set(
			e, -ENOTSUP,
			"Cannot downgrade an image with incompatible features 0x%llx set",
			(unsigned long long)fatal);
	return 0;
}

int qcow2_downgrade(struct qcow2 *s, struct progress *p, struct err *e)
{
	struct qcow2_header old;
	struct qcow2_swap w = { 0 };
	int r = qcow2_downgrade_check(s, e);

	if (r == 0)
		r = qcow2_stop_lazy(s, e);
	if (r == 0)
		r = expand_all(s, p, e);
	if (r == 0)
		r = drop_bitmaps(s, &w, e);
	if (r < 0)
		return r;
	old = s->h;
	s->h.version = 2;
	s->h.incompat = s->h.compat = s->h.autoclear = 0;
	s->h.compression = QCOW2_ZLIB;
	s->h.extra_len = 0;
	s->h.has_bitmaps = s->h.bitmaps_stale = false;
	r = qcow2_swap_commit(s, &w, e);
	if (r < 0) {
		s->h = old;
		qcow2_swap_undo(s, &w);
	}
	return r;
}
