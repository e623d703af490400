/* SPDX-License-Identifier: MIT */
/*
 * Checking and repairing, as its own files see it.
 *
 *   qcow2_check.c          order of the steps, what is told at the end
 *   qcow2_check_refs.c     counts every reference: tables, clusters, bitmaps
 *   qcow2_check_l2.c       entries of L2 tables; where nearly all the time goes
 *   qcow2_check_compare.c  counts against refcounts, and setting these right
 *   qcow2_check_flags.c    the "unshared" flag against refcounts
 *   qcow2_rebuild.c        new refcount structure from the counts
 *   qcow2_repair.c         the snapshot table, and entries that are beyond repair
 *
 * What a damaged image says is worth nothing: work and memory are bounded by the length
 * of the file (k->len), and bytes past its end read as zeroes.  Everything runs under both
 * locks of the node, with clean caches that are forgotten before anything is changed.
 * Messages and counts are those of qemu-img, which scripts parse.
 */
#ifndef IMG_FORMAT_QCOW2_CHECK_H
#define IMG_FORMAT_QCOW2_CHECK_H

#include "img/format/qcow2_check_map.h"
#include "img/format/qcow2_tree.h"

/* How often one L2 table is referred to. */
struct check_table {
	uint64_t off; /* with the CHECK_T_ bits below; offsets are multiples of 512 */
	uint32_t active, total;
};
enum { CHECK_T_SEEN = 1, CHECK_T_NOISY = 2 };

/* A stretch of the file in memory. */
struct check_window {
	uint8_t *buf;
	uint64_t off, len;
};

struct check_counts {
	uint64_t corruptions, leaks, check_errors, corruptions_fixed, leaks_fixed;
};

struct checker {
	struct qcow2 *s;
	struct img_check *c;
	unsigned fix; /* enum img_repair in force for the pass at hand */
	struct check_counts n;

	uint64_t len;      /* of the file, bytes */
	uint64_t clusters; /* host clusters; one more once something reaches past the end */
	uint64_t highest;  /* cluster in use, by references or refcounts */
	uint64_t beyond;   /* highest cluster referred to not too far past the end; 0: none */
	unsigned rb_bits;  /* log2 of the clusters that one refcount block covers */
	struct check_map map;
	struct check_window tables, blocks;

	struct check_table *table; /* sorted by offset */
	size_t table_n, table_cap;
	size_t table_hint; /* where the last search ended */
	uint64_t budget;   /* bytes of tables that may still be read */
	uint64_t l1_bytes; /* of snapshots' L1 tables so far */
	uint64_t steps;    /* of progress */

	/* Once many tables turned out empty, holes of the file are not read any more. */
	uint64_t empty_tables, hole_off, hole_end;

	bool rebuild;   /* the refcount structure itself is broken */
	bool each_flag; /* flags must be looked at one by one */
	bool wrote;     /* something was repaired, and needs a sync */
	bool warned;    /* about an unaligned refcount block */
	bool quiet;     /* counting once more what was told already */
};

/* As many more calls of progress_add(1) are to come. */
void check_plan(struct checker *k, uint64_t steps);
void check_say(struct checker *k, const char *fmt, ...) PRINTF(2, 3);

/* The @len bytes at @off, zero past the end of the file; valid until the next call with
 * that window.  @len is at most one cluster, or 64 KiB. */
int check_read(struct checker *k, struct check_window *w, uint64_t off, size_t len, uint8_t **p,
	       struct err *e) MUST_CHECK;
/* Forgets what the windows hold: the file changed below them. */
void check_forget(struct checker *k);
/* What the walks may read from now on. */
void check_budget(struct checker *k);
/* An empty map for a file of @len bytes. */
int check_length(struct checker *k, uint64_t len, struct err *e) MUST_CHECK;
/* Counts all references into it, without a word. */
int check_quietly(struct checker *k, struct err *e) MUST_CHECK;
/* Writes to the file and to what the windows hold; @may as for qcow2_check_overlap. */
int check_write(struct checker *k, uint64_t off, const void *buf, size_t len, unsigned may,
		struct err *e) MUST_CHECK;

/* ---- qcow2_check_refs.c ---- */
/* Counts @times references to the clusters of [off, off + len). */
int check_count(struct checker *k, uint64_t off, uint64_t len, uint32_t times, struct err *e)
	MUST_CHECK;
/* Everything the image refers to, into k->map. */
int check_references(struct checker *k, struct err *e) MUST_CHECK;

/* ---- qcow2_check_l2.c ---- */
/* The entries of the table at @off, each counted @times; those of the active table are
 * marked, and make up the statistics @active times.  *noisy: something was said. */
int check_l2(struct checker *k, uint64_t off, uint32_t times, uint32_t active, bool *noisy,
	     struct err *e) MUST_CHECK;

/* ---- qcow2_check_bitmap.c ---- */
int check_bitmaps(struct checker *k, struct err *e) MUST_CHECK;

/* ---- qcow2_check_compare.c ---- */
/* Compares counts with refcounts.  What k->fix allows is set right in the file. */
int check_compare(struct checker *k, struct err *e) MUST_CHECK;
/* Clusters past the end of the file become free: a refcount there, which nobody looks at,
 * is a leak once the file grows.  Not where references claim such clusters. */
int check_tail(struct checker *k, struct err *e) MUST_CHECK;
/* The refcount in the file; -EIO if there is no telling. */
int check_refcount(struct checker *k, uint64_t cluster, uint64_t *out, struct err *e)
	MUST_CHECK;

/* ---- qcow2_check_flags.c ---- */
int check_flags(struct checker *k, struct err *e) MUST_CHECK;

/* ---- qcow2_rebuild.c ---- */
/* Writes a refcount structure that says what k->map says past all clusters in use, and
 * switches the header to it. */
int check_rebuild(struct checker *k, struct err *e) MUST_CHECK;

/* ---- qcow2_repair.c ---- */
/* What was wrong with the snapshot table is in @n; qemu-img adds it up at the end. */
int check_snaptab_read(struct checker *k, struct check_counts *n, struct err *e) MUST_CHECK;
int check_snaptab_fix(struct checker *k, struct check_counts *n, struct err *e) MUST_CHECK;
/* Everything repaired so far becomes stable. */
int check_sync(struct checker *k, struct err *e) MUST_CHECK;
/* An image in which nothing is wrong any more: drops the dirty and corrupt bits. */
int check_mark_good(struct checker *k, struct err *e) MUST_CHECK;

#endif
