/* SPDX-License-Identifier: MIT */
/* Changes of an existing image's features.  Both locks are held exclusively. */
#ifndef IMG_FORMAT_QCOW2_AMEND_H
#define IMG_FORMAT_QCOW2_AMEND_H

#include "base/progress.h"
#include "img/format/qcow2.h"

/* Refcounts of 1 << @order bits.  -EINVAL: a cluster has more references than that counts;
 * -EFBIG: the new table would be too large. */
int qcow2_reorder(struct qcow2 *s, unsigned order, struct progress *p, struct err *e)
	MUST_CHECK;
/* Version 2: zero clusters become plain ones.  Refcounts have 16 bits by now.  -ENOTSUP: the
 * image uses what version 2 lacks. */
int qcow2_downgrade_check(struct qcow2 *s, struct err *e) MUST_CHECK;
int qcow2_downgrade(struct qcow2 *s, struct progress *p, struct err *e) MUST_CHECK;
/* Writes all refcounts that wait and takes the dirty bit away, for good. */
int qcow2_stop_lazy(struct qcow2 *s, struct err *e) MUST_CHECK;

#endif
