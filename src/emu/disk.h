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

struct disk_gate;
struct node;
struct scsi_unit;

struct disk {
	/* NULL: nothing is in the drive.  Of a drive whose medium can be changed, it changes while the
	 * gate is shut and no vCPU runs. */
	struct blk *image;
	bool readonly;
	struct node *node;           /* whose image it is (nodes.h); NULL: the disk's own */
	struct disk_gate *gate;      /* NULL: none, and nobody shuts it (tests) */
	struct scsi_unit *unit;      /* of a CD-ROM drive, once it is on a bus; its tray */
	const char *name;            /* of the drive, or "" */
	const char *id;              /* of the device, or NULL */
	const char *serial;          /* NULL: the controller makes one up */
	struct config_traits traits; /* whose strings are the configuration's */
	enum disk_action werror, rerror;
	/* Stops the machine and waits until it goes on.  False: the request fails, since
	 * somebody waits for its end.  NULL: errors are reported. */
	bool (*stop)(struct disk *d);
	/* An error of the image, and what is done about it: "report", "ignore" or "stop"; the
	 * same thread.  May be NULL. */
	void (*error)(struct disk *d, int error, bool write, const char *action);
	/* Somebody begins or ends to wait for the end of all requests. */
	void (*waits)(struct disk *d, bool on);
	/* The guest has moved the tray; a vCPU's or a worker's thread.  May be NULL. */
	void (*tray)(struct disk *d, bool open);
	void *arg;
	unsigned waiting; /* under the lock of those two */
};

/* Opens the image, for snapshot=on with a temporary image over it that has no name.  A filter may
 * lie before it (disk_filter.h). */
int disk_open(const struct config_disk *c, const struct blk_log *log, struct blk **out,
	      struct err *e) MUST_CHECK;

/*
 * The gate: requests are inside it while they use the image, in a thread that may wait.  Shutting
 * it waits until none is inside; who comes then waits until it is open again.  A request that
 * waits for the machine to go on (stop) is outside meanwhile, so what it does again may find another
 * image, or none.  The loop's thread shuts and opens.
 */
int disk_gate_new(struct disk *d, struct err *e) MUST_CHECK;
void disk_gate_free(struct disk *d);
void disk_begin(struct disk *d);
void disk_end(struct disk *d);
void disk_shut(struct disk *d);
void disk_unshut(struct disk *d);

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
