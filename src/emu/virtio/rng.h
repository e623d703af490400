/* SPDX-License-Identifier: MIT */
/* virtio-rng: random numbers of the host. */
#ifndef EMU_VIRTIO_RNG_H
#define EMU_VIRTIO_RNG_H

#include "emu/virtio/virtio.h"

struct loop;

struct virtio_rng_config {
	const char *file; /* whose bytes may be long in coming; NULL: getrandom() */
	/* No more than @most bytes in @period nanoseconds; 0: as many as are asked for. */
	uint64_t most, period;
	const struct config_pci *where;
};

/* @l may be NULL where neither a file nor a limit is given. */
int virtio_rng_new(struct virtio **out, struct pci *p, struct mem *m, struct loop *l,
		   const struct virtio_rng_config *c, struct err *e) MUST_CHECK;
void virtio_rng_free(struct virtio *v);

#endif
