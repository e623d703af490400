/* SPDX-License-Identifier: MIT */
/* Instructions as they are translated, for people (-d in_asm). */
#include "emu/accel/soft/trans.h"
#include "emu/cpu/x86/insn.h"
#include "emu/log.h"

#include <Zydis/Zydis.h>
#include <stdio.h>

static ZydisMachineMode mode(const struct trans *t)
{
	static const ZydisMachineMode modes[] = {
		[X86_MODE16] = ZYDIS_MACHINE_MODE_LEGACY_16,
		[X86_MODE32] = ZYDIS_MACHINE_MODE_LEGACY_32,
		[X86_MODE64] = ZYDIS_MACHINE_MODE_LONG_64,
		[X86_MODE_REAL] = ZYDIS_MACHINE_MODE_REAL_16,
	};

	return modes[t->mode & MODE_CODE];
}

void listing(const struct trans *t)
{
	struct x86_cpu *c = t->s->x.c;

	log_line(c->log, "in_asm: CPU %u, %u instructions", c->index, t->n);
	for (unsigned i = 0; i < t->n; i++) {
		unsigned len = t->at[i + 1] - t->at[i];
		ZydisDisassembledInstruction d;
		char bytes[40] = "";

		for (unsigned k = 0; k < len && k < 15; k++)
			snprintf(bytes + 2 * k, 3, "%02x", t->code[t->at[i] + k]);
		if (!ZYAN_SUCCESS(ZydisDisassembleATT(mode(t), t->rip + t->at[i],
						      t->code + t->at[i], len, &d)))
			d.text[0] = '\0';
		log_line(c->log, "%016llx: %-24s %s", (unsigned long long)(t->rip + t->at[i]),
			 bytes, d.text[0] ? d.text : "(bad)");
	}
}
