/* SPDX-License-Identifier: MIT */
/*
 * A file of which nothing is changed: what is written stays in memory and is read from there,
 * until the node is closed.  For saying what an operation would do.
 */
#ifndef IMG_PROTO_DRY_H
#define IMG_PROTO_DRY_H

#include "img/blk.h"

/* Takes over @file, open for reading, on success.  Memory grows with what is written, up to
 * DRY_MAX; more is -ENOSPC. */
enum { DRY_MAX = 1 << 30 };
int dry_new(struct blk *file, struct blk **out, struct err *e) MUST_CHECK;

#endif
