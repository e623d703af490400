/* SPDX-License-Identifier: MIT */
/* Model-specific registers.  What is not known is #GP, as on a processor that lacks it. */
#include "base/now.h"
#include "emu/cpu/x86/exec.h"
#include "emu/mem.h"

#include <string.h>
#include <time.h>

enum {
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_TSC_ADJUST = 0x3b,
	MSR_SPEC_CTRL = 0x48,
	MSR_PRED_CMD = 0x49,
	MSR_BIOS_UPDT_TRIG = 0x79,
	MSR_BIOS_SIGN = 0x8b,
	MSR_MTRRCAP = 0xfe,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_MCG_CTL = 0x17b,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_MTRR_BASE0 = 0x200,
	MSR_MTRR_FIX64K = 0x250,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF = 0x2ff,
	MSR_MC0_CTL = 0x400,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_KVM_WALL_CLOCK = 0x4b564d00,
	MSR_KVM_SYSTEM_TIME = 0x4b564d01,
	MSR_WALL_CLOCK_OLD = 0x11,
	MSR_SYSTEM_TIME_OLD = 0x12,
};
#define MSR_EFER             0xc0000080u
#define MSR_STAR             0xc0000081u
#define MSR_LSTAR            0xc0000082u
#define MSR_CSTAR            0xc0000083u
#define MSR_FMASK            0xc0000084u
#define MSR_FS_BASE          0xc0000100u
#define MSR_GS_BASE          0xc0000101u
#define MSR_KERNEL_GS_BASE   0xc0000102u
#define MSR_TSC_AUX          0xc0000103u
#define MSR_K7_EVNTSEL0      0xc0010000u
#define MSR_K8_SYSCFG        0xc0010010u
#define MSR_K7_HWCR          0xc0010015u
#define MSR_NB_CFG           0xc001001fu
#define MSR_K8_INT_PENDING   0xc0010055u
#define MSR_F10_PSTATE_LIMIT 0xc0010061u
#define MSR_DE_CFG           0xc0011029u

#define MCG_CAP (X86_MCE_BANKS | 1u << 8) /* banks, and a control register */

#if defined(__x86_64__)
/* RDTSCP waits for the loads before it (SDM vol. 2), which RDTSC alone does not: processors
 * would see time run backwards between them. */
static uint64_t host_tsc(void)
{
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
}
#else
static uint64_t host_tsc(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
#endif

static uint64_t tsc_base(const struct x86_cpu *c)
{
	return c->tsc_still ? 0 : host_tsc();
}

uint64_t x86_tsc(const struct x86_cpu *c)
{
	return tsc_base(c) + c->tsc_offset;
}

/* The TSC between two readings of the clock, each the tightest of several. */
static void sample(uint64_t *tsc, uint64_t *ns)
{
	uint64_t best = ~0ull;

	for (unsigned i = 0; i < 16; i++) {
		uint64_t a = host_tsc(), n = (uint64_t)now_ns(), b = host_tsc();

		if (b - a < best) {
			best = b - a;
			*tsc = a + (b - a) / 2;
			*ns = n;
		}
	}
}

uint32_t x86_host_tsc_khz(void)
{
	uint64_t t0 = 0, n0 = 0, t1 = 0, n1 = 0;

	sample(&t0, &n0);
	do
		sample(&t1, &n1);
	while (n1 - n0 < 4000000);
	return (uint32_t)((t1 - t0) * 1000000 / (n1 - n0));
}

/* ---- kvmclock: Documentation/virt/kvm/x86/msr.rst ---- */

struct pvclock {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

/* ns = (tsc << shift) * mul >> 32 */
static void scale(uint32_t khz, uint32_t *mul, int8_t *shift)
{
	uint64_t hz = (uint64_t)khz * 1000, ns = 1000000000;
	int s = 0;

	while (hz > ns * 2) {
		hz >>= 1;
		s--;
	}
	while (hz <= ns) {
		hz <<= 1;
		s++;
	}
	/* hz in (ns, 2 ns]: the quotient is below 1. */
	*mul = (uint32_t)((ns << 32) / hz);
	*shift = (int8_t)s;
}

static void kvm_system_time(struct x86_exec *x, uint64_t v)
{
	struct x86_cpu *c = x->c;
	struct pvclock p = { .version = 2, .flags = 1, .tsc_timestamp = x86_tsc(c) };

	c->msr.kvm_system_time = v;
	if (!(v & 1))
		return;
	p.system_time = x->clock_ns ? x->clock_ns(x->clock_arg) : (uint64_t)now_ns();
	scale(c->tsc_khz ? c->tsc_khz : 1000000, &p.mul, &p.shift);
	/* Where no memory is, the guest gets no clock. */
	if (mem_write(x->mem, v & ~1ull, &p, sizeof(p)) < 0)
		c->msr.kvm_system_time = 0;
}

static void kvm_wall_clock(struct x86_exec *x, uint64_t v)
{
	struct timespec t;
	uint64_t up = x->clock_ns ? x->clock_ns(x->clock_arg) : 0;

	x->c->msr.kvm_wall_clock = v;
	clock_gettime(CLOCK_REALTIME, &t);
	/* The time of day when the guest's clock was 0. */
	uint64_t ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - up;
	uint32_t w[3] = { 2, (uint32_t)(ns / 1000000000), (uint32_t)(ns % 1000000000) };

	if (mem_write(x->mem, v, w, sizeof(w)) < 0)
		x->c->msr.kvm_wall_clock = 0;
}

/* ---- tables ---- */

/* Registers that only keep what was written; NULL: none such. */
static uint64_t *plain(struct x86_cpu *c, uint32_t msr)
{
	struct x86_msrs *m = &c->msr;

	switch (msr) {
	case MSR_SYSENTER_CS:
		return &m->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &m->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &m->sysenter_eip;
	case MSR_STAR:
		return &m->star;
	case MSR_LSTAR:
		return &m->lstar;
	case MSR_CSTAR:
		return &m->cstar;
	case MSR_FMASK:
		return &m->fmask;
	case MSR_FS_BASE:
		return &c->seg[X86_FS].base;
	case MSR_GS_BASE:
		return &c->seg[X86_GS].base;
	case MSR_KERNEL_GS_BASE:
		return &m->kernel_gs_base;
	case MSR_TSC_AUX:
		return &m->tsc_aux;
	case MSR_PAT:
		return &m->pat;
	case MSR_MISC_ENABLE:
		return &m->misc_enable;
	case MSR_MTRR_DEF:
		return &m->mtrr_def;
	case MSR_MCG_STATUS:
		return &m->mcg_status;
	case MSR_MCG_CTL:
		return &m->mcg_ctl;
	default:
		break;
	}
	if (msr >= MSR_MTRR_BASE0 && msr < MSR_MTRR_BASE0 + 2 * X86_MTRR_VAR)
		return msr & 1 ? &m->mtrr_mask[(msr - MSR_MTRR_BASE0) / 2]
			       : &m->mtrr_base[(msr - MSR_MTRR_BASE0) / 2];
	if (msr == MSR_MTRR_FIX64K)
		return &m->mtrr_fix[0];
	if (msr == 0x258 || msr == 0x259)
		return &m->mtrr_fix[1 + (msr - 0x258)];
	if (msr >= 0x268 && msr <= 0x26f)
		return &m->mtrr_fix[3 + (msr - 0x268)];
	if (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * X86_MCE_BANKS)
		return &m->mce[(msr - MSR_MC0_CTL) / 4][msr & 3];
	return NULL;
}

static bool must_be_canonical(uint32_t msr)
{
	return msr == MSR_LSTAR || msr == MSR_CSTAR ||
	       (msr >= MSR_FS_BASE && msr <= MSR_KERNEL_GS_BASE) || msr == MSR_SYSENTER_ESP ||
	       msr == MSR_SYSENTER_EIP;
}

/* Machine check banks: all errors or none are looked for, a status is only cleared. */
static bool mce_takes(uint32_t msr, uint64_t v)
{
	if (msr < MSR_MC0_CTL || msr >= MSR_MC0_CTL + 4 * X86_MCE_BANKS)
		return true;
	return (msr & 3) == 0 ? !v || v == ~0ull : (msr & 3) != 1 || !v;
}

static bool is_apic(uint32_t msr)
{
	return msr == MSR_APIC_BASE || msr == MSR_TSC_DEADLINE ||
	       (msr >= MSR_X2APIC && msr < MSR_X2APIC + 0x100);
}

/* Known to exist, read as @v and ignore writes. */
static bool constant(const struct x86_cpu *c, uint32_t msr, uint64_t *v)
{
	bool amd = c->cpuid && !strcmp(c->cpuid->vendor, "AuthenticAMD");

	*v = 0;
	/* Events and counters that do not count: guests find out by writing. */
	if (msr >= MSR_K7_EVNTSEL0 && msr < MSR_K7_EVNTSEL0 + 8)
		return amd;
	switch (msr) {
	case MSR_PLATFORM_ID:
	case MSR_FEATURE_CONTROL:
	case MSR_BIOS_UPDT_TRIG:
	case MSR_BIOS_SIGN:
	case MSR_DEBUGCTL:
		return true;
	case MSR_MTRRCAP:
		*v = X86_MTRR_VAR | 1u << 8 | 1u << 10;
		return true;
	case MSR_MCG_CAP:
		*v = MCG_CAP;
		return true;
	case MSR_K8_SYSCFG:
	case MSR_NB_CFG:
	case MSR_K7_HWCR:
	case MSR_K8_INT_PENDING:
	case MSR_F10_PSTATE_LIMIT:
		return amd;
	case MSR_DE_CFG:
		*v = 2; /* LFENCE serializes */
		return amd;
	default:
		return false;
	}
}

bool x86_rdmsr(struct x86_exec *x, uint32_t msr, uint64_t *v)
{
	struct x86_cpu *c = x->c;

	if (is_apic(msr)) {
		if (c->apic)
			return c->apic->rdmsr(c->apic_arg, msr, v) == 0;
		*v = c->msr.apic_base;
		return msr == MSR_APIC_BASE;
	}
	uint64_t *p = plain(c, msr);

	if (p) {
		*v = *p;
		return true;
	}
	switch (msr) {
	case MSR_TSC:
		*v = x86_tsc(c);
		return true;
	case MSR_TSC_ADJUST:
		*v = c->msr.tsc_adjust;
		return true;
	case MSR_EFER:
		*v = c->efer;
		return true;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_SYSTEM_TIME_OLD:
		*v = c->msr.kvm_system_time;
		return c->cpuid && c->cpuid->kvmclock;
	case MSR_KVM_WALL_CLOCK:
	case MSR_WALL_CLOCK_OLD:
		*v = c->msr.kvm_wall_clock;
		return c->cpuid && c->cpuid->kvmclock;
	default:
		return constant(c, msr, v);
	}
}

bool x86_wrmsr(struct x86_exec *x, uint32_t msr, uint64_t v)
{
	struct x86_cpu *c = x->c;
	uint64_t *p = plain(c, msr), ignored;

	if (is_apic(msr)) {
		if (c->apic)
			return c->apic->wrmsr(c->apic_arg, msr, v) == 0;
		return msr == MSR_APIC_BASE;
	}
	if (p) {
		if (must_be_canonical(msr) && !x86_canonical(v))
			return false;
		if (!mce_takes(msr, v))
			return false;
		if (msr == MSR_PAT && (v & 0xf8f8f8f8f8f8f8f8ull))
			return false;
		*p = v;
		return true;
	}
	switch (msr) {
	case MSR_TSC:
		c->msr.tsc_adjust += v - x86_tsc(c);
		c->tsc_offset = v - tsc_base(c);
		return true;
	case MSR_TSC_ADJUST:
		c->tsc_offset += v - c->msr.tsc_adjust;
		c->msr.tsc_adjust = v;
		return true;
	case MSR_EFER:
		x86_set_efer(x, v);
		return true;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_SYSTEM_TIME_OLD:
		if (!c->cpuid || !c->cpuid->kvmclock)
			return false;
		kvm_system_time(x, v);
		return true;
	case MSR_KVM_WALL_CLOCK:
	case MSR_WALL_CLOCK_OLD:
		if (!c->cpuid || !c->cpuid->kvmclock)
			return false;
		kvm_wall_clock(x, v);
		return true;
	case MSR_MTRRCAP:
	case MSR_MCG_CAP:
		return false;
	default:
		return constant(c, msr, &ignored);
	}
}
