/* SPDX-License-Identifier: MIT */
/* Whether this machine uses a file or block device.  Part of guard. */
#ifndef IMG_GUARD_USE_H
#define IMG_GUARD_USE_H

#include "base/err.h"

struct stat;

/*
 * -EBUSY with a message when what @st describes, called @path, is mounted, a swap area, held by
 * the device mapper or RAID, or the backing file of a loop device; a whole disk is also in use
 * when one of its partitions is.  /proc and /sys, and the names that they give, are looked up
 * below the folder @root: "" for this machine.  What cannot be read there counts as not in use.
 */
int guard_use(const char *root, const char *path, const struct stat *st, struct err *e)
	MUST_CHECK;

#endif
