/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer of a PC, with port 61 (speaker gate and what it reads back). */
#ifndef EMU_DEV_PIT_H
#define EMU_DEV_PIT_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define PIT_HZ 1193182u

struct pit;
struct clock;

int pit_new(struct pit **out, struct bus *b, struct clock *c, struct irq irq, struct err *e)
	MUST_CHECK;
void pit_free(struct pit *p);
void pit_reset(struct pit *p);
/* While HPET takes its place, the timer's interrupt goes nowhere.  Any thread. */
void pit_mute(void *pit, bool mute);

#endif
