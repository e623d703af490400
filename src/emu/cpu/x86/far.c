/* SPDX-License-Identifier: MIT */
/* Far JMP, CALL and RET: Intel SDM volume 2 and volume 3, 5.8. */
#include "emu/cpu/x86/exec.h"

enum { GATE_TSS16 = 1, GATE_CALL16 = 4, GATE_TASK = 5, GATE_TSS32 = 9, GATE_CALL32 = 12 };

static uint64_t mask_of(unsigned opsz)
{
	return opsz == 8 ? ~0ull : opsz == 4 ? 0xffffffff : 0xffff;
}

/* A branch target: within the limit, or canonical. */
static void check_target(struct x86_exec *x, const struct x86_seg *cs, uint64_t rip)
{
	if (x86_long(x->c) && (cs->attr & SEG_L)) {
		if (!x86_canonical(rip))
			x86_gp(x, 0);
	} else if (rip > cs->limit) {
		x86_gp(x, 0);
	}
}

/* A code segment descriptor as JMP, CALL and RET take it. */
static void check_code(struct x86_exec *x, const struct x86_desc *d, unsigned cpl, bool ret)
{
	uint16_t a = (uint16_t)(d->lo >> 40), sel = d->sel;
	unsigned dpl = SEG_DPL(a), rpl = sel & 3u;
	bool bad;

	if (!(a & SEG_S) || !(a & SEG_CODE))
		x86_gp(x, sel & 0xfffc);
	if (ret)
		bad = a & SEG_CONFORMING ? dpl > rpl : dpl != rpl;
	else
		bad = a & SEG_CONFORMING ? dpl > cpl : rpl > cpl || dpl != cpl;
	if (bad || (x86_long(x->c) && (a & SEG_L) && (a & SEG_DB)))
		x86_gp(x, sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
}

static void set_cs(struct x86_cpu *c, struct x86_seg cs, unsigned cpl, uint64_t rip)
{
	cs.sel = (uint16_t)((cs.sel & 0xfffc) | cpl);
	c->seg[X86_CS] = cs;
	c->rip = rip;
}

static void real_far(struct x86_exec *x, uint16_t sel, uint64_t off)
{
	if (off > x->c->seg[X86_CS].limit)
		x86_gp(x, 0);
	x86_seg_real(x->c, X86_CS, sel);
	x->c->rip = off;
}

static bool is_real(const struct x86_cpu *c)
{
	return !x86_protected(c) || x86_v86(c);
}

/* Where a call gate leads. */
struct gate {
	uint16_t sel;
	uint64_t off;
	unsigned size, params;
};

static struct gate gate_read(struct x86_exec *x, const struct x86_desc *d)
{
	uint16_t a = (uint16_t)(d->lo >> 40);
	unsigned type = SEG_TYPE(a), cpl = x86_cpl(x->c);
	struct gate g = { .sel = (uint16_t)(d->lo >> 16),
			  .off = (d->lo & 0xffff) | (d->lo >> 32 & 0xffff0000),
			  .size = type == GATE_CALL16 ? 2 : 4,
			  .params = (unsigned)(d->lo >> 32 & 31) };

	if (SEG_DPL(a) < cpl || SEG_DPL(a) < (d->sel & 3u))
		x86_gp(x, d->sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, d->sel & 0xfffc);
	if (x86_long(x->c)) {
		g.off |= d->hi << 32;
		g.size = 8;
		g.params = 0;
	} else if (type == GATE_CALL16) {
		g.off &= 0xffff;
	}
	return g;
}

/* The code segment behind a gate. */
static struct x86_desc gate_code(struct x86_exec *x, const struct gate *g)
{
	if (!(g->sel & 0xfffc))
		x86_gp(x, 0);
	struct x86_desc d = x86_desc_need(x, g->sel, X86_GP);
	uint16_t a = (uint16_t)(d.lo >> 40);

	if (!(a & SEG_S) || !(a & SEG_CODE) || SEG_DPL(a) > x86_cpl(x->c))
		x86_gp(x, g->sel & 0xfffc);
	if (x86_long(x->c) && (!(a & SEG_L) || (a & SEG_DB)))
		x86_gp(x, g->sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, g->sel & 0xfffc);
	return d;
}

/* Kinds of system descriptor that a far branch may name. */
static unsigned system_type(struct x86_exec *x, const struct x86_desc *d)
{
	unsigned type = SEG_TYPE(d->lo >> 40);
	bool ok = x86_long(x->c)
			  ? type == GATE_CALL32
			  : type == GATE_TSS16 || type == GATE_CALL16 || type == GATE_TASK ||
				    type == GATE_TSS32 || type == GATE_CALL32;

	if (!ok)
		x86_gp(x, d->sel & 0xfffc);
	return type;
}

static void to_task(struct x86_exec *x, const struct x86_desc *d, unsigned type,
		    enum x86_task_how how, uint64_t next)
{
	uint16_t a = (uint16_t)(d->lo >> 40), sel = d->sel;

	if (SEG_DPL(a) < x86_cpl(x->c) || SEG_DPL(a) < (sel & 3u))
		x86_gp(x, sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	if (type == GATE_TASK)
		sel = (uint16_t)(d->lo >> 16);
	x86_task_switch(x, sel, how, next, false, 0);
}

void x86_far_jump(struct x86_exec *x, uint16_t sel, uint64_t off, unsigned opsz, uint64_t next)
{
	struct x86_cpu *c = x->c;
	unsigned cpl = x86_cpl(c);

	off &= mask_of(opsz);
	if (is_real(c)) {
		real_far(x, sel, off);
		return;
	}
	if (!(sel & 0xfffc))
		x86_gp(x, 0);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);

	if (!(d.lo >> 44 & 1)) {
		unsigned type = system_type(x, &d);

		if (type != GATE_CALL16 && type != GATE_CALL32) {
			to_task(x, &d, type, TASK_JUMP, next);
			return;
		}
		struct gate g = gate_read(x, &d);

		d = gate_code(x, &g);
		if (!(d.lo >> 40 & SEG_CONFORMING) && SEG_DPL(d.lo >> 40) != cpl)
			x86_gp(x, g.sel & 0xfffc);
		off = g.off;
	} else {
		check_code(x, &d, cpl, false);
	}
	struct x86_seg cs = x86_desc_seg(&d);

	check_target(x, &cs, off);
	x86_desc_accessed(x, &d);
	cs.attr |= SEG_ACCESSED;
	set_cs(c, cs, cpl, off);
}

/* To a more privileged ring: a new stack from the TSS, parameters copied. */
static void call_inner(struct x86_exec *x, const struct gate *g, struct x86_desc *d,
		       uint64_t next)
{
	struct x86_cpu *c = x->c;
	struct x86_stack old = x86_stack_now(c);
	struct x86_seg cs = x86_desc_seg(d);
	unsigned dpl = SEG_DPL(cs.attr);
	struct x86_stack s = { 0 };
	uint64_t params[32];

	if (g->size == 8) {
		s.ss = x86_null_ss(dpl);
		s.sp = x86_tss64_stack(x, dpl);
		s.wide = true;
		s.mask = ~0ull;
	} else {
		uint16_t ss;

		x86_tss_stack(x, dpl, &ss, &s.sp);
		if (!(ss & 0xfffc))
			x86_raise_error(x, X86_TS, ss & 0xfffc);
		s.ss = x86_stack_seg(x, ss, dpl, X86_TS);
		s.mask = s.ss.attr & SEG_DB ? 0xffffffff : 0xffff;
		s.fault_error = ss & 0xfffc;
	}
	for (unsigned i = 0; i < g->params; i++)
		params[i] = x86_pop(x, &old, g->size);
	check_target(x, &cs, g->off);
	x86_push(x, &s, g->size, c->seg[X86_SS].sel);
	x86_push(x, &s, g->size, c->gpr[X86_RSP]);
	for (unsigned i = g->params; i--;)
		x86_push(x, &s, g->size, params[i]);
	x86_push(x, &s, g->size, c->seg[X86_CS].sel);
	x86_push(x, &s, g->size, next);
	x86_desc_accessed(x, d);
	cs.attr |= SEG_ACCESSED;
	c->seg[X86_SS] = s.ss;
	set_cs(c, cs, dpl, g->off);
	c->gpr[X86_RSP] = s.sp;
}

void x86_far_call(struct x86_exec *x, uint16_t sel, uint64_t off, unsigned opsz, uint64_t next)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	unsigned cpl = x86_cpl(c);

	off &= mask_of(opsz);
	if (is_real(c)) {
		if (off > c->seg[X86_CS].limit)
			x86_gp(x, 0);
		x86_push(x, &s, opsz, c->seg[X86_CS].sel);
		x86_push(x, &s, opsz, next);
		x86_set_sp(c, s.sp);
		real_far(x, sel, off);
		return;
	}
	if (!(sel & 0xfffc))
		x86_gp(x, 0);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);

	if (!(d.lo >> 44 & 1)) {
		unsigned type = system_type(x, &d);

		if (type != GATE_CALL16 && type != GATE_CALL32) {
			to_task(x, &d, type, TASK_CALL, next);
			return;
		}
		struct gate g = gate_read(x, &d);

		d = gate_code(x, &g);
		if (!(d.lo >> 40 & SEG_CONFORMING) && SEG_DPL(d.lo >> 40) < cpl) {
			call_inner(x, &g, &d, next);
			return;
		}
		off = g.off;
		opsz = g.size;
	} else {
		check_code(x, &d, cpl, false);
	}
	struct x86_seg cs = x86_desc_seg(&d);

	check_target(x, &cs, off);
	x86_push(x, &s, opsz, c->seg[X86_CS].sel);
	x86_push(x, &s, opsz, next);
	x86_desc_accessed(x, &d);
	cs.attr |= SEG_ACCESSED;
	x86_set_sp(c, s.sp);
	set_cs(c, cs, cpl, off);
}

static void ret_outer(struct x86_exec *x, struct x86_stack *s, struct x86_desc *d, uint64_t rip,
		      unsigned opsz, unsigned drop)
{
	struct x86_cpu *c = x->c;
	unsigned rpl = d->sel & 3u;
	struct x86_seg cs = x86_desc_seg(d), ss;

	s->sp += drop;
	uint64_t sp = x86_pop(x, s, opsz);
	uint16_t sel = (uint16_t)x86_pop(x, s, opsz);

	if (!(sel & 0xfffc)) {
		if (!x86_long(c) || !(cs.attr & SEG_L) || rpl == 3)
			x86_gp(x, 0);
		ss = x86_null_ss(rpl);
		ss.sel = sel;
	} else {
		ss = x86_stack_seg(x, sel, rpl, X86_GP);
	}
	check_target(x, &cs, rip);
	x86_desc_accessed(x, d);
	cs.attr |= SEG_ACCESSED;
	c->seg[X86_SS] = ss;
	set_cs(c, cs, rpl, rip);
	c->gpr[X86_RSP] = opsz == 2 && x86_stack_mask(c) == 0xffff
				  ? (c->gpr[X86_RSP] & ~0xffffull) | ((sp + drop) & 0xffff)
				  : (sp + drop) & (x86_stack_mask(c) | 0xffffffff);
	x86_drop_segs(c, rpl);
}

void x86_far_ret(struct x86_exec *x, unsigned opsz, unsigned drop)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	uint64_t rip = x86_pop(x, &s, opsz);
	uint16_t sel = (uint16_t)x86_pop(x, &s, opsz);

	if (is_real(c)) {
		real_far(x, sel, rip);
		x86_set_sp(c, s.sp + drop);
		return;
	}
	if (!(sel & 0xfffc))
		x86_gp(x, 0);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);
	unsigned cpl = x86_cpl(c);

	if ((sel & 3u) < cpl)
		x86_gp(x, sel & 0xfffc);
	check_code(x, &d, cpl, true);
	if ((sel & 3u) > cpl) {
		ret_outer(x, &s, &d, rip, opsz, drop);
		return;
	}
	struct x86_seg cs = x86_desc_seg(&d);

	check_target(x, &cs, rip);
	x86_desc_accessed(x, &d);
	cs.attr |= SEG_ACCESSED;
	x86_set_sp(c, s.sp + drop);
	set_cs(c, cs, cpl, rip);
}
