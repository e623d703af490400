/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with an image for its use and where it lies, and how to open
 * it best.  Findings are looked for, never guessed: each says what was seen.
 */
#ifndef IMG_TUNE_H
#define IMG_TUNE_H

#include "img/blk.h"

enum tune_verdict { TUNE_OK, TUNE_INFO, TUNE_WARN };

struct tune_finding {
	const char *id; /* "qcow2.version"; stable */
	enum tune_verdict verdict;
	char value[160];  /* what was seen */
	char advice[320]; /* what to do about it; empty when TUNE_OK */
	bool mendable;    /* img_tune_apply() can mend it in place */
	bool mended;
};

enum { TUNE_FINDINGS_MAX = 16 };

struct img_tune {
	struct tune_finding v[TUNE_FINDINGS_MAX];
	size_t n;
	/* How QEMU should open it where it lies. */
	const char *aio; /* "threads" or "native" */
	bool direct;     /* O_DIRECT works here: cache=none */
	char fs[32];     /* "ext4", "xfs", "block device" */
};

/* Looks at the open image @b; reads metadata only. */
int img_tune_look(struct blk *b, struct img_tune *out, struct err *e) MUST_CHECK;
/*
 * Mends every mendable finding of @t in @b, which is open for writing, and
 * marks it mended.  Stops at the first failure: what was mended stays so, each mend is
 * whole by itself.
 */
int img_tune_apply(struct blk *b, struct img_tune *t, struct err *e) MUST_CHECK;

#endif
