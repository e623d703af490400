/* SPDX-License-Identifier: MIT */
/* The PCI bus of a PC and what is on it: bridges of the chipset, virtio devices. */
#ifndef EMU_MACHINES_PC_PCI_H
#define EMU_MACHINES_PC_PCI_H

#include "emu/machine.h"

struct pc_pci;

/* Pins go to inputs first.pin .. first.pin + 3, ISA interrupts of devices to isa.pin and on. */
int pc_pci_new(struct pc_pci **out, struct machine *m, struct irq first, struct irq isa,
	       struct err *e) MUST_CHECK;
void pc_pci_reset(struct pc_pci *p);
void pc_pci_free(struct pc_pci *p);

#endif
