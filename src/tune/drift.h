/* SPDX-License-Identifier: MIT */
/*
 * What others did since: the journal compared with the host as it is.
 *
 * A line that somebody added to a file of ours is no drift while our own lines are there; an
 * edit of ours that would undo theirs is.  Values that live in the kernel start anew with
 * each boot, so they tell of others only within the boot they were set in.
 */
#ifndef TUNE_DRIFT_H
#define TUNE_DRIFT_H

#include "tune/journal.h"

/* Marks the changes of @p that would undo what somebody else did (c->foreign, c->ours). */
int drift_mark(const struct host *h, const struct journal *j, struct plan *p, struct err *e)
	MUST_CHECK;

/* Adds to @p what an apply that was cut short left to be made anew. */
int drift_due(const struct host *h, const struct journal *j, struct plan *p, struct err *e)
	MUST_CHECK;

/* A target that is no longer as vtune left it, and of which @p says nothing. */
struct drift {
	const struct journal_change *c;
	char *have;    /* as it is; NULL: absent */
	bool harmless; /* what vtune did to it still stands beside what others did */
	char *error;   /* it could not be read; NULL */
};

struct drifts {
	struct drift *v;
	size_t n;
};

int drift_find(const struct host *h, const struct journal *j, const struct plan *p,
	       struct drifts *out, struct err *e) MUST_CHECK;
void drift_free(struct drifts *d);
#define AUTO_DRIFTS CLEANUP(drift_free)

/* kind->current(), with "not there" as NULL. */
int drift_current(const struct host *h, const struct change_kind *kind, const char *target,
		  char **value, struct err *e) MUST_CHECK;
/* Removes what a vtune that was killed left beside the files it was about to replace. */
void drift_sweep(const struct host *h, const struct journal *j);

#endif
