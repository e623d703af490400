/* SPDX-License-Identifier: MIT */
/* Putting an image over another backing image without changing what it reads. */
#ifndef IMG_REBASE_H
#define IMG_REBASE_H

#include "base/progress.h"
#include "img/blk.h"

struct img_rebase {
	/* Open for reading with its chain; stays the caller's.  NULL: none, so the image
	 * becomes complete in itself. */
	struct blk *backing;
	/* As they shall stand in the header; name NULL (or ""): no backing file. */
	const char *name, *fmt;
	bool unsafe;      /* only the header: the caller says that the contents match */
	bool compress;    /* what is copied is stored compressed */
	unsigned threads; /* 0: as many as there are processors */
	struct progress *progress; /* in bytes of the image; may be NULL */
};

/*
 * @b is open for writing with its old chain (unsafe: without, BLK_NOBACKING).  Where it
 * has nothing of its own and old and new backing differ, the old bytes are copied into it;
 * these are on stable storage before the header changes, so an interruption leaves an
 * image that reads as before.  After success @b still reads through the old chain:
 * close it.  -ENOTSUP: the format has no backing files, or cannot compress.
 */
int img_rebase(struct blk *b, const struct img_rebase *r, struct err *e) MUST_CHECK;

#endif
