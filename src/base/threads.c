/* SPDX-License-Identifier: MIT */
#include "base/threads.h"

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* musl's default is 128 KiB, glibc's is megabytes: say it ourselves. */
enum { STACK_BYTES = 256 * 1024 };

struct crew {
	int (*fn)(void *arg, unsigned worker, struct err *e);
	void *arg;
	/* Held while threads are being started, so that none runs @fn when
	 * they cannot all be had; later it guards the three below. */
	pthread_mutex_t lock;
	bool called_off;
	int code; /* of the first failure */
	struct err *e;
};

struct member {
	struct crew *crew;
	unsigned worker;
	pthread_t thread;
};

unsigned threads_cpus(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	/* more processors than cpu_set_t holds */
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

static void crew_work(struct crew *c, unsigned worker)
{
	struct err e = { 0 };
	int r = c->fn(c->arg, worker, &e);

	if (r >= 0)
		return;
	pthread_mutex_lock(&c->lock);
	if (!c->code) {
		c->code = r;
		if (c->e)
			*c->e = e;
	}
	pthread_mutex_unlock(&c->lock);
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	bool off;

	pthread_mutex_lock(&m->crew->lock);
	off = m->crew->called_off;
	pthread_mutex_unlock(&m->crew->lock);
	if (!off)
		crew_work(m->crew, m->worker);
	return NULL;
}

/* Starts up to @n - 1 threads; returns how many.  *@code is pthread's errno. */
static unsigned crew_start(struct crew *c, struct member *v, unsigned n, int *code)
{
	pthread_attr_t attr;
	unsigned started = 0;

	*code = pthread_attr_init(&attr);
	if (*code)
		return 0;
	*code = pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (!*code && started < n - 1) {
		struct member *m = &v[started];

		m->crew = c;
		m->worker = started + 1;
		*code = pthread_create(&m->thread, &attr, member_main, m);
		if (!*code)
			started++;
	}
	pthread_attr_destroy(&attr);
	return started;
}

/* @fewer: run with what threads there are rather than fail. */
static int crew_run(struct crew *c, unsigned n, bool fewer, struct err *e)
{
	struct member *v = mem_zalloc(n, sizeof(*v), e);
	unsigned started;
	int code;

	if (!v)
		return -ENOMEM;
	c->e = e;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_lock(&c->lock);
	started = crew_start(c, v, n, &code);
	c->called_off = code && !fewer;
	pthread_mutex_unlock(&c->lock);
	if (!c->called_off)
		crew_work(c, 0);
	for (unsigned i = 0; i < started; i++)
		pthread_join(v[i].thread, NULL);
	pthread_mutex_destroy(&c->lock);
	free(v);
	if (c->called_off)
		return err_set(e, -EAGAIN, "only %u of %u threads could be started",
			       started + 1, n);
	return c->code;
}

int threads_run(unsigned n, int (*fn)(void *arg, unsigned worker, struct err *e), void *arg,
		struct err *e)
{
	struct crew c = { .fn = fn, .arg = arg };

	return crew_run(&c, n ? n : 1, false, e);
}

struct items {
	int (*fn)(void *arg, uint64_t i, struct err *e);
	void *arg;
	uint64_t count;
	_Atomic uint64_t next;
	atomic_bool stop;
};

static int items_work(void *arg, unsigned worker, struct err *e)
{
	struct items *it = arg;

	while (!atomic_load(&it->stop)) {
		uint64_t i = atomic_fetch_add(&it->next, 1);
		int r;

		if (i >= it->count)
			break;
		r = it->fn(it->arg, i, e);
		if (r < 0) {
			atomic_store(&it->stop, true);
			return r;
		}
	}
	return 0;
}

int threads_each(unsigned n, uint64_t count, int (*fn)(void *arg, uint64_t i, struct err *e),
		 void *arg, struct err *e)
{
	struct items it = { .fn = fn, .arg = arg, .count = count };
	struct crew c = { .fn = items_work, .arg = &it };

	if (n > count)
		n = (unsigned)count;
	return crew_run(&c, n ? n : 1, true, e);
}
