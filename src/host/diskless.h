/* SPDX-License-Identifier: MIT */
/*
 * Alpine that runs from memory: what is changed below / is lost at the next boot unless
 * `lbu commit` writes it into an overlay on the boot medium.
 */
#ifndef HOST_DISKLESS_H
#define HOST_DISKLESS_H

#include "host/host.h"
#include "host/tri.h"

struct diskless {
	enum tri root_in_memory; /* / is tmpfs or the first ramfs */
	bool has_lbu;            /* the program is there */
	char media[128];         /* LBU_MEDIA of /etc/lbu/lbu.conf: "usb"; "" */
	char overlay[256];       /* "/media/usb/host.apkovl.tar.gz", the newest; "" */
	/* files below /etc that are newer than the overlay: what would be lost.  unknown
	 * without an overlay, or in a record. */
	enum tri uncommitted;
	char example[256]; /* one of them */
};

/* -ENOTSUP on an image. */
int diskless_read(const struct host *h, struct diskless *out, struct err *e) MUST_CHECK;

#endif
