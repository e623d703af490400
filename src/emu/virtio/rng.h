/* SPDX-License-Identifier: MIT */
/* virtio-rng: random numbers of the host. */
#ifndef EMU_VIRTIO_RNG_H
#define EMU_VIRTIO_RNG_H

#include "emu/virtio/virtio.h"

struct loop;

/* From @file, whose bytes may be long in coming; NULL: getrandom(), without a loop. */
int virtio_rng_new(struct virtio **out, struct pci *p, struct mem *m, struct loop *l,
		   const char *file, const struct config_pci *where, struct err *e) MUST_CHECK;
void virtio_rng_free(struct virtio *v);

#endif
