/* SPDX-License-Identifier: MIT */
/* Interrupts and exceptions on their way to their handlers: Intel SDM volume 3, chapter 6. */
#include "emu/cpu/x86/exec.h"
#include "emu/log.h"

#include <stdio.h>

enum { IDT_TASK = 5, IDT_INT16 = 6, IDT_TRAP16 = 7, IDT_INT32 = 14, IDT_TRAP32 = 15 };

struct idt_gate {
	uint16_t sel;
	unsigned type, ist, size;
	uint64_t off;
};

static uint32_t idt_error(const struct x86_event *ev)
{
	return (uint32_t)ev->vector * 8 + 2 + (ev->soft ? 0 : 1);
}

static struct idt_gate gate_read(struct x86_exec *x, const struct x86_event *ev)
{
	const struct x86_cpu *c = x->c;
	bool lm = x86_long(c);
	unsigned each = lm ? 16 : 8;
	uint64_t at = c->idtr.base + (uint64_t)ev->vector * each;

	if (ev->vector * each + each - 1 > c->idtr.limit)
		x86_gp(x, idt_error(ev));
	uint64_t lo = x86_ld(x, at, 8, 0), hi = lm ? x86_ld(x, at + 8, 8, 0) : 0;
	struct idt_gate g = { .sel = (uint16_t)(lo >> 16),
			      .type = (unsigned)(lo >> 40 & 31),
			      .off = (lo & 0xffff) | (lo >> 32 & 0xffff0000) };

	g.size = lm ? 8 : g.type & 8 ? 4 : 2;
	if (lm) {
		g.off |= hi << 32;
		g.ist = (unsigned)(lo >> 32 & 7);
	}
	bool ok = g.type == IDT_INT32 || g.type == IDT_TRAP32 ||
		  (!lm && (g.type == IDT_TASK || g.type == IDT_INT16 || g.type == IDT_TRAP16));

	if (!ok)
		x86_gp(x, idt_error(ev));
	if (ev->soft && SEG_DPL(lo >> 40) < x86_cpl(c))
		x86_gp(x, (uint32_t)ev->vector * 8 + 2);
	if (!(lo >> 40 & SEG_P))
		x86_raise_error(x, X86_NP, idt_error(ev));
	if (g.size == 2)
		g.off &= 0xffff;
	return g;
}

/* The stack that the handler runs on, and its ring. */
static struct x86_stack new_stack(struct x86_exec *x, const struct idt_gate *g, unsigned cpl,
				  bool inner)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);

	s.access = 0;
	if (x86_long(c)) {
		if (g->ist)
			s.sp = x86_tss64_stack(x, 2 + g->ist);
		else if (inner)
			s.sp = x86_tss64_stack(x, cpl);
		if (inner)
			s.ss = x86_null_ss(cpl);
		s.sp &= ~15ull;
		s.wide = true;
		s.mask = ~0ull;
	} else if (inner) {
		uint16_t ss;

		x86_tss_stack(x, cpl, &ss, &s.sp);
		if (!(ss & 0xfffc))
			x86_raise_error(x, X86_TS, ss & 0xfffc);
		s.ss = x86_stack_seg(x, ss, cpl, X86_TS);
		s.mask = s.ss.attr & SEG_DB ? 0xffffffff : 0xffff;
		s.fault_error = ss & 0xfffc;
	}
	if (cpl == 3)
		s.access = X86_ACC_USER;
	return s;
}

static void push_frame(struct x86_exec *x, struct x86_stack *s, const struct idt_gate *g,
		       const struct x86_event *ev, bool with_stack)
{
	struct x86_cpu *c = x->c;
	unsigned n = g->size;
	uint64_t flags = c->rflags;

	if (x86_v86(c)) {
		static const uint8_t order[] = { X86_GS, X86_FS, X86_DS, X86_ES };

		for (unsigned i = 0; i < sizeof(order); i++)
			x86_push(x, s, n, c->seg[order[i]].sel);
	}
	if (with_stack) {
		x86_push(x, s, n, c->seg[X86_SS].sel);
		x86_push(x, s, n, c->gpr[X86_RSP]);
	}
	/* Faults restart, so their handlers see RF set. */
	if (!ev->soft && !ev->external && ev->vector != X86_DB)
		flags |= RFL_RF;
	x86_push(x, s, n, flags);
	x86_push(x, s, n, c->seg[X86_CS].sel);
	x86_push(x, s, n, ev->soft ? ev->next : c->rip);
	if (ev->has_error)
		x86_push(x, s, n, ev->error);
}

static void deliver_protected(struct x86_exec *x, const struct x86_event *ev)
{
	struct x86_cpu *c = x->c;
	struct idt_gate g = gate_read(x, ev);
	unsigned cpl = x86_cpl(c), ext = ev->soft ? 0 : 1;

	if (g.type == IDT_TASK) {
		x86_task_switch(x, g.sel, TASK_CALL, ev->soft ? ev->next : c->rip,
				ev->has_error, ev->error);
		return;
	}
	if (!(g.sel & 0xfffc))
		x86_gp(x, ext);
	struct x86_desc d = x86_desc_need(x, g.sel, X86_GP);
	struct x86_seg cs = x86_desc_seg(&d);
	unsigned dpl = SEG_DPL(cs.attr);
	bool bad = !(cs.attr & SEG_S) || !(cs.attr & SEG_CODE) || dpl > cpl;

	if (x86_long(c))
		bad |= !(cs.attr & SEG_L) || (cs.attr & SEG_DB);
	if (bad)
		x86_gp(x, (g.sel & 0xfffc) | ext);
	if (!(cs.attr & SEG_P))
		x86_raise_error(x, X86_NP, (g.sel & 0xfffc) | ext);
	bool inner = !(cs.attr & SEG_CONFORMING) && dpl < cpl;
	unsigned ring = inner ? dpl : cpl;

	if (x86_v86(c) && (!inner || ring != 0))
		x86_gp(x, (g.sel & 0xfffc) | ext);
	struct x86_stack s = new_stack(x, &g, ring, inner);

	if (x86_long(c) ? !x86_canonical(g.off) : g.off > cs.limit)
		x86_gp(x, ext);
	push_frame(x, &s, &g, ev, inner || x86_long(c));
	x86_desc_accessed(x, &d);
	if (x86_v86(c))
		for (unsigned i = 0; i < X86_SEGS; i++)
			if (i != X86_CS && i != X86_SS)
				c->seg[i] = (struct x86_seg){ 0 };
	cs.attr |= SEG_ACCESSED;
	cs.sel = (uint16_t)((g.sel & 0xfffc) | ring);
	c->seg[X86_CS] = cs;
	c->seg[X86_SS] = s.ss;
	if (s.wide)
		c->gpr[X86_RSP] = s.sp;
	else
		c->gpr[X86_RSP] = s.mask == 0xffff
					  ? (c->gpr[X86_RSP] & ~0xffffull) | (s.sp & 0xffff)
					  : s.sp & s.mask;
	c->rip = g.off;
	c->rflags &= ~(uint64_t)(RFL_TF | RFL_NT | RFL_VM | RFL_RF);
	if (!(g.type & 1))
		c->rflags &= ~(uint64_t)RFL_IF;
}

static void deliver_real(struct x86_exec *x, const struct x86_event *ev)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);

	if (ev->vector * 4u + 3 > c->idtr.limit)
		x86_gp(x, 0);
	uint32_t to = (uint32_t)x86_ld(x, c->idtr.base + ev->vector * 4u, 4, 0);

	x86_push(x, &s, 2, c->rflags);
	x86_push(x, &s, 2, c->seg[X86_CS].sel);
	x86_push(x, &s, 2, ev->soft ? ev->next : c->rip);
	x86_set_sp(c, s.sp);
	x86_seg_real(c, X86_CS, (uint16_t)(to >> 16));
	c->rip = to & 0xffff;
	c->rflags &= ~(uint64_t)(RFL_IF | RFL_TF | RFL_AC | RFL_RF);
}

static void deliver_one(struct x86_exec *x, const struct x86_event *ev)
{
	if (ev->vector == X86_PF && !ev->external && !ev->soft)
		x->c->cr2 = ev->cr2;
	if (ev->vector == X86_DB && !ev->external && !ev->soft) {
		x->c->dr[6] = (x->c->dr[6] & ~0xfull) | ev->dr6;
		x->c->dr[7] &= ~(1ull << 13); /* GD */
	}
	if (x86_protected(x->c))
		deliver_protected(x, ev);
	else
		deliver_real(x, ev);
	x->c->int_shadow = x->c->debug_shadow = false;
}

static bool contributory(const struct x86_event *ev)
{
	return !ev->soft && !ev->external &&
	       (ev->vector == X86_DE || (ev->vector >= X86_TS && ev->vector <= X86_GP));
}

static bool page_fault(const struct x86_event *ev)
{
	return !ev->soft && !ev->external && ev->vector == X86_PF;
}

static void tell(const struct x86_exec *x, const struct x86_event *ev)
{
	const struct x86_cpu *c = x->c;
	char more[64] = "";

	if (!log_on(c->log, LOG_INT))
		return;
	if (ev->vector == X86_PF && !ev->soft && !ev->external)
		snprintf(more, sizeof(more), " error %04x CR2 %016llx", ev->error,
			 (unsigned long long)ev->cr2);
	else if (ev->has_error)
		snprintf(more, sizeof(more), " error %04x", ev->error);
	log_line(c->log, "int: CPU %u %s %02x at %04x:%016llx SP %04x:%016llx CPL %u%s",
		 c->index,
		 ev->external ? "interrupt"
		 : ev->soft   ? "INT"
			      : "exception",
		 ev->vector, c->seg[X86_CS].sel, (unsigned long long)c->rip, c->seg[X86_SS].sel,
		 (unsigned long long)c->gpr[X86_RSP], x86_cpl(c), more);
}

bool x86_deliver(struct x86_exec *x, const struct x86_event *first)
{
	/* Survives the jumps: changed between setjmp and longjmp. */
	volatile struct x86_event now = *first;
	jmp_buf here, *const outer = x->fault;

	/* Put back on both ways out. */
	/* cppcheck-suppress autoVariables */
	x->fault = &here;

	for (;;) {
		struct x86_event ev = now;

		tell(x, &ev);
		if (!setjmp(here)) {
			deliver_one(x, &ev);
			x->fault = outer;
			return true;
		}
		struct x86_event next = x->event;

		ev = now;
		if (ev.vector == X86_DF && !ev.soft && !ev.external) {
			x->fault = outer;
			return false;
		}
		/* Table 6-5: which two make a double fault. */
		if ((contributory(&ev) && contributory(&next)) ||
		    (page_fault(&ev) && (contributory(&next) || page_fault(&next))))
			now = (struct x86_event){ .vector = X86_DF, .has_error = true };
		else
			now = next;
	}
}

void x86_soft_int(struct x86_exec *x, uint8_t vector, uint64_t next)
{
	struct x86_cpu *c = x->c;
	struct x86_event ev = { .vector = vector, .soft = true, .next = next };

	if (x86_v86(c) && (c->rflags & RFL_IOPL) != RFL_IOPL && vector != X86_BP &&
	    vector != X86_OF)
		x86_gp(x, 0);
	tell(x, &ev);
	if (x86_protected(c))
		deliver_protected(x, &ev);
	else
		deliver_real(x, &ev);
	c->int_shadow = c->debug_shadow = false;
}
