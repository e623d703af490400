/* SPDX-License-Identifier: MIT */
/*
 * The main thread's loop: descriptors, timers of the virtual clock, and jobs that other
 * threads leave.
 */
#ifndef EMU_LOOP_H
#define EMU_LOOP_H

#include "base/err.h"

#include <stdbool.h>

struct loop;
struct clock;

#define LOOP_FDS 64

/* A descriptor that is watched while @events (of poll) is not 0.  The struct is the owner's. */
struct loop_fd {
	int fd;
	short events;
	void (*ready)(void *arg, short revents);
	void *arg;
};

/* Something to do soon.  Queued once, however often it is asked for. */
struct loop_job {
	void (*run)(void *arg);
	void *arg;
	bool queued;
	struct loop_job *next;
};

int loop_new(struct loop **out, struct err *e) MUST_CHECK;
void loop_free(struct loop *l);
struct clock *loop_clock(struct loop *l);

/* These: any thread. */
int loop_watch(struct loop *l, struct loop_fd *f, struct err *e) MUST_CHECK;
void loop_unwatch(struct loop *l, struct loop_fd *f);
void loop_events(struct loop *l, struct loop_fd *f, short events);
void loop_do(struct loop *l, struct loop_job *j);
void loop_forget(struct loop *l, struct loop_job *j);
void loop_quit(struct loop *l);

/* Until loop_quit(). */
int loop_run(struct loop *l, struct err *e) MUST_CHECK;
/* Waits at most @max_ns and does what there is to do once. */
int loop_once(struct loop *l, unsigned long long max_ns, struct err *e) MUST_CHECK;

#endif
