/* SPDX-License-Identifier: MIT */
/* Control registers and EFER: which changes are legal, and what they entail. */
#include "emu/cpu/x86/exec.h"
#include "emu/mem.h"

#define CR0_KNOWN                                                                         \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | \
	 CR0_CD | CR0_PG)

static bool has(const struct x86_cpu *c, enum cpuid_word w, unsigned bit)
{
	return c->cpuid && x86_has(c->cpuid, w, bit);
}

void x86_set_cr0(struct x86_exec *x, uint64_t v)
{
	struct x86_cpu *c = x->c;
	uint64_t old = c->cr0;

	if (v >> 32 || ((v & CR0_PG) && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD)))
		x86_gp(x, 0);
	v = (v & CR0_KNOWN) | CR0_ET;
	if ((v & CR0_PG) && !(old & CR0_PG)) {
		if (c->efer & EFER_LME) {
			if (!(c->cr4 & CR4_PAE) || (c->seg[X86_CS].attr & SEG_L))
				x86_gp(x, 0);
		} else if ((c->cr4 & CR4_PAE) && !x86_load_pdpte(c, x->mem, c->cr3)) {
			x86_gp(x, 0);
		}
	}
	if (!(v & CR0_PG) && (old & CR0_PG)) {
		if (x86_code64(c) || (c->cr4 & CR4_PCIDE))
			x86_gp(x, 0);
	}
	c->cr0 = v;
	if ((v & CR0_PG) && (c->efer & EFER_LME))
		c->efer |= EFER_LMA;
	else
		c->efer &= ~(uint64_t)EFER_LMA;
	if ((old ^ v) & (CR0_PG | CR0_WP | CR0_PE))
		x->flush(x, true);
}

void x86_set_cr3(struct x86_exec *x, uint64_t v)
{
	struct x86_cpu *c = x->c;
	bool keep = false;

	if (x86_long(c)) {
		if (c->cr4 & CR4_PCIDE) {
			keep = v >> 63;
			v &= ~(1ull << 63);
		}
		if (v >> (c->cpuid ? c->cpuid->phys_bits : 40))
			x86_gp(x, 0);
	} else {
		v = (uint32_t)v;
		if ((c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE) && !x86_load_pdpte(c, x->mem, v))
			x86_gp(x, 0);
	}
	/* Translations are not tagged: what a PCID would keep goes too, which is allowed. */
	(void)keep;
	c->cr3 = v;
	x->flush(x, false);
}

void x86_set_cr4(struct x86_exec *x, uint64_t v)
{
	struct x86_cpu *c = x->c;
	uint64_t may = CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE |
		       CR4_OSFXSR | CR4_OSXMMEXCPT,
		 old = c->cr4;

	may |= has(c, FEAT_1_EDX, 1) ? CR4_VME | CR4_PVI : 0;
	may |= has(c, FEAT_7_ECX, 2) ? CR4_UMIP : 0;
	may |= has(c, FEAT_7_EBX, 0) ? CR4_FSGSBASE : 0;
	may |= has(c, FEAT_1_ECX, 17) ? CR4_PCIDE : 0;
	may |= has(c, FEAT_1_ECX, 26) ? CR4_OSXSAVE : 0;
	may |= has(c, FEAT_7_EBX, 7) ? CR4_SMEP : 0;
	may |= has(c, FEAT_7_EBX, 20) ? CR4_SMAP : 0;
	if (v & ~may)
		x86_gp(x, 0);
	if (x86_long(c) && !(v & CR4_PAE))
		x86_gp(x, 0);
	if ((v & ~old & CR4_PCIDE) && (!x86_long(c) || (c->cr3 & 0xfff)))
		x86_gp(x, 0);
	if ((c->cr0 & CR0_PG) && !x86_long(c) && ((v ^ old) & (CR4_PAE | CR4_PSE | CR4_PGE)) &&
	    (v & CR4_PAE) && !x86_load_pdpte(c, x->mem, c->cr3))
		x86_gp(x, 0);
	c->cr4 = v;
	if ((v ^ old) & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_PCIDE))
		x->flush(x, true);
}

void x86_set_efer(struct x86_exec *x, uint64_t v)
{
	struct x86_cpu *c = x->c;
	uint64_t may = 0, old = c->efer;

	may |= has(c, FEAT_8_EDX, 11) ? EFER_SCE : 0;
	may |= has(c, FEAT_8_EDX, 20) ? EFER_NXE : 0;
	may |= has(c, FEAT_8_EDX, 29) ? EFER_LME | EFER_LMA : 0;
	if (v & ~may)
		x86_gp(x, 0);
	if ((c->cr0 & CR0_PG) && ((v ^ old) & EFER_LME))
		x86_gp(x, 0);
	c->efer = (v & ~(uint64_t)EFER_LMA) | (old & EFER_LMA);
	if ((v ^ old) & EFER_NXE)
		x->flush(x, true);
}
