/* SPDX-License-Identifier: MIT */
/* What keeps a person from overwriting the wrong disk. */
#ifndef IMG_GUARD_H
#define IMG_GUARD_H

#include "base/err.h"

#include <stdbool.h>

/*
 * Refuses to let @path be overwritten: -EBUSY when it is mounted, a swap area, held by
 * the device mapper or RAID, or the backing file of a loop device; -EEXIST when @content
 * asks for it and it holds a file system, LVM, RAID member or partition table (by libblkid).  The
 * message names what was found and the option that overrides it (--force).  A path that
 * does not exist is fine.
 */
int img_guard(const char *path, bool content, struct err *e) MUST_CHECK;

/* What libblkid calls "filesystem", "raid" or "crypto", in words; NULL is something, too. */
const char *guard_usage_name(const char *usage);

#endif
