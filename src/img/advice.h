/* SPDX-License-Identifier: MIT */
/*
 * Cache advice for an image and its backing chain, and how to say it to QEMU.
 */
#ifndef IMG_ADVICE_H
#define IMG_ADVICE_H

#include "base/str.h"
#include "img/blk.h"
#include "img/cache.h"

struct advice_image {
	const char *filename; /* of the node, or the user's own words; not owned */
	const char *format;
	bool cached; /* qcow2: the rest is valid */
	struct cache_geometry geometry;
	struct cache_advice advice;
	uint64_t l1_bytes;  /* always in memory */
	unsigned snapshots; /* internal ones; their L1 tables are read on use only */
};

struct advice {
	struct advice_image *v; /* the image first, then what it is backed by */
	size_t n;
	uint64_t memory; /* caches and L1 tables of all */
};

/*
 * Advises for the open image @top and its chain.  @budget (0: none) is for all caches of the
 * chain together; images that need little get it whole, the rest is split evenly.
 */
int advice_for_image(struct blk *top, double coverage, uint64_t budget, struct advice *out,
		     struct err *e) MUST_CHECK;
/* For an image that does not exist yet. */
int advice_for_geometry(const struct cache_geometry *g, double coverage, uint64_t budget,
			struct advice *out, struct err *e) MUST_CHECK;
void advice_free(struct advice *a);

/* The value of QEMU's -drive and -blockdev for the chain, with the caches.  @extra
 * ("cache=none,aio=native", or NULL) is put behind the file name of -drive. */
void advice_drive(const struct advice *a, const char *extra, struct str *out);
void advice_blockdev(const struct advice *a, bool direct, const char *aio, struct str *out);

#endif
