/* SPDX-License-Identifier: MIT */
/*
 * Finding free host clusters, and making room in the refcounts for them: new refcount
 * blocks (which describe themselves where they can) and a larger refcount table.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"

#include <stdlib.h>
#include <string.h>

static uint64_t per_block(const struct qcow2 *s)
{
	return 1ull << (s->cluster_bits + 3 - s->h.refcount_order);
}

static bool has_block(const struct qcow2 *s, uint64_t cluster)
{
	uint64_t i = cluster / per_block(s);

	return i < s->reftable_entries && s->reftable[i];
}

/* Clusters the format can name: L2 entries hold 56 bits of offset. */
static uint64_t clusters_max(const struct qcow2 *s)
{
	return (QCOW2_OFFSET_MASK >> s->cluster_bits) + 1;
}

/* First entry in [i, end) that is zero (@zero) or is not, or @end. */
static uint64_t scan(const uint8_t *block, unsigned order, uint64_t i, uint64_t end, bool zero)
{
	unsigned shift = 6 - order; /* entries in eight bytes, as a power of two */
	uint64_t mask = (1ull << shift) - 1;

	while (i < end) {
		uint64_t w;

		if (!(i & mask) && end - i > mask) {
			memcpy(&w, block + (i >> shift) * 8, 8);
			if (zero ? w == UINT64_MAX : w == 0) {
				i += mask + 1;
				continue;
			}
			if (zero && w && order == 4) {
				/* full of small counts: the common case when looking
				 * for room; a zero lane shows up as a borrow */
				uint64_t ones = 0x0001000100010001ull;

				if (!((w - ones) & ~w & ones << 15)) {
					i += 4;
					continue;
				}
			}
		}
		if ((qcow2_rb_get(block, order, i) == 0) == zero)
			return i;
		i++;
	}
	return end;
}

/* Clusters from @cluster on that are free (@free) or not, at most up to the end of
 * its refcount block. */
static int run_in_block(struct qcow2 *s, uint64_t cluster, bool is_free, uint64_t *len,
			struct err *e)
{
	uint64_t per = per_block(s);
	uint64_t i = cluster & (per - 1);
	uint8_t *block;
	int r = qcow2_refblock(s, cluster, &block, e);

	if (r < 0)
		return r;
	if (block)
		*len = scan(block, s->h.refcount_order, i, per, !is_free) - i;
	else
		*len = is_free ? per - i : 0;
	return 0;
}

/* First free cluster at or after alloc_hint, which moves there. */
static int first_free(struct qcow2 *s, uint64_t *cluster, struct err *e)
{
	uint64_t used;

	do {
		int r = run_in_block(s, s->alloc_hint, false, &used, e);

		if (r < 0)
			return r;
		s->alloc_hint += used;
	} while (used && !(s->alloc_hint & (per_block(s) - 1)));
	*cluster = s->alloc_hint;
	return 0;
}

/* Free clusters in a row from @cluster on, up to @n. */
static int free_run(struct qcow2 *s, uint64_t cluster, uint64_t n, uint64_t *len, struct err *e)
{
	uint64_t part, per = per_block(s);

	for (*len = 0; *len < n; *len += part) {
		uint64_t c = cluster + *len;
		int r = run_in_block(s, c, true, &part, e);

		if (r < 0)
			return r;
		if (part < per - (c & (per - 1))) {
			*len += part;
			break;
		}
	}
	*len = min_u64(*len, n);
	return 0;
}

/* Refuses to hand out what is known to be metadata, or what the file cannot hold. */
static int check_place(struct qcow2 *s, uint64_t cluster, uint64_t n, struct err *e)
{
	uint64_t off = cluster << s->cluster_bits;

	if (cluster >= clusters_max(s) || n > clusters_max(s) - cluster)
		return err_set(e, -EFBIG, "the image file would exceed the format's limit");
	if (s->blk.child->fixed && (cluster + n) > s->blk.child->size >> s->cluster_bits)
		return err_set(e, -ENOSPC, "no space left for %llu clusters on '%s'",
			       (unsigned long long)n, s->blk.child->filename);

	int r = qcow2_check_overlap(s, off, n << s->cluster_bits, 0, e);

	/* whatever is not checked, an offset of 0 means "none" everywhere */
	if (r == 0 && !cluster)
		r = qcow2_corrupt(s, true, e,
				  "Preventing invalid allocation of cluster at offset 0");
	return r;
}

static void mark_reftable(struct qcow2 *s, uint64_t i)
{
	if (s->rt_dirty_lo >= s->rt_dirty_hi) {
		s->rt_dirty_lo = (uint32_t)i;
		s->rt_dirty_hi = (uint32_t)i + 1;
	} else if (i < s->rt_dirty_lo) {
		s->rt_dirty_lo = (uint32_t)i;
	} else if (i >= s->rt_dirty_hi) {
		s->rt_dirty_hi = (uint32_t)i + 1;
	}
}

/* Blocks for clusters [start, start + n), one after another from @at on, with all of
 * their counts 1 up to start + n, into the cache and into @table. */
static int fill_blocks(struct qcow2 *s, uint64_t start, uint64_t n, uint64_t *table,
		       struct err *e)
{
	uint64_t per = per_block(s);

	for (uint64_t c = start; c < start + n; c += per) {
		uint64_t at = (start + (c - start) / per) << s->cluster_bits;
		uint8_t *block;
		int r = qcow2_cache_new_table(s->rbc, at, &block, e);

		if (r < 0)
			return r;
		for (uint64_t i = 0; i < per && c + i < start + n; i++)
			qcow2_rb_set(block, s->h.refcount_order, i, 1);
		table[c / per] = at;
	}
	return 0;
}

static int write_table(struct qcow2 *s, const uint64_t *v, uint64_t n, uint64_t off,
		       struct err *e)
{
	size_t bytes = (size_t)n * 8;
	uint8_t *buf = mem_zalloc(bytes, 1, e);

	if (!buf)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		store_be64(buf + i * 8, v[i]);

	int r = qcow2_check_overlap(s, off, bytes, QCOW2_R_REFTABLE, e);

	if (r == 0)
		r = blk_pwrite(s->blk.child, buf, bytes, off, e);
	free(buf);
	return r;
}

/* Where the new table goes, and how large it and the blocks that count it are. */
struct growth {
	uint64_t start;    /* first cluster: of the blocks, then of the table */
	uint64_t blocks_n; /* clusters of new refcount blocks */
	uint64_t table_n;  /* clusters of the table */
	uint64_t entries;
};

static int plan_growth(const struct qcow2 *s, uint64_t need, struct growth *g, struct err *e)
{
	uint64_t per = per_block(s), old = s->reftable_entries;
	uint64_t per_cluster = s->cluster_size / 8;
	uint64_t entries = max_u64(need, old + old / 2);

	g->start = old * per;
	g->blocks_n = 0;
	for (;;) {
		g->table_n = div_up(entries, per_cluster);
		g->entries = g->table_n * per_cluster;

		uint64_t blocks = g->blocks_n;

		while (blocks * per < g->table_n + blocks)
			blocks++;
		g->blocks_n = blocks;
		if (g->entries >= old + blocks)
			break;
		entries = old + blocks;
	}
	if (g->entries * 8 > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(e, -EFBIG, "the image file is too large for its refcount table");
	return 0;
}

/*
 * Makes the table hold at least @need entries.  The new one is written whole behind all
 * that the old one can count, with the blocks that count it, and made stable before the
 * header names it; the old one is free after that.
 */
static int grow_table(struct qcow2 *s, uint64_t need, struct err *e)
{
	struct growth g;
	int r = plan_growth(s, need, &g, e);

	if (r < 0)
		return r;
	r = check_place(s, g.start, g.blocks_n + g.table_n, e);
	if (r < 0)
		return r;

	uint64_t *table = mem_zalloc(g.entries, sizeof(*table), e);
	uint64_t off = (g.start + g.blocks_n) << s->cluster_bits;
	uint64_t old_off = s->h.reftable_offset;
	uint64_t old_len = (uint64_t)s->h.reftable_clusters << s->cluster_bits;

	if (!table)
		return -ENOMEM;
	if (s->reftable_entries)
		memcpy(table, s->reftable, s->reftable_entries * sizeof(*table));
	r = fill_blocks(s, g.start, g.blocks_n + g.table_n, table, e);
	if (r == 0)
		r = qcow2_cache_write(s->rbc, e);
	if (r == 0)
		r = write_table(s, table, g.entries, off, e);
	if (r == 0)
		r = qcow2_move_reftable(s, off, (uint32_t)g.table_n, e);
	if (r < 0) {
		/* nothing names them: the blocks must not be written again either */
		if (!s->broken)
			qcow2_region_del(s, g.start << s->cluster_bits,
					 g.blocks_n << s->cluster_bits);
		free(table);
		return err_wrap(e, r, "growing the refcount table");
	}
	free(s->reftable);
	s->reftable = table;
	s->reftable_entries = (uint32_t)g.entries;
	s->rt_dirty_lo = s->rt_dirty_hi = 0;
	s->file_end = max_u64(s->file_end, g.start + g.blocks_n + g.table_n);
	r = qcow2_region_add(s, off, g.table_n << s->cluster_bits, QCOW2_R_REFTABLE, e);
	if (r < 0 || !old_len)
		return r;
	qcow2_region_del(s, old_off, old_len);
	return qcow2_free(s, old_off, old_len, e);
}

int qcow2_refblock_make(struct qcow2 *s, uint64_t cluster, struct err *e)
{
	uint64_t want = cluster / per_block(s);

	/* A free cluster may lie in a part that has no block itself: that part's
	 * block comes first and counts itself there. */
	while (!has_block(s, cluster)) {
		uint64_t at, i = want;
		uint8_t *block;
		int r = first_free(s, &at, e);

		if (r == 0 && !has_block(s, at))
			i = at / per_block(s);
		if (r == 0 && max_u64(i, want) >= s->reftable_entries) {
			r = grow_table(s, max_u64(i, want) + 1, e);
			if (r < 0)
				return r;
			continue;
		}
		if (r == 0)
			r = check_place(s, at, 1, e);
		if (r == 0)
			r = qcow2_cache_new_table(s->rbc, at << s->cluster_bits, &block, e);
		if (r < 0)
			return r;
		s->reftable[i] = at << s->cluster_bits;
		mark_reftable(s, i);
		s->file_end = max_u64(s->file_end, at + 1);
		r = qcow2_refcount_add(s, at, 1, 1, e);
		if (r < 0) {
			s->reftable[i] = 0;
			qcow2_region_del(s, at << s->cluster_bits, s->cluster_size);
			return r;
		}
		s->alloc_hint = at + 1;
	}
	return 0;
}

/* Counts of the free clusters [cluster, cluster + n), whose blocks exist, become 1. */
static int claim(struct qcow2 *s, uint64_t cluster, uint64_t n, struct err *e)
{
	int r = check_place(s, cluster, n, e);

	if (r == 0)
		r = qcow2_refcount_add(s, cluster, n, 1, e);
	if (r < 0)
		return r;
	if (s->alloc_hint == cluster)
		s->alloc_hint += n;
	s->file_end = max_u64(s->file_end, cluster + n);
	return 0;
}

/* Makes a block that is missing for [cluster, cluster + n): *made is whether one was,
 * so that what was free may be no more. */
static int make_blocks(struct qcow2 *s, uint64_t cluster, uint64_t n, bool *made, struct err *e)
{
	uint64_t per = per_block(s);

	*made = false;
	for (uint64_t c = cluster; c < cluster + n; c = round_down(c, per) + per) {
		if (has_block(s, c))
			continue;
		*made = true;
		return qcow2_refblock_make(s, c, e);
	}
	return 0;
}

int qcow2_alloc(struct qcow2 *s, uint64_t n, uint64_t *cluster, uint64_t *got, struct err *e)
{
	uint64_t first, len;
	bool made;
	int r;

	if (!n || n > clusters_max(s))
		return err_set(e, -EFBIG, "cannot allocate %llu clusters",
			       (unsigned long long)n);
again:
	r = first_free(s, &first, e);
	if (r < 0)
		return r;
	for (;;) {
		uint64_t used;

		r = free_run(s, first, n, &len, e);
		if (r < 0)
			return r;
		if (len == n || (got && len))
			break;
		first += len;
		r = run_in_block(s, first, false, &used, e);
		if (r < 0)
			return r;
		first += used;
	}
	if (got && has_block(s, first)) {
		/* do not ask for new blocks while there is room in this one */
		uint64_t left = per_block(s) - (first & (per_block(s) - 1));

		while (left < len && has_block(s, first + left))
			left += per_block(s);
		len = min_u64(len, left);
	} else if (got) {
		len = min_u64(len, per_block(s) - (first & (per_block(s) - 1)));
	}
	r = make_blocks(s, first, len, &made, e);
	if (r < 0)
		return r;
	if (made)
		goto again;
	r = claim(s, first, len, e);
	if (r < 0)
		return r;
	*cluster = first;
	if (got)
		*got = len;
	return 0;
}

int qcow2_alloc_at(struct qcow2 *s, uint64_t cluster, uint64_t n, uint64_t *got, struct err *e)
{
	uint64_t len;
	bool made;
	int r;

	*got = 0;
	if (cluster >= clusters_max(s))
		return 0;
	do {
		r = free_run(s, cluster, n, &len, e);
		if (r < 0 || !len)
			return r;
		r = make_blocks(s, cluster, len, &made, e);
		if (r < 0)
			return r;
	} while (made);
	r = claim(s, cluster, len, e);
	if (r == 0)
		*got = len;
	return r;
}

int qcow2_alloc_bytes(struct qcow2 *s, uint64_t bytes, uint64_t *off, struct err *e)
{
	uint64_t at = s->comp_off, mask = s->cluster_size - 1;
	uint64_t limit = 1ull << (62 - (s->cluster_bits - 8));
	int r;

	if (!bytes || bytes > s->cluster_size)
		return err_set(e, -EINVAL, "no room for %llu bytes in one cluster",
			       (unsigned long long)bytes);
	if (at) {
		uint64_t v, max = UINT64_MAX >> (64 - (1u << s->h.refcount_order));

		r = qcow2_refcount_get(s, at >> s->cluster_bits, &v, e);
		if (r < 0)
			return r;
		if (v == 0 || v >= max)
			at = 0;
	}

	uint64_t left = at ? s->cluster_size - (at & mask) : 0;
	bool joined = at != 0; /* at lies in a cluster others use, too */

	if (left < bytes) {
		uint64_t cluster;

		r = qcow2_alloc(s, 1, &cluster, NULL, e);
		if (r < 0)
			return r;

		uint64_t fresh = cluster << s->cluster_bits;

		if (!at || round_up(at, s->cluster_size) != fresh) {
			at = fresh;
			joined = false;
		}
	}
	if (at + bytes > limit) {
		r = err_set(e, -EFBIG, "no place for compressed data below offset %#llx",
			    (unsigned long long)limit);
		if (left < bytes)
			(void)!qcow2_free(s, round_down(at + bytes - 1, s->cluster_size), 1,
					  NULL);
		return r;
	}
	if (joined) {
		r = qcow2_refcount_add(s, at >> s->cluster_bits, 1, 1, e);
		if (r < 0)
			return r;
	}
	*off = at;
	s->comp_off = at + bytes;
	if (!(s->comp_off & mask))
		s->comp_off = 0;
	return 0;
}
