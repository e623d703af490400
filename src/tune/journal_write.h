/* SPDX-License-Identifier: MIT */
/*
 * Adding to the journal.  The caller holds the lock (lock.h) from before it read the journal.
 * What each function writes is on disk when it returns 0, and in @j.
 */
#ifndef TUNE_JOURNAL_WRITE_H
#define TUNE_JOURNAL_WRITE_H

#include "tune/journal.h"

/* Opens for adding, makes it if need be, and cuts off what a crash left incomplete.
 * @made, of @n_made folders, goes into a new one. */
int journal_open(const struct host *h, struct journal *j, char *const *made, size_t n_made,
		 struct err *e) MUST_CHECK;
/* Begins an apply; its number is in *@n. */
int journal_begin(const struct host *h, struct journal *j, const char *profile, unsigned *n,
		  struct err *e) MUST_CHECK;
/* Announces @c as part of apply @apply; its number is in *@seq. */
int journal_change(struct journal *j, unsigned apply, const struct change *c, unsigned *seq,
		   struct err *e) MUST_CHECK;
/* It is made.  Of a trigger: all that are due for the same target. */
int journal_done(struct journal *j, unsigned seq, struct err *e) MUST_CHECK;
int journal_undo(struct journal *j, unsigned seq, struct err *e) MUST_CHECK;
int journal_undone(struct journal *j, unsigned seq, struct err *e) MUST_CHECK;
/* Live values were set again in this boot. */
int journal_boot(const struct host *h, struct journal *j, struct err *e) MUST_CHECK;
/* Forgets all from the first apply above @to on; all of their changes are undone. */
int journal_forget(struct journal *j, unsigned to, struct err *e) MUST_CHECK;
/* Removes the file, its folder and those made for it, where they are empty. */
int journal_remove(const struct host *h, struct journal *j, struct err *e) MUST_CHECK;

#endif
