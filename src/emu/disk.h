/* SPDX-License-Identifier: MIT */
/*
 * A disk of the guest: the image behind it, and what happens when the image fails
 * (werror=, rerror=).  Controllers get it ready made.
 */
#ifndef EMU_DISK_H
#define EMU_DISK_H

#include "base/err.h"
#include "emu/config.h"

struct blk;
struct blk_log;

#define DISK_SECTOR 512u

struct disk {
	struct blk *image; /* NULL: nothing is in the drive */
	bool readonly;
	const char *name;   /* of the drive, or "" */
	const char *serial; /* NULL: the controller makes one up */
	enum disk_action werror, rerror;
	/* Stops the machine and waits until it goes on.  False: the request fails, since
	 * somebody waits for its end.  NULL: errors are reported. */
	bool (*stop)(struct disk *d);
	/* An error of the image, and what is done about it: "report", "ignore" or "stop"; the
	 * same thread.  May be NULL. */
	void (*error)(struct disk *d, int error, bool write, const char *action);
	/* Somebody begins or ends to wait for the end of all requests. */
	void (*waits)(struct disk *d, bool on);
	void *arg;
	unsigned waiting; /* under the lock of those two */
};

/* Opens the image, for snapshot=on with a temporary image over it that has no name.  A filter may
 * lie before it (disk_filter.h). */
int disk_open(const struct config_disk *c, const struct blk_log *log, struct blk **out,
	      struct err *e) MUST_CHECK;

/* After a transfer that ended with *@r, in the thread that may wait: true to try once more.  *@r
 * becomes 0 where errors are to be ignored. */
bool disk_failed(struct disk *d, int *r, bool write);
static inline bool disk_again(struct disk *d, int *r, bool write)
{
	return *r < 0 && disk_failed(d, r, write);
}

/* Around each wait for the end of requests: none of them waits for the machine meanwhile. */
static inline void disk_wait(struct disk *d, bool on)
{
	if (d && d->waits)
		d->waits(d, on);
}

#endif
