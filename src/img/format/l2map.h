/* SPDX-License-Identifier: MIT */
/*
 * What qed and qcow (version 1) have in common: the disk is cut into clusters, a first table in
 * the file points to second ones, and their entries of 8 bytes say where clusters lie.
 *
 * The first table is held in memory, of the second ones slices are cached.  New clusters go to the
 * end of the file; a flush syncs them, writes the changed slices, syncs again and writes the
 * first table.  So a crash leaves unused space at worst.
 *
 * Threads: `lock` protects the tables and is held while clusters get their place and first
 * bytes; it is dropped around the I/O of those that have one.
 */
#ifndef IMG_FORMAT_L2MAP_H
#define IMG_FORMAT_L2MAP_H

#include "img/img.h"

struct l2map;

enum l2_state { L2_HOLE, L2_ZERO, L2_DATA, L2_PACKED };

struct l2map_kind {
	uint64_t (*load)(const uint8_t *p);
	void (*store)(uint8_t *p, uint64_t v);
	/* What an entry of a second table means; *off where a L2_DATA lies.  -EUCLEAN: nothing
	 * sensible. */
	int (*decode)(const struct l2map *m, uint64_t entry, enum l2_state *state,
		      uint64_t *off, struct err *e);
	/* Where a second table lies; the entry is not 0. */
	int (*table)(const struct l2map *m, uint64_t entry, uint64_t *off, struct err *e);
	/* Reads a L2_PACKED cluster whole.  No lock is held.  May be NULL. */
	int (*unpack)(struct l2map *m, uint64_t entry, void *out, struct err *e);
	uint64_t zero_entry; /* of a L2_ZERO; 0: there is no such thing */
	uint64_t end_max;    /* what places fit an entry */
};

struct l2map_slice;

/* First in the struct of a format's node. */
struct l2map {
	struct blk blk;
	const struct l2map_kind *kind;
	uint64_t cluster;          /* bytes, a power of two */
	uint64_t l2_n;             /* entries of a second table, a power of two */
	uint64_t l1_off;           /* of the first table in the file; need not be aligned */
	uint64_t l1_n;             /* entries of it in memory: what the disk needs */
	pthread_mutex_t lock;      /* of all below */
	uint8_t *l1;               /* as in the file; NULL: not loaded (BLK_NOIO) */
	uint64_t l1_first, l1_end; /* entries that are not in the file yet */
	uint64_t end;              /* where the next cluster goes, bytes */
	struct l2map_slice *cache;
	uint32_t cache_n, slice_n; /* slices; entries of one */
};

/* The fields up to l1_n are set; loads the first table, which must lie within the file. */
int l2map_init(struct l2map *m, const struct blk_ops *ops, const struct l2map_kind *kind,
	       struct blk *file, unsigned flags, struct err *e) MUST_CHECK;
int l2map_load(struct l2map *m, struct err *e) MUST_CHECK;
/* Frees what is in it, not the node. */
void l2map_fini(struct l2map *m);
/* The disk becomes larger: @l1_n entries. */
int l2map_grow(struct l2map *m, uint64_t l1_n, struct err *e) MUST_CHECK;
/* Drops all clusters and cuts the file behind the first table, @l1_bytes long.  Under lock. */
int l2map_empty(struct l2map *m, uint64_t l1_bytes, struct err *e) MUST_CHECK;

/* A run of clusters of one state within the disk. */
struct l2map_run {
	enum l2_state state;
	uint64_t len, host, entry; /* PACKED: the rest of one cluster */
};

/* Under lock. */
int l2map_lookup(struct l2map *m, uint64_t off, uint64_t len, struct l2map_run *run,
		 struct err *e) MUST_CHECK;
/* Enters cluster @n; its second table is there or is made.  Under lock. */
int l2map_enter(struct l2map *m, uint64_t n, uint64_t entry, struct err *e) MUST_CHECK;
/* Slices in memory are read again: somebody wrote to the file.  Nothing is waiting to be
 * written.  Under lock. */
void l2map_forget(struct l2map *m);
int l2map_write_tables(struct l2map *m, struct err *e) MUST_CHECK;

/* For the tables of nodes. */
int l2map_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e);
int l2map_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e);
int l2map_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e);
int l2map_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		 struct err *e);
int l2map_flush(struct blk *b, struct err *e);

/* What info of both has: names of the backing file, space taken. */
int l2map_info(struct l2map *m, const char *backing, const char *fmt, struct img_info *out,
	       struct err *e) MUST_CHECK;

#endif
