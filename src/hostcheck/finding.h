/* SPDX-License-Identifier: MIT */
/*
 * How a check says what it found.  Texts may hold bytes from the host's files: what is not
 * printable ASCII becomes '?', so that a report never sends a terminal what a file says.
 * What is too long is cut.
 */
#ifndef HOSTCHECK_FINDING_H
#define HOSTCHECK_FINDING_H

#include "hostcheck/check.h"

/* Verdict and value; returns 0, for a check to end with. */
int found(struct finding *f, enum verdict v, const char *fmt, ...) PRINTF(3, 4);
/* What to do about it; @fix is the id of a vtune step or NULL.  Returns 0. */
int advise(struct finding *f, const char *fix, enum remedy r, const char *fmt, ...)
	PRINTF(4, 5);
/* One of several things looked at.  Out of memory is remembered in @f. */
void found_item(struct finding *f, enum verdict v, const char *name, const char *fmt, ...)
	PRINTF(4, 5);
/* Unknown, for want of a right that root has: what could not be read, by @e. */
int found_unreadable(struct finding *f, int code, const char *what, const struct err *e);
/* The worse of two verdicts, for a check that sums up items: fail, warn, unknown, info,
 * ok, skip. */
enum verdict verdict_worse(enum verdict a, enum verdict b);
/* The worst of the items', V_OK without any. */
enum verdict finding_worst(const struct finding *f);
void finding_free(struct finding *f);
/* Makes @s printable in place. */
void finding_clean(char *s);

#endif
