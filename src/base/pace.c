/* SPDX-License-Identifier: MIT */
#include "base/pace.h"

#include "base/bytes.h"
#include "base/now.h"

/* A signal may go to another thread than the one that sleeps. */
#define NAP_NS 100000000u

void pace_start(struct pace *p, uint64_t rate)
{
	p->rate = rate;
	p->start_ns = now_ns();
	atomic_init(&p->done, 0);
}

void pace_step(struct pace *p, uint64_t bytes, const atomic_bool *stop)
{
	uint64_t done = atomic_fetch_add(&p->done, bytes) + bytes;
	int64_t due, left;

	if (!p->rate)
		return;
	due = p->start_ns + (int64_t)((double)done / (double)p->rate * 1e9);
	while ((left = due - now_ns()) > 0 && !(stop && atomic_load(stop))) {
		struct timespec t = { 0, (long)min_u64((uint64_t)left, NAP_NS) };

		(void)nanosleep(&t, NULL);
	}
}
