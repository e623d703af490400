/* SPDX-License-Identifier: MIT */
/*
 * Compacting, as its own files see it.
 *
 *   qcow2_compact.c         the order of the steps; L1 and L2 tables of all snapshots
 *   qcow2_compact_zero.c    entries of data that is zero
 *   qcow2_compact_refs.c    who refers to what lies at the end of the file
 *   qcow2_compact_move.c    moving that, whatever it is that refers to it
 *   qcow2_compact_whole.c   moving tables that lie in one piece, and refcount blocks
 *
 * Everything works on the file, past the caches, whose tables are clean and forgotten; only
 * refcounts go through theirs.  The order of writes is always: refcounts of the new place and
 * what goes there; sync; those who refer to it; sync; only then are the refcounts of
 * the old place lowered.  Whoever refers is eight bytes in one sector, so that each
 * reference is the old one or the new one.
 */
#ifndef IMG_FORMAT_QCOW2_COMPACT_H
#define IMG_FORMAT_QCOW2_COMPACT_H

#include "img/compact.h"
#include "img/format/qcow2_tree.h"

/* An L2 table, and how many L1 entries name it. */
struct compact_table {
	uint64_t off;
	uint32_t uses;
};

/* Eight bytes of the file that say where something lies. */
struct compact_ref {
	uint64_t host;  /* byte offset of what is named, by which they are sorted */
	uint64_t at;    /* where the eight bytes are */
	uint64_t value; /* what they are */
	uint32_t uses;  /* how often what is named is counted for them */
};

enum { COMPACT_REFS_MAX = 1 << 20 };

struct compact {
	struct qcow2 *s;
	struct img_compact *c;
	struct compact_pace pace;
	uint8_t *buf;                 /* COMPACT_BUF */
	uint8_t *table;               /* a cluster */
	struct compact_table *tables; /* by offset */
	size_t tables_n, tables_cap;
	uint8_t *zero; /* two bits per cluster: looked at, is zero */
	uint64_t zero_n;
	uint64_t places; /* clusters kept for data that is not there, and for nothing else */
	bool changed;    /* entries were: refcounts are too high */
	uint64_t limit;  /* bytes: what lies here or behind is to be moved */
	struct compact_ref *refs; /* by host, then place */
	size_t refs_n;
	uint64_t floor; /* references to what lies below were left out for lack of room */
	bool moved;     /* in this pass */
};

#define COMPACT_BUF (1u << 20)

/* ---- qcow2_compact.c ---- */
/* Calls @each for the L1 table of the disk and of each snapshot.  @at: where it lies. */
int compact_each_l1(struct compact *k,
		    int (*each)(struct compact *k, uint64_t at, const uint64_t *l1, uint32_t n,
				struct err *e),
		    struct err *e) MUST_CHECK;
/* All L2 tables into k->tables. */
int compact_load_tables(struct compact *k, struct err *e) MUST_CHECK;
/* Refcounts that changed, and all that was written, are stable. */
int compact_sync(struct compact *k, struct err *e) MUST_CHECK;

/* ---- qcow2_compact_zero.c ---- */
int compact_zero(struct compact *k, struct err *e) MUST_CHECK;
bool compact_is_zero(const struct compact *k, uint64_t cluster);

/* ---- qcow2_compact_refs.c ---- into k->refs, sorted */
int compact_find_data(struct compact *k, struct err *e) MUST_CHECK;
int compact_find_compressed(struct compact *k, struct err *e) MUST_CHECK;
int compact_find_tables(struct compact *k, struct err *e) MUST_CHECK;
int compact_find_bitmaps(struct compact *k, struct err *e) MUST_CHECK;

/* ---- qcow2_compact_move.c ---- */
/* Moves the clusters that k->refs name, as far as there is room before. */
int compact_move_clusters(struct compact *k, struct err *e) MUST_CHECK;
int compact_move_compressed(struct compact *k, struct err *e) MUST_CHECK;
/* @len bytes inside the file; holes stay holes. */
int compact_copy(struct compact *k, uint64_t from, uint64_t to, uint64_t len, struct err *e)
	MUST_CHECK;

/* ---- qcow2_compact_whole.c ---- */
int compact_move_whole(struct compact *k, struct err *e) MUST_CHECK;
int compact_move_refblocks(struct compact *k, struct err *e) MUST_CHECK;

int qcow2_compact(struct blk *b, struct img_compact *c, struct err *e) MUST_CHECK;

#endif
