/* SPDX-License-Identifier: MIT */
/*
 * Virtual time, and what shall happen at a time.  The clock counts nanoseconds while the machine
 * runs, and stands while it is stopped.
 *
 * A timer belongs to a device and fires in the loop's thread, under the device's lock.  It is
 * set and cancelled under that same lock, so after a cancel it does not fire any more.
 */
#ifndef EMU_CLOCK_H
#define EMU_CLOCK_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SEC UINT64_C(1000000000)

struct clock;

struct timer {
	/* The owner's, set before the first timer_set(). */
	struct clock *clock;
	void (*fire)(void *arg);
	void *arg;
	pthread_mutex_t *lock; /* NULL: none */
	/* The clock's. */
	uint64_t at;
	bool armed;
	struct timer *next;
};

/* Stands at 0.  @wake(@arg) is called from any thread when a timer was set that is due before
 * all others. */
int clock_new(struct clock **out, void (*wake)(void *arg), void *arg, struct err *e) MUST_CHECK;
void clock_free(struct clock *c);
void clock_run(struct clock *c);
void clock_stop(struct clock *c);
uint64_t clock_now(struct clock *c);
/* Moves a clock that stands. */
void clock_skip(struct clock *c, uint64_t ns);

/* Once, at @at or as soon as possible after it. */
void timer_set(struct timer *t, uint64_t at);
void timer_cancel(struct timer *t);

/* Nanoseconds until the next timer, 0 when one is due, UINT64_MAX when there is none. */
uint64_t clock_wait(struct clock *c);
/* Fires what is due; one thread. */
void clock_fire(struct clock *c);

/* a * b / c with 128 bits between; c is not 0. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)a * b / c);
}

#endif
