/* SPDX-License-Identifier: MIT */
/* Whatever comes from a debugger: packets are answered, memory and registers stay those of the
 * guest.  "monitor" is left out: those commands are the monitor's. */
#include "base/mem.h"
#include "emu/clock.h"
#include "emu/cpu/x86/state.h"
#include "emu/gdb/gdb_int.h"
#include "emu/loop.h"
#include "emu/mem.h"
#include "tests/lib/fuzz.h"

#include <string.h>

#define RAM (1u << 20)

static struct machine_config config;
static struct vcpu cpus[2];
static struct machine machine;

static void make(void)
{
	uint8_t *ram;

	machine.config = &config;
	machine.vcpu = cpus;
	machine.vcpus = 2;
	pthread_mutex_init(&machine.lock, NULL);
	pthread_cond_init(&machine.changed, NULL);
	must(loop_new(&machine.loop, NULL) == 0);
	machine.clock = loop_clock(machine.loop);
	must(mem_new(&machine.mem, NULL) == 0);
	must(mem_alloc(RAM, NULL, false, &ram, NULL) == 0);
	must(mem_map(machine.mem, 0, RAM, ram, true, NULL) == 0);
	for (unsigned i = 0; i < 2; i++) {
		must(x86_cpu_new(&cpus[i].x86, i, NULL) == 0);
		cpus[i].index = i;
		x86_seg_flat(cpus[i].x86, 8, 16, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gdb *g;

	if (!machine.config)
		make();
	if (memmem(data, len, "Rcmd", 4))
		return 0;
	must(gdb_new(&g, &machine, NULL, NULL) == 0);
	gdb_input(g, data, len);
	must(g->n <= GDB_PACKET && g->look < machine.vcpus);
	must(g->dbg.points <= X86_DBG_POINTS && g->dbg.watches <= X86_DBG_WATCHES);
	gdb_event(g, "STOP", NULL);
	must(!g->waiting);
	gdb_detach(g);
	for (unsigned i = 0; i < 2; i++)
		must(!cpus[i].x86->dbg.all && !cpus[i].held);
	gdb_free(g);
	return 0;
}
