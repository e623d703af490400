/* SPDX-License-Identifier: MIT */
/* Single ports of a PC: 80 (POST codes), 92 (fast A20 and reset), cf9 (reset control), and, if
 * asked for, the port by which a test ends the machine. */
#ifndef EMU_DEV_PORTS_H
#define EMU_DEV_PORTS_H

#include "base/err.h"
#include "emu/bus.h"

struct ports;

struct ports_env {
	void (*reset)(void *arg);
	void (*a20)(void *arg, bool open);
	void (*exit)(void *arg, unsigned value); /* isa-debug-exit wrote @value */
	void *arg;
	bool debug_exit;
	uint16_t exit_base, exit_size;
};

int ports_new(struct ports **out, struct bus *b, const struct ports_env *env, struct err *e)
	MUST_CHECK;
void ports_free(struct ports *p);
void ports_reset(struct ports *p);

#endif
