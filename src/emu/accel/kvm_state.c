/* SPDX-License-Identifier: MIT */
/* Between struct x86_cpu and KVM's own structures. */
#include "emu/accel/kvm.h"

#include <string.h>
#include <sys/ioctl.h>

static struct kvm_segment seg_to(const struct x86_seg *s)
{
	return (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->sel,
		.type = s->attr & 15,
		.s = s->attr >> 4 & 1,
		.dpl = s->attr >> 5 & 3,
		.present = s->attr >> 7 & 1,
		.avl = s->attr >> 12 & 1,
		.l = s->attr >> 13 & 1,
		.db = s->attr >> 14 & 1,
		.g = s->attr >> 15 & 1,
		.unusable = !(s->attr & SEG_P),
	};
}

static struct x86_seg seg_from(const struct kvm_segment *s)
{
	unsigned attr = s->type | (unsigned)s->s << 4 | (unsigned)s->dpl << 5 |
			(unsigned)(s->present && !s->unusable) << 7 | (unsigned)s->avl << 12 |
			(unsigned)s->l << 13 | (unsigned)s->db << 14 | (unsigned)s->g << 15;

	return (struct x86_seg){
		.base = s->base, .limit = s->limit, .sel = s->selector, .attr = (uint16_t)attr
	};
}

static void regs_to(const struct x86_cpu *c, struct kvm_regs *r)
{
	const uint64_t *g = c->gpr;

	*r = (struct kvm_regs){ .rax = g[X86_RAX],
				.rbx = g[X86_RBX],
				.rcx = g[X86_RCX],
				.rdx = g[X86_RDX],
				.rsi = g[X86_RSI],
				.rdi = g[X86_RDI],
				.rsp = g[X86_RSP],
				.rbp = g[X86_RBP],
				.r8 = g[X86_R8],
				.r9 = g[X86_R9],
				.r10 = g[X86_R10],
				.r11 = g[X86_R11],
				.r12 = g[X86_R12],
				.r13 = g[X86_R13],
				.r14 = g[X86_R14],
				.r15 = g[X86_R15],
				.rip = c->rip,
				.rflags = c->rflags };
}

static void regs_from(struct x86_cpu *c, const struct kvm_regs *r)
{
	const uint64_t g[16] = {
		r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
		r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15
	};

	memcpy(c->gpr, g, sizeof(g));
	c->rip = r->rip;
	c->rflags = r->rflags;
}

static void sregs_to(const struct x86_cpu *c, struct kvm_sregs *s)
{
	*s = (struct kvm_sregs){
		.cs = seg_to(&c->seg[X86_CS]),
		.ds = seg_to(&c->seg[X86_DS]),
		.es = seg_to(&c->seg[X86_ES]),
		.fs = seg_to(&c->seg[X86_FS]),
		.gs = seg_to(&c->seg[X86_GS]),
		.ss = seg_to(&c->seg[X86_SS]),
		.tr = seg_to(&c->tr),
		.ldt = seg_to(&c->ldtr),
		.gdt = { .base = c->gdtr.base, .limit = c->gdtr.limit },
		.idt = { .base = c->idtr.base, .limit = c->idtr.limit },
		.cr0 = c->cr0,
		.cr2 = c->cr2,
		.cr3 = c->cr3,
		.cr4 = c->cr4,
		.cr8 = c->apic ? c->apic->get_tpr(c->apic_arg) : c->cr8,
		.efer = c->efer,
		.apic_base = c->msr.apic_base,
	};
}

static void sregs_from(struct x86_cpu *c, const struct kvm_sregs *s)
{
	c->seg[X86_CS] = seg_from(&s->cs);
	c->seg[X86_DS] = seg_from(&s->ds);
	c->seg[X86_ES] = seg_from(&s->es);
	c->seg[X86_FS] = seg_from(&s->fs);
	c->seg[X86_GS] = seg_from(&s->gs);
	c->seg[X86_SS] = seg_from(&s->ss);
	c->tr = seg_from(&s->tr);
	c->ldtr = seg_from(&s->ldt);
	c->gdtr = (struct x86_table){ s->gdt.base, s->gdt.limit };
	c->idtr = (struct x86_table){ s->idt.base, s->idt.limit };
	c->cr0 = s->cr0;
	c->cr2 = s->cr2;
	c->cr3 = s->cr3;
	c->cr4 = s->cr4;
	c->cr8 = s->cr8;
	c->efer = s->efer;
	c->msr.apic_base = s->apic_base;
}

/* MSRs that are kept, and where. */
static const struct {
	uint32_t msr;
	size_t at;
} msrs[] = {
#define M(n, f)                                    \
	{                                          \
		n, offsetof(struct x86_cpu, msr.f) \
	}
	M(0xc0000081, star),           M(0xc0000082, lstar),           M(0xc0000083, cstar),
	M(0xc0000084, fmask),          M(0xc0000102, kernel_gs_base),  M(0x174, sysenter_cs),
	M(0x175, sysenter_esp),        M(0x176, sysenter_eip),         M(0x277, pat),
	M(0x4b564d00, kvm_wall_clock), M(0x4b564d01, kvm_system_time),
#undef M
};

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

/* One by one: what this KVM does not know stays as it is. */
static int move_msrs(struct kvm_vcpu *k, bool load, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		uint8_t *at = (uint8_t *)k->v->x86 + msrs[i].at;
		struct one_msr m = { .head.nmsrs = 1, .entry.index = msrs[i].msr };
		uint64_t value;
		int n;

		memcpy(&value, at, sizeof(value));
		m.entry.data = value;
		n = ioctl(k->fd, load ? KVM_SET_MSRS : KVM_GET_MSRS, &m);
		if (n < 0 || (load && n == 0 && value))
			return err_set(e, -EIO, "KVM does not take %#llx for MSR %#x",
				       (unsigned long long)value, msrs[i].msr);
		if (!load && n == 1)
			memcpy(at, &m.entry.data, sizeof(value));
	}
	return 0;
}

static int load_rest(struct kvm_vcpu *k, struct err *e)
{
	struct x86_cpu *c = k->v->x86;
	struct kvm_xcrs x = { .nr_xcrs = 1 };
	struct kvm_debugregs d = { .dr6 = c->dr[6], .dr7 = c->dr[7] };
	struct kvm_vcpu_events ev = { 0 };

	memcpy(d.db, c->dr, sizeof(d.db));
	x.xcrs[0].value = c->xcr0;
	/* struct kvm_xsave is the area that the processor's instruction writes */
	if (ioctl(k->fd, KVM_SET_XSAVE, c->xsave) < 0)
		return err_errno(e, "KVM_SET_XSAVE");
	if (c->cpuid && x86_has(c->cpuid, FEAT_1_ECX, 26) && ioctl(k->fd, KVM_SET_XCRS, &x) < 0)
		return err_errno(e, "KVM_SET_XCRS");
	if (ioctl(k->fd, KVM_SET_DEBUGREGS, &d) < 0)
		return err_errno(e, "KVM_SET_DEBUGREGS");
	if (ioctl(k->fd, KVM_SET_VCPU_EVENTS, &ev) < 0)
		return err_errno(e, "KVM_SET_VCPU_EVENTS");
	return move_msrs(k, true, e);
}

static int save_rest(struct kvm_vcpu *k, struct err *e)
{
	struct x86_cpu *c = k->v->x86;
	struct kvm_xcrs x = { 0 };
	struct kvm_debugregs d;

	if (ioctl(k->fd, KVM_GET_XSAVE, c->xsave) < 0 ||
	    ioctl(k->fd, KVM_GET_DEBUGREGS, &d) < 0)
		return err_errno(e, "the state of vCPU %u", k->v->index);
	if (ioctl(k->fd, KVM_GET_XCRS, &x) == 0 && x.nr_xcrs)
		c->xcr0 = x.xcrs[0].value;
	memcpy(c->dr, d.db, sizeof(d.db));
	c->dr[6] = d.dr6;
	c->dr[7] = d.dr7;
	return move_msrs(k, false, e);
}

int kvm_load(struct kvm_vcpu *k, bool all, struct err *e)
{
	struct kvm_regs r;
	struct kvm_sregs s;
	int code = 0;

	regs_to(k->v->x86, &r);
	sregs_to(k->v->x86, &s);
	if (ioctl(k->fd, KVM_SET_SREGS, &s) < 0)
		return err_errno(e, "KVM_SET_SREGS");
	if (all)
		code = load_rest(k, e);
	if (code == 0 && ioctl(k->fd, KVM_SET_REGS, &r) < 0)
		code = err_errno(e, "KVM_SET_REGS");
	return code;
}

int kvm_save(struct kvm_vcpu *k, bool all, struct err *e)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (ioctl(k->fd, KVM_GET_REGS, &r) < 0 || ioctl(k->fd, KVM_GET_SREGS, &s) < 0)
		return err_errno(e, "the registers of vCPU %u", k->v->index);
	regs_from(k->v->x86, &r);
	sregs_from(k->v->x86, &s);
	return all ? save_rest(k, e) : 0;
}
