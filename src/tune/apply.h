/* SPDX-License-Identifier: MIT */
/*
 * Makes the changes of a plan, one after the other: written down in the journal first, then
 * made, then read back.  The first that fails ends it, for later ones may build on it; what is
 * done stays done and is in the journal.
 */
#ifndef TUNE_APPLY_H
#define TUNE_APPLY_H

#include "tune/journal.h"

#include <stdatomic.h>

enum outcome {
	OUT_DONE,
	OUT_FOREIGN, /* left alone: somebody else changed it since */
	OUT_SKIPPED, /* not begun: something failed before, or it was to stop */
	OUT_NOTED,   /* for somebody to do by hand, since no program is run in an image */
	OUT_FAILED,
	/* of a revert only */
	OUT_ALREADY, /* it was as before already */
	OUT_MERGED,  /* taken out of a file that has somebody else's lines too */
	OUT_KEPT,    /* in use, or a folder that others filled */
	OUT_REFUSED, /* neither as before nor as vtune left it */
};
const char *outcome_name(enum outcome o);

struct task_opts {
	bool force;      /* also what somebody else changed since */
	bool keep_going; /* apply: after a failure go on with the other steps */
	bool in_root;    /* run programs inside an image */
	const char *profile;
	const atomic_bool *stop; /* finish what is being done, then end; may be NULL */
	/* Told of each change when its fate is known.  @e: why, if it was not done. */
	void (*told)(void *ctx, const struct change *c, enum outcome o, const struct err *e);
	void *ctx;
};

struct task_result {
	unsigned apply; /* its number; 0: nothing was begun */
	unsigned count[OUT_REFUSED + 1];
	bool stopped;  /* by the flag */
	bool finished; /* revert: all that was asked for is as before, and forgotten */
};

/*
 * The caller holds the lock, has planned since, and has opened @j for adding.  A change that
 * fails is no error of this function: it is told of, and counted.  A negative errno is a
 * journal that cannot be written; then nothing more is touched.
 */
int apply_plan(struct host *h, struct plan *p, struct journal *j, const struct task_opts *o,
	       struct task_result *out, struct err *e) MUST_CHECK;

/* Live values that are in the journal as they are to be (set again after a boot), the
 * others as apply_plan(). */
int apply_at_boot(struct host *h, struct plan *p, struct journal *j, const struct task_opts *o,
		  struct task_result *out, struct err *e) MUST_CHECK;

#endif
