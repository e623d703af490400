/* SPDX-License-Identifier: MIT */
/*
 * What vdi, vpc, vhdx and parallels have in common: the disk is cut into blocks of one size, and
 * one flat table in the file (the block allocation table) says for each where it lies.
 *
 * The table is held in memory as it stands in the file.  A new block is written first and entered
 * in memory; a flush syncs the file, writes the pages of the table that changed and then what
 * the format keeps beside it.  So a crash loses blocks at worst, which is unused space at
 * the end of the file.  Blocks never move and are never given back.
 *
 * Reads and writes of blocks that have a place run side by side; a block gets its place and
 * first bytes under the lock.
 */
#ifndef IMG_FORMAT_BAT_H
#define IMG_FORMAT_BAT_H

#include "img/img.h"

struct bat;

enum bat_state {
	BAT_HOLE, /* nothing was ever written: zeroes */
	BAT_ZERO, /* written as zeroes */
	BAT_DATA,
};

struct bat_kind {
	unsigned hole;  /* extent flags of a BAT_HOLE */
	unsigned data;  /* those of BAT_DATA beside DATA, ALLOCATED and OFFSET */
	unsigned entry; /* bytes of one in the table */
	/* The state of block @n and where a BAT_DATA starts in the file; -EUCLEAN if the entry
	 * makes no sense.  The lock is held at least for reading, as for the next one. */
	int (*lookup)(const struct bat *t, uint64_t n, uint64_t *off, struct err *e);
	/* Makes the place at @off ready for block @n; *off is t->end and may be moved on.
	 * May be NULL.  The lock is held for writing, as for those below. */
	int (*place)(struct bat *t, uint64_t n, uint64_t *off, struct err *e);
	/* Enters it in t->map, with bat_mark. */
	void (*enter)(struct bat *t, uint64_t n, uint64_t off);
	/* Before bytes of a block that has its place are written; the lock is not held.  May
	 * be NULL. */
	int (*touch)(struct bat *t, uint64_t n, uint64_t off, struct err *e);
	/* Writes the changed pages of the table (bat_write_map) and what goes with it; the
	 * blocks are on stable storage.  NULL: bat_write_map alone. */
	int (*store)(struct bat *t, struct err *e);
};

/* First in the struct of a format's node. */
struct bat {
	struct blk blk;
	const struct bat_kind *kind;
	pthread_rwlock_t lock; /* of all below */
	uint64_t block_size, blocks;
	uint64_t map_off;   /* of the table in the file */
	uint64_t map_bytes; /* a multiple of the entry, perhaps more than blocks */
	uint8_t *map;       /* NULL: not loaded (BLK_NOIO) */
	uint8_t *dirty;     /* a byte for each BAT_PAGE of it */
	uint64_t end;       /* where the next block goes */
	bool changed;
};

enum { BAT_PAGE = 4096 };

/* The node's start and end; bat_fini frees what is in it, not the node. */
int bat_init(struct bat *t, const struct blk_ops *ops, const struct bat_kind *kind,
	     struct blk *file, unsigned flags, struct err *e) MUST_CHECK;
void bat_fini(struct bat *t);

/* Loads the table of @bytes at @off.  It must lie within the file, so that memory is bounded
 * by what the file holds; holes in it take none. */
int bat_load(struct bat *t, uint64_t off, uint64_t bytes, struct err *e) MUST_CHECK;
/* The entry with index @n. */
static inline uint8_t *bat_entry(const struct bat *t, uint64_t n)
{
	return t->map + n * t->kind->entry;
}
/* It has changed. */
void bat_mark(struct bat *t, uint64_t n);
int bat_write_map(struct bat *t, struct err *e) MUST_CHECK;

/* The first run of equal state at @off, at most @max bytes; *host where it lies if BAT_DATA.
 * Returns the state. */
int bat_run(struct bat *t, uint64_t off, uint64_t max, uint64_t *len, uint64_t *host,
	    struct err *e) MUST_CHECK;

/* For the tables of nodes. */
int bat_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e);
int bat_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e);
int bat_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e);
int bat_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e);
int bat_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
	       struct err *e);
int bat_flush(struct blk *b, struct err *e);

#endif
