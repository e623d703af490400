/* SPDX-License-Identifier: MIT */
/* Where an image lies: the file system or device under it.  Part of tune. */
#ifndef IMG_TUNE_PLACE_H
#define IMG_TUNE_PLACE_H

#include "img/blk.h"

struct tune_place {
	char fs[32];
	bool device;  /* a block device, not a file */
	bool direct;  /* opens with O_DIRECT */
	bool threads; /* aio=native would block in submission here */
	bool cow;     /* the file system writes elsewhere on each overwrite (btrfs, zfs) */
	bool nocow;   /* ... but not for this file (chattr +C) */
	bool network;
	uint32_t fragments;         /* extents of the file; 0: unknown */
	uint64_t allocated, length; /* bytes */
};

/* @file is a "file" or "host_device" node. */
int tune_place(struct blk *file, struct tune_place *out, struct err *e) MUST_CHECK;

#endif
