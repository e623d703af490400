/* SPDX-License-Identifier: MIT */
/*
 * Whole trees of tables: an L1 table, its L2 tables, and what their entries refer to.
 * Snapshots change the refcounts of such a tree in one go, in runs of clusters.  Tables
 * are read and written past the L2 cache, which must be clean and is forgotten by the
 * caller afterwards.  Everything here runs under both locks.
 */
#ifndef IMG_FORMAT_QCOW2_TREE_H
#define IMG_FORMAT_QCOW2_TREE_H

#include "img/format/qcow2.h"

/* What an L2 entry says it is, without judging whether its offset makes sense. */
enum qcow2_entry_type {
	QCOW2_ENTRY_NONE,
	QCOW2_ENTRY_ZERO,       /* reads as zeroes, no cluster */
	QCOW2_ENTRY_ZERO_ALLOC, /* reads as zeroes, has a cluster */
	QCOW2_ENTRY_NORMAL,
	QCOW2_ENTRY_COMPRESSED,
};

static inline enum qcow2_entry_type qcow2_entry_type(const struct qcow2 *s, uint64_t entry)
{
	bool place = entry & QCOW2_OFFSET_MASK;

	if (entry & QCOW2_OFLAG_COMPRESSED)
		return QCOW2_ENTRY_COMPRESSED;
	if (entry & QCOW2_OFLAG_ZERO && s->subclusters == 1)
		return place ? QCOW2_ENTRY_ZERO_ALLOC : QCOW2_ENTRY_ZERO;
	/* offset 0 of a data file is a place like any other: the flag tells it apart */
	if (!place && !(s->blk.data && entry & QCOW2_OFLAG_COPIED))
		return QCOW2_ENTRY_NONE;
	return QCOW2_ENTRY_NORMAL;
}

/* Bytes of the file that a compressed entry claims: up to the end of its last sector. */
static inline void qcow2_entry_compressed(const struct qcow2 *s, uint64_t entry, uint64_t *off,
					  uint64_t *len)
{
	unsigned shift = 62 - (s->cluster_bits - 8);
	uint64_t sectors = (entry >> shift & ((1ull << (s->cluster_bits - 8)) - 1)) + 1;

	*off = entry & ((1ull << shift) - 1);
	*len = sectors * 512 - (*off & 511);
}

/* Entries [0, l1) of the L1 table, and of the L2 table at @l1 its first @l2 entries. */
struct qcow2_tree_end {
	uint32_t l1, l2;
};

/*
 * Adds @delta (+1 or -1) to the refcount of each L2 table and of each cluster its entries
 * refer to, once for each reference.  With +1, flags that say a cluster is unshared are
 * cleared in the L2 tables first (in @l1 by the caller).  @end: where it stopped when it
 * failed; a call with -1 and that as @until takes back what was done.  @until NULL: all.
 */
int qcow2_tree_add(struct qcow2 *s, const uint64_t *l1, uint32_t n, int delta,
		   const struct qcow2_tree_end *until, struct qcow2_tree_end *end,
		   struct progress *p, struct err *e) MUST_CHECK;
/*
 * Makes the flags of the tree say what the refcounts say: unshared exactly where the
 * refcount is 1.  L2 tables in the file are rewritten where they change, @l1 in memory only
 * (*changed says whether it was).
 */
int qcow2_tree_mark(struct qcow2 *s, uint64_t *l1, uint32_t n, bool *changed,
		    struct progress *p, struct err *e) MUST_CHECK;

/* Reads the table of @entries at @off, which lies in the file as far as the file goes; the
 * rest is zero.  *@n entries are returned: those after the last that is not zero are left
 * out.  -EUCLEAN: not cluster aligned, or larger than the format allows. */
int qcow2_l1_read(struct qcow2 *s, uint64_t off, uint32_t entries, uint64_t **l1, uint32_t *n,
		  struct err *e) MUST_CHECK;
/* Writes @n entries at @off; @kind is for the overlap check.  Not synced. */
int qcow2_l1_write(struct qcow2 *s, uint64_t off, const uint64_t *l1, uint32_t n, unsigned kind,
		   struct err *e) MUST_CHECK;

#endif
