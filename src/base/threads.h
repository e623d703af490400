/* SPDX-License-Identifier: MIT */
/* Work split over threads. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include "base/err.h"

#include <stdint.h>

/* Processors this process may run on, at least 1. */
unsigned threads_cpus(void);

/*
 * Calls @fn(@arg, worker, e) on @n threads, worker 0..n-1, one of them the caller's
 * own, and waits for all.  The first failure (in time) is returned and left in
 * @e; the others' are dropped.  @fn itself looks for a stop flag if it has one.
 * n is at least 1.  -EAGAIN when a thread could not be started (all that
 * were have ended when this returns).
 */
int threads_run(unsigned n, int (*fn)(void *arg, unsigned worker, struct err *e), void *arg,
		struct err *e) MUST_CHECK;

/*
 * Calls @fn(@arg, i, e) for each i in [0, count), handed out in order, on up to @n
 * threads.  After the first failure no new item is started.
 */
int threads_each(unsigned n, uint64_t count, int (*fn)(void *arg, uint64_t i, struct err *e),
		 void *arg, struct err *e) MUST_CHECK;

#endif
