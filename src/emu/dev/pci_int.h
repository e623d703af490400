/* SPDX-License-Identifier: MIT */
/* Between pci.c and pci_msix.c. */
#ifndef EMU_DEV_PCI_INT_H
#define EMU_DEV_PCI_INT_H

#include "emu/dev/pci.h"

struct pci {
	pthread_mutex_t lock;
	struct pci_env env;
	uint32_t address; /* cf8 */
	struct bus_region raddress, rdata, recam;
	bool ecam_there;
	struct pci_dev *dev[PCI_SLOTS][8];
	pthread_mutex_t line_lock;
	unsigned raised[PCI_LINES]; /* how many functions pull */
};

/* The control word of MSI-X has changed. */
void pci_msix_control(struct pci_dev *d);

#endif
