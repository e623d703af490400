/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include "base/now.h"

#include <sched.h>
#include <stddef.h>

void progress_init(struct progress *p, unsigned interval_ms,
		   void (*show)(void *arg, const struct progress *p, bool last), void *arg)
{
	if (!p)
		return;
	p->start_ns = now_ns();
	p->interval_ms = interval_ms;
	p->show = show;
	p->arg = arg;
	atomic_init(&p->done, 0);
	atomic_init(&p->total, 0);
	atomic_init(&p->next_ns, p->start_ns + (int64_t)interval_ms * 1000000);
	atomic_flag_clear(&p->busy);
}

void progress_total(struct progress *p, uint64_t total)
{
	if (p)
		atomic_store_explicit(&p->total, total, memory_order_relaxed);
}

void progress_add(struct progress *p, uint64_t units)
{
	int64_t now;

	if (!p)
		return;
	atomic_fetch_add_explicit(&p->done, units, memory_order_relaxed);
	if (!p->show)
		return;
	now = now_ns();
	if (now < atomic_load_explicit(&p->next_ns, memory_order_relaxed))
		return;
	if (atomic_flag_test_and_set(&p->busy))
		return;
	/* another thread may have shown it between the two tests */
	if (now >= atomic_load_explicit(&p->next_ns, memory_order_relaxed)) {
		atomic_store_explicit(&p->next_ns, now + (int64_t)p->interval_ms * 1000000,
				      memory_order_relaxed);
		p->show(p->arg, p, false);
	}
	atomic_flag_clear(&p->busy);
}

void progress_end(struct progress *p)
{
	if (!p || !p->show)
		return;
	while (atomic_flag_test_and_set(&p->busy))
		sched_yield();
	p->show(p->arg, p, true);
	atomic_flag_clear(&p->busy);
}

double progress_rate(const struct progress *p)
{
	int64_t ns;

	if (!p)
		return 0;
	ns = now_ns() - p->start_ns;
	if (ns <= 0)
		return 0;
	return (double)atomic_load_explicit(&p->done, memory_order_relaxed) * 1e9 / (double)ns;
}

double progress_eta(const struct progress *p)
{
	double rate = progress_rate(p);
	uint64_t done, total;

	if (!p || rate <= 0)
		return 0;
	done = atomic_load_explicit(&p->done, memory_order_relaxed);
	total = atomic_load_explicit(&p->total, memory_order_relaxed);
	return done < total ? (double)(total - done) / rate : 0;
}
