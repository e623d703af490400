/* SPDX-License-Identifier: MIT */
/*
 * Entries of data that is zero.  They are changed in place, whatever shares their table: the
 * guest sees the same.  Refcounts stay as they are, leaks for now, until every entry
 * was seen: a count that fell to 1 between two of them would contradict the flags.
 */
#include "base/bytes.h"
#include "base/zero.h"
#include "img/format/qcow2_compact.h"
#include "img/format/qcow2_data.h"

enum { SEEN = 1, ZERO = 2 };

static unsigned note(const struct compact *k, uint64_t cluster)
{
	return k->zero[cluster / 4] >> cluster % 4 * 2 & 3;
}

bool compact_is_zero(const struct compact *k, uint64_t cluster)
{
	return note(k, cluster) & ZERO;
}

static void set_note(struct compact *k, uint64_t cluster, bool zero)
{
	if (note(k, cluster) & ZERO)
		return;
	k->zero[cluster / 4] |= (uint8_t)((zero ? SEEN | ZERO : SEEN) << cluster % 4 * 2);
	k->zero_n += zero;
}

/* Data of a cluster of its own, which is not known to be zero or not. */
static bool is_unknown(const struct compact *k, uint32_t i, uint64_t *cluster)
{
	struct qcow2 *s = k->s;
	uint64_t entry = qcow2_l2_entry(s, k->table, i);

	*cluster = (entry & QCOW2_OFFSET_MASK) >> s->cluster_bits;
	return qcow2_entry_type(s, entry) == QCOW2_ENTRY_NORMAL && *cluster &&
	       *cluster << s->cluster_bits < s->blk.child->size && !note(k, *cluster);
}

/* [cluster, cluster + n), read but for the holes of the file. */
static int look_at(struct compact *k, uint64_t cluster, uint64_t n, struct err *e)
{
	struct qcow2 *s = k->s;
	struct blk *f = s->blk.child;

	while (n) {
		uint64_t off = cluster << s->cluster_bits, len = n << s->cluster_bits, whole;
		struct blk_extent x;
		int r = blk_extent(f, off, len, &x, e);

		if (r < 0)
			return r;
		/* the file may end inside the last cluster, and reads as zeroes then */
		if (off + x.len == f->size)
			x.len = min_u64(round_up(x.len, s->cluster_size), len);
		whole = x.len >> s->cluster_bits;
		if (x.flags & BLK_EXT_ZERO && whole) {
			for (uint64_t i = 0; i < whole; i++)
				set_note(k, cluster + i, true);
		} else if (k->c->no_zeroes) {
			whole = max_u64(whole, 1);
			for (uint64_t i = 0; i < whole; i++)
				set_note(k, cluster + i, false);
		} else {
			len = max_u64(min_u64(whole << s->cluster_bits, COMPACT_BUF),
				      s->cluster_size);
			whole = max_u64(len >> s->cluster_bits, 1);
			r = blk_pread(f, k->buf, (size_t)(whole << s->cluster_bits), off, e);
			for (uint64_t i = 0; i < whole && r == 0; i++)
				set_note(k, cluster + i,
					 zero_is(k->buf + (i << s->cluster_bits),
						 (size_t)s->cluster_size));
			if (r == 0)
				r = compact_pace_step(&k->pace, whole << s->cluster_bits, e);
			if (r < 0)
				return r;
		}
		cluster += whole;
		n -= whole;
	}
	return 0;
}

/* All data that the table at hand names, neighbours together. */
static int look(struct compact *k, struct err *e)
{
	uint32_t n = 1u << k->s->l2_bits;

	for (uint32_t i = 0, j; i < n; i = j) {
		uint64_t first, next;
		int r = 0;

		j = i + 1;
		if (!is_unknown(k, i, &first))
			continue;
		while (j < n && is_unknown(k, j, &next) && next == first + (j - i))
			j++;
		r = look_at(k, first, j - i, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A place kept for data that is not there goes free, unless others have data in it. */
static void count_place(struct compact *k, uint64_t cluster, uint32_t uses)
{
	uint64_t n;

	k->places += qcow2_refcount_get(k->s, cluster, &n, NULL) == 0 && n == uses;
	k->changed = true;
}

/* What entry @i becomes.  False: it stays. */
static bool without_data(struct compact *k, uint32_t i, uint32_t uses, uint64_t *entry,
			 uint64_t *bitmap)
{
	struct qcow2 *s = k->s;
	enum qcow2_entry_type type;
	uint64_t cluster, alloc;

	*entry = qcow2_l2_entry(s, k->table, i);
	*bitmap = qcow2_l2_bitmap(s, k->table, i);
	type = qcow2_entry_type(s, *entry);
	cluster = (*entry & QCOW2_OFFSET_MASK) >> s->cluster_bits;
	alloc = *bitmap & QCOW2_ALL_ALLOC;
	if (type == QCOW2_ENTRY_ZERO_ALLOC && cluster) {
		count_place(k, cluster, uses);
		*entry = QCOW2_OFLAG_ZERO;
		return true;
	}
	if (type != QCOW2_ENTRY_NORMAL || !cluster)
		return false;
	if (s->subclusters > 1 && !alloc)
		count_place(k, cluster, uses);
	else if (!(note(k, cluster) & ZERO))
		return false;
	if (s->h.version < 3) {
		*entry = 0;
		return !qcow2_has_backing(s);
	}
	*entry = s->subclusters > 1 ? 0 : QCOW2_OFLAG_ZERO;
	*bitmap = (*bitmap | alloc << 32) & ~alloc;
	return true;
}

/* Version 2 without zero clusters keeps what would show the backing image. */
static bool can_drop(const struct qcow2 *s)
{
	return s->h.version >= 3 || !qcow2_has_backing(s);
}

static int one_table(struct compact *k, uint64_t off, uint32_t uses, struct err *e)
{
	struct qcow2 *s = k->s;
	size_t lo = SIZE_MAX, hi = 0;
	int r = blk_pread(s->blk.child, k->table, (size_t)s->cluster_size, off, e);

	if (r == 0)
		r = look(k, e);
	for (uint32_t i = 0; r == 0 && i < 1u << s->l2_bits; i++) {
		uint64_t entry, bitmap;

		if (!without_data(k, i, uses, &entry, &bitmap))
			continue;
		qcow2_l2_set(s, k->table, i, entry, bitmap);
		hi = (i + 1) * (size_t)s->l2_entry_bytes;
		lo = lo == SIZE_MAX ? hi - s->l2_entry_bytes : lo;
	}
	if (r == 0 && hi && !k->c->dry_run)
		r = blk_pwrite(s->blk.child, k->table + lo, hi - lo, off + lo, e);
	return r < 0 ? err_wrap(e, r, "the L2 table at %#llx", (unsigned long long)off) : 0;
}

int compact_zero(struct compact *k, struct err *e)
{
	int r = 0;

	/* with a data file, entries say where: what is zero there becomes a hole */
	if (k->s->blk.data || qcow2_has_data_file(k->s) || !can_drop(k->s))
		return 0;
	for (size_t i = 0; i < k->tables_n && r == 0; i++)
		r = one_table(k, k->tables[i].off, k->tables[i].uses, e);
	k->c->zero = (k->zero_n + k->places) << k->s->cluster_bits;
	k->changed |= k->zero_n != 0;
	/* what was zero may be punched as soon as nothing on the disk names it */
	return r < 0 || k->c->dry_run ? r : blk_flush(k->s->blk.child, e);
}
