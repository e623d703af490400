/* SPDX-License-Identifier: MIT */
/*
 * pvpanic: one byte by which a guest says that its kernel has panicked, or that a kernel for
 * that case is loaded; a read says which of both the host listens to.  As a port of the ISA
 * bus, or in memory on PCI.
 */
#ifndef EMU_DEV_PVPANIC_H
#define EMU_DEV_PVPANIC_H

#include "emu/dev/pci.h"

#define PVPANIC_PORT     0x505
#define PVPANIC_PANICKED 1u
#define PVPANIC_LOADED   2u

struct pvpanic;

struct pvpanic_env {
	uint8_t events; /* that are listened to */
	/* In the thread of who writes. */
	void (*say)(void *arg, unsigned events);
	void *arg;
};

int pvpanic_isa_new(struct pvpanic **out, struct bus *b, uint16_t port,
		    const struct pvpanic_env *env, struct err *e) MUST_CHECK;
/* @slot 0: any. */
int pvpanic_pci_new(struct pvpanic **out, struct pci *p, unsigned slot,
		    const struct pvpanic_env *env, struct err *e) MUST_CHECK;
void pvpanic_free(struct pvpanic *p);
const struct pci_dev *pvpanic_pci(const struct pvpanic *p);

#endif
