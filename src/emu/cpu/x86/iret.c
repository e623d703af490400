/* SPDX-License-Identifier: MIT */
/* IRET and the flags: Intel SDM volume 2, IRET. */
#include "emu/cpu/x86/exec.h"

#define FLAGS_ALL                                                                     \
	(RFL_ARITH | RFL_TF | RFL_IF | RFL_DF | RFL_IOPL | RFL_NT | RFL_RF | RFL_AC | \
	 RFL_VIF | RFL_VIP | RFL_ID)

void x86_set_flags(struct x86_cpu *c, uint64_t v, unsigned opsz, unsigned cpl)
{
	uint64_t may = RFL_ARITH | RFL_TF | RFL_DF | RFL_NT | RFL_AC | RFL_ID;

	if (cpl == 0)
		may |= RFL_IOPL;
	if (cpl <= (c->rflags & RFL_IOPL) >> 12)
		may |= RFL_IF;
	if (opsz == 2)
		may &= 0xffff;
	c->rflags = (c->rflags & ~may) | (v & may) | RFL_1;
}

struct frame {
	uint64_t rip, flags;
	uint16_t cs;
};

static struct frame pop_frame(struct x86_exec *x, struct x86_stack *s, unsigned opsz)
{
	struct frame f;

	f.rip = x86_pop(x, s, opsz);
	f.cs = (uint16_t)x86_pop(x, s, opsz);
	f.flags = x86_pop(x, s, opsz);
	return f;
}

static void iret_real(struct x86_exec *x, unsigned opsz)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	bool v86 = x86_v86(c);

	if (v86 && (c->rflags & RFL_IOPL) != RFL_IOPL)
		x86_gp(x, 0);
	struct frame f = pop_frame(x, &s, opsz);

	if (f.rip > c->seg[X86_CS].limit)
		x86_gp(x, 0);
	x86_set_sp(c, s.sp);
	x86_seg_real(c, X86_CS, f.cs);
	c->rip = f.rip;
	x86_set_flags(c, f.flags, opsz, v86 ? 3 : 0);
	c->rflags = (c->rflags & ~(uint64_t)RFL_RF) | (opsz == 4 ? f.flags & RFL_RF : 0);
}

static void iret_to_v86(struct x86_exec *x, struct x86_stack *s, const struct frame *f)
{
	struct x86_cpu *c = x->c;
	uint64_t sp = x86_pop(x, s, 4);
	uint16_t sel[X86_SEGS];
	static const uint8_t order[] = { X86_SS, X86_ES, X86_DS, X86_FS, X86_GS };

	for (unsigned i = 0; i < sizeof(order); i++)
		sel[order[i]] = (uint16_t)x86_pop(x, s, 4);
	sel[X86_CS] = f->cs;
	c->rflags = (f->flags & (FLAGS_ALL | RFL_VM)) | RFL_1;
	for (unsigned i = 0; i < X86_SEGS; i++)
		x86_seg_real(c, i, sel[i]);
	c->rip = f->rip & 0xffff;
	c->gpr[X86_RSP] = sp;
}

static void iret_flags(struct x86_cpu *c, const struct frame *f, unsigned opsz, unsigned cpl)
{
	x86_set_flags(c, f->flags, opsz, cpl);
	if (opsz == 2)
		return;
	uint64_t more = RFL_RF | (cpl == 0 ? RFL_VIF | RFL_VIP : 0);

	c->rflags = (c->rflags & ~more) | (f->flags & more);
}

static struct x86_desc iret_code(struct x86_exec *x, uint16_t sel, unsigned cpl)
{
	if (!(sel & 0xfffc))
		x86_gp(x, 0);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);
	uint16_t a = (uint16_t)(d.lo >> 40);
	unsigned rpl = sel & 3u;

	if (!(a & SEG_S) || !(a & SEG_CODE) || rpl < cpl ||
	    (a & SEG_CONFORMING ? SEG_DPL(a) > rpl : SEG_DPL(a) != rpl))
		x86_gp(x, sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	return d;
}

static void iret_protected(struct x86_exec *x, unsigned opsz)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	unsigned cpl = x86_cpl(c);
	struct frame f = pop_frame(x, &s, opsz);

	if ((f.flags & RFL_VM) && opsz == 4 && cpl == 0 && !x86_long(c)) {
		iret_to_v86(x, &s, &f);
		return;
	}
	struct x86_desc d = iret_code(x, f.cs, cpl);
	struct x86_seg cs = x86_desc_seg(&d), ss = c->seg[X86_SS];
	unsigned rpl = f.cs & 3u;
	bool to64 = x86_long(c) && (cs.attr & SEG_L), outer = rpl != cpl;
	uint64_t sp = s.sp;

	/* 64-bit code always pops the stack too. */
	if (outer || x86_code64(c)) {
		sp = x86_pop(x, &s, opsz);
		uint16_t sel = (uint16_t)x86_pop(x, &s, opsz);

		if (sel & 0xfffc) {
			ss = x86_stack_seg(x, sel, rpl, X86_GP);
		} else {
			if (!to64 || rpl == 3)
				x86_gp(x, 0);
			ss = x86_null_ss(rpl);
			ss.sel = sel;
		}
	}
	if (to64 ? !x86_canonical(f.rip) : f.rip > cs.limit)
		x86_gp(x, 0);
	x86_desc_accessed(x, &d);
	cs.attr |= SEG_ACCESSED;
	bool from64 = x86_code64(c);

	c->seg[X86_CS] = cs;
	c->rip = f.rip;
	iret_flags(c, &f, opsz, cpl);
	c->seg[X86_SS] = ss;
	if (from64 || outer) {
		uint64_t mask = x86_stack_mask(c);

		c->gpr[X86_RSP] = mask == 0xffff
					  ? (c->gpr[X86_RSP] & ~0xffffull) | (sp & 0xffff)
					  : sp & mask;
	} else {
		x86_set_sp(c, sp);
	}
	if (outer)
		x86_drop_segs(c, rpl);
}

void x86_iret(struct x86_exec *x, unsigned opsz, uint64_t next)
{
	struct x86_cpu *c = x->c;

	if (!x86_protected(c) || x86_v86(c)) {
		iret_real(x, opsz);
	} else if (c->rflags & RFL_NT) {
		if (x86_long(c))
			x86_gp(x, 0);
		x86_task_switch(x, (uint16_t)x86_ld(x, c->tr.base, 2, 0), TASK_IRET, next,
				false, 0);
	} else {
		iret_protected(x, opsz);
	}
	c->nmi_blocked = false;
}
