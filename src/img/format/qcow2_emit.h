/* SPDX-License-Identifier: MIT */
/*
 * The metadata of a new image on its way to the file, cluster after cluster in the order of
 * qcow2_layout.h.  What create and the writer of streams share.
 */
#ifndef IMG_FORMAT_QCOW2_EMIT_H
#define IMG_FORMAT_QCOW2_EMIT_H

#include "img/format/qcow2.h"
#include "img/format/qcow2_layout.h"

enum { EMIT_BYTES = 2 << 20 }; /* at least the largest cluster, and a multiple of each */

struct emit {
	struct blk *file;
	uint8_t *buf; /* EMIT_BYTES, the caller's */
	size_t fill, cluster;
	uint64_t off, end; /* where buf goes; nothing is written at and past end */
	struct progress *progress;
};

int emit_flush(struct emit *m, struct err *e) MUST_CHECK;
/* A cluster of zero bytes to fill in; NULL: writing those before failed, with *@r. */
uint8_t *emit_cluster(struct emit *m, int *r, struct err *e) MUST_CHECK;
/* A table of @n big-endian words first, first + step, ... in whole clusters. */
int emit_table(struct emit *m, uint64_t n, uint64_t clusters, uint64_t first, uint64_t step,
	       unsigned entry_bytes, struct err *e) MUST_CHECK;
/* A count of 1 for each cluster of the layout. */
int emit_refblocks(struct emit *m, const struct qcow2_layout *y, struct err *e) MUST_CHECK;

/* ---- qcow2_create.c ---- */
/* Checks what @c asks for and plans it: @y has l2, data and the like set. */
int qcow2_create_plan(const struct img_create *c, const struct blk *data,
		      struct qcow2_layout *y, struct err *e) MUST_CHECK;
/* The header of the new image as a cluster of bytes. */
int qcow2_create_header(const struct img_create *c, const struct qcow2_layout *y, uint8_t *buf,
			struct err *e) MUST_CHECK;

/* ---- qcow2_stream.c ---- img_format.stream and stream_begin */
int qcow2_stream(const struct img_create *c, struct blk *to, struct blk **out, struct err *e)
	MUST_CHECK;
int qcow2_stream_begin(struct blk *b, struct err *e) MUST_CHECK;

#endif
