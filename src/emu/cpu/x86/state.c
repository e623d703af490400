/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/state.h"

#include "emu/cpu/x86/cpuid.h"

#include <string.h>
#include <sys/mman.h>

#define ATTR_DATA        (SEG_P | SEG_S | SEG_WRITE | SEG_ACCESSED)
#define ATTR_CODE        (SEG_P | SEG_S | SEG_CODE | SEG_READ | SEG_ACCESSED)
#define FCW_RESET        0x0040
#define MXCSR_RESET      0x1f80
#define XSAVE_FCW        0
#define XSAVE_MXCSR      24
#define XSAVE_HEADER     512
#define APIC_BASE_BSP    (1u << 8)
#define APIC_BASE_ENABLE (1u << 11)

int x86_cpu_new(struct x86_cpu **out, unsigned index, struct err *e)
{
	struct x86_cpu *c = mmap(NULL, X86_CPU_ROOM, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (c == MAP_FAILED)
		return err_errno(e, "memory for vCPU %u", index);
	c->index = index;
	c->smbase = 0x30000;
	x86_reset(c);
	*out = c;
	return 0;
}

void x86_cpu_free(struct x86_cpu *c)
{
	if (c)
		munmap(c, X86_CPU_ROOM);
}

static void set_seg(struct x86_seg *s, uint16_t sel, uint64_t base, uint32_t limit,
		    uint16_t attr)
{
	*s = (struct x86_seg){ .base = base, .limit = limit, .sel = sel, .attr = attr };
}

static void put(uint8_t *p, const void *v, size_t n)
{
	memcpy(p, v, n);
}

static void reset_fpu(struct x86_cpu *c)
{
	const uint16_t fcw = FCW_RESET;
	const uint32_t mxcsr = MXCSR_RESET;
	const uint64_t present = 3;

	memset(c->xsave, 0, sizeof(c->xsave));
	put(c->xsave + XSAVE_FCW, &fcw, sizeof(fcw));
	put(c->xsave + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	put(c->xsave + XSAVE_HEADER, &present, sizeof(present));
}

/* What INIT and RESET have in common: Intel SDM volume 3, table 9-1. */
void x86_init(struct x86_cpu *c)
{
	uint32_t sig = c->cpuid ? x86_cpuid_signature(c->cpuid) : 0x600;

	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[X86_RDX] = sig;
	c->rip = 0xfff0;
	c->rflags = RFL_1;
	for (unsigned i = 0; i < X86_SEGS; i++)
		set_seg(&c->seg[i], 0, 0, 0xffff, ATTR_DATA);
	set_seg(&c->seg[X86_CS], 0xf000, 0xffff0000, 0xffff, ATTR_CODE);
	set_seg(&c->ldtr, 0, 0, 0xffff, SEG_P | 2);
	set_seg(&c->tr, 0, 0, 0xffff, SEG_P | 11);
	c->gdtr = (struct x86_table){ .limit = 0xffff };
	c->idtr = (struct x86_table){ .limit = 0xffff };
	c->cr0 = CR0_ET | (c->cr0 & (CR0_CD | CR0_NW));
	c->cr2 = c->cr3 = c->cr4 = c->cr8 = 0;
	c->efer = 0;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = 0xffff0ff0;
	c->dr[7] = 0x400;
	memset(c->pdpte, 0, sizeof(c->pdpte));
	c->int_shadow = c->debug_shadow = false;
	c->debug_hits = 0;
	c->nmi_blocked = false;
	c->nmi_pending = 0;
	c->inject_pending = c->smm = false;
}

void x86_reset(struct x86_cpu *c)
{
	c->cr0 = CR0_CD | CR0_NW;
	x86_init(c);
	c->xcr0 = 1;
	memset(&c->msr, 0, sizeof(c->msr));
	c->msr.apic_base = 0xfee00000 | APIC_BASE_ENABLE | (c->index ? 0 : APIC_BASE_BSP);
	c->msr.pat = 0x0007040600070406;
	c->msr.misc_enable = 1;
	reset_fpu(c);
}

void x86_seg_real(struct x86_cpu *c, unsigned sreg, uint16_t sel)
{
	struct x86_seg *s = &c->seg[sreg];

	s->sel = sel;
	s->base = (uint32_t)sel << 4;
	if (x86_v86(c)) {
		s->limit = 0xffff;
		s->attr = ATTR_DATA | 3u << 5;
	}
}

void x86_sipi(struct x86_cpu *c, uint8_t vector)
{
	x86_seg_real(c, X86_CS, (uint16_t)(vector << 8));
	c->rip = 0;
}

void x86_seg_flat(struct x86_cpu *c, uint16_t cs, uint16_t ds, bool long_mode)
{
	for (unsigned i = 0; i < X86_SEGS; i++)
		set_seg(&c->seg[i], ds, 0, 0xffffffff, ATTR_DATA | SEG_DB | SEG_G);
	set_seg(&c->seg[X86_CS], cs, 0, 0xffffffff,
		(uint16_t)(ATTR_CODE | SEG_G | (long_mode ? SEG_L : SEG_DB)));
}
