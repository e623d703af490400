/* SPDX-License-Identifier: MIT */
/*
 * One x86 processor, as the guest's architecture defines it: what an accelerator loads, runs
 * and leaves current when it returns, what a boot loader or a debugger sets, what is saved.
 * Nothing here knows who runs the instructions.
 *
 * Owner: the vCPU's thread.  Others look or change only while it is outside guest code.
 */
#ifndef EMU_CPU_X86_STATE_H
#define EMU_CPU_X86_STATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order of their encoding. */
enum x86_gpr {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
};
enum x86_sreg { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_SEGS };

/*
 * A segment register with its hidden part.  @attr are bits 40..55 of the descriptor without
 * the limit's: type 0..3, S 4, DPL 5..6, P 7, AVL 12, L 13, D/B 14, G 15.  Not usable (a null
 * selector in protected mode): P is 0.  @limit is in bytes, granularity applied.
 */
struct x86_seg {
	uint64_t base;
	uint32_t limit;
	uint16_t sel;
	uint16_t attr;
};
#define SEG_TYPE(a)    ((a)&15u)
#define SEG_S          0x10u
#define SEG_DPL(a)     ((a) >> 5 & 3u)
#define SEG_P          0x80u
#define SEG_AVL        0x1000u
#define SEG_L          0x2000u
#define SEG_DB         0x4000u
#define SEG_G          0x8000u
/* Types with S set: code has bit 3. */
#define SEG_CODE       8u
#define SEG_CONFORMING 4u
#define SEG_DOWN       4u /* data: expands down */
#define SEG_READ       2u /* code */
#define SEG_WRITE      2u /* data */
#define SEG_ACCESSED   1u

struct x86_table {
	uint64_t base;
	uint16_t limit;
};

#define RFL_CF    (1u << 0)
#define RFL_1     (1u << 1)
#define RFL_PF    (1u << 2)
#define RFL_AF    (1u << 4)
#define RFL_ZF    (1u << 6)
#define RFL_SF    (1u << 7)
#define RFL_TF    (1u << 8)
#define RFL_IF    (1u << 9)
#define RFL_DF    (1u << 10)
#define RFL_OF    (1u << 11)
#define RFL_IOPL  (3u << 12)
#define RFL_NT    (1u << 14)
#define RFL_RF    (1u << 16)
#define RFL_VM    (1u << 17)
#define RFL_AC    (1u << 18)
#define RFL_VIF   (1u << 19)
#define RFL_VIP   (1u << 20)
#define RFL_ID    (1u << 21)
/* What computing instructions change; the rest is changed by special ones. */
#define RFL_ARITH (RFL_CF | RFL_PF | RFL_AF | RFL_ZF | RFL_SF | RFL_OF)

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_VME        (1u << 0)
#define CR4_PVI        (1u << 1)
#define CR4_TSD        (1u << 2)
#define CR4_DE         (1u << 3)
#define CR4_PSE        (1u << 4)
#define CR4_PAE        (1u << 5)
#define CR4_MCE        (1u << 6)
#define CR4_PGE        (1u << 7)
#define CR4_PCE        (1u << 8)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_PCIDE      (1u << 17)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define EFER_SCE   (1u << 0)
#define EFER_LME   (1u << 8)
#define EFER_LMA   (1u << 10)
#define EFER_NXE   (1u << 11)
#define EFER_FFXSR (1u << 14)

enum x86_vector {
	X86_DE = 0,
	X86_DB = 1,
	X86_NMI = 2,
	X86_BP = 3,
	X86_OF = 4,
	X86_BR = 5,
	X86_UD = 6,
	X86_NM = 7,
	X86_DF = 8,
	X86_TS = 10,
	X86_NP = 11,
	X86_SS_FAULT = 12,
	X86_GP = 13,
	X86_PF = 14,
	X86_MF = 16,
	X86_AC = 17,
	X86_MC = 18,
	X86_XM = 19,
};

#define X86_MTRR_VAR  8
#define X86_MCE_BANKS 10

struct x86_msrs {
	uint64_t star, lstar, cstar, fmask;
	uint64_t kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t tsc_adjust, tsc_aux, tsc_deadline;
	uint64_t apic_base;
	uint64_t pat, misc_enable;
	uint64_t mtrr_def, mtrr_fix[11], mtrr_base[X86_MTRR_VAR], mtrr_mask[X86_MTRR_VAR];
	uint64_t mcg_status, mcg_ctl, mce[X86_MCE_BANKS][4];
	uint64_t spec_ctrl;
	uint64_t kvm_wall_clock, kvm_system_time;
};

/*
 * The local APIC as the processor sees it.  Who has it in the kernel, or none (tests), leaves
 * it NULL.  Called in the vCPU's thread.
 */
#define X86_APIC_NONE   (-1)
#define X86_APIC_EXTINT (-2) /* the PIC has one, and the APIC lets it through */
struct x86_apic_ops {
	/* Is there an interrupt that the task priority lets through?  Changes nothing. */
	bool (*pending)(void *arg);
	/* Takes it into service: its vector, X86_APIC_NONE or X86_APIC_EXTINT. */
	int (*take)(void *arg);
	uint8_t (*get_tpr)(void *arg); /* CR8: 0..15 */
	void (*set_tpr)(void *arg, uint8_t tpr);
	/* APIC_BASE (0x1b), TSC_DEADLINE (0x6e0), x2APIC (0x800..0x8ff); not 0: #GP. */
	int (*rdmsr)(void *arg, uint32_t msr, uint64_t *value);
	int (*wrmsr)(void *arg, uint32_t msr, uint64_t value);
};

#define X86_XSAVE_SIZE 4096

/*
 * What a debugger outside the machine waits for, at linear addresses.  It changes only while
 * no processor runs.  Nothing of it is visible to the guest.
 */
#define X86_DBG_POINTS  64
#define X86_DBG_WATCHES 16
struct x86_debugger {
	uint32_t era; /* another with every change */
	unsigned points, watches;
	uint64_t point[X86_DBG_POINTS];
	struct {
		uint64_t addr, len;
		bool read, write;
	} watch[X86_DBG_WATCHES];
};
enum x86_dbg_stop { X86_DBG_NONE, X86_DBG_POINT, X86_DBG_STEP, X86_DBG_READ, X86_DBG_WRITE };

/* A processor's part.  @on: run one instruction at a time and look. */
struct x86_dbg {
	const struct x86_debugger *all; /* NULL: no debugger */
	bool on, step;
	bool resume;            /* a breakpoint of the first instruction has been told */
	enum x86_dbg_stop stop; /* why it stopped */
	uint64_t addr;          /* of the data */
};

struct x86_cpu {
	uint64_t gpr[16];
	uint64_t rip;
	uint64_t rflags;
	struct x86_seg seg[X86_SEGS];
	struct x86_seg ldtr, tr;
	struct x86_table gdtr, idtr;
	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t xcr0, efer;
	uint64_t dr[8]; /* 4 and 5 are not used */
	struct x86_msrs msr;
	uint64_t pdpte[4]; /* PAE: as loaded with CR3 */

	/* Set by STI, MOV SS and POP SS: no interrupt before the next instruction has been
	 * done; nor, after the latter two, a #DB. */
	bool int_shadow, debug_shadow;
	struct x86_dbg dbg;  /* of a debugger outside */
	uint32_t debug_hits; /* of DR6: breakpoints that the present instruction has met */
	bool nmi_blocked;    /* until IRET */
	uint8_t nmi_pending; /* at most two: one to come at once, one that waits for its end */
	/* An event on its way in (KVM may hand one back between runs); has_error as given. */
	bool inject_pending, inject_soft, inject_has_error;
	uint8_t inject_vector;
	uint32_t inject_error;
	bool smm;
	uint32_t smbase;

	/* The guest's TSC is the host's plus this; or this alone, for runs that are to be the
	 * same each time. */
	uint64_t tsc_offset;
	bool tsc_still;
	uint32_t tsc_khz;

	const struct x86_cpuid *cpuid; /* cpuid.h */
	const struct x86_apic_ops *apic;
	void *apic_arg;
	unsigned index;  /* APIC ID */
	struct log *log; /* what -d asks for; or NULL */

	/* In the layout of XSAVE, not compacted, as the host's own instruction writes it. */
	_Alignas(64) uint8_t xsave[X86_XSAVE_SIZE];
};

/*
 * All zero but for the power-on state.  The struct lies at the start of X86_CPU_ROOM bytes of
 * page-aligned memory that is touched only where it is used: what follows it is the
 * accelerator's, so that its generated code reaches both from one base.
 */
#define X86_CPU_ROOM (4u << 20)
int x86_cpu_new(struct x86_cpu **out, unsigned index, struct err *e) MUST_CHECK;
void x86_cpu_free(struct x86_cpu *c);

/* The state after RESET, and after INIT, which keeps FPU, caches, MTRRs and most MSRs.  What
 * the machine set (cpuid, apic, index, tsc_khz) stays; the boot processor bit of APIC_BASE is
 * that of index 0. */
void x86_reset(struct x86_cpu *c);
void x86_init(struct x86_cpu *c);
/* SIPI: real mode at vector:0. */
void x86_sipi(struct x86_cpu *c, uint8_t vector);

/* A segment register as real mode and v86 load it: base = sel * 16; keeps limit and rights in
 * real mode. */
void x86_seg_real(struct x86_cpu *c, unsigned sreg, uint16_t sel);
/* Flat segments for a boot entry: ring 0, 4 GiB, code of 64 or 32 bits. */
void x86_seg_flat(struct x86_cpu *c, uint16_t cs, uint16_t ds, bool long_mode);

static inline bool x86_protected(const struct x86_cpu *c)
{
	return c->cr0 & CR0_PE;
}

static inline bool x86_v86(const struct x86_cpu *c)
{
	return c->rflags & RFL_VM;
}

static inline bool x86_long(const struct x86_cpu *c)
{
	return c->efer & EFER_LMA;
}

/* Running 64-bit code. */
static inline bool x86_code64(const struct x86_cpu *c)
{
	return x86_long(c) && (c->seg[X86_CS].attr & SEG_L);
}

/* The current privilege level: that of SS, 0 in real mode, 3 in v86. */
static inline unsigned x86_cpl(const struct x86_cpu *c)
{
	return SEG_DPL(c->seg[X86_SS].attr);
}

/* Are misaligned accesses of now #AC? */
static inline bool x86_alignment(const struct x86_cpu *c)
{
	return (c->rflags & RFL_AC) && (c->cr0 & CR0_AM) && x86_cpl(c) == 3;
}

/* NMIs that wait when @n more came: while a handler runs one, else one for now and one behind. */
static inline uint8_t x86_nmis(const struct x86_cpu *c, uint32_t n)
{
	uint32_t most = c->nmi_blocked ? 1 : 2;

	return (uint8_t)(n < most - (c->nmi_pending < most ? c->nmi_pending : most)
				 ? c->nmi_pending + n
				 : most);
}

#endif
