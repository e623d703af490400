/* SPDX-License-Identifier: MIT */
/*
 * The fixed hardware of ACPI (specification 6.4, 4.8): PM1a event and control registers with the
 * power button and S5, the PM timer, and 16 general events.  ACPI is on from the start; nothing switches it off.
 */
#ifndef EMU_DEV_ACPI_PM_H
#define EMU_DEV_ACPI_PM_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define ACPI_PM_BASE   0x600
/* From there. */
#define ACPI_PM_EVENT  0
#define ACPI_PM_CNT    4
#define ACPI_PM_TIMER  8
#define ACPI_SCI       9
/* Events by number: a byte of states, one of what is enabled, each twice. */
#define ACPI_GPE_PORT  0xafe0
#define ACPI_GPE_PORTS 4
#define ACPI_GPE_PCI   1 /* \_GPE._E01 */
/* What SLP_TYP says "off"; \_S5 in the DSDT has it. */
#define ACPI_S5        5

struct acpi_pm;
struct clock;

/* @off(@arg) when the guest switches itself off, under the device's lock. */
int acpi_pm_new(struct acpi_pm **out, struct bus *b, struct clock *c, struct irq sci,
		void (*off)(void *arg), void *arg, struct err *e) MUST_CHECK;
void acpi_pm_free(struct acpi_pm *p);
void acpi_pm_reset(struct acpi_pm *p);
/* The ports are at @base from now on; 0: nowhere.  Under the bus's lock of who asks. */
void acpi_pm_move(struct acpi_pm *p, uint16_t base);
/* Where they are. */
uint16_t acpi_pm_base(const struct acpi_pm *p);
/* Event @n has happened; any thread. */
void acpi_pm_gpe(struct acpi_pm *p, unsigned n);
/* The power button is pressed.  False: the guest does not listen to it.  Any thread. */
bool acpi_pm_button(struct acpi_pm *p);

#endif
