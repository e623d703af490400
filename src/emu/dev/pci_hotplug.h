/* SPDX-License-Identifier: MIT */
/*
 * Registers by which ACPI's methods plug devices of the PCI bus in and out (QEMU's
 * docs/specs/acpi_pci_hotplug), for bus 0.  Numbers of 32 bits with a bit for each slot:
 *
 *	0  read: slots with a new device; reading clears
 *	4  read: slots whose device shall be ejected; reading clears
 *	8  write: the guest has let go of these, they are empty from now on
 */
#ifndef EMU_DEV_PCI_HOTPLUG_H
#define EMU_DEV_PCI_HOTPLUG_H

#include "base/err.h"
#include "emu/bus.h"

#define PCI_HOTPLUG_PORT  0xae00
#define PCI_HOTPLUG_PORTS 20

struct pci_hotplug;

struct pci_hotplug_env {
	struct bus *bus;
	uint32_t slots; /* where devices come and go */
	/* The guest has ejected what is in @slot; its thread, no lock held. */
	void (*eject)(void *arg, unsigned slot);
	/* There is news for the guest.  Any thread. */
	void (*notify)(void *arg);
	void *arg;
};

int pci_hotplug_new(struct pci_hotplug **out, const struct pci_hotplug_env *env, struct err *e)
	MUST_CHECK;
void pci_hotplug_free(struct pci_hotplug *h);
/* News are forgotten. */
void pci_hotplug_reset(struct pci_hotplug *h);
/* There is a device in @slot; the one in @slot shall go.  Any thread. */
void pci_hotplug_came(struct pci_hotplug *h, unsigned slot);
void pci_hotplug_ask(struct pci_hotplug *h, unsigned slot);
uint32_t pci_hotplug_slots(const struct pci_hotplug *h);

#endif
