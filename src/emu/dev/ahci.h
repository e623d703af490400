/* SPDX-License-Identifier: MIT */
/*
 * The SATA controller of ICH9, in AHCI mode (AHCI 1.3): six ports, disks and CD-ROM drives, native
 * command queuing.
 */
#ifndef EMU_DEV_AHCI_H
#define EMU_DEV_AHCI_H

#include "emu/dev/pci.h"
#include "emu/disk.h"

#define AHCI_PORTS 6

struct ahci;
struct mem;

struct ahci_drive {
	struct disk *disk; /* NULL: none; stays the caller's */
	bool cdrom;
};

struct ahci_env {
	struct pci *pci;
	int slot;
	unsigned fn;
	struct mem *mem;
	unsigned threads; /* requests in work at a time, of all drives together */
};

int ahci_new(struct ahci **out, const struct ahci_env *env,
	     const struct ahci_drive d[AHCI_PORTS], struct err *e) MUST_CHECK;
/* No request is in work when it returns. */
void ahci_free(struct ahci *a);
void ahci_reset(struct ahci *a);

#endif
