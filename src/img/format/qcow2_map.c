/* SPDX-License-Identifier: MIT */
/* Guest offsets to host offsets: walking and changing the L1 and L2 tables. */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"

#include <string.h>

static int table_offset(struct qcow2 *s, uint64_t i, uint64_t *off, struct err *e)
{
	*off = s->l1[i] & QCOW2_OFFSET_MASK;
	if (*off & (s->cluster_size - 1))
		return qcow2_corrupt(s, true, e,
				     "L2 table offset %#llx unaligned (L1 index: %#llx)",
				     (unsigned long long)*off, (unsigned long long)i);
	return 0;
}

int qcow2_l2_peek(struct qcow2 *s, uint64_t off, uint8_t **table, struct err *e)
{
	uint64_t i = qcow2_l1_index(s, off), l2;
	int r;

	*table = NULL;
	if (i >= s->h.l1_entries)
		return 0;
	r = table_offset(s, i, &l2, e);
	if (r < 0 || !l2)
		return r;
	return qcow2_cache_get(s->l2c, l2 + qcow2_slice_start(s, off), table, e);
}

/* Bytes from @off that have no L2 table, at most @max.  @off has none. */
static uint64_t unmapped(const struct qcow2 *s, uint64_t off, uint64_t max)
{
	unsigned shift = s->cluster_bits + s->l2_bits;

	for (uint64_t i = (off >> shift) + 1; i < s->h.l1_entries; i++) {
		uint64_t len = (i << shift) - off;

		if (len >= max)
			return max;
		if (s->l1[i] & QCOW2_OFFSET_MASK)
			return len;
	}
	return max;
}

/* The whole of an entry is of one kind. */
static bool is_uniform(const struct qcow2 *s, uint64_t bitmap)
{
	return s->subclusters == 1 || bitmap == 0 || bitmap == QCOW2_ALL_ALLOC ||
	       bitmap == QCOW2_ALL_ZERO;
}

static bool continues(const struct qcow2_run *run, const struct qcow2_run *next)
{
	return next->kind == run->kind && next->copied == run->copied &&
	       next->has_host == run->has_host &&
	       (!run->has_host || next->host == run->host + run->len);
}

/* Lengthens @run by what follows it in the slice; it ends where cluster @i begins, at
 * subcluster @sc of it. */
static void extend(struct qcow2 *s, const uint8_t *table, uint64_t i, unsigned sc, uint64_t max,
		   struct qcow2_run *run)
{
	uint64_t n = 1ull << s->slice_bits;

	while (run->len < max && i < n) {
		uint64_t entry = qcow2_l2_entry(s, table, i);
		uint64_t bitmap = qcow2_l2_bitmap(s, table, i);
		struct qcow2_run next;

		if (qcow2_entry_decode(s, entry, bitmap, sc, &next, NULL) < 0 ||
		    !continues(run, &next))
			return;
		if (sc == 0 && is_uniform(s, bitmap)) {
			run->len += s->cluster_size;
			i++;
			continue;
		}
		run->len += s->subcluster_size;
		if (++sc == s->subclusters) {
			sc = 0;
			i++;
		}
	}
}

static int bad_entry(struct qcow2 *s, uint64_t off, const struct err *why, struct err *e)
{
	uint64_t l2 = s->l1[qcow2_l1_index(s, off)] & QCOW2_OFFSET_MASK;
	uint64_t i = (off >> s->cluster_bits) & ((1ull << s->l2_bits) - 1);

	return qcow2_corrupt(s, true, e, "%s (L2 offset: %#llx, L2 index: %#llx)", why->msg,
			     (unsigned long long)l2, (unsigned long long)i);
}

/* The same for a write to @off.  Into a cluster of its own it would go straight away, and is
 * refused for its place; else it is the old contents that cannot be had. */
static int bad_target(struct qcow2 *s, uint64_t off, uint64_t entry, const struct err *why,
		      struct err *e)
{
	uint64_t host = entry & QCOW2_OFFSET_MASK;
	bool own = s->l1[qcow2_l1_index(s, off)] & entry & QCOW2_OFLAG_COPIED;

	if (!own || entry & QCOW2_OFLAG_COMPRESSED || !(host & (s->cluster_size - 1)))
		return bad_entry(s, off, why, e);
	return qcow2_corrupt(s, true, e,
			     "%s cluster offset %#llx unaligned (guest offset: %#llx)",
			     entry & QCOW2_OFLAG_ZERO ? "Preallocated zero" : "Data",
			     (unsigned long long)host, (unsigned long long)off);
}

static int lookup(struct qcow2 *s, uint64_t off, uint64_t max, bool write,
		  struct qcow2_run *out, struct err *e)
{
	uint64_t in = off & (s->cluster_size - 1), i = qcow2_slice_index(s, off), skip;
	unsigned sc = (unsigned)(in / s->subcluster_size);
	struct err why = { 0 };
	uint8_t *table;
	int r = qcow2_l2_peek(s, off, &table, e);

	if (r < 0)
		return r;
	if (!table) {
		*out = (struct qcow2_run){ .len = unmapped(s, off, max) };
		return 0;
	}
	r = qcow2_entry_decode(s, qcow2_l2_entry(s, table, i), qcow2_l2_bitmap(s, table, i), sc,
			       out, &why);
	if (r == 0 && out->has_host && qcow2_has_data_file(s) &&
	    out->host != off - in + sc * s->subcluster_size)
		r = err_set(&why, -EUCLEAN,
			    "External data file host cluster offset %#llx does not match "
			    "guest cluster offset: %#llx",
			    (unsigned long long)out->host, (unsigned long long)(off - in));
	if (r < 0 && write)
		return bad_target(s, off, qcow2_l2_entry(s, table, i), &why, e);
	if (r < 0)
		return bad_entry(s, off, &why, e);
	if (out->kind == QCOW2_COMPRESSED) {
		out->len = min_u64(s->cluster_size - in, max);
		return 0;
	}
	/* a table whose L1 entry is shared is copied before it is changed, and what it
	 * names is shared with it */
	if (!(s->l1[qcow2_l1_index(s, off)] & QCOW2_OFLAG_COPIED))
		out->copied = false;
	skip = in - sc * s->subcluster_size;
	if (out->len - skip < max) {
		bool copied = out->copied;

		out->copied = qcow2_l2_entry(s, table, i) & QCOW2_OFLAG_COPIED;
		sc = (sc + 1) % s->subclusters;
		extend(s, table, sc ? i : i + 1, sc, max + skip, out);
		out->copied = copied;
	}
	if (out->has_host)
		out->host += skip;
	out->len = min_u64(out->len - skip, max);
	return 0;
}

int qcow2_lookup(struct qcow2 *s, uint64_t off, uint64_t max, struct qcow2_run *out,
		 struct err *e)
{
	return lookup(s, off, max, false, out, e);
}

int qcow2_lookup_target(struct qcow2 *s, uint64_t off, uint64_t max, struct qcow2_run *out,
			struct err *e)
{
	return lookup(s, off, max, true, out, e);
}

bool qcow2_reads_zero(struct qcow2 *s, uint64_t off, uint64_t len)
{
	uint64_t size = qcow2_image_size(s);
	uint64_t end = min_u64(off + len, size);

	while (off < end) {
		struct qcow2_run run;
		struct blk *backing = s->blk.backing;

		if (qcow2_lookup(s, off, end - off, &run, NULL) < 0)
			return false;
		switch (run.kind) {
		case QCOW2_ZERO_PLAIN:
		case QCOW2_ZERO_ALLOC:
			break;
		case QCOW2_UNALLOCATED:
			if (qcow2_has_backing(s) &&
			    (!backing || off < atomic_load(&backing->size)))
				return false;
			break;
		default:
			return false;
		}
		off += run.len;
	}
	return true;
}

/* ---- changing ---- */

void qcow2_l1_set(struct qcow2 *s, uint64_t i, uint64_t entry)
{
	uint32_t at = (uint32_t)i;

	s->l1[i] = entry;
	if (s->l1_dirty_lo >= s->l1_dirty_hi) {
		s->l1_dirty_lo = at;
		s->l1_dirty_hi = at + 1;
		return;
	}
	if (at < s->l1_dirty_lo)
		s->l1_dirty_lo = at;
	if (at >= s->l1_dirty_hi)
		s->l1_dirty_hi = at + 1;
}

/* Slices of the table that are not in the cache must be zero in the file. */
static int clear_table(struct qcow2 *s, uint64_t l2, struct err *e)
{
	if (s->slice_bits == s->l2_bits)
		return 0;
	return blk_zero(s->blk.child, l2, s->cluster_size, 0, e);
}

static int copy_table(struct qcow2 *s, uint64_t from, uint64_t to, struct err *e)
{
	size_t bytes = qcow2_slice_bytes(s);

	for (uint64_t at = 0; at < s->cluster_size; at += bytes) {
		uint8_t *old, *new;
		int r = qcow2_cache_get(s->l2c, from + at, &old, e);

		if (r < 0)
			return r;
		qcow2_cache_pin(s->l2c, old);
		r = qcow2_cache_new_table(s->l2c, to + at, &new, e);
		if (r == 0)
			memcpy(new, old, bytes);
		qcow2_cache_unpin(s->l2c, old);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A table of our own for L1 entry @i: empty, or a copy of the one at @old. */
static int make_table(struct qcow2 *s, uint64_t i, uint64_t old, uint64_t slice, struct err *e)
{
	uint64_t cluster, l2;
	uint8_t *table;
	int r = qcow2_alloc(s, 1, &cluster, NULL, e);

	if (r < 0)
		return r;
	l2 = cluster << s->cluster_bits;
	if (old) {
		r = copy_table(s, old, l2, e);
	} else {
		r = clear_table(s, l2, e);
		if (r == 0)
			r = qcow2_cache_new_table(s->l2c, l2 + slice, &table, e);
	}
	if (r == 0 && old)
		r = qcow2_free_later(s, old, s->cluster_size, e);
	if (r < 0) {
		qcow2_cache_forget(s->l2c, l2);
		qcow2_unreserve(s, l2, s->cluster_size);
		return r;
	}
	qcow2_l1_set(s, i, l2 | QCOW2_OFLAG_COPIED);
	return 0;
}

int qcow2_l2_for_write(struct qcow2 *s, uint64_t off, uint8_t **table, struct err *e)
{
	uint64_t i = qcow2_l1_index(s, off), slice = qcow2_slice_start(s, off), l2;
	int r;

	if (i >= s->h.l1_entries)
		return err_set(e, -EUCLEAN, "L1 table has %u entries, offset %llu needs more",
			       s->h.l1_entries, (unsigned long long)off);
	r = table_offset(s, i, &l2, e);
	if (r == 0 && !(l2 && s->l1[i] & QCOW2_OFLAG_COPIED)) {
		r = make_table(s, i, l2, slice, e);
		l2 = s->l1[i] & QCOW2_OFFSET_MASK;
	}
	if (r == 0)
		r = qcow2_cache_get(s->l2c, l2 + slice, table, e);
	if (r == 0)
		qcow2_cache_dirty(s->l2c, *table);
	return r;
}

int qcow2_free_entry(struct qcow2 *s, uint64_t entry, struct err *e)
{
	struct qcow2_run run;
	int r;

	if (!(entry & QCOW2_OFLAG_COMPRESSED)) {
		uint64_t host = entry & QCOW2_OFFSET_MASK;

		if (!host || qcow2_has_data_file(s))
			return 0;
		if (host & (s->cluster_size - 1))
			return err_set(e, -EUCLEAN, "cluster offset %#llx is not aligned",
				       (unsigned long long)host);
		return qcow2_free_later(s, host, s->cluster_size, e);
	}
	r = qcow2_entry_decode(s, entry, 0, 0, &run, e);
	return r < 0 ? r : qcow2_free_later(s, run.comp_off, run.comp_len, e);
}
