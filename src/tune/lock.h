/* SPDX-License-Identifier: MIT */
/*
 * One vtune at a time changes a host.  The lock is on the folder of the journal, which only
 * root may open, so nobody else can hold it up; it ends with the process that has it.
 */
#ifndef TUNE_LOCK_H
#define TUNE_LOCK_H

#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

struct lock {
	int fd;
	char **made; /* folders above it that were made, outermost first */
	size_t n_made;
};

/* Makes the folder if need be.  -EBUSY: another has it, @e says which process; with @wait it
 * is waited for, -EINTR where a signal comes first. */
int lock_take(const struct host *h, bool wait, struct lock *out, struct err *e) MUST_CHECK;
/* Gives it back; removes the folder, and those made for it, where nothing was put there. */
void lock_release(const struct host *h, struct lock *l);

#endif
