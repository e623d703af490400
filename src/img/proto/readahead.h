/* SPDX-License-Identifier: MIT */
/*
 * Reading from far away: a bounded cache with workers that fetch in parallel, for protocols
 * where a request takes long to be answered.
 *
 * Readers (any number of threads) wait for the chunks they need and for no others.  Who reads on
 * where somebody stopped gets more and more fetched ahead, in pieces that grow until the time
 * to the first byte of an answer is small beside the time of the rest.  Scattered small reads fetch
 * little more than what was asked for.
 */
#ifndef IMG_PROTO_READAHEAD_H
#define IMG_PROTO_READAHEAD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	READAHEAD_CHUNK = 64 << 10,
	READAHEAD_WORKERS_MAX = 32,
};

struct readahead;
struct readahead_job; /* one piece being fetched */

struct readahead_conf {
	uint64_t size;    /* of what is read; nothing is fetched past it */
	unsigned workers; /* how many fetch at once at most; each starts when it is needed */
	size_t least;     /* bytes: no request is smaller, unless the end is near */
	size_t memory;    /* bytes of cache; readers may hold 4 MiB each beyond it */
	/*
	 * Fetches [off, off + len) in order, giving what comes to readahead_put.  @worker is
	 * 0 .. workers - 1, each in one thread at a time.  All of it, or an error; shall return
	 * soon once readahead_stopping().
	 */
	int (*fetch)(void *arg, unsigned worker, uint64_t off, uint64_t len,
		     struct readahead_job *j, struct err *e);
	void *arg;
};

int readahead_new(const struct readahead_conf *c, struct readahead **out, struct err *e)
	MUST_CHECK;
/* [off, off + len) lies within the size.  An error of fetch comes to all who wait for what it
 * did not bring; the next who asks makes it try again. */
int readahead_read(struct readahead *ra, void *buf, size_t len, uint64_t off, struct err *e)
	MUST_CHECK;
/* Puts in what is known already, from the first byte on; whole chunks of it, or up to the end. */
int readahead_seed(struct readahead *ra, const void *buf, size_t len, struct err *e) MUST_CHECK;
/* For fetch: the next @n bytes.  More than was asked for are dropped. */
void readahead_put(struct readahead_job *j, const void *buf, size_t n);
/* The end is near: what is being fetched is of no use any more.  Any thread. */
bool readahead_stopping(const struct readahead *ra);
/* No reader may be inside.  NULL is fine. */
void readahead_free(struct readahead *ra);

#endif
