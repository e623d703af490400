/* SPDX-License-Identifier: MIT */
/*
 * QEMU's pci-testdev (its docs/specs/pci-testdev): a BAR of memory and one of ports, each of which
 * says which byte a test shall write where, and counts how often that was done.
 */
#ifndef EMU_DEV_PCI_TESTDEV_H
#define EMU_DEV_PCI_TESTDEV_H

#include "emu/dev/pci.h"

struct pci_testdev;

/* @slot 0: any.  @membar: bytes of a third BAR, a power of two with nothing behind it; 0: none. */
int pci_testdev_new(struct pci_testdev **out, struct pci *p, unsigned slot, uint64_t membar,
		    struct err *e) MUST_CHECK;
void pci_testdev_free(struct pci_testdev *t);
void pci_testdev_reset(struct pci_testdev *t);
const struct pci_dev *pci_testdev_pci(const struct pci_testdev *t);

#endif
