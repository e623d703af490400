/* SPDX-License-Identifier: MIT */
/* virtio-net: a network card. */
#ifndef EMU_VIRTIO_NET_H
#define EMU_VIRTIO_NET_H

#include "emu/config.h"
#include "emu/virtio/virtio.h"

struct virtio_net;

int virtio_net_new(struct virtio_net **out, struct pci *p, struct mem *m,
		   const struct config_net *c, struct err *e) MUST_CHECK;
void virtio_net_free(struct virtio_net *n);
void virtio_net_reset(struct virtio_net *n);
struct net;
struct net *virtio_net_net(const struct virtio_net *n);
/* Its network, which is the caller's now; no vCPU runs, and virtio_net_free() follows. */
struct net *virtio_net_let_go(struct virtio_net *n);
/* Its place on the bus. */
const struct pci_dev *virtio_net_pci(const struct virtio_net *n);

#endif
