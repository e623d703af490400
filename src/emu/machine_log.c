/* SPDX-License-Identifier: MIT */
/* What of a machine is logged. */
#include "emu/cpu/x86/state.h"
#include "emu/log.h"
#include "emu/machine.h"

int machine_log(struct machine *m, unsigned items, struct err *e)
{
	if ((items & LOG_SOFT) && m->ops != &accel_soft)
		return err_set(e, -ENOTSUP,
			       "a log of instructions or interrupts needs -accel soft, not %s",
			       m->ops->name);
	log_set(m->log, items);
	return 0;
}

void machine_log_registers(const struct machine *m)
{
	for (unsigned i = 0; i < m->vcpus; i++) {
		const struct x86_cpu *c = m->vcpu[i].x86;

		log_line(m->log,
			 "cpu_reset: CPU %u RIP %04x:%016llx RSP %016llx RFL %08llx CR0 %08llx "
			 "CR2 %016llx CR3 %016llx CR4 %08llx EFER %llx",
			 i, c->seg[X86_CS].sel, (unsigned long long)c->rip,
			 (unsigned long long)c->gpr[X86_RSP], (unsigned long long)c->rflags,
			 (unsigned long long)c->cr0, (unsigned long long)c->cr2,
			 (unsigned long long)c->cr3, (unsigned long long)c->cr4,
			 (unsigned long long)c->efer);
	}
}
