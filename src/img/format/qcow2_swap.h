/* SPDX-License-Identifier: MIT */
/*
 * Replacing structures of an image in one step.  New clusters are allocated and written, one
 * write of the header makes them count, and only then are the old ones given back.  A swap
 * remembers both, so that success and failure are one call each.  All under lock, io
 * exclusive.
 */
#ifndef IMG_FORMAT_QCOW2_SWAP_H
#define IMG_FORMAT_QCOW2_SWAP_H

#include "img/format/qcow2.h"

struct qcow2_swap {
	struct qcow2_free *old, *fresh;
	size_t old_n, fresh_n;
	bool tried; /* the header was or may have been written */
};

/* @n clusters in a row for something new, at byte offset *off. */
int qcow2_swap_alloc(struct qcow2 *s, struct qcow2_swap *w, uint64_t n, uint64_t *off,
		     struct err *e) MUST_CHECK;
/* What counts no more once the header is written. */
int qcow2_swap_drop(struct qcow2_swap *w, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/* Writes the header, with all before it stable first and itself stable after, and frees
 * the old clusters.  On failure the header in memory is the caller's to restore. */
int qcow2_swap_commit(struct qcow2 *s, struct qcow2_swap *w, struct err *e) MUST_CHECK;
/* After a failure, with the old header restored in memory: frees the new clusters. */
void qcow2_swap_undo(struct qcow2 *s, struct qcow2_swap *w);

#endif
