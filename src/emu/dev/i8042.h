/* SPDX-License-Identifier: MIT */
/* The 8042 keyboard controller with a PS/2 keyboard behind it: ports 60 and 64. */
#ifndef EMU_DEV_I8042_H
#define EMU_DEV_I8042_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

struct i8042;

/* What the output port drives. */
struct i8042_env {
	void (*reset)(void *arg); /* the processor's reset line was pulled */
	void (*a20)(void *arg, bool open);
	void *arg;
};

int i8042_new(struct i8042 **out, struct bus *b, struct irq irq, const struct i8042_env *env,
	      struct err *e) MUST_CHECK;
void i8042_free(struct i8042 *k);
void i8042_reset(struct i8042 *k);
/* Bytes of scan code set 2, as the keyboard sends them.  False: too many wait.  Any thread. */
bool i8042_key(struct i8042 *k, const uint8_t *codes, unsigned n);

#endif
