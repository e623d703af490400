/* SPDX-License-Identifier: MIT */
/* Moving what an overlay holds into the image below it. */
#ifndef IMG_COMMIT_H
#define IMG_COMMIT_H

#include "base/progress.h"
#include "img/blk.h"

struct img_commit {
	/* Image of the chain to write to, as a path or as a header names it; NULL: the one
	 * right below the top. */
	const char *base;
	bool keep;                 /* do not empty the top (-d); a @base implies it */
	uint64_t rate;             /* bytes per second at most, 0: no limit */
	unsigned threads;          /* 0: as many as there are processors */
	struct progress *progress; /* in bytes of the top image; may be NULL */
};

/*
 * @top is open for writing with its chain.  The base is closed and opened again for writing
 * in its place (with the cache flags of @top), made as large as the top if it is smaller, and
 * gets all that the images above it hold.  It is on stable storage before the top is
 * emptied.  Whatever fails, @top reads as before, or its backing image could not be
 * opened again and it must be closed.
 * -ENOENT: no such base, or no backing image at all.
 */
int img_commit(struct blk *top, const struct img_commit *c, struct err *e) MUST_CHECK;

#endif
