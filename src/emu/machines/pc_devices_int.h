/* SPDX-License-Identifier: MIT */
/* Between pc_devices.c and pc_serial.c. */
#ifndef EMU_MACHINES_PC_DEVICES_INT_H
#define EMU_MACHINES_PC_DEVICES_INT_H

#include "base/optset.h"
#include "emu/machines/pc_devices.h"

/* What is there to know of a device that is being made. */
struct making {
	struct pc_devices *all;
	const struct config_device *c;
	struct optset o; /* its keys */
};

struct pc_kind {
	const char *name;
	int (*make)(struct making *k, void **out, struct err *e);
	void (*reset)(void *dev); /* may be NULL, as the next */
	void (*free)(void *dev);
	/* On the PCI bus; NULL: it neither comes nor goes while the machine runs. */
	const struct pci_dev *(*place)(const void *dev);
};

struct pc_entry {
	const struct pc_kind *kind; /* NULL: free */
	void *dev;
};

struct pc_devices {
	struct machine *m;
	struct pci *pci;
	struct irq isa, ioapic; /* input 0 */
	uint16_t pvpanic;
	struct virtio_balloon *balloon;
	struct pc_entry entry[CONFIG_DEVICES];
};

/* virtio-serial-pci with all its ports; a port looks only whether it has a controller. */
int pc_serial_make(struct making *k, void **out, struct err *e) MUST_CHECK;
int pc_serial_port(struct making *k, void **out, struct err *e) MUST_CHECK;
void pc_serial_reset(void *dev);
void pc_serial_free(void *dev);

#endif
