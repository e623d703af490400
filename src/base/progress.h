/* SPDX-License-Identifier: MIT */
/*
 * Progress of one long operation.  The library adds bytes (or other units) as
 * it works, from any thread; what is shown is decided by the program through
 * @show, which is called at most every @interval_ms and once at the end.
 * A NULL struct progress * is allowed everywhere and means nobody looks.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	_Atomic uint64_t done, total;
	_Atomic int64_t next_ns; /* no call of @show before this time */
	int64_t start_ns;
	unsigned interval_ms;
	/* Called by whichever thread crosses the interval; never two at once. */
	void (*show)(void *arg, const struct progress *p, bool last);
	void *arg;
	atomic_flag busy;
};

void progress_init(struct progress *p, unsigned interval_ms,
		   void (*show)(void *arg, const struct progress *p, bool last), void *arg);
void progress_total(struct progress *p, uint64_t total);
void progress_add(struct progress *p, uint64_t units);
void progress_end(struct progress *p);
/* Units per second so far, and seconds left (0 when unknown). */
double progress_rate(const struct progress *p);
double progress_eta(const struct progress *p);

#endif
