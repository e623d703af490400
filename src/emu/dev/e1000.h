/* SPDX-License-Identifier: MIT */
/*
 * Intel's 82540EM, a gigabit network card (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual, 317453): for guests without virtio.
 */
#ifndef EMU_DEV_E1000_H
#define EMU_DEV_E1000_H

#include "emu/config.h"
#include "emu/dev/pci.h"

struct e1000;
struct mem;

/* With the network behind it. */
int e1000_new(struct e1000 **out, struct pci *p, struct mem *m, const struct config_net *c,
	      struct err *e) MUST_CHECK;
void e1000_free(struct e1000 *n);
void e1000_reset(struct e1000 *n);
struct net;
struct net *e1000_net(const struct e1000 *n);
/* Its network, which is the caller's now; no vCPU runs, and e1000_free() follows. */
struct net *e1000_let_go(struct e1000 *n);
/* Its place on the bus. */
const struct pci_dev *e1000_pci(const struct e1000 *n);

#endif
