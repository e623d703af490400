/* SPDX-License-Identifier: MIT */
/* The fast ways into the kernel and back: SYSCALL, SYSRET, SYSENTER, SYSEXIT. */
#include "emu/cpu/x86/exec.h"

#define CODE_ATTR (SEG_P | SEG_S | SEG_CODE | SEG_READ | SEG_ACCESSED | SEG_G)
#define DATA_ATTR (SEG_P | SEG_S | SEG_WRITE | SEG_ACCESSED | SEG_G | SEG_DB)

static void flat(struct x86_cpu *c, uint16_t cs, uint16_t ss, unsigned ring, bool wide)
{
	c->seg[X86_CS] = (struct x86_seg){
		.limit = 0xffffffff,
		.sel = (uint16_t)((cs & 0xfffc) | ring),
		.attr = (uint16_t)(CODE_ATTR | (wide ? SEG_L : SEG_DB) | ring << 5)
	};
	c->seg[X86_SS] = (struct x86_seg){ .limit = 0xffffffff,
					   .sel = (uint16_t)((ss & 0xfffc) | ring),
					   .attr = (uint16_t)(DATA_ATTR | ring << 5) };
}

void x86_syscall(struct x86_exec *x, uint64_t next)
{
	struct x86_cpu *c = x->c;
	uint16_t cs = (uint16_t)(c->msr.star >> 32 & 0xfffc);

	if (!(c->efer & EFER_SCE) || !x86_protected(c))
		x86_ud(x);
	if (x86_long(c)) {
		bool wide = x86_code64(c);

		c->gpr[X86_RCX] = next;
		c->gpr[X86_R11] = c->rflags & ~(uint64_t)RFL_RF;
		c->rflags = (c->rflags & ~(c->msr.fmask | RFL_RF)) | RFL_1;
		flat(c, cs, (uint16_t)(cs + 8), 0, true);
		c->rip = wide ? c->msr.lstar : c->msr.cstar;
		return;
	}
	c->gpr[X86_RCX] = (uint32_t)next;
	c->rflags &= ~(uint64_t)(RFL_VM | RFL_IF | RFL_RF);
	flat(c, cs, (uint16_t)(cs + 8), 0, false);
	c->rip = (uint32_t)c->msr.star;
}

void x86_sysret(struct x86_exec *x, unsigned opsz)
{
	struct x86_cpu *c = x->c;
	uint16_t sel = (uint16_t)(c->msr.star >> 48);

	if (!(c->efer & EFER_SCE))
		x86_ud(x);
	if (!x86_protected(c) || x86_cpl(c))
		x86_gp(x, 0);
	uint64_t rcx = c->gpr[X86_RCX];
	uint64_t keep = RFL_ARITH | RFL_TF | RFL_IF | RFL_DF | RFL_IOPL | RFL_NT | RFL_AC |
			RFL_VIF | RFL_VIP | RFL_ID;

	if (x86_long(c)) {
		if (opsz == 8 && !x86_canonical(rcx))
			x86_gp(x, 0);
		c->rflags = (c->gpr[X86_R11] & keep) | RFL_1;
		flat(c, (uint16_t)(sel + (opsz == 8 ? 16 : 0)), (uint16_t)(sel + 8), 3,
		     opsz == 8);
		c->rip = opsz == 8 ? rcx : (uint32_t)rcx;
		return;
	}
	c->rflags |= RFL_IF;
	flat(c, sel, (uint16_t)(sel + 8), 3, false);
	c->rip = (uint32_t)rcx;
}

void x86_sysenter(struct x86_exec *x)
{
	struct x86_cpu *c = x->c;
	uint16_t cs = (uint16_t)(c->msr.sysenter_cs & 0xfffc);

	if (!x86_protected(c) || !cs)
		x86_gp(x, 0);
	bool lm = x86_long(c);

	c->rflags &= ~(uint64_t)(RFL_VM | RFL_IF | RFL_RF);
	flat(c, cs, (uint16_t)(cs + 8), 0, lm);
	c->rip = lm ? c->msr.sysenter_eip : (uint32_t)c->msr.sysenter_eip;
	c->gpr[X86_RSP] = lm ? c->msr.sysenter_esp : (uint32_t)c->msr.sysenter_esp;
}

void x86_sysexit(struct x86_exec *x, unsigned opsz)
{
	struct x86_cpu *c = x->c;
	uint16_t cs = (uint16_t)(c->msr.sysenter_cs & 0xfffc);
	bool wide = opsz == 8;
	uint64_t rip = c->gpr[X86_RDX], rsp = c->gpr[X86_RCX];

	if (!x86_protected(c) || !cs || x86_cpl(c))
		x86_gp(x, 0);
	if (wide && (!x86_canonical(rip) || !x86_canonical(rsp)))
		x86_gp(x, 0);
	flat(c, (uint16_t)(cs + (wide ? 32 : 16)), (uint16_t)(cs + (wide ? 40 : 24)), 3, wide);
	c->rip = wide ? rip : (uint32_t)rip;
	c->gpr[X86_RSP] = wide ? rsp : (uint32_t)rsp;
}
