/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_check.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 1 << 20, WINDOW_MIN = 64 << 10 };

void check_say(struct checker *k, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!k->c->report || k->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	k->c->report(k->c->arg, line);
}

void check_plan(struct checker *k, uint64_t steps)
{
	k->steps += steps;
	progress_total(k->c->progress, k->steps);
}

/* ---- reading and writing the file ---- */

static uint64_t window_max(const struct checker *k)
{
	return max_u64(WINDOW, k->s->cluster_size);
}

static int window_fill(struct checker *k, struct check_window *w, uint64_t off, uint64_t len,
		       struct err *e)
{
	uint64_t size = k->s->blk.child->size;
	uint64_t have = off < size ? min_u64(len, size - off) : 0;
	int r = have ? blk_pread(k->s->blk.child, w->buf, have, off, e) : 0;

	w->len = 0;
	if (r < 0)
		return r;
	memset(w->buf + have, 0, len - have);
	w->off = off;
	w->len = len;
	return 0;
}

int check_read(struct checker *k, struct check_window *w, uint64_t off, size_t len, uint8_t **p,
	       struct err *e)
{
	uint64_t end = w->off + w->len, want = len;
	int r = 0;

	if (!w->buf) {
		w->buf = mem_aligned(4096, window_max(k), e);
		if (!w->buf)
			return -ENOMEM;
	}
	if (!w->len || off < w->off || off > end || len > end - off) {
		/* tables that follow each other are read in ever larger pieces */
		if (w->len && off >= end && off - end <= len)
			want = min_u64(max_u64(w->len * 2, len), window_max(k));
		r = window_fill(k, w, off, want, e);
	}
	*p = w->buf + (off - w->off);
	return r;
}

void check_forget(struct checker *k)
{
	k->tables.len = k->blocks.len = 0;
	k->hole_end = 0;
}

void check_budget(struct checker *k)
{
	/* a table may be walked again to tell what is wrong with it, but not without end */
	k->budget = 4 * k->len + (64 << 20);
}

static void window_patch(struct check_window *w, uint64_t off, const uint8_t *buf, uint64_t len)
{
	uint64_t from = max_u64(off, w->off), to = min_u64(off + len, w->off + w->len);

	/* @buf may be the window's own memory */
	if (from < to)
		memmove(w->buf + (from - w->off), buf + (from - off), to - from);
}

int check_write(struct checker *k, uint64_t off, const void *buf, size_t len, unsigned may,
		struct err *e)
{
	int r = qcow2_check_overlap(k->s, off, len, may, e);

	if (r == 0)
		r = blk_pwrite(k->s->blk.child, buf, len, off, e);
	if (r < 0)
		return r;
	window_patch(&k->tables, off, buf, len);
	window_patch(&k->blocks, off, buf, len);
	k->wrote = true;
	return 0;
}

/* ---- the steps ---- */

/* The largest refcount that the image's width has room for. */
static uint64_t check_max(const struct checker *k)
{
	return UINT64_MAX >> (64 - (1u << k->s->h.refcount_order));
}

static void clear_statistics(struct checker *k)
{
	k->c->allocated_clusters = 0;
	k->c->fragmented_clusters = 0;
	k->c->compressed_clusters = 0;
}

int check_length(struct checker *k, uint64_t len, struct err *e)
{
	k->len = len;
	k->clusters = div_up(len, k->s->cluster_size);
	check_map_free(&k->map);
	check_forget(k);
	check_budget(k);
	clear_statistics(k);
	return check_map_init(&k->map, k->clusters + 2, check_max(k), e);
}

int check_quietly(struct checker *k, struct err *e)
{
	struct check_counts n = k->n;
	bool rebuild = k->rebuild;
	unsigned fix = k->fix;
	int r;

	k->quiet = true;
	k->fix = 0;
	r = check_references(k, e);
	k->quiet = false;
	k->fix = fix;
	k->rebuild = rebuild;
	k->n = n;
	return r;
}

/* After the header was switched to a new structure: what the old one took is leaked, and
 * all else is counted once more. */
static int recount(struct checker *k, unsigned fix, struct err *e)
{
	struct check_counts told;
	int r;

	k->rebuild = false;
	k->fix = 0;
	check_map_clear(&k->map);
	clear_statistics(k);
	r = check_references(k, e);
	if (r < 0 || !(fix & IMG_FIX_LEAKS))
		return r;
	told = k->n;
	k->n = (struct check_counts){ 0 };
	k->fix = IMG_FIX_LEAKS;
	r = check_compare(k, e);
	if (k->rebuild)
		check_say(k, "ERROR rebuilt refcount structure is still broken");
	/* leaks that could not be given back are new; all else is known already */
	told.leaks += k->n.leaks;
	k->n = told;
	return r;
}

static int rebuild(struct checker *k, struct err *e)
{
	struct check_counts old = k->n;
	unsigned fix = k->fix;
	int r;

	check_say(k, "Rebuilding refcount structure");
	r = check_rebuild(k, e);
	if (r < 0) {
		k->n.check_errors++;
		return r;
	}
	k->n.corruptions = k->n.leaks = 0;
	r = recount(k, fix, e);
	k->fix = fix;
	if (r < 0)
		return r;
	if (k->n.corruptions < old.corruptions)
		k->n.corruptions_fixed += old.corruptions - k->n.corruptions;
	if (k->n.leaks < old.leaks)
		k->n.leaks_fixed += old.leaks - k->n.leaks;
	/* a new structure's flags follow from its refcounts, which just changed */
	k->each_flag = true;
	return 0;
}

static int mend_refcounts(struct checker *k, const struct check_counts *before, struct err *e)
{
	if (k->rebuild && k->fix & IMG_FIX_ERRORS)
		return rebuild(k, e);
	if (!k->fix)
		return 0;
	if (k->rebuild) {
		check_say(k, "ERROR need to rebuild refcount structures");
		k->n.check_errors++;
		return err_set(e, -EIO, "the refcount structure needs to be rebuilt");
	}
	if (!k->n.leaks && !k->n.corruptions)
		return 0;
	k->n = *before;
	k->each_flag = true;
	return check_compare(k, e);
}

static int check_refcounts(struct checker *k, struct err *e)
{
	unsigned fix = k->fix;
	struct check_counts before;
	int r = check_references(k, e);

	if (r < 0)
		return r;
	/* first without mending: whether single refcounts or the structure is at fault
	 * shows only when all have been seen */
	before = k->n;
	k->fix = 0;
	r = check_compare(k, e);
	k->fix = fix;
	if (r == 0)
		r = mend_refcounts(k, &before, e);
	if (r == 0)
		r = check_sync(k, e);
	k->c->image_end_offset = (k->highest + 1) << k->s->cluster_bits;
	return r;
}

static void add_counts(struct check_counts *to, const struct check_counts *from)
{
	to->corruptions += from->corruptions;
	to->leaks += from->leaks;
	to->check_errors += from->check_errors;
	to->corruptions_fixed += from->corruptions_fixed;
	to->leaks_fixed += from->leaks_fixed;
}

static int check_start(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;

	k->len = s->blk.child->size;
	k->clusters = div_up(k->len, s->cluster_size);
	k->rb_bits = s->cluster_bits + 3 - s->h.refcount_order;
	if (k->clusters > INT32_MAX) {
		k->n.check_errors++;
		return err_set(e, -EFBIG, "file of %llu clusters",
			       (unsigned long long)k->clusters);
	}
	k->c->total_clusters = div_up(s->blk.size, s->cluster_size);
	check_budget(k);
	/* what reaches past the end by less than a cluster is counted, too */
	return check_map_init(&k->map, k->clusters + 2, check_max(k), e);
}

static int check_all(struct checker *k, struct err *e)
{
	struct check_counts table = { 0 };
	int r = check_snaptab_read(k, &table, e);

	if (r == 0)
		r = check_start(k, e);
	if (r == 0 && k->fix)
		r = qcow2_regions_load(k->s, e);
	if (r == 0)
		r = check_refcounts(k, e);
	/* a new table changes refcounts, and they decide about flags */
	if (r == 0)
		r = check_snaptab_fix(k, &table, e);
	if (r == 0)
		r = check_flags(k, e);
	if (r == 0)
		r = check_sync(k, e);
	add_counts(&k->n, &table);
	if (r == 0 && k->fix && !k->n.check_errors && !k->n.corruptions)
		r = check_mark_good(k, e);
	return r;
}

static void finish(struct checker *k)
{
	struct img_check *c = k->c;

	c->corruptions = k->n.corruptions;
	c->leaks = k->n.leaks;
	c->check_errors = k->n.check_errors;
	c->corruptions_fixed = k->n.corruptions_fixed;
	c->leaks_fixed = k->n.leaks_fixed;
	check_map_free(&k->map);
	free(k->tables.buf);
	free(k->blocks.buf);
	free(k->table);
}

/* Caches hold nothing that the file has not; those who write go past them. */
static int clean_caches(struct qcow2 *s, struct err *e)
{
	int r = 0;

	if (s->blk.flags & BLK_WRITE && !s->broken)
		r = qcow2_flush_meta(s, e);
	/* what a lazy image would write when it is closed */
	if (r == 0 && s->lazy && !s->broken)
		r = qcow2_write_refcounts(s, e);
	if (r == 0 && s->blk.flags & BLK_WRITE) {
		qcow2_cache_forget_all(s->l2c);
		qcow2_cache_forget_all(s->rbc);
	}
	return r;
}

int qcow2_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct checker k = { .s = s, .c = c, .fix = c->repair };
	int r;

	clear_statistics(&k);
	c->total_clusters = c->image_end_offset = 0;
	if (c->repair && !(b->flags & BLK_WRITE))
		return err_set(e, -EPERM, "image is open read-only and cannot be repaired");
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	if (s->on_snapshot)
		r = err_set(e, -EINVAL, "a snapshot is loaded");
	else
		r = clean_caches(s, e);
	if (r == 0)
		r = check_all(&k, e);
	finish(&k);
	if (c->repair) {
		qcow2_cache_forget_all(s->l2c);
		qcow2_cache_forget_all(s->rbc);
		s->alloc_hint = 0;
		s->comp_off = 0;
		if (r == 0)
			r = qcow2_regions_load(s, e);
	}
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
