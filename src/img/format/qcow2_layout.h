/* SPDX-License-Identifier: MIT */
/*
 * Where everything lies in a new image, front to back without gaps:
 *
 *	header | refcount table | refcount blocks | L1 | LUKS header | L2 tables | guest clusters
 *
 * The last two only if they are preallocated.  create writes this; measure adds it up.
 */
#ifndef IMG_FORMAT_QCOW2_LAYOUT_H
#define IMG_FORMAT_QCOW2_LAYOUT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct qcow2_layout {
	/* in; data_clusters is out unless the guest's clusters lie elsewhere */
	uint64_t size; /* guest bytes */
	unsigned cluster_bits, refcount_order;
	bool extended_l2;
	bool l2;             /* lay out L2 tables */
	bool data;           /* lay out guest clusters in this file */
	unsigned crypt;      /* method of encryption */
	uint64_t crypto_len; /* bytes of the LUKS header; 0: none */
	/* Only so many of both, which whoever writes the tables chooses. */
	bool some;
	uint64_t some_tables, some_clusters;

	/* out: counts of clusters but for l1_entries, offsets in bytes */
	uint64_t l1_entries, l1_clusters, l2_tables;
	uint64_t guest_clusters; /* of the image, wherever they lie */
	uint64_t reftable_clusters, refblocks, total;
	uint64_t crypto_clusters;
	uint64_t reftable_off, refblock_off, l1_off, crypto_off, l2_off, data_off, end;
};

/* -EFBIG: the L1 table would be larger than readers of the format take, or the file beyond
 * what offsets can say.  Whether the refcount table is too large is left to the caller. */
int qcow2_layout_plan(struct qcow2_layout *y, struct err *e) MUST_CHECK;
int qcow2_layout_too_large(struct err *e);

#endif
