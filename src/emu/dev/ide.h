/* SPDX-License-Identifier: MIT */
/*
 * The IDE controller of PIIX3: two channels at the old ports with two drives each, PIO and bus
 * mastering (Intel 82371SB; SFF-8038i), disks and CD-ROM drives.
 */
#ifndef EMU_DEV_IDE_H
#define EMU_DEV_IDE_H

#include "emu/dev/pci.h"
#include "emu/disk.h"

struct ide;
struct mem;

#define IDE_DRIVES 4

struct ide_env {
	struct bus *bus;
	struct pci *pci;
	int slot;
	unsigned fn;
	struct mem *mem;
	struct irq irq[2];
};

/* A drive that is attached before the machine runs; the disk stays the caller's. */
struct ide_drive {
	struct disk *disk; /* NULL: none */
	bool cdrom;
};

int ide_new(struct ide **out, const struct ide_env *env, const struct ide_drive d[IDE_DRIVES],
	    struct err *e) MUST_CHECK;
/* No request is in work when it returns. */
void ide_free(struct ide *i);
void ide_reset(struct ide *i);

#endif
