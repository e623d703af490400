/* SPDX-License-Identifier: MIT */
/* What -device puts on the buses of a PC by itself: neither disks nor network cards. */
#ifndef EMU_MACHINES_PC_DEVICES_H
#define EMU_MACHINES_PC_DEVICES_H

#include "emu/dev/pci.h"
#include "emu/machine.h"

struct pc_devices;

int pc_devices_new(struct pc_devices **out, struct machine *m, struct pci *p,
		   const struct irq *isa, const struct irq *ioapic, struct err *e) MUST_CHECK;
void pc_devices_free(struct pc_devices *d);
void pc_devices_reset(struct pc_devices *d);
/* Device @n of the configuration comes or goes, while no vCPU runs; where it is, NULL: nowhere, or
 * it stays. */
bool pc_devices_pluggable(const char *name);
int pc_devices_plug(struct pc_devices *d, unsigned n, struct err *e) MUST_CHECK;
void pc_devices_unplug(struct pc_devices *d, unsigned n);
const struct pci_dev *pc_devices_place(const struct pc_devices *d, unsigned n);
struct virtio_balloon;
/* NULL: there is none. */
struct virtio_balloon *pc_devices_balloon(const struct pc_devices *d);
/* The port of pvpanic on the ISA bus; 0: it is not there. */
uint16_t pc_devices_pvpanic(const struct pc_devices *d);

#endif
