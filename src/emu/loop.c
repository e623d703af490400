/* SPDX-License-Identifier: MIT */
#include "emu/loop.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct loop {
	pthread_mutex_t lock;
	struct loop_fd *fds[LOOP_FDS];
	unsigned n;
	struct loop_job *first, **last;
	struct clock *clock;
	int wake;
	bool quit;
};

static void wake(void *arg)
{
	struct loop *l = arg;

	eventfd_write(l->wake, 1);
}

int loop_new(struct loop **out, struct err *e)
{
	struct loop *l = mem_zalloc(1, sizeof(*l), e);
	int r;

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->wake < 0 ? err_errno(e, "eventfd") : clock_new(&l->clock, wake, l, e);
	if (r < 0) {
		loop_free(l);
		return r;
	}
	*out = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	clock_free(l->clock);
	io_close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct clock *loop_clock(struct loop *l)
{
	return l->clock;
}

int loop_watch(struct loop *l, struct loop_fd *f, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	if (l->n == LOOP_FDS)
		r = err_set(e, -ENOSPC, "more than %d descriptors to watch", LOOP_FDS);
	else
		l->fds[l->n++] = f;
	pthread_mutex_unlock(&l->lock);
	wake(l);
	return r;
}

void loop_unwatch(struct loop *l, struct loop_fd *f)
{
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->n; i++)
		if (l->fds[i] == f)
			l->fds[i] = l->fds[--l->n];
	pthread_mutex_unlock(&l->lock);
}

void loop_events(struct loop *l, struct loop_fd *f, short events)
{
	bool changed;

	pthread_mutex_lock(&l->lock);
	changed = f->events != events;
	f->events = events;
	pthread_mutex_unlock(&l->lock);
	if (changed)
		wake(l);
}

void loop_do(struct loop *l, struct loop_job *j)
{
	bool fresh;

	pthread_mutex_lock(&l->lock);
	fresh = !j->queued;
	if (fresh) {
		j->queued = true;
		j->next = NULL;
		*l->last = j;
		l->last = &j->next;
	}
	pthread_mutex_unlock(&l->lock);
	if (fresh)
		wake(l);
}

void loop_forget(struct loop *l, struct loop_job *j)
{
	pthread_mutex_lock(&l->lock);
	for (struct loop_job **p = &l->first; *p; p = &(*p)->next) {
		if (*p != j)
			continue;
		*p = j->next;
		if (l->last == &j->next)
			l->last = p;
		break;
	}
	j->queued = false;
	pthread_mutex_unlock(&l->lock);
}

void loop_quit(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->quit = true;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

static void run_jobs(struct loop *l)
{
	struct loop_job *stop = NULL;

	for (;;) {
		struct loop_job *j;

		pthread_mutex_lock(&l->lock);
		j = l->first;
		/* what asks for itself again comes in the next round */
		if (!j || j == stop) {
			pthread_mutex_unlock(&l->lock);
			return;
		}
		l->first = j->next;
		if (!l->first)
			l->last = &l->first;
		j->queued = false;
		pthread_mutex_unlock(&l->lock);
		if (!stop)
			stop = j;
		j->run(j->arg);
	}
}

/* Calls the handler of a descriptor, unless it was taken away meanwhile. */
static void call(struct loop *l, struct loop_fd *f, short revents)
{
	bool there = false;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->n; i++)
		there |= l->fds[i] == f && f->events;
	pthread_mutex_unlock(&l->lock);
	if (there)
		f->ready(f->arg, revents);
}

int loop_once(struct loop *l, unsigned long long max_ns, struct err *e)
{
	struct pollfd p[LOOP_FDS + 1] = { { .fd = l->wake, .events = POLLIN } };
	struct loop_fd *f[LOOP_FDS + 1];
	unsigned long long ns = clock_wait(l->clock);
	struct timespec t;
	eventfd_t count;
	nfds_t n = 1;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->n; i++) {
		if (!l->fds[i]->events)
			continue;
		p[n] = (struct pollfd){ .fd = l->fds[i]->fd, .events = l->fds[i]->events };
		f[n++] = l->fds[i];
	}
	pthread_mutex_unlock(&l->lock);
	if (ns > max_ns)
		ns = max_ns;
	if (ns > 3600 * NS_PER_SEC)
		ns = 3600 * NS_PER_SEC;
	t.tv_sec = (time_t)(ns / NS_PER_SEC);
	t.tv_nsec = (long)(ns % NS_PER_SEC);
	if (ppoll(p, n, &t, NULL) < 0 && errno != EINTR)
		return err_errno(e, "waiting for devices");
	if (p[0].revents)
		eventfd_read(l->wake, &count);
	clock_fire(l->clock);
	for (nfds_t i = 1; i < n; i++)
		if (p[i].revents)
			call(l, f[i], p[i].revents);
	run_jobs(l);
	return 0;
}

int loop_run(struct loop *l, struct err *e)
{
	for (;;) {
		bool quit;
		int r;

		pthread_mutex_lock(&l->lock);
		quit = l->quit;
		pthread_mutex_unlock(&l->lock);
		if (quit)
			return 0;
		r = loop_once(l, ~0ull, e);
		if (r < 0)
			return r;
	}
}
