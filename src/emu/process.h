/* SPDX-License-Identifier: MIT */
/* The process itself: in the background, with its number in a file. */
#ifndef EMU_PROCESS_H
#define EMU_PROCESS_H

#include "base/err.h"

#include <stdbool.h>

struct process {
	int ready;    /* to tell who started us; -1: nobody waits */
	int pid_fd;   /* locked while we live; -1: none */
	char *pid_at; /* its whole name */
};

#define PROCESS_INIT         \
	{                    \
		-1, -1, NULL \
	}

/* Goes on in a child without a terminal: 0 there.  1 in the parent once the child is ready or has ended:
 * *@status is for exit().  Before there are threads. */
int process_detach(struct process *p, int *status, struct err *e) MUST_CHECK;
/* The child's start is over: it lets go of its folder and of standard input and output, and of errors
 * unless they are @kept. */
int process_ready(struct process *p, bool keep_errors, struct err *e) MUST_CHECK;
/* Writes the process's number to @path, and keeps that locked.  -EBUSY: another lives there. */
int process_number(struct process *p, const char *path, struct err *e) MUST_CHECK;
/* Removes the file. */
void process_fini(struct process *p);

#endif
