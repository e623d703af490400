/* SPDX-License-Identifier: MIT */
/*
 * Another width for all refcounts.  New blocks and a new table are written behind everything
 * that is in use, where the old structure counts nothing; one write of the header then
 * changes width and table together.  The new counts already say that the old structure is
 * free, so nothing is left to do after.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_amend.h"

#include <stdlib.h>
#include <string.h>

/* Counts further behind the end of the file than this are damage. */
enum { BEYOND_MAX = 1 << 20 };

struct reorder {
	unsigned order;      /* new */
	uint64_t per, per_o; /* counts in a new and in an old block */
	uint64_t used;       /* clusters [0, used) hold all that is counted */
	uint64_t blocks, table_clusters;
	uint64_t first;   /* cluster of the first new block; the table follows the last */
	uint64_t ranges;  /* new blocks' ranges up to the end of the new structure */
	uint64_t *table;  /* new reftable: table_clusters whole clusters */
	uint8_t *needed;  /* by range */
	uint8_t *scratch; /* one cluster */
	struct progress *progress;
};

/* The count as it will be: the old structure's own clusters are given up. */
static uint64_t count_after(const struct qcow2 *s, uint64_t cluster, uint64_t n)
{
	unsigned kinds = n ? qcow2_region_kinds(s, cluster << s->cluster_bits) : 0;

	return kinds & (QCOW2_R_REFBLOCK | QCOW2_R_REFTABLE) ? n - 1 : n;
}

/* Calls @each for every cluster of [0, end) that is counted. */
static int for_each_count(struct qcow2 *s, const struct reorder *o, uint64_t end,
			  int (*each)(struct qcow2 *s, struct reorder *o, uint64_t cluster,
				      uint64_t n, struct err *e),
			  struct reorder *arg, struct err *e)
{
	for (uint64_t c = 0; c < end; c = round_down(c, o->per_o) + o->per_o) {
		uint8_t *block;
		uint64_t stop = min_u64(end, c + o->per_o);
		int r = qcow2_refblock(s, c, &block, e);

		for (uint64_t i = c; r == 0 && block && i < stop; i++) {
			uint64_t n = qcow2_rb_get(block, s->h.refcount_order, i - c);

			if (n)
				r = each(s, arg, i, n, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_one(struct qcow2 *s, struct reorder *o, uint64_t cluster, uint64_t n,
		    struct err *e)
{
	uint64_t file = div_up(s->blk.child->size, s->cluster_size);

	if (cluster >= file + BEYOND_MAX)
		return err_set(e, -EUCLEAN,
			       "cluster %#llx is counted but far behind the end of the file; "
			       "repair the image first",
			       (unsigned long long)cluster << s->cluster_bits);
	if (o->order < 6 && n >> (1u << o->order))
		return err_set(e, -EINVAL,
			       "Cannot decrease refcount entry width to %u bits: Cluster at "
			       "offset %#llx has a refcount of %llu",
			       1u << o->order, (unsigned long long)cluster << s->cluster_bits,
			       (unsigned long long)n);
	o->used = cluster + 1;
	return 0;
}

static int need_one(struct qcow2 *s, struct reorder *o, uint64_t cluster, uint64_t n,
		    struct err *e)
{
	if (count_after(s, cluster, n))
		o->needed[cluster / o->per] = 1;
	return 0;
}

/* How many blocks there will be, and where: they count themselves, so their number is a
 * fixed point. */
static int plan(struct qcow2 *s, struct reorder *o, struct err *e)
{
	uint64_t old = div_up(o->used, o->per), old_blocks = 0, last;
	int r;

	/* One count more than the new structure can have in ranges of its own. */
	o->ranges = old + div_up(old + QCOW2_REFTABLE_BYTES_MAX / 512 + 2, o->per - 1) + 2;
	if (o->ranges * 8 > QCOW2_REFTABLE_BYTES_MAX + s->cluster_size)
		o->ranges = QCOW2_REFTABLE_BYTES_MAX / 8;
	if (old > o->ranges)
		goto too_large;
	o->needed = mem_zalloc(o->ranges, 1, e);
	if (!o->needed)
		return -ENOMEM;
	r = for_each_count(s, o, o->used, need_one, o, e);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < old; i++)
		old_blocks += o->needed[i];

	o->first = o->used;
	o->blocks = 0;
	o->table_clusters = 1;
	do {
		uint64_t end = o->first + o->blocks + o->table_clusters, more = 0;

		last = o->blocks + o->table_clusters;
		if (div_up(end, o->per) > o->ranges)
			goto too_large;
		for (uint64_t i = o->first / o->per; i < div_up(end, o->per); i++)
			more += !o->needed[i];
		o->blocks = old_blocks + more;
		o->table_clusters = div_up(div_up(end, o->per) * 8, s->cluster_size);
	} while (o->blocks + o->table_clusters != last);
	if (o->table_clusters << s->cluster_bits > QCOW2_REFTABLE_BYTES_MAX)
		goto too_large;
	return 0;
too_large:
	return err_set(e, -EFBIG, "the refcount table would be too large with %u bits",
		       1u << o->order);
}

static int fill_block(struct qcow2 *s, struct reorder *o, uint64_t range, struct err *e)
{
	uint64_t from = range * o->per, end = o->first + o->blocks + o->table_clusters;
	uint8_t *block = NULL;

	memset(o->scratch, 0, s->cluster_size);
	for (uint64_t i = 0, c = from; i < o->per && c < end; i++, c++) {
		uint64_t n = 0;

		if (c >= o->first) {
			n = 1;
		} else {
			if (i == 0 || c % o->per_o == 0) {
				int r = qcow2_refblock(s, c, &block, e);

				if (r < 0)
					return r;
			}
			if (block)
				n = count_after(s, c,
						qcow2_rb_get(block, s->h.refcount_order,
							     c % o->per_o));
		}
		if (n)
			qcow2_rb_set(o->scratch, o->order, i, n);
	}
	return 0;
}

static int write_blocks(struct qcow2 *s, struct reorder *o, struct err *e)
{
	uint64_t end = div_up(o->first + o->blocks + o->table_clusters, o->per);
	uint64_t at = o->first;

	for (uint64_t i = 0; i < end; i++) {
		uint64_t off = at << s->cluster_bits;
		int r;

		progress_add(o->progress, o->per);
		if (!o->needed[i] && i < o->first / o->per)
			continue;
		r = fill_block(s, o, i, e);
		if (r == 0)
			r = qcow2_check_overlap(s, off, s->cluster_size, 0, e);
		if (r == 0)
			r = blk_pwrite(s->blk.child, o->scratch, s->cluster_size, off, e);
		if (r < 0)
			return err_wrap(e, r, "writing refcounts");
		o->table[i] = off;
		at++;
	}
	return 0;
}

static int write_table(struct qcow2 *s, const struct reorder *o, struct err *e)
{
	uint64_t per = s->cluster_size / 8, off = (o->first + o->blocks) << s->cluster_bits;
	int r = 0;

	for (uint64_t c = 0; r == 0 && c < o->table_clusters; c++, off += s->cluster_size) {
		for (uint64_t i = 0; i < per; i++)
			store_be64(o->scratch + i * 8, o->table[c * per + i]);
		r = qcow2_check_overlap(s, off, s->cluster_size, 0, e);
		if (r == 0)
			r = blk_pwrite(s->blk.child, o->scratch, s->cluster_size, off, e);
	}
	return r < 0 ? err_wrap(e, r, "writing the refcount table") : 0;
}

/* The header, and then memory, change to the new structure. */
static int switch_over(struct qcow2 *s, struct reorder *o, struct err *e)
{
	struct qcow2_header old = s->h;
	int r = blk_flush(s->blk.child, e);

	if (r < 0)
		return r;
	s->h.reftable_offset = (o->first + o->blocks) << s->cluster_bits;
	s->h.reftable_clusters = (uint32_t)o->table_clusters;
	s->h.refcount_order = o->order;
	r = qcow2_write_header(s, e);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r < 0) {
		s->h = old;
		/* If the new one got there, it must not stay: the old counts go on. */
		(void)!qcow2_write_header(s, NULL);
		return r;
	}
	qcow2_cache_forget_all(s->rbc);
	free(s->reftable);
	s->reftable = o->table;
	o->table = NULL;
	s->reftable_entries = (uint32_t)((o->table_clusters << s->cluster_bits) / 8);
	s->rt_dirty_lo = s->rt_dirty_hi = 0;
	s->alloc_hint = 0;
	s->comp_off = 0;
	s->file_end = max_u64(s->file_end, o->first + o->blocks + o->table_clusters);
	return qcow2_regions_load(s, e);
}

int qcow2_reorder(struct qcow2 *s, unsigned order, struct progress *p, struct err *e)
{
	struct reorder o = {
		.order = order,
		.per = (8ull << s->cluster_bits) >> order,
		.per_o = (8ull << s->cluster_bits) >> s->h.refcount_order,
		.progress = p,
	};
	int r = qcow2_flush_meta(s, e);

	if (r == 0)
		r = for_each_count(s, &o, s->reftable_entries * o.per_o, scan_one, &o, e);
	if (r == 0)
		r = plan(s, &o, e);
	if (r < 0)
		goto out;
	r = -ENOMEM;
	o.table = mem_zalloc((o.table_clusters << s->cluster_bits) / 8, 8, e);
	o.scratch = o.table ? mem_aligned(4096, s->cluster_size, e) : NULL;
	if (!o.scratch)
		goto out;
	progress_total(p, o.used);
	r = write_blocks(s, &o, e);
	if (r == 0)
		r = write_table(s, &o, e);
	if (r == 0)
		r = switch_over(s, &o, e);
out:
	free(o.table);
	free(o.needed);
	free(o.scratch);
	return r;
}
