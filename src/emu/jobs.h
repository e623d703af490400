/* SPDX-License-Identifier: MIT */
/*
 * Threads that do the slow part of a device's requests, so that vCPUs go on: a controller
 * hands over a job, the job may wait for a disk, and tells the guest at its end.
 */
#ifndef EMU_JOBS_H
#define EMU_JOBS_H

#include "base/err.h"

#include <stdbool.h>

/* The struct is the owner's, and may be handed over again from within its run(). */
struct job {
	void (*run)(struct job *j, unsigned worker);
	void *arg;
	bool queued;
	struct job *next;
};

struct jobs;

int jobs_new(struct jobs **out, unsigned threads, struct err *e) MUST_CHECK;
/* Waits for what is queued. */
void jobs_free(struct jobs *j);
/* Any thread.  They begin in the order in which they came. */
void jobs_do(struct jobs *j, struct job *job);
/* Nothing is queued or in work when it returns, but what was handed over meanwhile.  Not from a
 * job, and with no lock that a job takes. */
void jobs_drain(struct jobs *j);

#endif
