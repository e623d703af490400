/* SPDX-License-Identifier: MIT */
/*
 * How large QEMU's metadata caches should be for an image: what l2-cache-size and
 * refcount-cache-size cost and cover.  Pure arithmetic; img/advice.h applies it to images.
 */
#ifndef IMG_CACHE_H
#define IMG_CACHE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct cache_geometry {
	uint64_t size;         /* virtual, bytes */
	uint64_t cluster_size; /* bytes */
	bool extended_l2;
};

struct cache_advice {
	uint64_t l2_full;        /* bytes of L2 tables that map the whole disk */
	uint64_t l2_entry_size;  /* l2-cache-entry-size: bytes of one cached slice */
	uint64_t l2_cache;       /* l2-cache-size to set */
	uint64_t refcount_cache; /* QEMU's smallest: refcounts are only touched by allocation */
	uint64_t covered;        /* bytes of disk that l2_cache maps at once */
	double coverage;         /* covered / size, 0..1 */
	unsigned clean_interval; /* cache-clean-interval, seconds; 0: not worth it */
	uint64_t qemu_default_l2; /* what QEMU would take by itself */
	uint64_t qemu_default_covered;
};

/*
 * The caches for @g: enough L2 cache for @coverage (0..1, 1: the whole disk), at most
 * @budget bytes for L2 and refcount caches together (0: no limit).
 * -EINVAL: no such cluster size; -ERANGE: the budget is below the smallest caches that QEMU takes.
 */
int cache_advise(const struct cache_geometry *g, double coverage, uint64_t budget,
		 struct cache_advice *out, struct err *e) MUST_CHECK;

#endif
