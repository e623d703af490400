/* SPDX-License-Identifier: MIT */
/*
 * Takes changes back, the last one first, as the journal has them.
 *
 *	as before already	nothing to do
 *	as vtune left it	made as it was before
 *	in between		an apply or revert that was cut short: made as it was before
 *	else			somebody else changed it: refused, but with force; a file where
 *				their lines are not ours keeps theirs and loses ours
 *
 * What is made anew by programs comes last.  When all is as before, the journal goes too.
 */
#ifndef TUNE_REVERT_H
#define TUNE_REVERT_H

#include "tune/apply.h"

struct revert_opts {
	unsigned to;             /* applies with higher numbers; 0: all */
	const char *const *only; /* ids of steps, ends with NULL; NULL: all */
	bool keep_journal;
	bool dry_run; /* only tell: OUT_DONE, OUT_MERGED, OUT_REFUSED */
};

/* As apply_plan(): @j is open for adding, unless it is a dry run. */
int revert_run(struct host *h, struct journal *j, const struct revert_opts *r,
	       const struct task_opts *o, struct task_result *out, struct err *e) MUST_CHECK;

#endif
