/* SPDX-License-Identifier: MIT */
/*
 * Reading and replacing the snapshot table of an open image; shared by the snapshot
 * commands and by repair.
 */
#ifndef IMG_FORMAT_QCOW2_SNAPSHOT_H
#define IMG_FORMAT_QCOW2_SNAPSHOT_H

#include "img/format/qcow2_snaptab.h"

/*
 * Reads the @n entries at @off.  *used: bytes they take in the file.  With @fix what breaks
 * a limit is cut off, told and counted.  Memory is bounded by what the file holds there.
 */
int qcow2_snaptab_read(struct qcow2 *s, uint64_t off, uint32_t n, struct qcow2_snaptab_fix *fix,
		       struct qcow2_snapshot **out, uint32_t *got, uint64_t *used,
		       struct err *e) MUST_CHECK;

/* A place for the table of @v, allocated and written but not synced; 0 bytes: none. */
int qcow2_snaptab_place(struct qcow2 *s, const struct qcow2_snapshot *v, uint32_t n,
			uint64_t *off, uint64_t *bytes, struct err *e) MUST_CHECK;
/* Makes the header name the table at @off of @n entries, and syncs.  The table and all
 * it refers to must be stable. */
int qcow2_snaptab_switch(struct qcow2 *s, uint64_t off, uint32_t n, struct err *e) MUST_CHECK;

#endif
