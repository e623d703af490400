/* SPDX-License-Identifier: MIT */
/* Whether two images hold the same bytes. */
#ifndef IMG_COMPARE_H
#define IMG_COMPARE_H

#include "base/progress.h"
#include "img/blk.h"

enum compare_verdict {
	COMPARE_IDENTICAL,
	COMPARE_CONTENT, /* "Content mismatch at offset N!" */
	COMPARE_SIZE,    /* strict: "Strict mode: Image size mismatch!" */
	COMPARE_STATUS,  /* strict: "Strict mode: Offset N block status mismatch!" */
};

/* What went wrong when img_compare fails: qemu-img's exit codes. */
enum compare_failure { COMPARE_FAIL_STATUS = 3, COMPARE_FAIL_READ = 4 };

struct img_compare {
	/* in */
	bool strict;               /* sizes and allocation must be the same too */
	unsigned threads;          /* 0: as many as there are processors */
	struct progress *progress; /* in bytes of the larger image; may be NULL */
	bool part;                 /* its total is set already, and counts these bytes */
	/* out */
	enum compare_verdict verdict;
	uint64_t offset; /* of the first mismatch: its sector, or byte against zeroes */
	/* "Warning: Image size mismatch!": not strict, the sizes differ and all that both
	 * have is the same.  Set beside IDENTICAL and beside a CONTENT past the shorter. */
	bool size_differs;
	enum compare_failure failure;
};

/*
 * Reads both images from the top of their chains, in parallel, only where one of them has
 * data of its own.  A longer image is the same as a shorter one if the rest is zero, unless
 * strict.  Returns 0 with a verdict, or the first failure: @e says it as qemu-img does
 * ("Error while reading offset N of F: ...") and c->failure which kind.
 */
int img_compare(struct blk *a, struct blk *b, struct img_compare *c, struct err *e) MUST_CHECK;

#endif
