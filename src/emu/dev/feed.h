/* SPDX-License-Identifier: MIT */
/*
 * A transfer whose pieces of guest memory come from a list of the guest's, a few at a time, since
 * lists may be long.  In a thread that may wait.
 */
#ifndef EMU_DEV_FEED_H
#define EMU_DEV_FEED_H

#include "emu/disk.h"
#include "emu/sg.h"

struct feed {
	/* Adds the next pieces to @s, which is empty: bytes, 0 at the end of the list, or a negative
	 * errno.  @write: a device will write to them. */
	int64_t (*next)(struct feed *f, struct sg *s, bool write);
	void *owner;
	struct mem *mem;
	uint8_t *bounce; /* freed by feed_fini() */
	uint64_t moved;  /* bytes, since the owner set it to 0 */
	struct sg sg;
	struct sg_cursor at; /* what is left of sg */
};

/* Before each transfer. */
void feed_start(struct feed *f);
void feed_fini(struct feed *f);
/* @len bytes of the disk from @off on, to the guest or from it.  0; an errno of the disk's;
 * -EFAULT: no memory there; -EINVAL: the list is too short. */
int feed_disk(struct feed *f, struct disk *d, uint64_t off, uint64_t len, bool read) MUST_CHECK;
int feed_buf(struct feed *f, void *buf, size_t len, bool to_guest) MUST_CHECK;

#endif
