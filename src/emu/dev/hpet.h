/* SPDX-License-Identifier: MIT */
/* The high precision event timer: three comparators at 100 MHz (IA-PC HPET specification 1.0a). */
#ifndef EMU_DEV_HPET_H
#define EMU_DEV_HPET_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define HPET_BASE   0xfed00000u
#define HPET_TIMERS 3
/* Capabilities and ID as the register and ACPI's table show them. */
#define HPET_ID     (0x8086a001u | (HPET_TIMERS - 1) << 8)

struct hpet;
struct clock;

struct hpet_env {
	struct irq ioapic[24];
	/* In the legacy mode timer 0 stands in for the PIT and timer 1 for the RTC. */
	void (*legacy)(void *arg, bool on);
	void *legacy_arg;
	struct irq legacy_irq[2];
	struct msi_sink msi;
};

int hpet_new(struct hpet **out, struct bus *b, struct clock *c, const struct hpet_env *env,
	     struct err *e) MUST_CHECK;
void hpet_free(struct hpet *h);
void hpet_reset(struct hpet *h);

#endif
