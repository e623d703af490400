/* SPDX-License-Identifier: MIT */
/*
 * Counts references.  Snapshots share most L2 tables with each other and with the active
 * disk; such a table is read once and its entries are counted as often as it is referred
 * to.  Only tables in which something is wrong are walked again for each reference, so
 * that it is told as often as qemu-img tells it.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_check.h"

#include <stdlib.h>

#define L1_RESERVED       0x7f000000000001ffull
#define REFTABLE_RESERVED 0x1ffull

/* Clusters past the end of the file that a repair keeps clear of if need be. */
enum { NEAR = 65536 };

/* ---- counting ---- */

static void overflow(void *arg, uint64_t cluster, uint64_t excess)
{
	struct checker *k = arg;

	check_say(k, "ERROR: overflow cluster offset=0x%llx",
		  (unsigned long long)(cluster << k->s->cluster_bits));
	check_say(k,
		  "Use qemu-img amend to increase the refcount entry width or qemu-img "
		  "convert to create a clean copy if the image cannot be opened for writing");
	k->n.corruptions += excess;
}

int check_count(struct checker *k, uint64_t off, uint64_t len, uint32_t times, struct err *e)
{
	unsigned bits = k->s->cluster_bits;
	uint64_t end = off + len, first = off >> bits, last;
	int r;

	if (!len)
		return 0;
	/* the last cluster of a file may be cut short, but must begin in it */
	if (end < off || (end > k->len && end - k->len >= k->s->cluster_size)) {
		check_say(k,
			  "ERROR: counting reference for region exceeding the end of the file "
			  "by one cluster or more: offset 0x%llx size 0x%llx",
			  (unsigned long long)off, (unsigned long long)len);
		k->n.corruptions++;
		k->each_flag = true;
		if (end > off && (end - 1) >> bits < k->clusters + NEAR)
			k->beyond = max_u64(k->beyond, (end - 1) >> bits);
		return 0;
	}
	last = (end - 1) >> bits;
	if (last >= k->clusters)
		k->clusters = last + 1;
	r = check_map_add(&k->map, first, last - first + 1, times, overflow, k, e);
	if (r < 0)
		k->n.check_errors++;
	return r;
}

/* ---- how often each L2 table is referred to ---- */

static int by_offset(const void *a, const void *b)
{
	uint64_t x = ((const struct check_table *)a)->off;
	uint64_t y = ((const struct check_table *)b)->off;

	return x < y ? -1 : x > y;
}

/* Sorts, and makes one of those with the same offset. */
static void tables_fold(struct checker *k)
{
	struct check_table *v = k->table;
	size_t n = 0;

	if (!k->table_n)
		return;
	qsort(v, k->table_n, sizeof(*v), by_offset);
	for (size_t i = 1; i < k->table_n; i++) {
		if (v[i].off == v[n].off) {
			v[n].active += v[i].active;
			v[n].total += v[i].total;
		} else {
			v[++n] = v[i];
		}
	}
	k->table_n = n + 1;
}

static int tables_add(struct checker *k, const uint64_t *l1, uint32_t n, bool active,
		      struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!(l1[i] & QCOW2_OFFSET_MASK))
			continue;
		if (k->table_n == k->table_cap) {
			void *p = k->table;
			int r;

			/* many snapshots of one disk fold to little more than one */
			tables_fold(k);
			if (k->table_n > k->table_cap / 2) {
				size_t cap = k->table_cap * 2;

				r = mem_grow(&p, cap, sizeof(*k->table), e);
				if (r < 0)
					return r;
				k->table = p;
				k->table_cap = cap;
			}
		}
		k->table[k->table_n++] = (struct check_table){
			.off = l1[i] & QCOW2_OFFSET_MASK,
			.active = active,
			.total = 1,
		};
	}
	return 0;
}

static struct check_table *table_find(struct checker *k, uint64_t off)
{
	size_t lo = 0, hi = k->table_n, i = k->table_hint;

	/* L1 tables mostly ascend */
	if (i < hi && (k->table[i].off & ~511ull) == off) {
		k->table_hint = i + 1;
		return &k->table[i];
	}
	while (lo + 1 < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((k->table[mid].off & ~511ull) <= off)
			lo = mid;
		else
			hi = mid;
	}
	k->table_hint = lo + 1;
	return &k->table[lo];
}

/* ---- L1 tables ---- */

static bool snapshot_ok(struct checker *k, const struct qcow2_snapshot *sn, bool tell)
{
	if (sn->l1_offset & (k->s->cluster_size - 1)) {
		if (tell) {
			check_say(k,
				  "ERROR snapshot %s (%s) l1_offset=%#llx: L1 table is not "
				  "cluster aligned; snapshot table entry corrupted",
				  sn->info.id, sn->info.name,
				  (unsigned long long)sn->l1_offset);
			k->n.corruptions++;
		}
		return false;
	}
	if (sn->l1_entries > QCOW2_L1_BYTES_MAX / 8) {
		if (tell) {
			check_say(k,
				  "ERROR snapshot %s (%s) l1_size=%#x: L1 table is too large; "
				  "snapshot table entry corrupted",
				  sn->info.id, sn->info.name, sn->l1_entries);
			k->n.corruptions++;
		}
		return false;
	}
	return true;
}

/* Each snapshot has clusters of its own for its L1 table, so that all of them fit into the
 * file.  Where they do not, a small file claims endless work. */
static int snapshot_l1(struct checker *k, const struct qcow2_snapshot *sn, uint64_t **l1,
		       uint32_t *n, struct err *e)
{
	int r = qcow2_l1_read(k->s, sn->l1_offset, sn->l1_entries, l1, n, e);

	if (r < 0) {
		check_say(k, "ERROR: I/O error in check_refcounts_l1");
		k->n.check_errors++;
		return r;
	}
	k->l1_bytes += (uint64_t)*n * 8;
	if (k->l1_bytes <= k->len)
		return 0;
	free(*l1);
	check_say(k, "ERROR L1 tables of snapshots take more than the whole file");
	k->n.check_errors++;
	return err_set(e, -EFBIG, "L1 tables of snapshots take more than the whole file");
}

static int gather_tables(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r;

	free(k->table);
	k->table_cap = max_u64(1024, s->h.l1_entries);
	k->table_n = k->table_hint = 0;
	k->table = mem_zalloc(k->table_cap, sizeof(*k->table), e);
	if (!k->table)
		return -ENOMEM;
	r = tables_add(k, s->l1, s->h.l1_entries, true, e);
	k->l1_bytes = 0;
	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		uint64_t *l1;
		uint32_t n;

		if (!snapshot_ok(k, &s->snapshots[i], false))
			continue;
		r = snapshot_l1(k, &s->snapshots[i], &l1, &n, e);
		if (r == 0) {
			r = tables_add(k, l1, n, false, e);
			free(l1);
		}
	}
	tables_fold(k);
	check_plan(k, s->h.l1_entries + k->l1_bytes / 8);
	k->l1_bytes = 0;
	return r;
}

/*
 * An entry of flags alone, or with reserved bits and no offset: to a reader it is
 * unallocated.  qemu-img takes the header for its L2 table.  The active table's are made
 * what they are read as.
 */
static int check_l1_empty(struct checker *k, uint32_t i, uint64_t entry, bool active,
			  struct err *e)
{
	struct qcow2 *s = k->s;
	bool fix = active && k->fix & IMG_FIX_ERRORS;
	static const uint8_t zero[8];
	int r;

	check_say(k, "%s L1 entry without an L2 table: %llx", fix ? "Repairing" : "ERROR",
		  (unsigned long long)entry);
	if (!fix) {
		k->n.corruptions++;
		return 0;
	}
	r = check_write(k, s->h.l1_offset + (uint64_t)i * 8, zero, sizeof(zero), QCOW2_R_L1, e);
	if (r < 0) {
		k->n.check_errors++;
		return r;
	}
	s->l1[i] = 0;
	k->n.corruptions_fixed++;
	return 0;
}

static int check_l1_entry(struct checker *k, uint64_t entry, struct err *e)
{
	uint64_t off = entry & QCOW2_OFFSET_MASK;
	struct check_table *t;
	bool noisy = false;
	int r;

	if (entry & L1_RESERVED) {
		check_say(k, "ERROR found L1 entry with reserved bits set: %llx",
			  (unsigned long long)entry);
		k->n.corruptions++;
	}
	r = check_count(k, off, k->s->cluster_size, 1, e);
	if (r < 0)
		return r;
	if (off & (k->s->cluster_size - 1)) {
		check_say(k,
			  "ERROR l2_offset=%llx: Table is not cluster aligned; L1 entry "
			  "corrupted",
			  (unsigned long long)off);
		k->n.corruptions++;
		k->each_flag = true;
	}
	t = table_find(k, off);
	if (!(t->off & CHECK_T_SEEN)) {
		r = check_l2(k, off, t->total, t->active, &noisy, e);
		t->off |= CHECK_T_SEEN | (noisy ? CHECK_T_NOISY : 0);
	} else if (t->off & CHECK_T_NOISY) {
		r = check_l2(k, off, 0, 0, &noisy, e);
	}
	return r;
}

static int check_l1(struct checker *k, uint64_t off, const uint64_t *l1, uint32_t entries,
		    uint32_t n, bool active, struct err *e)
{
	unsigned bits = k->s->cluster_bits;
	int r = check_count(k, off, (uint64_t)entries * 8, 1, e);

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint64_t at = l1[i] & QCOW2_OFFSET_MASK;

		progress_add(k->c->progress, 1);
		if (!l1[i])
			continue;
		if (!at) {
			r = check_l1_empty(k, i, l1[i], active, e);
			continue;
		}
		r = check_l1_entry(k, l1[i], e);
		if (r < 0 || !active)
			continue;
		if (at >> bits < k->clusters)
			r = check_map_mark(&k->map, at >> bits, 1, l1[i] & QCOW2_OFLAG_COPIED,
					   e);
		else
			k->each_flag = true;
	}
	return r;
}

static int check_snapshots(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = 0;

	if (s->blk.data && s->snapshots_n) {
		check_say(k, "ERROR %u snapshots in image with data file", s->snapshots_n);
		k->n.corruptions++;
	}
	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		const struct qcow2_snapshot *sn = &s->snapshots[i];
		uint64_t *l1;
		uint32_t n;

		if (!snapshot_ok(k, sn, true))
			continue;
		r = snapshot_l1(k, sn, &l1, &n, e);
		if (r == 0) {
			r = check_l1(k, sn->l1_offset, l1, sn->l1_entries, n, false, e);
			free(l1);
		}
	}
	return r;
}

/* ---- refcount blocks ---- */

/* Follows qemu-img's words for a block past the end.  It grows the file up to there; that
 * would let one bad entry claim any length, so here it only calls for a rebuild. */
static void block_outside(struct checker *k, uint32_t i)
{
	check_say(k, "%s refcount block %u is outside image",
		  k->fix & IMG_FIX_ERRORS ? "Repairing" : "ERROR", i);
	k->n.corruptions++;
	if (k->fix & IMG_FIX_ERRORS)
		k->rebuild = true;
}

static int check_block(struct checker *k, uint32_t i, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t entry = s->reftable[i], off = entry & ~REFTABLE_RESERVED;
	uint64_t cluster = off >> s->cluster_bits, n;
	int r;

	if (!entry)
		return 0;
	if (entry & REFTABLE_RESERVED) {
		check_say(k, "ERROR refcount table entry %u has reserved bits set", i);
		goto broken;
	}
	if (off & (s->cluster_size - 1)) {
		check_say(
			k,
			"ERROR refcount block %u is not cluster aligned; refcount table entry "
			"corrupted",
			i);
		goto broken;
	}
	if (cluster >= k->clusters) {
		block_outside(k, i);
		return 0;
	}
	r = check_count(k, off, s->cluster_size, 1, e);
	if (r < 0)
		return r;
	n = check_map_get(&k->map, cluster);
	if (n == 1)
		return 0;
	check_say(k, "ERROR refcount block %u refcount=%llu", i, (unsigned long long)n);
broken:
	k->n.corruptions++;
	k->rebuild = true;
	return 0;
}

/* The table's own clusters.  One that cannot be read at all was left out at opening. */
static int check_reftable(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t off = s->h.reftable_offset;
	uint64_t bytes = (uint64_t)s->h.reftable_clusters << s->cluster_bits;

	if (!bytes ||
	    (off && !(off & (s->cluster_size - 1)) && bytes <= QCOW2_REFTABLE_BYTES_MAX))
		return check_count(k, off, bytes, 1, e);
	check_say(k, "ERROR refcount table of %u clusters at offset 0x%llx is invalid",
		  s->h.reftable_clusters, (unsigned long long)off);
	k->n.corruptions++;
	k->rebuild = true;
	return 0;
}

int check_references(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = gather_tables(k, e);

	if (r == 0)
		r = check_count(k, 0, s->cluster_size, 1, e);
	if (r == 0)
		r = check_l1(k, s->h.l1_offset, s->l1, s->h.l1_entries, s->h.l1_entries, true,
			     e);
	if (r == 0)
		r = check_snapshots(k, e);
	if (r == 0)
		r = check_count(k, s->h.snapshots_offset, s->snapshots_bytes, 1, e);
	if (r == 0)
		r = check_reftable(k, e);
	if (r == 0 && s->h.has_crypto)
		r = check_count(k, s->h.crypto_offset, s->h.crypto_len, 1, e);
	if (r == 0)
		r = check_bitmaps(k, e);
	for (uint32_t i = 0; r == 0 && i < s->reftable_entries; i++)
		r = check_block(k, i, e);
	return r;
}
