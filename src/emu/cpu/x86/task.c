/* SPDX-License-Identifier: MIT */
/* Task state segments and the switch between tasks: Intel SDM volume 3, chapter 7. */
#include "emu/cpu/x86/exec.h"

#include <string.h>

#define TSS_BUSY   2u
#define TSS_32     8u
/* All that there are, VM and ID included. */
#define TASK_FLAGS 0x3f7fd5u

static bool tss_is32(const struct x86_seg *tr)
{
	return tr->attr & TSS_32;
}

void x86_tss_stack(struct x86_exec *x, unsigned cpl, uint16_t *ss, uint64_t *sp)
{
	const struct x86_seg *tr = &x->c->tr;
	unsigned w = tss_is32(tr) ? 4 : 2;
	uint32_t off = w == 4 ? 4 + 8 * cpl : 2 + 4 * cpl;

	if (off + 2 * w - 1 > tr->limit)
		x86_raise_error(x, X86_TS, tr->sel & 0xfffc);
	*sp = x86_ld(x, tr->base + off, w, 0);
	*ss = (uint16_t)x86_ld(x, tr->base + off + w, 2, 0);
}

uint64_t x86_tss64_stack(struct x86_exec *x, unsigned slot)
{
	const struct x86_seg *tr = &x->c->tr;
	/* RSP0..2 at 4, IST1..7 at 36. */
	uint32_t off = slot < 3 ? 4 + 8 * slot : 36 + 8 * (slot - 3);

	if (off + 7 > tr->limit)
		x86_raise_error(x, X86_TS, tr->sel & 0xfffc);
	uint64_t sp = x86_ld(x, tr->base + off, 8, 0);

	if (!x86_canonical(sp))
		x86_raise_error(x, X86_SS_FAULT, 0);
	return sp;
}

/* The fields of both kinds, in the order they lie in. */
struct image {
	uint32_t cr3, eip, eflags, gpr[8], seg[6], ldt, link, trap;
};

static void save32(struct x86_exec *x, const struct x86_cpu *c, uint32_t eip, uint32_t eflags)
{
	uint8_t b[64];
	uint32_t v[10] = { eip, eflags };

	for (unsigned i = 0; i < 8; i++)
		v[2 + i] = (uint32_t)c->gpr[i];
	memcpy(b, v, sizeof(v));
	for (unsigned i = 0; i < X86_SEGS; i++) {
		uint32_t s = c->seg[i].sel;

		memcpy(b + 40 + 4 * i, &s, 4);
	}
	x86_st_bytes(x, c->tr.base + 0x20, b, sizeof(b), 0);
}

static void save16(struct x86_exec *x, const struct x86_cpu *c, uint32_t eip, uint32_t eflags)
{
	uint16_t v[14] = { (uint16_t)eip, (uint16_t)eflags };

	for (unsigned i = 0; i < 8; i++)
		v[2 + i] = (uint16_t)c->gpr[i];
	for (unsigned i = 0; i < 4; i++)
		v[10 + i] = c->seg[i].sel;
	x86_st_bytes(x, c->tr.base + 0xe, v, sizeof(v), 0);
}

static void load_image(struct x86_exec *x, const struct x86_seg *t, struct image *m)
{
	memset(m, 0, sizeof(*m));
	if (tss_is32(t)) {
		uint32_t v[26];

		x86_ld_bytes(x, t->base, v, sizeof(v), 0);
		m->link = v[0] & 0xffff;
		m->cr3 = v[7];
		m->eip = v[8];
		m->eflags = v[9];
		memcpy(m->gpr, v + 10, sizeof(m->gpr));
		for (unsigned i = 0; i < 6; i++)
			m->seg[i] = v[18 + i] & 0xffff;
		m->ldt = v[24] & 0xffff;
		m->trap = v[25] & 1;
		return;
	}
	uint16_t v[22];

	x86_ld_bytes(x, t->base, v, sizeof(v), 0);
	m->link = v[0];
	m->eip = v[7];
	m->eflags = v[8];
	for (unsigned i = 0; i < 8; i++)
		m->gpr[i] = 0xffff0000u | v[9 + i];
	for (unsigned i = 0; i < 4; i++)
		m->seg[i] = v[17 + i];
	m->ldt = v[21];
}

static void set_busy(struct x86_exec *x, uint16_t sel, bool busy)
{
	struct x86_desc d = x86_desc_need(x, sel, X86_TS);
	uint8_t a = (uint8_t)(d.lo >> 40);

	x86_st(x, d.addr + 5, 1, busy ? a | TSS_BUSY : a & ~TSS_BUSY, 0);
}

/* After the point of no return: faults are the new task's. */
static void load_segments(struct x86_exec *x, const struct image *m)
{
	struct x86_cpu *c = x->c;
	static const uint8_t data[] = { X86_ES, X86_DS, X86_FS, X86_GS };

	for (unsigned i = 0; i < X86_SEGS; i++)
		c->seg[i] = (struct x86_seg){ .sel = (uint16_t)m->seg[i] };
	if (m->eflags & RFL_VM) {
		for (unsigned i = 0; i < X86_SEGS; i++)
			x86_seg_real(c, i, (uint16_t)m->seg[i]);
		return;
	}
	unsigned rpl = m->seg[X86_CS] & 3;

	c->seg[X86_SS].attr = (uint16_t)(rpl << 5);
	if (m->ldt & 0xfffc)
		x86_lldt(x, (uint16_t)m->ldt);
	struct x86_desc d = x86_desc_need(x, (uint16_t)m->seg[X86_CS], X86_TS);
	struct x86_seg cs = x86_desc_seg(&d);
	bool conf = cs.attr & SEG_CONFORMING;

	if (!(cs.attr & SEG_S) || !(cs.attr & SEG_CODE) ||
	    (conf ? SEG_DPL(cs.attr) > rpl : SEG_DPL(cs.attr) != rpl))
		x86_raise_error(x, X86_TS, m->seg[X86_CS] & 0xfffc);
	if (!(cs.attr & SEG_P))
		x86_raise_error(x, X86_NP, m->seg[X86_CS] & 0xfffc);
	c->seg[X86_SS] = x86_stack_seg(x, (uint16_t)m->seg[X86_SS], rpl, X86_TS);
	c->seg[X86_CS] = cs;
	for (unsigned i = 0; i < sizeof(data); i++)
		x86_load_seg(x, data[i], (uint16_t)m->seg[data[i]]);
}

/* The descriptor of the task to go to. */
static struct x86_seg target(struct x86_exec *x, uint16_t sel, enum x86_task_how how)
{
	uint8_t vector = how == TASK_IRET ? X86_TS : X86_GP;

	if (sel & 4)
		x86_raise_error(x, vector, sel & 0xfffc);
	struct x86_desc d = x86_desc_need(x, sel, vector);
	struct x86_seg t = x86_desc_seg(&d);
	unsigned type = SEG_TYPE(t.attr) & ~TSS_32;

	if ((t.attr & SEG_S) || type != (how == TASK_IRET ? 3u : 1u))
		x86_raise_error(x, vector, sel & 0xfffc);
	if (!(t.attr & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	if (t.limit < (tss_is32(&t) ? 0x67u : 0x2bu))
		x86_raise_error(x, X86_TS, sel & 0xfffc);
	return t;
}

void x86_task_switch(struct x86_exec *x, uint16_t sel, enum x86_task_how how, uint64_t next,
		     bool has_error, uint32_t error)
{
	struct x86_cpu *c = x->c;
	struct x86_seg t = target(x, sel, how), old = c->tr;
	uint32_t eflags = (uint32_t)c->rflags;
	struct image m;

	load_image(x, &t, &m);
	x86_probe_write(x, old.base, tss_is32(&old) ? 0x68 : 0x2c, 0);
	if (how != TASK_CALL)
		set_busy(x, old.sel, false);
	if (how == TASK_IRET)
		eflags &= ~RFL_NT;
	if (tss_is32(&old))
		save32(x, c, (uint32_t)next, eflags);
	else
		save16(x, c, (uint32_t)next, eflags);
	if (how == TASK_CALL) {
		x86_st(x, t.base, 2, old.sel, 0);
		m.eflags |= RFL_NT;
	}
	if (how != TASK_IRET)
		set_busy(x, sel, true);
	t.attr |= TSS_BUSY;
	c->tr = t;
	c->cr0 |= CR0_TS;
	if (tss_is32(&t) && (c->cr0 & CR0_PG) && m.cr3 != c->cr3)
		x86_set_cr3(x, m.cr3);
	c->rip = m.eip;
	c->rflags = (m.eflags & TASK_FLAGS) | RFL_1;
	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = m.gpr[i];
	c->ldtr = (struct x86_seg){ .sel = (uint16_t)m.ldt };
	c->dr[7] &= ~0x155ull; /* local breakpoints end with their task */
	load_segments(x, &m);
	if (has_error) {
		struct x86_stack s = x86_stack_now(c);

		x86_push(x, &s, tss_is32(&t) ? 4 : 2, error);
		x86_set_sp(c, s.sp);
	}
	if (c->rip > c->seg[X86_CS].limit)
		x86_gp(x, 0);
	if (m.trap) {
		c->dr[6] |= 1u << 15;
		x86_raise(x, X86_DB);
	}
}
