/* SPDX-License-Identifier: MIT */
/* The 82093AA I/O APIC, with the EOI register of later ones. */
#ifndef EMU_DEV_IOAPIC_H
#define EMU_DEV_IOAPIC_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define IOAPIC_PINS 24
#define IOAPIC_BASE 0xfec00000u

struct ioapic;
struct str;

/* Interrupts leave as the messages that they are. */
int ioapic_new(struct ioapic **out, struct bus *b, struct msi_sink to, struct err *e)
	MUST_CHECK;
void ioapic_free(struct ioapic *a);
void ioapic_reset(struct ioapic *a);
void ioapic_set(void *ioapic, unsigned pin, int level);
/* A local APIC has ended the level-triggered interrupt @vector.  Any thread. */
void ioapic_eoi(void *ioapic, uint8_t vector);
/* For people. */
void ioapic_show(struct ioapic *a, struct str *out);

#endif
