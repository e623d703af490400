/* SPDX-License-Identifier: MIT */
#include "img/units.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS_MAX = 16, MEMORY_MAX = 32 << 20 };

struct run {
	const struct units *u;
	pthread_mutex_t lock;     /* over the next two */
	uint64_t next;            /* offset of the next stretch */
	uint64_t at[THREADS_MAX]; /* the stretch that each worker is at; past the end: none */
	_Atomic bool failed;
};

/* The worker is done with what it had.  Returns where the first stretch begins that is not
 * done. */
static uint64_t finish(struct run *run, unsigned worker)
{
	uint64_t low;

	pthread_mutex_lock(&run->lock);
	run->at[worker] = UINT64_MAX;
	low = min_u64(run->next, run->u->size);
	for (unsigned i = 0; i < THREADS_MAX; i++)
		low = min_u64(low, run->at[i]);
	pthread_mutex_unlock(&run->lock);
	return low;
}

/* Gives the worker its next stretch; false: there is none. */
static bool take(struct run *run, unsigned worker, uint64_t *off)
{
	bool any;

	pthread_mutex_lock(&run->lock);
	any = run->next < run->u->size;
	*off = run->next;
	if (any) {
		run->at[worker] = run->next;
		run->next += run->u->unit;
	}
	pthread_mutex_unlock(&run->lock);
	return any;
}

static int work(void *arg, unsigned worker, struct err *e)
{
	struct run *run = arg;
	const struct units *u = run->u;
	AUTO_FREE uint8_t *buf = mem_aligned(4096, u->buffer, e);
	uint64_t off, done;
	int r = buf ? 0 : -ENOMEM;

	while (r == 0 && !run->failed && take(run, worker, &off)) {
		r = u->work(u->arg, buf, off, min_u64(off + u->unit, u->size), e);
		if (r == 0) {
			done = finish(run, worker);
			r = u->passed ? u->passed(u->arg, done, e) : 0;
		}
	}
	if (r < 0)
		run->failed = true;
	return r;
}

int units_run(const struct units *u, struct err *e)
{
	struct run run = { .u = u };
	uint64_t stretches = div_up(u->size, u->unit);
	unsigned n = u->threads ? u->threads : threads_cpus();
	int r;

	for (unsigned i = 0; i < THREADS_MAX; i++)
		run.at[i] = UINT64_MAX;
	n = n > THREADS_MAX ? THREADS_MAX : n;
	n = (unsigned)min_u64(n, max_u64(1, MEMORY_MAX / u->buffer));
	n = (unsigned)min_u64(n, max_u64(1, stretches));
	pthread_mutex_init(&run.lock, NULL);
	r = threads_run(n, work, &run, e);
	pthread_mutex_destroy(&run.lock);
	return r;
}
