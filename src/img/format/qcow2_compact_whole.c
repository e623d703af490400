/* SPDX-License-Identifier: MIT */
/*
 * Tables that lie in one piece and are named once: L1 tables, the snapshot table, bitmap
 * directory and tables, the refcount table.  And refcount blocks, which are in use while
 * they move.
 */
#include "base/bytes.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_compact.h"
#include "img/format/qcow2_data.h"
#include "img/format/qcow2_snaptab.h"

#include <stdlib.h>
#include <string.h>

/* How the new place is told. */
struct name {
	uint64_t at;      /* eight bytes in the file; 0: the header's field */
	uint64_t *header; /* field of s->h */
	unsigned region;
};

static int write_name(struct compact *k, const struct name *n, uint64_t to, struct err *e)
{
	struct qcow2 *s = k->s;
	uint8_t buf[8];

	if (n->header == &s->h.reftable_offset)
		return qcow2_move_reftable(s, to, s->h.reftable_clusters, e);
	if (n->header) {
		*n->header = to;
		return qcow2_write_header(s, e);
	}
	store_be64(buf, to);
	return blk_pwrite(s->blk.child, buf, sizeof(buf), n->at, e);
}

/* @len bytes at @off, which nobody else refers to.  *at is where they are after. */
static int move(struct compact *k, uint64_t off, uint64_t len, const struct name *n,
		uint64_t *at, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t count = div_up(len, s->cluster_size), cluster, uses = 0, to;
	uint64_t bytes = count << s->cluster_bits;
	int r;

	*at = off;
	if (!len || off + bytes <= k->limit)
		return 0;
	r = qcow2_refcount_get(s, off >> s->cluster_bits, &uses, e);
	if (r < 0 || uses != 1)
		return r;
	r = qcow2_alloc(s, count, &cluster, NULL, e);
	if (r < 0)
		return r;
	to = cluster << s->cluster_bits;
	if (to >= off)
		return qcow2_refcount_add(s, cluster, count, -1, e);
	r = compact_copy(k, off, to, bytes, e);
	if (r == 0)
		r = compact_sync(k, e);
	if (r == 0)
		r = write_name(k, n, to, e);
	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r < 0)
		return r;
	*at = to;
	k->moved = true;
	k->c->moved += bytes;
	qcow2_region_del(s, off, bytes);
	r = n->region ? qcow2_region_add(s, to, len, n->region, e) : 0;
	return r < 0 ? r : qcow2_refcount_add(s, off >> s->cluster_bits, count, -1, e);
}

static int header_table(struct compact *k, uint64_t *field, uint64_t len, unsigned region,
			struct err *e)
{
	struct name n = { .header = field, .region = region };
	uint64_t at;

	return *field ? move(k, *field, len, &n, &at, e) : 0;
}

/* The L1 tables of snapshots; entries begin with where theirs is. */
static int snapshot_l1s(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t entry = s->h.snapshots_offset;
	int r = 0;

	for (uint32_t i = 0; i < s->snapshots_n && r == 0; i++) {
		struct qcow2_snapshot *sn = &s->snapshots[i];
		struct name n = { .at = entry, .region = QCOW2_R_SNAP_L1 };

		r = move(k, sn->l1_offset, (uint64_t)sn->l1_entries * 8, &n, &sn->l1_offset, e);
		entry += round_up(QCOW2_SNAP_FIXED + (uint64_t)sn->extra_size +
					  strlen(sn->info.id) + strlen(sn->info.name),
				  8);
	}
	return r;
}

static int bitmap_tables(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	struct qcow2_bitmap *v = NULL;
	uint64_t entry = s->h.bitmap_dir_offset;
	int r = s->h.has_bitmaps ? qcow2_bitmap_dir_load(s, &v, e) : 0;

	for (uint32_t i = 0; v && i < s->h.bitmaps_n && r == 0; i++) {
		struct name n = { .at = entry };
		uint64_t at;

		r = move(k, v[i].table_offset, (uint64_t)v[i].table_entries * 8, &n, &at, e);
		entry += round_up(QCOW2_BITMAP_ENTRY + (uint64_t)v[i].extra_len +
					  strlen(v[i].name),
				  8);
	}
	qcow2_bitmap_dir_free(v, v ? s->h.bitmaps_n : 0);
	return r;
}

int compact_move_whole(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = header_table(k, &s->h.l1_offset, (uint64_t)s->h.l1_entries * 8, QCOW2_R_L1, e);

	if (r == 0 && s->snapshots_n)
		r = header_table(k, &s->h.snapshots_offset, s->snapshots_bytes,
				 QCOW2_R_SNAPTABLE, e);
	if (r == 0)
		r = snapshot_l1s(k, e);
	if (r == 0 && s->h.has_bitmaps)
		r = header_table(k, &s->h.bitmap_dir_offset, s->h.bitmap_dir_size,
				 QCOW2_R_BITMAP_DIR, e);
	if (r == 0)
		r = bitmap_tables(k, e);
	if (r == 0)
		r = header_table(k, &s->h.reftable_offset,
				 (uint64_t)s->h.reftable_clusters << s->cluster_bits,
				 QCOW2_R_REFTABLE, e);
	return r;
}

/* ---- refcount blocks ---- */

/* Block @i of the table.  It may count the place it moves to, or the one it came from. */
static int move_block(struct compact *k, uint32_t i, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t off = s->reftable[i], cluster, to;
	uint8_t *block;
	int r = qcow2_alloc(s, 1, &cluster, NULL, e);

	if (r < 0)
		return r;
	to = cluster << s->cluster_bits;
	if (to >= off)
		return qcow2_refcount_add(s, cluster, 1, -1, e);
	r = qcow2_cache_get(s->rbc, off, &block, e);
	if (r < 0)
		return r;
	memcpy(k->table, block, (size_t)s->cluster_size);
	r = qcow2_cache_new_table(s->rbc, to, &block, e);
	if (r < 0)
		return r;
	memcpy(block, k->table, (size_t)s->cluster_size);
	s->reftable[i] = to;
	s->rt_dirty_lo =
		s->rt_dirty_lo < s->rt_dirty_hi && s->rt_dirty_lo < i ? s->rt_dirty_lo : i;
	s->rt_dirty_hi = s->rt_dirty_hi > i + 1 ? s->rt_dirty_hi : i + 1;
	qcow2_region_del(s, off, s->cluster_size);
	r = qcow2_region_add(s, to, s->cluster_size, QCOW2_R_REFBLOCK, e);
	if (r == 0)
		r = compact_sync(k, e);
	if (r < 0)
		return r;
	k->moved = true;
	k->c->moved += s->cluster_size;
	return qcow2_refcount_add(s, off >> s->cluster_bits, 1, -1, e);
}

int compact_move_refblocks(struct compact *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = 0;

	for (uint32_t i = 0; i < s->reftable_entries && r == 0; i++)
		if (s->reftable[i] >= k->limit)
			r = move_block(k, i, e);
	return r;
}
