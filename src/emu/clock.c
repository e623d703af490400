/* SPDX-License-Identifier: MIT */
#include "emu/clock.h"

#include "base/mem.h"

#include <stdlib.h>
#include <time.h>

struct clock {
	pthread_mutex_t lock;
	struct timer *first; /* by time */
	uint64_t base;       /* running: host time at virtual 0; else virtual time */
	bool running;
	void (*wake)(void *arg);
	void *arg;
};

static uint64_t host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

int clock_new(struct clock **out, void (*wake)(void *arg), void *arg, struct err *e)
{
	struct clock *c = mem_zalloc(1, sizeof(*c), e);

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->wake = wake;
	c->arg = arg;
	*out = c;
	return 0;
}

void clock_free(struct clock *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static uint64_t now(const struct clock *c)
{
	return c->running ? host_ns() - c->base : c->base;
}

static void set_running(struct clock *c, bool running)
{
	pthread_mutex_lock(&c->lock);
	if (c->running != running) {
		c->base = host_ns() - c->base;
		c->running = running;
	}
	pthread_mutex_unlock(&c->lock);
	if (c->wake)
		c->wake(c->arg);
}

void clock_run(struct clock *c)
{
	set_running(c, true);
}

void clock_stop(struct clock *c)
{
	set_running(c, false);
}

void clock_skip(struct clock *c, uint64_t ns)
{
	pthread_mutex_lock(&c->lock);
	if (!c->running)
		c->base += ns;
	pthread_mutex_unlock(&c->lock);
}

uint64_t clock_now(struct clock *c)
{
	uint64_t t;

	pthread_mutex_lock(&c->lock);
	t = now(c);
	pthread_mutex_unlock(&c->lock);
	return t;
}

static void unlink_timer(struct clock *c, struct timer *t)
{
	struct timer **p = &c->first;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->armed = false;
}

void timer_set(struct timer *t, uint64_t at)
{
	struct clock *c = t->clock;
	struct timer **p = &c->first;
	bool first;

	pthread_mutex_lock(&c->lock);
	if (t->armed)
		unlink_timer(c, t);
	while (*p && (*p)->at <= at)
		p = &(*p)->next;
	t->at = at;
	t->next = *p;
	t->armed = true;
	*p = t;
	first = c->first == t;
	pthread_mutex_unlock(&c->lock);
	if (first && c->wake)
		c->wake(c->arg);
}

void timer_cancel(struct timer *t)
{
	struct clock *c = t->clock;

	pthread_mutex_lock(&c->lock);
	if (t->armed)
		unlink_timer(c, t);
	pthread_mutex_unlock(&c->lock);
}

uint64_t clock_wait(struct clock *c)
{
	uint64_t left = UINT64_MAX;

	pthread_mutex_lock(&c->lock);
	if (c->first && c->running) {
		uint64_t t = now(c);

		left = c->first->at > t ? c->first->at - t : 0;
	}
	pthread_mutex_unlock(&c->lock);
	return left;
}

/* The first timer if it is due; it stays in the list. */
static struct timer *due(struct clock *c, uint64_t upto)
{
	struct timer *t;

	pthread_mutex_lock(&c->lock);
	t = c->running && c->first && c->first->at <= upto ? c->first : NULL;
	pthread_mutex_unlock(&c->lock);
	return t;
}

/* Takes @t out if it is due still: its owner may have changed it before we had the lock. */
static bool claim(struct clock *c, struct timer *t, uint64_t upto)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = t->armed && t->at <= upto;
	if (ok)
		unlink_timer(c, t);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

void clock_fire(struct clock *c)
{
	/* what a handler sets anew waits for the next round, however soon it is due */
	uint64_t upto = clock_now(c);
	struct timer *t;

	while ((t = due(c, upto))) {
		pthread_mutex_t *lock = t->lock;

		if (lock)
			pthread_mutex_lock(lock);
		if (claim(c, t, upto))
			t->fire(t->arg);
		if (lock)
			pthread_mutex_unlock(lock);
	}
}
