/* SPDX-License-Identifier: MIT */
/* Descriptors and the loads of segment registers: Intel SDM volume 3, chapters 3 and 5. */
#include "emu/cpu/x86/exec.h"

#define SYS_LDT   2
#define SYS_TSS16 1
#define SYS_TSS32 9

bool x86_desc_fetch(struct x86_exec *x, uint16_t sel, struct x86_desc *d)
{
	const struct x86_cpu *c = x->c;
	uint64_t base = c->gdtr.base;
	uint32_t limit = c->gdtr.limit;

	if (!(sel & 0xfffc))
		return false;
	if (sel & 4) {
		if (!(c->ldtr.attr & SEG_P) || !(c->ldtr.sel & 0xfffc))
			return false;
		base = c->ldtr.base;
		limit = c->ldtr.limit;
	}
	if ((sel | 7u) > limit)
		return false;
	d->sel = sel;
	d->addr = base + (sel & 0xfff8u);
	d->lo = x86_ld(x, d->addr, 8, 0);
	d->hi = 0;
	/* System descriptors of long mode take two places. */
	if (x86_long(c) && !(d->lo >> 44 & 1) && (sel | 7u) + 8 <= limit)
		d->hi = x86_ld(x, d->addr + 8, 8, 0);
	return true;
}

struct x86_desc x86_desc_need(struct x86_exec *x, uint16_t sel, uint8_t vector)
{
	struct x86_desc d;

	if (!x86_desc_fetch(x, sel, &d))
		x86_raise_error(x, vector, sel & 0xfffc);
	return d;
}

struct x86_seg x86_desc_seg(const struct x86_desc *d)
{
	uint64_t lo = d->lo;
	struct x86_seg s = { .sel = d->sel, .attr = (uint16_t)(lo >> 40 & 0xf0ff) };

	s.base = (lo >> 16 & 0xffffff) | (lo >> 32 & 0xff000000);
	s.limit = (uint32_t)((lo & 0xffff) | (lo >> 32 & 0xf0000));
	if (s.attr & SEG_G)
		s.limit = s.limit << 12 | 0xfff;
	if (!(s.attr & SEG_S))
		s.base |= d->hi << 32;
	return s;
}

void x86_desc_accessed(struct x86_exec *x, struct x86_desc *d)
{
	if (d->lo & 1ull << 40)
		return;
	d->lo |= 1ull << 40;
	x86_st(x, d->addr + 5, 1, d->lo >> 40 & 0xff, 0);
}

struct x86_seg x86_null_ss(unsigned cpl)
{
	return (struct x86_seg){ .limit = 0xffffffff,
				 .sel = (uint16_t)cpl,
				 .attr = (uint16_t)(SEG_P | SEG_S | SEG_DB | SEG_G | SEG_WRITE |
						    SEG_ACCESSED | cpl << 5) };
}

struct x86_seg x86_stack_seg(struct x86_exec *x, uint16_t sel, unsigned cpl, uint8_t vector)
{
	struct x86_desc d = x86_desc_need(x, sel, vector);
	uint16_t a = (uint16_t)(d.lo >> 40);

	if ((sel & 3u) != cpl || SEG_DPL(a) != cpl || !(a & SEG_S) || (a & SEG_CODE) ||
	    !(a & SEG_WRITE))
		x86_raise_error(x, vector, sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_SS_FAULT, sel & 0xfffc);
	x86_desc_accessed(x, &d);
	return x86_desc_seg(&d);
}

static void load_ss(struct x86_exec *x, uint16_t sel)
{
	struct x86_cpu *c = x->c;
	unsigned cpl = x86_cpl(c);

	if (!(sel & 0xfffc)) {
		/* Only 64-bit code below ring 3 may have none. */
		if (!x86_code64(c) || cpl == 3 || (sel & 3u) != cpl)
			x86_gp(x, 0);
		c->seg[X86_SS] = x86_null_ss(cpl);
		c->seg[X86_SS].sel = sel;
		return;
	}
	c->seg[X86_SS] = x86_stack_seg(x, sel, cpl, X86_GP);
}

static void load_data(struct x86_exec *x, unsigned sreg, uint16_t sel)
{
	struct x86_cpu *c = x->c;

	if (!(sel & 0xfffc)) {
		/* The base stays, as AMD's processors have it; in 32-bit code the segment
		 * cannot be used anyway. */
		c->seg[sreg] = (struct x86_seg){ .sel = sel };
		return;
	}
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);
	uint16_t a = (uint16_t)(d.lo >> 40);
	unsigned rpl = sel & 3u, cpl = x86_cpl(c), dpl = SEG_DPL(a);

	if (!(a & SEG_S) || ((a & SEG_CODE) && !(a & SEG_READ)))
		x86_gp(x, sel & 0xfffc);
	if ((a & (SEG_CODE | SEG_CONFORMING)) != (SEG_CODE | SEG_CONFORMING) &&
	    (rpl > dpl || cpl > dpl))
		x86_gp(x, sel & 0xfffc);
	if (!(a & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	x86_desc_accessed(x, &d);
	c->seg[sreg] = x86_desc_seg(&d);
}

void x86_load_seg(struct x86_exec *x, unsigned sreg, uint16_t sel)
{
	if (!x86_protected(x->c) || x86_v86(x->c))
		x86_seg_real(x->c, sreg, sel);
	else if (sreg == X86_SS)
		load_ss(x, sel);
	else
		load_data(x, sreg, sel);
}

void x86_lldt(struct x86_exec *x, uint16_t sel)
{
	if (!(sel & 0xfffc)) {
		x->c->ldtr = (struct x86_seg){ .sel = sel };
		return;
	}
	if (sel & 4)
		x86_gp(x, sel & 0xfffc);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);
	struct x86_seg s = x86_desc_seg(&d);

	if ((s.attr & SEG_S) || SEG_TYPE(s.attr) != SYS_LDT)
		x86_gp(x, sel & 0xfffc);
	if (!(s.attr & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	if (!x86_canonical(s.base) && x86_long(x->c))
		x86_gp(x, sel & 0xfffc);
	x->c->ldtr = s;
}

void x86_ltr(struct x86_exec *x, uint16_t sel)
{
	if (!(sel & 0xfffc))
		x86_gp(x, 0);
	if (sel & 4)
		x86_gp(x, sel & 0xfffc);
	struct x86_desc d = x86_desc_need(x, sel, X86_GP);
	struct x86_seg s = x86_desc_seg(&d);
	unsigned type = SEG_TYPE(s.attr);

	if ((s.attr & SEG_S) || !(type == SYS_TSS32 || (type == SYS_TSS16 && !x86_long(x->c))))
		x86_gp(x, sel & 0xfffc);
	if (!(s.attr & SEG_P))
		x86_raise_error(x, X86_NP, sel & 0xfffc);
	if (!x86_canonical(s.base) && x86_long(x->c))
		x86_gp(x, sel & 0xfffc);
	s.attr |= 2; /* busy */
	x86_st(x, d.addr + 5, 1, s.attr & 0xff, 0);
	x->c->tr = s;
}

void x86_drop_segs(struct x86_cpu *c, unsigned cpl)
{
	static const uint8_t regs[] = { X86_ES, X86_DS, X86_FS, X86_GS };

	for (unsigned i = 0; i < sizeof(regs); i++) {
		struct x86_seg *s = &c->seg[regs[i]];
		bool conforming =
			(s->attr & (SEG_CODE | SEG_CONFORMING)) == (SEG_CODE | SEG_CONFORMING);

		if ((s->attr & SEG_P) && !conforming && SEG_DPL(s->attr) < cpl)
			*s = (struct x86_seg){ .base = s->base };
	}
}
