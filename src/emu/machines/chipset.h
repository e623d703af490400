/* SPDX-License-Identifier: MIT */
/*
 * The bridges of a PC: 440FX with PIIX3 and PIIX4's power management, or Q35 with ICH9.  What
 * firmware programs there: shadow RAM, SMRAM, where the power management's ports and q35's
 * configuration space lie, and to which interrupts of the 8259s the pins of PCI lead.
 */
#ifndef EMU_MACHINES_CHIPSET_H
#define EMU_MACHINES_CHIPSET_H

#include "base/err.h"
#include "emu/dev/pci.h"

struct chipset;
struct acpi_pm;
struct pam;
struct vcpu_group;

struct chipset_env {
	struct pci *pci;
	bool q35;
	bool firmware; /* it programs all this; else it is done here */
	struct pam *pam;
	struct vcpu_group *group; /* who must be outside guest code when memory changes */
	struct acpi_pm *pm;
	struct irq pic; /* pin: the interrupt's number */
};

int chipset_new(struct chipset **out, const struct chipset_env *env, struct err *e) MUST_CHECK;
void chipset_free(struct chipset *c);
/* After pci_reset(); no vCPU runs. */
void chipset_reset(struct chipset *c);
/* A line of the PCI bus, for the 8259s. */
void chipset_line(struct chipset *c, unsigned line, int level);

#endif
