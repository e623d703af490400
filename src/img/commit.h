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
	uint64_t part;             /* bytes copied before the top lets go of them, 0: 64 MiB */
	unsigned threads;          /* 0: as many as there are processors */
	struct progress *progress; /* in bytes of the top image; may be NULL */
};

/*
 * @top is open for writing with its chain.  The base is closed and opened again for writing
 * in its place (with the cache flags of @top), made as large as the top if it is smaller, and
 * gets all that the images above it hold.  The top is emptied part by part while the next
 * is copied, each after it is on stable storage in the base; an image whose clusters are
 * counted wrongly, only when all of it is.  Whatever fails, @top reads as before, or its
 * backing image could not be opened again and it must be closed.
 * -ENOENT: no such base, or no backing image at all.
 */
int img_commit(struct blk *top, const struct img_commit *c, struct err *e) MUST_CHECK;

#endif
