/* SPDX-License-Identifier: MIT */
/*
 * The gate of address line 20: shut, what real mode reaches above 1 MiB, 64 KiB, is the beginning of
 * memory.  Port 92 and the 8042 move it, whoever was last.  Above that, and for devices, it is
 * always open: nobody but real mode has a use for it.
 */
#ifndef EMU_DEV_A20_H
#define EMU_DEV_A20_H

#include "emu/vcpu.h"

struct mem;

struct a20 {
	struct mem *mem;
	struct vcpu_group *group; /* who must be outside guest code when memory changes */
	uint8_t *ram;             /* from address 0 on, at least A20_LEAST bytes */
	bool shall_open, is_open; /* both as after a reset at first */
	struct vcpu_job job;
};

#define A20_LEAST ((1u << 20) + (64u << 10))

void a20_init(struct a20 *a, struct mem *m, struct vcpu_group *g, uint8_t *ram);
/* Any thread, as vcpu_exclusive() says. */
void a20_open(struct a20 *a, bool open);

#endif
