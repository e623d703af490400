/* SPDX-License-Identifier: MIT */
/* How a pool is brought to a size, apart from where it is: the kernel is behind a table, so
 * that one that has no memory left can be played. */
#ifndef HUGEPAGES_GROW_H
#define HUGEPAGES_GROW_H

#include "base/err.h"
#include "base/progress.h"

#include <stdint.h>

struct grow_ops {
	/* Pages of the pool, without surplus ones. */
	int (*get)(void *ctx, uint64_t *pages, struct err *e);
	int (*set)(void *ctx, uint64_t pages, struct err *e);
	/* Makes room; @round counts from 0. */
	int (*compact)(void *ctx, unsigned round, struct err *e);
};

/*
 * Sets the pool to @count pages, @step at a time on the way up, so that somebody can watch and
 * stop it.  Where pages are missing, up to @rounds times room is made; as long as that helps,
 * the rounds begin anew.  0, or -ENOSPC; *@got is what the pool has in the end.
 */
int grow_to(const struct grow_ops *ops, void *ctx, uint64_t count, uint64_t step,
	    unsigned rounds, struct progress *p, uint64_t *got, struct err *e) MUST_CHECK;

#endif
