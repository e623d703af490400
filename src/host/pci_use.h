/* SPDX-License-Identifier: MIT */
/*
 * What the host itself needs PCI devices for: storage that is mounted or swapped to, the way to
 * the network, the console.  Such a device stays with the host, whatever its IOMMU group says.
 */
#ifndef HOST_PCI_USE_H
#define HOST_PCI_USE_H

#include "base/err.h"
#include "host/host.h"

#include <stddef.h>

struct pci_use {
	char addr[20];
	/* behind "0000:03:00.0 stays with the host: ": "/ is on it" */
	char why[176];
};

/* Bridges on the way to a device are in it as well; each address once. */
struct pci_uses {
	struct pci_use *v;
	size_t n;
};

/* What can be seen: a pool of ZFS, for one, does not tell its disks. */
int pci_uses_read(const struct host *h, struct pci_uses *out, struct err *e) MUST_CHECK;
void pci_uses_free(struct pci_uses *u);
/* Words, or NULL if the host does without it. */
const char *pci_use_of(const struct pci_uses *u, const char *addr);

#endif
