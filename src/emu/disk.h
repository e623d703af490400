/* SPDX-License-Identifier: MIT */
/* The image behind a disk of the guest. */
#ifndef EMU_DISK_H
#define EMU_DISK_H

#include "base/err.h"
#include "emu/config.h"

struct blk;
struct blk_log;

/* Opens it, for snapshot=on with a temporary image over it that has no name. */
int disk_open(const struct config_disk *c, const struct blk_log *log, struct blk **out,
	      struct err *e) MUST_CHECK;

#endif
