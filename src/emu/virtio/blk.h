/* SPDX-License-Identifier: MIT */
/* virtio-blk: a disk over any image, with several queues and several requests in work. */
#ifndef EMU_VIRTIO_BLK_H
#define EMU_VIRTIO_BLK_H

#include "emu/virtio/virtio.h"

struct disk;
struct virtio_blk;

struct virtio_blk_config {
	struct disk *disk; /* stays the caller's, and has an image */
	unsigned queues, threads;
	const struct config_pci *where; /* NULL: anywhere */
};

int virtio_blk_new(struct virtio_blk **out, struct pci *p, struct mem *m,
		   const struct virtio_blk_config *c, struct err *e) MUST_CHECK;
/* No request is in work when it returns. */
void virtio_blk_free(struct virtio_blk *b);
void virtio_blk_reset(struct virtio_blk *b);
/* Its place on the bus. */
const struct pci_dev *virtio_blk_pci(const struct virtio_blk *b);

#endif
