/* SPDX-License-Identifier: MIT */
#include "emu/dev/a20.h"

#include "emu/mem.h"

#define MIB  (1u << 20)
#define SIZE (64u << 10)

/* A map that fails leaves the gate as it was: there is no memory for a table of a few lines. */
static void move(void *arg)
{
	struct a20 *a = arg;
	bool open = __atomic_load_n(&a->shall_open, __ATOMIC_ACQUIRE);

	if (open != a->is_open &&
	    mem_map(a->mem, MIB, SIZE, open ? a->ram + MIB : a->ram, true, NULL) == 0)
		a->is_open = open;
}

void a20_init(struct a20 *a, struct mem *m, struct vcpu_group *g, uint8_t *ram)
{
	*a = (struct a20){
		.mem = m, .group = g, .ram = ram, .shall_open = true, .is_open = true
	};
	a->job = (struct vcpu_job){ .run = move, .arg = a };
}

void a20_open(struct a20 *a, bool open)
{
	if (__atomic_exchange_n(&a->shall_open, open, __ATOMIC_ACQ_REL) != open)
		vcpu_exclusive(a->group, &a->job);
}
