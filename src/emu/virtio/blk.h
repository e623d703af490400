/* SPDX-License-Identifier: MIT */
/* virtio-blk: a disk over any image, with several queues and several requests in work. */
#ifndef EMU_VIRTIO_BLK_H
#define EMU_VIRTIO_BLK_H

#include "emu/virtio/virtio.h"

struct blk;
struct virtio_blk;

struct virtio_blk_config {
	struct blk *image; /* becomes the device's */
	bool readonly;
	const char *serial; /* at most 20 bytes are seen */
	unsigned queues, threads;
};

/* On success the image is the device's, and closed with it. */
int virtio_blk_new(struct virtio_blk **out, struct pci *p, struct mem *m,
		   const struct virtio_blk_config *c, struct err *e) MUST_CHECK;
/* Flushes and closes the image. */
int virtio_blk_free(struct virtio_blk *b, struct err *e);
void virtio_blk_reset(struct virtio_blk *b);

#endif
