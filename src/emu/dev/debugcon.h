/* SPDX-License-Identifier: MIT */
/* The port to which firmware writes what it does (Bochs has it at e9, SeaBIOS and OVMF write to 402):
 * a byte written is a byte out, and a read says that the port is there. */
#ifndef EMU_DEV_DEBUGCON_H
#define EMU_DEV_DEBUGCON_H

#include "base/err.h"
#include "emu/bus.h"

struct chardev;
struct debugcon;

/* The chardev stays the caller's. */
int debugcon_new(struct debugcon **out, struct bus *b, uint16_t port, struct chardev *c,
		 struct err *e) MUST_CHECK;
void debugcon_free(struct debugcon *d);

#endif
