/* SPDX-License-Identifier: MIT */
/*
 * What differs between two texts, by lines, and edits carried over from one text to another.
 * Pure.  NULL is a file that is not there.
 */
#ifndef TUNE_DIFF_H
#define TUNE_DIFF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Lines a..a+na of the old text become lines b..b+nb of the new one; from 0. */
struct diff_hunk {
	size_t a, na, b, nb;
};

/* Lines with their ends; not NUL-terminated, they lie in the text. */
struct diff_line {
	const char *s;
	size_t len;
};

struct diff {
	struct diff_line *a, *b;
	size_t na, nb;
	struct diff_hunk *v;
	size_t n;
};

/* The texts must live as long as @out.  Where they differ in very many lines, the
 * differing part is one hunk. */
int diff_make(const char *old, const char *fresh, struct diff *out, struct err *e) MUST_CHECK;
void diff_free(struct diff *d);

/* As diff -u prints it, three lines around each change, with a and b before @path; "" where
 * nothing differs.  free() it; NULL: no memory. */
char *diff_unified(const char *path, const char *old, const char *fresh, struct err *e)
	MUST_CHECK;

/*
 * The edits that lead from @base to @mine, made in @theirs: 1 and a new text in *@out, or 0
 * where both changed the same lines.
 */
int diff_merge(const char *base, const char *mine, const char *theirs, char **out,
	       struct err *e) MUST_CHECK;

/* Whether the edits from @base to @theirs are all still there in @fresh, which was made from
 * @theirs: 1 or 0. */
int diff_keeps(const char *base, const char *theirs, const char *fresh, struct err *e)
	MUST_CHECK;

#endif
