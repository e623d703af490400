/* SPDX-License-Identifier: MIT */
/* Between pci.c and pci_legacy.c.  All but virtio_add_legacy() with v->lock held. */
#ifndef EMU_VIRTIO_PCI_INT_H
#define EMU_VIRTIO_PCI_INT_H

#include "emu/virtio/virtio.h"

#define NO_VECTOR 0xffff

void virtio_set_status(struct virtio *v, uint8_t s);
/* Where the rings are has been said. */
void virtio_enable(struct virtio *v, struct virtq *q);
uint32_t virtio_device_read(struct virtio *v, unsigned off, unsigned size);
void virtio_device_write(struct virtio *v, unsigned off, unsigned size, uint32_t x);
void virtio_add_legacy(struct virtio *v);

static inline struct virtq *virtio_selected(struct virtio *v)
{
	return v->select < v->queues ? &v->q[v->select] : NULL;
}

static inline uint16_t virtio_vector(const struct virtio *v, uint32_t x)
{
	return x < v->pci.msix_n ? (uint16_t)x : NO_VECTOR;
}

#endif
