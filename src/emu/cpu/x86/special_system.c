/* SPDX-License-Identifier: MIT */
/* Instructions of the operating system. */
#include "emu/cpu/x86/insn.h"
#include "emu/log.h"

static void need_ring0(struct x86_exec *x)
{
	if (x86_protected(x->c) && x86_cpl(x->c))
		x86_gp(x, 0);
}

static void need_protected(struct x86_exec *x)
{
	if (!x86_protected(x->c) || x86_v86(x->c))
		x86_ud(x);
}

static bool has(const struct x86_cpu *c, enum cpuid_word w, unsigned bit)
{
	return c->cpuid && x86_has(c->cpuid, w, bit);
}

static void umip(struct x86_exec *x)
{
	if ((x->c->cr4 & CR4_UMIP) && x86_protected(x->c) && x86_cpl(x->c))
		x86_gp(x, 0);
}

static void mov_cr(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	unsigned size = x86_code64(c) ? 8 : 4, cr = i->reg;

	need_ring0(x);
	if (i->lock && cr == 0)
		cr = 8; /* AMD's way to CR8 outside 64-bit code */
	if (i->opcode == 0x20) {
		uint64_t v = cr == 0   ? c->cr0
			     : cr == 2 ? c->cr2
			     : cr == 3 ? c->cr3
			     : cr == 4 ? c->cr4
				       : 0;

		if (cr == 8)
			v = c->apic ? c->apic->get_tpr(c->apic_arg) : c->cr8;
		else if (cr == 1 || cr > 4)
			x86_ud(x);
		x86_put(c, i->rm, size, v);
		return;
	}
	uint64_t v = x86_get(c, i->rm, size);

	switch (cr) {
	case 0:
		x86_set_cr0(x, v);
		break;
	case 2:
		c->cr2 = v;
		break;
	case 3:
		x86_set_cr3(x, v);
		break;
	case 4:
		x86_set_cr4(x, v);
		break;
	case 8:
		if (v > 15)
			x86_gp(x, 0);
		c->cr8 = v;
		if (c->apic)
			c->apic->set_tpr(c->apic_arg, (uint8_t)v);
		break;
	default:
		x86_ud(x);
	}
}

static void mov_dr(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	unsigned size = x86_code64(c) ? 8 : 4, r = i->reg;

	need_ring0(x);
	if (r == 4 || r == 5) {
		if (c->cr4 & CR4_DE)
			x86_ud(x);
		r += 2;
	}
	if (r > 7)
		x86_ud(x);
	if (c->dr[7] & 1u << 13) {
		c->dr[6] |= 1u << 13;
		x86_raise(x, X86_DB);
	}
	if (i->opcode == 0x21) {
		x86_put(c, i->rm, size, c->dr[r]);
		return;
	}
	uint64_t v = x86_get(c, i->rm, size);

	if (r >= 6 && v >> 32)
		x86_gp(x, 0);
	if (r == 6)
		v = (v & 0xe00f) | 0xffff0ff0;
	if (r == 7)
		v = (v & 0xffff2bff) | 0x400;
	bool armed = x86_debug_armed(c);

	c->dr[r] = v;
	/* Accesses to watched pages are not to be found in a TLB. */
	if (armed || x86_debug_armed(c))
		x->flush(x, true);
}

/* LGDT, LIDT, SGDT, SIDT. */
static void table(struct x86_exec *x, const struct x86_insn *i, struct x86_table *t, bool load)
{
	struct x86_cpu *c = x->c;
	bool wide = x86_code64(c);
	unsigned n = wide ? 8 : 4;
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), n + 2, !load);
	unsigned acc = x86_access(c);

	if (!load) {
		umip(x);
		x86_probe_write(x, lin, n + 2, acc);
		x86_st(x, lin, 2, t->limit, acc);
		x86_st(x, lin + 2, n, t->base, acc);
		return;
	}
	need_ring0(x);
	uint16_t limit = (uint16_t)x86_ld(x, lin, 2, acc);
	uint64_t base = x86_ld(x, lin + 2, n, acc);

	if (wide && !x86_canonical(base))
		x86_gp(x, 0);
	if (i->opsz == 2)
		base &= 0xffffff;
	t->limit = limit;
	t->base = base;
}

static void lmsw(struct x86_exec *x, const struct x86_insn *i)
{
	need_ring0(x);
	uint64_t v = x86_rm_ld(x, i, 2);

	/* PE can be set, never cleared. */
	x86_set_cr0(x, (x->c->cr0 & ~0xeull) | (v & 0xf));
}

static void store_word(struct x86_exec *x, const struct x86_insn *i, uint64_t v)
{
	umip(x);
	x86_rm_st(x, i, i->mem ? 2 : i->opsz, v);
}

/* LAR, LSL, VERR, VERW: may this selector be used?  Its descriptor, if so. */
static bool verify(struct x86_exec *x, uint16_t sel, const struct x86_insn *i,
		   struct x86_desc *d)
{
	unsigned cpl = x86_cpl(x->c), rpl = sel & 3u;

	if (!x86_desc_fetch(x, sel, d))
		return false;
	uint16_t a = (uint16_t)(d->lo >> 40);
	unsigned type = SEG_TYPE(a);
	bool code = a & SEG_CODE, conf = code && (a & SEG_CONFORMING);
	bool m_lar = i->mnemonic == ZYDIS_MNEMONIC_LAR,
	     m_lsl = i->mnemonic == ZYDIS_MNEMONIC_LSL;

	if (!(a & SEG_S)) {
		unsigned ok = x86_long(x->c) ? 1u << 2 | 1u << 9 | 1u << 11
					     : 1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 11;

		if (m_lar)
			ok |= x86_long(x->c) ? 1u << 12 : 1u << 4 | 1u << 5 | 1u << 12;
		if (!(m_lar || m_lsl) || !(ok >> type & 1))
			return false;
	} else if (i->mnemonic == ZYDIS_MNEMONIC_VERR) {
		if (code && !(a & SEG_READ))
			return false;
	} else if (i->mnemonic == ZYDIS_MNEMONIC_VERW) {
		if (code || !(a & SEG_WRITE))
			return false;
	}
	return ((a & SEG_S) && conf) || (SEG_DPL(a) >= cpl && SEG_DPL(a) >= rpl);
}

static void lar_lsl(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	struct x86_desc d;

	need_protected(x);
	uint16_t sel = (uint16_t)x86_rm_ld(x, i, 2);
	bool ok = verify(x, sel, i, &d);

	if (ok && i->mnemonic == ZYDIS_MNEMONIC_LAR)
		x86_put(c, i->reg, i->opsz, d.lo >> 32 & 0xffff00);
	else if (ok && i->mnemonic == ZYDIS_MNEMONIC_LSL)
		x86_put(c, i->reg, i->opsz, x86_desc_seg(&d).limit);
	c->rflags = (c->rflags & ~(uint64_t)RFL_ZF) | (ok ? RFL_ZF : 0);
}

static void arpl(struct x86_exec *x, const struct x86_insn *i)
{
	need_protected(x);
	uint64_t dst = x86_rm_ld(x, i, 2), src = x86_get(x->c, i->reg, 2);
	bool less = (dst & 3) < (src & 3);

	if (less)
		x86_rm_st(x, i, 2, (dst & ~3ull) | (src & 3));
	x->c->rflags = (x->c->rflags & ~(uint64_t)RFL_ZF) | (less ? RFL_ZF : 0);
}

static void cpuid(struct x86_exec *x)
{
	struct x86_cpu *c = x->c;
	const struct x86_cpuid_env env = { .index = c->index,
					   .osxsave = c->cr4 & CR4_OSXSAVE,
					   .apic = c->msr.apic_base & 1u << 11,
					   .xcr0 = c->xcr0 };
	uint32_t o[4] = { 0 };

	if (c->cpuid)
		x86_cpuid(c->cpuid, &env, (uint32_t)c->gpr[X86_RAX], (uint32_t)c->gpr[X86_RCX],
			  o);
	c->gpr[X86_RAX] = o[0];
	c->gpr[X86_RBX] = o[1];
	c->gpr[X86_RCX] = o[2];
	c->gpr[X86_RDX] = o[3];
}

static void put_pair(struct x86_cpu *c, uint64_t v)
{
	c->gpr[X86_RAX] = (uint32_t)v;
	c->gpr[X86_RDX] = v >> 32;
}

static void rdtsc(struct x86_exec *x, bool p)
{
	struct x86_cpu *c = x->c;

	if ((c->cr4 & CR4_TSD) && x86_protected(c) && x86_cpl(c))
		x86_gp(x, 0);
	if (p && !has(c, FEAT_8_EDX, 27))
		x86_ud(x);
	put_pair(c, x86_tsc(c));
	if (p)
		c->gpr[X86_RCX] = (uint32_t)c->msr.tsc_aux;
}

static void no_msr(const struct x86_cpu *c, const char *what, uint32_t n)
{
	if (log_on(c->log, LOG_UNIMP))
		log_line(c->log, "unimp: CPU %u %s %08x at %016llx", c->index, what, n,
			 (unsigned long long)c->rip);
}

static void msr(struct x86_exec *x, bool write)
{
	struct x86_cpu *c = x->c;
	uint32_t n = (uint32_t)c->gpr[X86_RCX];
	uint64_t v = (uint32_t)c->gpr[X86_RAX] | c->gpr[X86_RDX] << 32;

	need_ring0(x);
	if (write) {
		if (!x86_wrmsr(x, n, v)) {
			no_msr(c, "WRMSR", n);
			x86_gp(x, 0);
		}
	} else {
		if (!x86_rdmsr(x, n, &v)) {
			no_msr(c, "RDMSR", n);
			x86_gp(x, 0);
		}
		put_pair(c, v);
	}
}

static void swapgs(struct x86_exec *x)
{
	struct x86_cpu *c = x->c;
	uint64_t v = c->seg[X86_GS].base;

	if (!x86_code64(c))
		x86_ud(x);
	need_ring0(x);
	c->seg[X86_GS].base = c->msr.kernel_gs_base;
	c->msr.kernel_gs_base = v;
}

static void fsgsbase(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	bool gs = i->mnemonic == ZYDIS_MNEMONIC_RDGSBASE ||
		  i->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
	bool write = i->mnemonic == ZYDIS_MNEMONIC_WRFSBASE ||
		     i->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
	struct x86_seg *s = &c->seg[gs ? X86_GS : X86_FS];

	if (!x86_code64(c) || !(c->cr4 & CR4_FSGSBASE))
		x86_ud(x);
	if (!write) {
		x86_put(c, i->rm, i->opsz, s->base);
		return;
	}
	uint64_t v = x86_get(c, i->rm, i->opsz);

	if (!x86_canonical(v))
		x86_gp(x, 0);
	s->base = v;
}

static void invpcid(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint64_t type = x86_get(c, i->reg, x86_code64(c) ? 8 : 4);

	if (!has(c, FEAT_7_EBX, 10))
		x86_ud(x);
	need_ring0(x);
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), 16, false);
	uint64_t pcid = x86_ld(x, lin, 8, x86_access(c));
	uint64_t addr = x86_ld(x, lin + 8, 8, x86_access(c));

	if (type > 3 || pcid >> 12 || (type == 0 && !x86_canonical(addr)) ||
	    (type < 2 && pcid && !(c->cr4 & CR4_PCIDE)))
		x86_gp(x, 0);
	if (type == 0)
		x->flush_page(x, addr);
	else
		x->flush(x, type == 2);
}

static void invlpg(struct x86_exec *x, const struct x86_insn *i)
{
	uint64_t ea = x86_ea(x->c, i);

	need_ring0(x);
	if (x86_code64(x->c))
		x->flush_page(x, ea + (i->seg >= X86_FS ? x->c->seg[i->seg].base : 0));
	else
		x->flush_page(x, (uint32_t)(ea + x->c->seg[i->seg].base));
}

/*
 * VMCALL and VMMCALL: no call is offered, but who sees KVM's signature may ask, and is told so
 * (Documentation/virt/kvm/x86/hypercalls.rst).
 */
static void hypercall(struct x86_exec *x)
{
	struct x86_cpu *c = x->c;
	const uint64_t no_such = 0 - 1000ull, not_you = 0 - 1ull;

	if (!c->cpuid || !c->cpuid->hypervisor)
		x86_ud(x);
	x86_put(c, X86_RAX, x86_code64(c) ? 8 : 4, x86_cpl(c) ? not_you : no_such);
}

static void xcr(struct x86_exec *x, bool set)
{
	struct x86_cpu *c = x->c;
	uint64_t v = (uint32_t)c->gpr[X86_RAX] | c->gpr[X86_RDX] << 32;

	if (!(c->cr4 & CR4_OSXSAVE))
		x86_ud(x);
	if ((uint32_t)c->gpr[X86_RCX] != 0)
		x86_gp(x, 0);
	if (!set) {
		put_pair(c, c->xcr0);
		return;
	}
	need_ring0(x);
	if (!(v & 1) || (v & ~c->cpuid->xcr0) || ((v & 4) && !(v & 2)))
		x86_gp(x, 0);
	c->xcr0 = v;
}

/* Those that end with the next instruction; false: none of these. */
static bool act(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;

	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (i->map != ZYDIS_OPCODE_MAP_0F || i->opcode < 0x20 || i->opcode > 0x23)
			return false;
		if (i->opcode & 1)
			mov_dr(x, i);
		else
			mov_cr(x, i);
		return true;
	case ZYDIS_MNEMONIC_CPUID:
		cpuid(x);
		return true;
	case ZYDIS_MNEMONIC_RDTSC:
		rdtsc(x, false);
		return true;
	case ZYDIS_MNEMONIC_RDTSCP:
		rdtsc(x, true);
		return true;
	case ZYDIS_MNEMONIC_RDPID:
		if (!has(c, FEAT_7_ECX, 22))
			x86_ud(x);
		x86_put(c, i->rm, x86_code64(c) ? 8 : 4, c->msr.tsc_aux);
		return true;
	case ZYDIS_MNEMONIC_RDPMC:
		x86_gp(x, 0);
	case ZYDIS_MNEMONIC_RDMSR:
		msr(x, false);
		return true;
	case ZYDIS_MNEMONIC_WRMSR:
		msr(x, true);
		return true;
	case ZYDIS_MNEMONIC_SWAPGS:
		swapgs(x);
		return true;
	case ZYDIS_MNEMONIC_RDFSBASE:
	case ZYDIS_MNEMONIC_RDGSBASE:
	case ZYDIS_MNEMONIC_WRFSBASE:
	case ZYDIS_MNEMONIC_WRGSBASE:
		fsgsbase(x, i);
		return true;
	case ZYDIS_MNEMONIC_CLTS:
		need_ring0(x);
		c->cr0 &= ~(uint64_t)CR0_TS;
		return true;
	case ZYDIS_MNEMONIC_INVLPG:
		invlpg(x, i);
		return true;
	case ZYDIS_MNEMONIC_INVPCID:
		invpcid(x, i);
		return true;
	case ZYDIS_MNEMONIC_VMCALL:
	case ZYDIS_MNEMONIC_VMMCALL:
		hypercall(x);
		return true;
	case ZYDIS_MNEMONIC_INVD:
	case ZYDIS_MNEMONIC_WBINVD:
		need_ring0(x);
		return true;
	case ZYDIS_MNEMONIC_XGETBV:
		xcr(x, false);
		return true;
	case ZYDIS_MNEMONIC_XSETBV:
		xcr(x, true);
		return true;
	default:
		return false;
	}
}

static bool tables(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;

	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_LGDT:
		table(x, i, &c->gdtr, true);
		return true;
	case ZYDIS_MNEMONIC_LIDT:
		table(x, i, &c->idtr, true);
		return true;
	case ZYDIS_MNEMONIC_SGDT:
		table(x, i, &c->gdtr, false);
		return true;
	case ZYDIS_MNEMONIC_SIDT:
		table(x, i, &c->idtr, false);
		return true;
	case ZYDIS_MNEMONIC_LLDT:
		need_protected(x);
		need_ring0(x);
		x86_lldt(x, (uint16_t)x86_rm_ld(x, i, 2));
		return true;
	case ZYDIS_MNEMONIC_LTR:
		need_protected(x);
		need_ring0(x);
		x86_ltr(x, (uint16_t)x86_rm_ld(x, i, 2));
		return true;
	case ZYDIS_MNEMONIC_SLDT:
		need_protected(x);
		store_word(x, i, c->ldtr.sel);
		return true;
	case ZYDIS_MNEMONIC_STR:
		need_protected(x);
		store_word(x, i, c->tr.sel);
		return true;
	case ZYDIS_MNEMONIC_SMSW:
		store_word(x, i, c->cr0);
		return true;
	case ZYDIS_MNEMONIC_LMSW:
		lmsw(x, i);
		return true;
	case ZYDIS_MNEMONIC_LAR:
	case ZYDIS_MNEMONIC_LSL:
	case ZYDIS_MNEMONIC_VERR:
	case ZYDIS_MNEMONIC_VERW:
		lar_lsl(x, i);
		return true;
	case ZYDIS_MNEMONIC_ARPL:
		arpl(x, i);
		return true;
	default:
		return false;
	}
}

bool x86_special_system(struct x86_exec *x, const struct x86_insn *i)
{
	uint64_t n = x->c->rip + i->len;

	if (!x86_code64(x->c))
		n = (uint32_t)n;
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_SYSCALL:
		x86_syscall(x, n);
		return true;
	case ZYDIS_MNEMONIC_SYSRET:
		x86_sysret(x, i->opsz);
		return true;
	case ZYDIS_MNEMONIC_SYSENTER:
		x86_sysenter(x);
		return true;
	case ZYDIS_MNEMONIC_SYSEXIT:
		x86_sysexit(x, i->opsz);
		return true;
	default:
		break;
	}
	if (!act(x, i) && !tables(x, i))
		return false;
	x->c->rip = n;
	return true;
}
