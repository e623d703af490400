/* SPDX-License-Identifier: MIT */
/* A UART of the kind 16550A: the serial ports of a PC. */
#ifndef EMU_DEV_SERIAL_16550_H
#define EMU_DEV_SERIAL_16550_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

struct chardev;
struct serial;

/* Ports @base..@base+7.  @irq is raised from any thread.  @c NULL: nothing is connected. */
int serial_new(struct serial **out, struct bus *b, uint16_t base, struct irq irq,
	       struct chardev *c, struct err *e) MUST_CHECK;
void serial_free(struct serial *s);
void serial_reset(struct serial *s);

#endif
