/* SPDX-License-Identifier: MIT */
/*
 * Persistent dirty bitmaps as they lie in the file: a directory of entries, each with a
 * table of clusters of bits.  docs/formats/qcow2.md has the bytes.
 */
#ifndef IMG_FORMAT_QCOW2_BITMAP_H
#define IMG_FORMAT_QCOW2_BITMAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QCOW2_BITMAP_ENTRY = 24, /* bytes of a directory entry before extra data and name */
	QCOW2_BITMAP_NAME_MAX = 1023,
	QCOW2_BITMAP_TABLE_MAX = 0x8000000, /* entries */
	QCOW2_BITMAP_BYTES_MAX = 0x20000000,
	QCOW2_BITMAP_GRANULARITY_MIN = 9, /* bits */
	QCOW2_BITMAP_GRANULARITY_MAX = 31,
};

enum qcow2_bitmap_flags {
	QCOW2_BITMAP_IN_USE = 1,   /* not written back: its bits say nothing */
	QCOW2_BITMAP_AUTO = 2,     /* follows guest writes */
	QCOW2_BITMAP_EXTRA_OK = 4, /* usable by those who do not know the extra data */
};

/* Table entries: a cluster's offset, or 0 and whether all its bits are 1. */
#define QCOW2_BITMAP_OFFSET_MASK 0x00fffffffffffe00ull
#define QCOW2_BITMAP_ALL_ONES    1ull

struct qcow2_bitmap {
	uint64_t table_offset;
	uint32_t table_entries;
	uint32_t flags; /* enum qcow2_bitmap_flags */
	uint8_t granularity_bits;
	char *name;     /* owned; 1 to 1023 bytes */
	uint8_t *extra; /* owned; kept as it is */
	uint32_t extra_len;
};

/*
 * Pure: parses the @n entries of a directory of @len bytes.  @size is the guest's, which
 * the bits of each consistent bitmap must cover.  -EUCLEAN: damaged; -ENOTSUP: a kind of
 * bitmap unknown here.
 */
int qcow2_bitmap_dir_parse(const uint8_t *buf, size_t len, uint32_t n, unsigned cluster_bits,
			   uint64_t size, struct qcow2_bitmap **out, struct err *e) MUST_CHECK;
/* Bytes of the directory, and the directory itself. */
size_t qcow2_bitmap_dir_bytes(const struct qcow2_bitmap *v, uint32_t n);
void qcow2_bitmap_dir_write(const struct qcow2_bitmap *v, uint32_t n, uint8_t *buf);
void qcow2_bitmap_dir_free(struct qcow2_bitmap *v, uint32_t n);

struct qcow2;
/* Reads the directory: s->h.bitmaps_n entries. */
int qcow2_bitmap_dir_load(struct qcow2 *s, struct qcow2_bitmap **out, struct err *e) MUST_CHECK;
/* Reads a table into host byte order; every entry is checked. free() it. */
int qcow2_bitmap_table_load(struct qcow2 *s, const struct qcow2_bitmap *b, uint64_t **out,
			    struct err *e) MUST_CHECK;

/* The other way, to @off, where room for it is. */
int qcow2_bitmap_table_write(struct qcow2 *s, const uint64_t *table, uint32_t n, uint64_t off,
			     struct err *e) MUST_CHECK;

/* Bits that say something, of a kind known here?  -ENOTSUP: it was not written
 * back, or has extra data that must be understood. */
int qcow2_bitmap_usable(const struct qcow2_bitmap *b, struct err *e) MUST_CHECK;

struct qcow2_swap;
/* Writes a directory of the @n bitmaps @dir in new clusters, and says so in s->h, which the
 * commit of @w makes count.  0: there is none any more.  Under lock, io exclusive. */
int qcow2_bitmap_dir_move(struct qcow2 *s, const struct qcow2_bitmap *dir, uint32_t n,
			  struct qcow2_swap *w, struct err *e) MUST_CHECK;

/*
 * Gives every bitmap a table for @size guest bytes, in new clusters, and s->h a new
 * directory, which the commit of @w makes count.  Under lock, io exclusive, before s->h.size
 * changes.  -ENOTSUP: a bitmap is inconsistent.
 */
int qcow2_bitmaps_resize(struct qcow2 *s, uint64_t size, struct qcow2_swap *w, struct err *e)
	MUST_CHECK;

#endif
