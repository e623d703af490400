/* SPDX-License-Identifier: MIT */
/* A disk worked through by several threads, one stretch each at a time. */
#ifndef IMG_UNITS_H
#define IMG_UNITS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct units {
	uint64_t size;    /* bytes in all */
	uint64_t unit;    /* bytes of one stretch, the last may be shorter */
	size_t buffer;    /* bytes of working memory per thread */
	unsigned threads; /* 0: as many as there are processors */
	/* Works on [off, end).  @buf is aligned for direct I/O. */
	int (*work)(void *arg, uint8_t *buf, uint64_t off, uint64_t end, struct err *e);
	/* After each stretch, from any thread: all that lies below @end is done.  May be NULL.
	 * Others go on meanwhile, and may be in here too. */
	int (*passed)(void *arg, uint64_t end, struct err *e);
	void *arg;
};

/* The first failure in time; after it no new stretch is begun. */
int units_run(const struct units *u, struct err *e) MUST_CHECK;

#endif
