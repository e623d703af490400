/* SPDX-License-Identifier: MIT */
/* The disks of a PC and what they hang on. */
#ifndef EMU_MACHINES_PC_DISKS_H
#define EMU_MACHINES_PC_DISKS_H

#include "emu/dev/pci.h"
#include "emu/machine.h"

struct pc_disks;

/* @isa: the input of the interrupt controllers for ISA interrupt 0.  Also after a failure *@out
 * is for pc_disks_free(). */
int pc_disks_new(struct pc_disks **out, struct machine *m, struct pci *bus, struct irq isa,
		 struct err *e) MUST_CHECK;
/* The disk of that number in the configuration. */
struct disk *pc_disks_at(struct pc_disks *p, unsigned n);
/* Disk @n of the configuration comes with the image of @v, or goes, while no vCPU runs.  Its image is
 * the caller's then: of *@v, or the disk's own where that is NULL. */
struct node;
int pc_disks_plug(struct pc_disks *p, unsigned n, struct node *v, struct err *e) MUST_CHECK;
struct blk *pc_disks_unplug(struct pc_disks *p, unsigned n, struct node **v);
/* NULL: on no PCI bus by itself. */
const struct pci_dev *pc_disks_place(const struct pc_disks *p, unsigned n);
struct str;
/* Adds how firmware names the disk of that number in the configuration (OpenFirmware's manner). */
void pc_disks_path(const struct pc_disks *d, unsigned n, struct str *out);
void pc_disks_reset(struct pc_disks *d);
void pc_disks_free(struct pc_disks *d);

#endif
