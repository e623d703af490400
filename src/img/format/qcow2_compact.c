/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_compact.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 8 };

/* ---- tables ---- */

int compact_each_l1(struct compact *k,
		    int (*each)(struct compact *k, uint64_t at, const uint64_t *l1, uint32_t n,
				struct err *e),
		    struct err *e)
{
	struct qcow2 *s = k->s;
	int r = each(k, s->h.l1_offset, s->l1, s->h.l1_entries, e);

	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		const struct qcow2_snapshot *sn = &s->snapshots[i];
		uint64_t *l1 = NULL;
		uint32_t n;

		r = qcow2_l1_read(s, sn->l1_offset, sn->l1_entries, &l1, &n, e);
		if (r == 0)
			r = each(k, sn->l1_offset, l1, n, e);
		free(l1);
	}
	return r;
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = ((const struct compact_table *)a)->off;
	uint64_t y = ((const struct compact_table *)b)->off;

	return x < y ? -1 : x > y;
}

/* Sorts, and makes one of those with the same offset. */
static void fold(struct compact *k)
{
	struct compact_table *v = k->tables;
	size_t n = 0;

	if (!k->tables_n)
		return;
	qsort(v, k->tables_n, sizeof(*v), by_offset);
	for (size_t i = 1; i < k->tables_n; i++) {
		if (v[i].off == v[n].off)
			v[n].uses += v[i].uses;
		else
			v[++n] = v[i];
	}
	k->tables_n = n + 1;
}

static int add_tables(struct compact *k, uint64_t at, const uint64_t *l1, uint32_t n,
		      struct err *e)
{
	(void)at;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t off = l1[i] & QCOW2_OFFSET_MASK;

		if (!off)
			continue;
		/* many snapshots of one disk fold to little more than one */
		if (k->tables_n == k->tables_cap)
			fold(k);
		if (k->tables_n >= k->tables_cap / 2) {
			size_t cap = k->tables_cap ? k->tables_cap * 2 : 1024;
			void *p = k->tables;
			int r = mem_grow(&p, cap, sizeof(*k->tables), e);

			if (r < 0)
				return r;
			k->tables = p;
			k->tables_cap = cap;
		}
		k->tables[k->tables_n++] = (struct compact_table){ off, 1 };
	}
	return 0;
}

int compact_load_tables(struct compact *k, struct err *e)
{
	int r;

	k->tables_n = 0;
	r = compact_each_l1(k, add_tables, e);
	fold(k);
	return r;
}

int compact_sync(struct compact *k, struct err *e)
{
	int r = qcow2_write_refcounts(k->s, e);

	return r < 0 ? r : blk_flush(k->s->blk.child, e);
}

/* ---- refcounts ---- */

/* Clusters in use, and of these the ones at or behind cluster @from that are not zero
 * (UINT64_MAX: nobody wants to know). */
static int count_used(struct compact *k, uint64_t from, uint64_t *used, uint64_t *behind,
		      struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t end = div_up(s->blk.child->size, s->cluster_size);
	uint64_t per = 1ull << (s->cluster_bits + 3 - s->h.refcount_order);

	*used = *behind = 0;
	for (uint64_t c = 0; c < end; c = round_down(c, per) + per) {
		uint8_t *block;
		int r = qcow2_refblock(s, c, &block, e);

		if (r < 0)
			return r;
		for (uint64_t i = 0; block && i < per && c + i < end; i++) {
			if (!qcow2_rb_get(block, s->h.refcount_order, i))
				continue;
			++*used;
			*behind += c + i >= from && !compact_is_zero(k, c + i);
		}
	}
	return 0;
}

/* Free clusters that the file has blocks for. */
static int punch_free(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t end = div_up(s->blk.child->size, s->cluster_size), start = 0;

	for (uint64_t c = 0; c <= end; c++) {
		uint64_t n = 1, off = start << s->cluster_bits;
		int r = c < end ? qcow2_refcount_get(s, c, &n, e) : 0;
		struct blk_extent x = { .flags = BLK_EXT_ZERO };

		if (r < 0)
			return r;
		if (n == 0)
			continue;
		if (c > start && off < s->blk.child->size)
			r = blk_extent(s->blk.child, off, (c - start) << s->cluster_bits, &x,
				       e);
		if (r < 0)
			return r;
		if (!(x.flags & BLK_EXT_ZERO) || x.len < (c - start) << s->cluster_bits)
			/* an advice to the file system */
			(void)!blk_discard(s->blk.child, off,
					   min_u64((c - start) << s->cluster_bits,
						   s->blk.child->size - off),
					   NULL);
		start = c + 1;
	}
	return 0;
}

/* ---- steps ---- */

/* Whether every reference is counted; with @mend what is counted too often is set right.
 * Without locks. */
static int check(struct compact *k, bool mend, struct err *e)
{
	struct img_check c = { .repair = mend ? IMG_FIX_LEAKS | IMG_FIX_ERRORS : 0 };
	int r = qcow2_check(&k->s->blk, &c, e);

	if (r < 0)
		return r;
	if (c.corruptions || c.check_errors)
		return err_set(e, -EUCLEAN, "the image is damaged: check and repair it first");
	if (!mend) {
		k->c->leaked = c.leaks << k->s->cluster_bits;
		if (!k->c->no_zeroes)
			progress_total(k->c->progress,
				       c.allocated_clusters << k->s->cluster_bits);
	}
	return 0;
}

/* More work than was known. */
static void expect(const struct compact *k)
{
	struct progress *p = k->c->progress;

	if (p)
		progress_total(p, atomic_load(&p->total) +
					  ((uint64_t)k->refs_n << k->s->cluster_bits));
}

static int find_and_move(struct compact *k, int (*find)(struct compact *k, struct err *e),
			 int (*move)(struct compact *k, struct err *e), struct err *e)
{
	int r;

	/* again while not all could be remembered at once and it still gets on */
	do {
		uint64_t before = k->c->moved;

		r = compact_load_tables(k, e);
		if (r == 0)
			r = find(k, e);
		if (r == 0 && k->refs_n) {
			expect(k);
			r = move(k, e);
		}
		if (k->c->moved == before)
			break;
		k->moved = true;
	} while (r == 0 && k->floor);
	return r;
}

/* Once over everything that may lie at the end.  What lies in one piece comes first, while
 * there are holes large enough. */
static int move_all(struct compact *k, struct err *e)
{
	uint64_t used, behind;
	int r = count_used(k, UINT64_MAX, &used, &behind, e);

	k->s->alloc_hint = 0;
	k->s->comp_off = 0;
	k->moved = false;
	k->limit = used << k->s->cluster_bits;
	if (r == 0)
		r = compact_move_whole(k, e);
	if (r == 0)
		r = compact_move_refblocks(k, e);
	if (r == 0)
		r = find_and_move(k, compact_find_tables, compact_move_clusters, e);
	if (r == 0)
		r = find_and_move(k, compact_find_bitmaps, compact_move_clusters, e);
	if (r == 0 && !qcow2_has_data_file(k->s))
		r = find_and_move(k, compact_find_data, compact_move_clusters, e);
	if (r == 0)
		r = find_and_move(k, compact_find_compressed, compact_move_compressed, e);
	return r;
}

/* The file gets shorter only when what was given back is free on the disk. */
static int cut(struct compact *k, struct err *e)
{
	int r = compact_sync(k, e);

	if (r == 0)
		r = qcow2_cut_file(k->s, e);
	return r < 0 ? r : punch_free(k, e);
}

/* Under both locks. */
static int move_and_cut(struct compact *k, struct err *e)
{
	int r = 0;

	for (int i = 0; r == 0 && i < PASSES_MAX; i++) {
		r = move_all(k, e);
		if (r == 0)
			r = compact_sync(k, e);
		if (r == 0)
			r = qcow2_cut_refblocks(k->s, e);
		if (!k->moved)
			break;
	}
	return r < 0 ? r : cut(k, e);
}

static int tell(struct compact *k, struct err *e)
{
	struct img_compact *c = k->c;
	unsigned bits = k->s->cluster_bits;
	uint64_t used, behind;
	int r = count_used(k, UINT64_MAX, &used, &behind, e);

	if (r < 0)
		return r;
	used -= min_u64(used, k->zero_n + k->places + (c->leaked >> bits));
	c->file_after = min_u64(used << bits, c->file_before);
	r = count_used(k, used, &used, &behind, e);
	c->moved = behind << bits;
	return r;
}

static void lock(struct qcow2 *s)
{
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
}

static void unlock(struct qcow2 *s)
{
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
}

static int run(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	bool dry = k->c->dry_run;
	int r = check(k, false, e);

	if (r < 0)
		return r;
	lock(s);
	if (!dry)
		r = qcow2_begin_change(s, e);
	if (r == 0)
		r = compact_load_tables(k, e);
	if (r == 0)
		r = compact_zero(k, e);
	if (r == 0 && dry)
		r = tell(k, e);
	qcow2_cache_forget_all(s->l2c);
	unlock(s);
	if (r == 0 && s->blk.data)
		r = compact_holes(s->blk.data, k->c, e);
	if (r < 0 || dry)
		return r;
	if (k->changed || k->c->leaked)
		r = check(k, true, e);
	if (r < 0)
		return r;
	lock(s);
	r = move_and_cut(k, e);
	qcow2_cache_forget_all(s->l2c);
	unlock(s);
	return r;
}

static int may_compact(const struct qcow2 *s, const struct img_compact *c, struct err *e)
{
	if (s->h.crypt)
		return err_set(e, -ENOTSUP,
			       "what is encrypted depends on its place and cannot be moved");
	if (c->dry_run)
		return 0;
	return qcow2_may_change(s, e);
}

int qcow2_compact(struct blk *b, struct img_compact *c, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct compact k = { .s = s, .c = c };
	uint64_t clusters = div_up(s->blk.child->size, s->cluster_size);
	int r = may_compact(s, c, e);

	if (r < 0)
		return r;
	compact_pace_start(&k.pace, c);
	k.buf = mem_aligned(4096, COMPACT_BUF + s->cluster_size, e);
	k.table = mem_aligned(4096, s->cluster_size, e);
	k.zero = mem_zalloc(clusters / 4 + 1, 1, e);
	k.refs = mem_zalloc(COMPACT_REFS_MAX, sizeof(*k.refs), e);
	r = k.buf && k.table && k.zero && k.refs ? run(&k, e) : -ENOMEM;
	free(k.buf);
	free(k.table);
	free(k.tables);
	free(k.zero);
	free(k.refs);
	return r;
}
