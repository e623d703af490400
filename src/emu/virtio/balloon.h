/* SPDX-License-Identifier: MIT */
/* virtio-balloon: memory that the guest does not need goes back to the host, when it is asked for
 * it and, where free pages are reported, by itself. */
#ifndef EMU_VIRTIO_BALLOON_H
#define EMU_VIRTIO_BALLOON_H

#include "emu/virtio/virtio.h"

struct virtio_balloon;

struct virtio_balloon_config {
	bool reports; /* free-page-reporting */
	bool oom;     /* deflate-on-oom */
	/* What lies in [gpa, gpa + len) is not needed any more; whole pages, which the guest
	 * chose and nobody has checked.  The guest's thread. */
	void (*give_back)(void *arg, uint64_t gpa, uint64_t len);
	/* The balloon has this many pages of 4 KiB now; the guest's thread. */
	void (*changed)(void *arg, uint32_t pages);
	void *arg;
	const struct config_pci *where; /* NULL: anywhere */
};

int virtio_balloon_new(struct virtio_balloon **out, struct pci *p, struct mem *m,
		       const struct virtio_balloon_config *c, struct err *e) MUST_CHECK;
void virtio_balloon_free(struct virtio_balloon *b);
void virtio_balloon_reset(struct virtio_balloon *b);
/* Its place on the bus. */
const struct pci_dev *virtio_balloon_pci(const struct virtio_balloon *b);
/* How many pages it shall have; and has. */
void virtio_balloon_want(struct virtio_balloon *b, uint32_t pages);
uint32_t virtio_balloon_pages(struct virtio_balloon *b);

#endif
