/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_tree.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

/* A walk over one tree. */
struct walk {
	struct qcow2 *s;
	uint8_t *table; /* the L2 table at hand, a cluster */
	uint64_t off;   /* where it lies */
	uint32_t entries;
	bool dirty;
	int delta;
	uint32_t at; /* entries of the table done so far */
	/* the refcount block that covers cluster block_first on, or NULL: all zero */
	uint8_t *block;
	uint64_t block_first;
	bool block_known;
};

static uint32_t l2_entries(const struct qcow2 *s)
{
	return 1u << s->l2_bits;
}

static int walk_start(struct walk *w, struct qcow2 *s, int delta, struct err *e)
{
	*w = (struct walk){ .s = s, .delta = delta, .entries = l2_entries(s) };
	w->table = mem_aligned(4096, s->cluster_size, e);
	return w->table ? 0 : -ENOMEM;
}

static int walk_read(struct walk *w, uint64_t off, uint32_t index, struct err *e)
{
	struct qcow2 *s = w->s;

	if (off & (s->cluster_size - 1) || off >= s->blk.child->size ||
	    s->blk.child->size - off < s->cluster_size)
		return err_set(e, -EUCLEAN, "L2 table offset %#llx invalid (L1 index: %#x)",
			       (unsigned long long)off, index);
	w->off = off;
	w->dirty = false;
	return blk_pread(s->blk.child, w->table, s->cluster_size, off, e);
}

static int walk_write(struct walk *w, struct err *e)
{
	struct qcow2 *s = w->s;
	int r;

	if (!w->dirty)
		return 0;
	r = qcow2_check_overlap(s, w->off, s->cluster_size, QCOW2_R_L2 | QCOW2_R_SNAP_L2, e);
	if (r == 0)
		r = blk_pwrite(s->blk.child, w->table, s->cluster_size, w->off, e);
	return r < 0 ? err_wrap(e, r, "writing an L2 table") : 0;
}

static uint64_t entry_at(const struct walk *w, uint32_t i)
{
	return load_be64(w->table + (size_t)i * w->s->l2_entry_bytes);
}

static void entry_put(struct walk *w, uint32_t i, uint64_t entry)
{
	store_be64(w->table + (size_t)i * w->s->l2_entry_bytes, entry);
	w->dirty = true;
}

static void clear_flags(struct walk *w)
{
	for (uint32_t i = 0; i < w->entries; i++) {
		uint64_t entry = entry_at(w, i);

		if (entry & QCOW2_OFLAG_COPIED)
			entry_put(w, i, entry & ~QCOW2_OFLAG_COPIED);
	}
}

/* Gives back or takes the bytes at @off; what was freed may be punched out. */
static int add_bytes(struct walk *w, uint64_t off, uint64_t len, struct err *e)
{
	struct qcow2 *s = w->s;
	uint64_t first = off >> s->cluster_bits;
	uint64_t last = (off + len - 1) >> s->cluster_bits;

	if (last >= div_up(s->blk.child->size, s->cluster_size) + 1)
		return err_set(e, -EUCLEAN, "cluster at %#llx lies beyond the file",
			       (unsigned long long)off);
	if (w->delta < 0)
		return qcow2_free(s, off, len, e);
	return qcow2_refcount_add(s, first, last - first + 1, w->delta, e);
}

/* The entry at @i and those after it, below @end, whose clusters follow each other. */
static uint32_t run_length(const struct walk *w, uint32_t i, uint32_t end, uint64_t off)
{
	uint32_t n = 1;

	while (i + n < end) {
		uint64_t entry = entry_at(w, i + n);

		off += w->s->cluster_size;
		/* the cheap test first: it is the one that ends runs */
		if ((entry & QCOW2_OFFSET_MASK) != off ||
		    qcow2_entry_type(w->s, entry) == QCOW2_ENTRY_COMPRESSED)
			break;
		n++;
	}
	return n;
}

/* Entries [w->at, end) of the table. */
static int add_entries(struct walk *w, uint32_t end, struct err *e)
{
	struct qcow2 *s = w->s;

	while (w->at < end) {
		uint64_t entry = entry_at(w, w->at), off, len;
		uint32_t n = 1;
		int r = 0;

		switch (qcow2_entry_type(s, entry)) {
		case QCOW2_ENTRY_COMPRESSED:
			qcow2_entry_compressed(s, entry, &off, &len);
			r = add_bytes(w, off, len, e);
			break;
		case QCOW2_ENTRY_NORMAL:
		case QCOW2_ENTRY_ZERO_ALLOC:
			off = entry & QCOW2_OFFSET_MASK;
			if (off & (s->cluster_size - 1))
				return err_set(e, -EUCLEAN,
					       "Cluster allocation offset %#llx unaligned (L2 "
					       "offset: %#llx, L2 index: %#x)",
					       (unsigned long long)off,
					       (unsigned long long)w->off, w->at);
			n = run_length(w, w->at, end, off);
			r = add_bytes(w, off, n * s->cluster_size, e);
			break;
		default:
			break;
		}
		if (r < 0)
			return r;
		w->at += n;
	}
	return 0;
}

/* One L2 table: its cluster first, so that entries are counted only below a table that
 * is; w->at says how far its entries got.  *counted: the cluster was. */
static int add_table(struct walk *w, uint64_t off, uint32_t index, uint32_t end, bool *counted,
		     struct err *e)
{
	int r = walk_read(w, off, index, e);

	*counted = false;
	w->at = 0;
	if (r == 0 && w->delta > 0) {
		clear_flags(w);
		r = walk_write(w, e);
	}
	/* giving back: the entries first, for the table's cluster may be punched out */
	if (r == 0 && w->delta < 0)
		r = add_entries(w, end, e);
	if (r == 0)
		r = add_bytes(w, off, w->s->cluster_size, e);
	*counted = r == 0;
	if (r == 0 && w->delta > 0)
		r = add_entries(w, end, e);
	return r;
}

int qcow2_tree_add(struct qcow2 *s, const uint64_t *l1, uint32_t n, int delta,
		   const struct qcow2_tree_end *until, struct qcow2_tree_end *end,
		   struct progress *p, struct err *e)
{
	struct walk w;
	bool counted = false;
	uint32_t i, last = until ? until->l1 + 1 : n;
	int r = walk_start(&w, s, delta, e);

	if (r < 0)
		return r;
	for (i = 0; r == 0 && i < n && i < last; i++) {
		uint64_t off = l1[i] & QCOW2_OFFSET_MASK;
		bool partial = until && i == until->l1;

		progress_add(p, 1);
		if (!off || (partial && !until->l2))
			continue;
		/* of a table counted in part, l2 - 1 entries were */
		r = add_table(&w, off, i, partial ? until->l2 - 1 : w.entries, &counted, e);
	}
	if (end)
		*end = (struct qcow2_tree_end){ .l1 = r < 0 ? i - 1 : i,
						.l2 = r < 0 && counted ? w.at + 1 : 0 };
	free(w.table);
	return r;
}

/* The refcount of @cluster, in the block at hand where that covers it. */
static int refcount(struct walk *w, uint64_t cluster, uint64_t *out, struct err *e)
{
	struct qcow2 *s = w->s;
	unsigned bits = s->cluster_bits + 3 - s->h.refcount_order;
	uint64_t first = cluster >> bits << bits;

	if (!w->block_known || w->block_first != first) {
		int r = qcow2_refblock(s, cluster, &w->block, e);

		if (r < 0)
			return r;
		w->block_first = first;
		w->block_known = true;
	}
	*out = w->block ? qcow2_rb_get(w->block, s->h.refcount_order, cluster - first) : 0;
	return 0;
}

/* *entry with the flag that its refcount demands. */
static int mark(struct walk *w, uint64_t *entry, struct err *e)
{
	uint64_t n;
	int r = refcount(w, (*entry & QCOW2_OFFSET_MASK) >> w->s->cluster_bits, &n, e);

	if (r < 0)
		return r;
	*entry = n == 1 ? *entry | QCOW2_OFLAG_COPIED : *entry & ~QCOW2_OFLAG_COPIED;
	return 0;
}

static int mark_entries(struct walk *w, struct err *e)
{
	for (uint32_t i = 0; i < w->entries; i++) {
		uint64_t entry = entry_at(w, i), was = entry;
		enum qcow2_entry_type t = qcow2_entry_type(w->s, entry);
		int r;

		if (t != QCOW2_ENTRY_NORMAL && t != QCOW2_ENTRY_ZERO_ALLOC)
			continue;
		r = mark(w, &entry, e);
		if (r < 0)
			return r;
		if (entry != was)
			entry_put(w, i, entry);
	}
	return 0;
}

int qcow2_tree_mark(struct qcow2 *s, uint64_t *l1, uint32_t n, bool *changed,
		    struct progress *p, struct err *e)
{
	struct walk w;
	int r = walk_start(&w, s, 0, e);

	*changed = false;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint64_t entry = l1[i], off = entry & QCOW2_OFFSET_MASK;

		progress_add(p, 1);
		if (!off)
			continue;
		r = mark(&w, &entry, e);
		if (r == 0 && entry != l1[i]) {
			l1[i] = entry;
			*changed = true;
		}
		/* all of a shared table is shared, and its flags were cleared when it became so */
		if (r < 0 || !(entry & QCOW2_OFLAG_COPIED))
			continue;
		r = walk_read(&w, off, i, e);
		if (r == 0)
			r = mark_entries(&w, e);
		if (r == 0)
			r = walk_write(&w, e);
	}
	free(w.table);
	return r;
}

int qcow2_l1_read(struct qcow2 *s, uint64_t off, uint32_t entries, uint64_t **l1, uint32_t *n,
		  struct err *e)
{
	uint64_t size = s->blk.child->size;
	uint64_t bytes = (uint64_t)entries * 8;
	uint64_t *v;
	int r = 0;

	if (bytes > QCOW2_L1_BYTES_MAX)
		return err_set(e, -EUCLEAN, "L1 table of %u entries is too large", entries);
	if (off & (s->cluster_size - 1) || off > INT64_MAX - bytes)
		return err_set(e, -EUCLEAN, "L1 table offset %#llx invalid",
			       (unsigned long long)off);
	/* memory for what the file has, not for what an entry claims */
	bytes = off < size ? min_u64(bytes, round_down(size - off, 8)) : 0;
	v = mem_zalloc(bytes / 8, 8, e);
	if (!v)
		return -ENOMEM;
	if (bytes)
		r = blk_pread(s->blk.child, v, bytes, off, e);
	if (r < 0) {
		free(v);
		return err_wrap(e, r, "reading an L1 table");
	}
	for (*n = (uint32_t)(bytes / 8); *n && !v[*n - 1]; --*n)
		;
	for (uint32_t i = 0; i < *n; i++)
		v[i] = load_be64((const uint8_t *)&v[i]);
	*l1 = v;
	return 0;
}

int qcow2_l1_write(struct qcow2 *s, uint64_t off, const uint64_t *l1, uint32_t n, unsigned kind,
		   struct err *e)
{
	enum { BATCH = 8192 };
	uint8_t *buf;
	int r;

	if (!n)
		return 0;
	r = qcow2_check_overlap(s, off, (uint64_t)n * 8, kind, e);
	if (r < 0)
		return r;
	buf = mem_zalloc(BATCH, 8, e);
	if (!buf)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < n; i += BATCH) {
		uint32_t now = (uint32_t)min_u64(BATCH, n - i);

		for (uint32_t k = 0; k < now; k++)
			store_be64(buf + (size_t)k * 8, l1[i + k]);
		r = blk_pwrite(s->blk.child, buf, (size_t)now * 8, off + (uint64_t)i * 8, e);
	}
	free(buf);
	return r < 0 ? err_wrap(e, r, "writing an L1 table") : 0;
}
