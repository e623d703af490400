/* SPDX-License-Identifier: MIT */
/*
 * The bits of one bitmap as they lie in the file, cluster by cluster.  A bit stands for
 * "granularity" guest bytes; one cluster of bits is held at a time, so memory does not grow
 * with the disk.
 */
#ifndef IMG_FORMAT_QCOW2_BITMAP_BITS_H
#define IMG_FORMAT_QCOW2_BITMAP_BITS_H

#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_swap.h"

/* The bits in table entry @entry, into @buf of one cluster.  Under lock. */
int qcow2_bits_read(struct qcow2 *s, uint64_t entry, uint8_t *buf, struct err *e) MUST_CHECK;
/* Pure: sets bits [lo, hi] of @buf. */
void qcow2_bits_set(uint8_t *buf, uint64_t lo, uint64_t hi);
/* Pure: the first run of set bits in [from, n) of @buf, as [*lo, *hi); false: none. */
bool qcow2_bits_next(const uint8_t *buf, uint64_t from, uint64_t n, uint64_t *lo, uint64_t *hi);

/* Bits and clusters of bits that a bitmap of this granularity has for @size guest bytes. */
uint64_t qcow2_bits_count(uint64_t size, unsigned granularity_bits);
uint64_t qcow2_bits_clusters(uint64_t bits, unsigned cluster_bits);

/* Bits that are read: granularity, and the table in host order. */
struct qcow2_bits_src {
	struct qcow2 *s;
	const uint64_t *table;
	uint32_t entries;
	unsigned granularity_bits;
};

/*
 * Sets in the bitmap of @table (@granularity_bits, of @s) all that is set in @src, for a
 * disk of s->h.size bytes.  Changed clusters of bits are written to new places, which @w
 * remembers with the old ones; @table names the new ones.  Under lock of @s; @src may be
 * another image, which nobody writes to.
 */
int qcow2_bits_merge(struct qcow2 *s, uint64_t *table, unsigned granularity_bits,
		     const struct qcow2_bits_src *src, struct qcow2_swap *w, struct err *e)
	MUST_CHECK;

#endif
