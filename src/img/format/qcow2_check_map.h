/* SPDX-License-Identifier: MIT */
/*
 * References found for each host cluster, counted compactly: 2 bits a cluster, 8, 16 or
 * 64 in the stretches where that is too little.  Beside the counts, two marks for each
 * cluster: whether an active entry with, and one without, the "unshared" flag refers to
 * it.  Nothing is allocated for stretches without references.
 */
#ifndef IMG_FORMAT_QCOW2_CHECK_MAP_H
#define IMG_FORMAT_QCOW2_CHECK_MAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CHECK_STRETCH_BITS = 14,
	CHECK_STRETCH = 1 << CHECK_STRETCH_BITS, /* clusters */
	CHECK_WORD = 32,                         /* clusters in one word of 2-bit values */
};

struct check_stretch {
	void *v;        /* counts, or NULL: all zero */
	uint64_t *mark; /* bit 0: with the flag, bit 1: without; NULL: none */
	unsigned bits;  /* of one count: 2, 8, 16 or 64 */
};

struct check_map {
	uint64_t clusters; /* that may be counted */
	uint64_t max;      /* largest count: what a refcount of the image can say */
	struct check_stretch *stretch;
	uint64_t stretches;
};

int check_map_init(struct check_map *m, uint64_t clusters, uint64_t max, struct err *e)
	MUST_CHECK;
void check_map_free(struct check_map *m);
/* All counts and marks become zero. */
void check_map_clear(struct check_map *m);

uint64_t check_map_get(const struct check_map *m, uint64_t cluster);
/* The last cluster with a count, or 0. */
uint64_t check_map_highest(const struct check_map *m);
/*
 * Adds @by to the counts of @n clusters, all of them below m->clusters.  A count that
 * would pass m->max stays there, and @over is called with the cluster and by how much.
 */
int check_map_add(struct check_map *m, uint64_t cluster, uint64_t n, uint64_t by,
		  void (*over)(void *arg, uint64_t cluster, uint64_t excess), void *arg,
		  struct err *e) MUST_CHECK;
/* Marks @n clusters as referred to with or without the flag. */
int check_map_mark(struct check_map *m, uint64_t cluster, uint64_t n, bool flag, struct err *e)
	MUST_CHECK;

/* The 32 counts from @cluster (a multiple of 32) on as 64-bit values. */
void check_map_load(const struct check_map *m, uint64_t cluster, uint64_t out[CHECK_WORD]);
/* The same as one word of 2-bit values, if they all fit; and their marks. */
bool check_map_word(const struct check_map *m, uint64_t cluster, uint64_t *word,
		    uint64_t *marks);

#endif
