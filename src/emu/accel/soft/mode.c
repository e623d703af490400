/* SPDX-License-Identifier: MIT */
/* What translated code depends on beside its bytes, and what it reads of the segments. */
#include "emu/accel/soft/soft.h"

/* Base 0, all of 4 GiB, for reads and writes. */
static bool flat_data(const struct x86_seg *s)
{
	return (s->attr & (SEG_P | SEG_CODE | SEG_DOWN | SEG_WRITE)) == (SEG_P | SEG_WRITE) &&
	       !s->base && s->limit == 0xffffffff;
}

static void limits(struct soft *s, unsigned i)
{
	const struct x86_cpu *c = s->x.c;
	const struct x86_seg *g = &c->seg[i];
	bool real = !x86_protected(c) || x86_v86(c);
	bool code = g->attr & SEG_CODE;
	bool read = real || ((g->attr & SEG_P) && (!code || (g->attr & SEG_READ)));
	bool write = real || ((g->attr & SEG_P) && !code && (g->attr & SEG_WRITE));

	if (!code && (g->attr & SEG_DOWN))
		read = write = false; /* the slow path knows */
	s->seg_base[i] = g->base;
	s->limit_read[i] = read ? (int64_t)g->limit : -1;
	s->limit_write[i] = write ? (int64_t)g->limit : -1;
}

void soft_mode(struct soft *s)
{
	const struct x86_cpu *c = s->x.c;
	bool wide = x86_code64(c);
	uint32_t m = x86_mode(c);
	unsigned cpl = x86_cpl(c);
	enum tlb_mode t = cpl == 3 ? TLB_USER : c->rflags & RFL_AC ? TLB_SUPER_AC : TLB_SUPER;

	if (!(c->cr4 & CR4_SMAP) && t == TLB_SUPER_AC)
		t = TLB_SUPER;
	m |= (uint32_t)t << MODE_TLB_SHIFT;
	if (c->seg[X86_SS].attr & SEG_DB)
		m |= MODE_SS32;
	if (!wide && flat_data(&c->seg[X86_DS]) && flat_data(&c->seg[X86_ES]) &&
	    flat_data(&c->seg[X86_SS]) && !c->seg[X86_CS].base &&
	    c->seg[X86_CS].limit == 0xffffffff && (c->seg[X86_CS].attr & SEG_READ))
		m |= MODE_FLAT;
	if (c->cr0 & (CR0_TS | CR0_EM))
		m |= MODE_NM;
	if (c->cr0 & CR0_EM)
		m |= MODE_EM;
	if ((c->cr0 & (CR0_TS | CR0_MP)) == (CR0_TS | CR0_MP))
		m |= MODE_WAIT_NM;
	if (!(c->cr4 & CR4_OSFXSR))
		m |= MODE_NOSSE;
	if ((c->cr4 & CR4_OSXSAVE) && (c->xcr0 & 6) == 6)
		m |= MODE_AVX;
	for (unsigned i = 0; i < X86_SEGS; i++)
		limits(s, i);
	s->mode = m;
	s->mode_base = wide ? 0 : c->seg[X86_CS].base;
}
