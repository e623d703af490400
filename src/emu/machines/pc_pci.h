/* SPDX-License-Identifier: MIT */
/* The PCI bus of a PC and what is on it: bridges of the chipset, virtio devices. */
#ifndef EMU_MACHINES_PC_PCI_H
#define EMU_MACHINES_PC_PCI_H

#include "emu/hot.h"
#include "emu/machine.h"

struct pc_pci;

struct acpi_pm;
struct pam;

struct pc_pci_env {
	/* Pins go to its inputs pin .. pin + 3, and to those of the PIC that the chipset says. */
	struct irq ioapic;
	struct irq pic;
	struct irq isa; /* ISA interrupt 0 of both */
	struct pam *pam;
	struct acpi_pm *pm;
};

int pc_pci_new(struct pc_pci **out, struct machine *m, const struct pc_pci_env *env,
	       struct err *e) MUST_CHECK;
void pc_pci_reset(struct pc_pci *p);
/* Where the configuration space is in memory; 0: nowhere. */
uint64_t pc_pci_ecam(const struct pc_pci *p);
struct pci *pc_pci_bus(const struct pc_pci *p);
struct net;
/* The network of card @i of the configuration. */
struct net *pc_pci_net(const struct pc_pci *p, unsigned i);
/* What comes and goes (hot.h): where it is, NULL: nowhere; who is in a slot; where something can be put.
 * Network cards take theirs from config_net.net, and leave it to the caller. */
const struct pci_dev *pc_pci_place(const struct pc_pci *p, struct hot_ref r);
bool pc_pci_in_slot(const struct pc_pci *p, unsigned slot, struct hot_ref *r);
uint32_t pc_pci_free_slots(struct pc_pci *p);
struct pci_hotplug;
struct pci_hotplug *pc_pci_hotplug(const struct pc_pci *p);
int pc_pci_plug_net(struct pc_pci *p, unsigned i, struct err *e) MUST_CHECK;
struct net *pc_pci_unplug_net(struct pc_pci *p, unsigned i);
struct pc_disks *pc_pci_disks(const struct pc_pci *p);
struct pc_devices;
struct pc_devices *pc_pci_devices(const struct pc_pci *p);
/* The devices that have a bootindex, in that order, as firmware names them: lines of text.  NULL
 * and -ENOMEM in @e. */
char *pc_pci_bootorder(const struct pc_pci *p, struct err *e) MUST_CHECK;
void pc_pci_free(struct pc_pci *p);

#endif
