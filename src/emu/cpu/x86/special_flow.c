/* SPDX-License-Identifier: MIT */
/* Far control flow, loads of segments, loops. */
#include "emu/cpu/x86/insn.h"

static uint64_t after(const struct x86_cpu *c, const struct x86_insn *i)
{
	uint64_t n = c->rip + i->len;

	return x86_code64(c) ? n : (uint32_t)n;
}

/* sel:off in memory. */
static void far_pointer(struct x86_exec *x, const struct x86_insn *i, uint16_t *sel,
			uint64_t *off)
{
	uint64_t ea = x86_ea(x->c, i);

	if (!i->mem)
		x86_ud(x);
	uint64_t lin = x86_linear(x, i->seg, ea, i->opsz + 2u, false);

	*off = x86_ld(x, lin, i->opsz, x86_access(x->c));
	*sel = (uint16_t)x86_ld(x, lin + i->opsz, 2, x86_access(x->c));
}

static void load_far(struct x86_exec *x, const struct x86_insn *i, unsigned sreg)
{
	uint16_t sel;
	uint64_t off;

	far_pointer(x, i, &sel, &off);
	uint64_t n = after(x->c, i);

	x86_load_seg(x, sreg, sel);
	x86_put(x->c, i->reg, i->opsz, off);
	x->c->rip = n;
}

static void loop(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint64_t n = after(c, i), to = n + i->imm;
	bool jump, zf = c->rflags & RFL_ZF;
	bool jcxz = i->opcode == 0xe3;

	if (!x86_code64(c))
		to = i->opsz == 2 ? (uint16_t)to : (uint32_t)to;
	uint64_t count = x86_get(c, X86_RCX, i->adsz) - (jcxz ? 0 : 1);

	count = i->adsz == 8 ? count : i->adsz == 4 ? (uint32_t)count : (uint16_t)count;
	jump = jcxz ? !count : count && (i->opcode == 0xe2 || zf == (i->opcode == 0xe1));
	if (jump && (x86_code64(c) ? !x86_canonical(to) : to > c->seg[X86_CS].limit))
		x86_gp(x, 0);
	if (!jcxz)
		x86_put(c, X86_RCX, i->adsz, count);
	c->rip = jump ? to : n;
}

static void bound(struct x86_exec *x, const struct x86_insn *i)
{
	uint64_t lin = x86_linear(x, i->seg, x86_ea(x->c, i), i->opsz * 2u, false);
	uint64_t lo = x86_ld(x, lin, i->opsz, x86_access(x->c));
	uint64_t hi = x86_ld(x, lin + i->opsz, i->opsz, x86_access(x->c));
	uint64_t v = x86_get(x->c, i->reg, i->opsz);
	unsigned shift = 64 - 8u * i->opsz;

	if ((int64_t)(v << shift) < (int64_t)(lo << shift) ||
	    (int64_t)(v << shift) > (int64_t)(hi << shift))
		x86_raise(x, X86_BR);
	x->c->rip = after(x->c, i);
}

/* MOV with a segment register. */
static bool mov_seg(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	unsigned sreg = i->reg & 7;
	uint64_t n = after(c, i);

	if (i->map != ZYDIS_OPCODE_MAP_DEFAULT || (i->opcode != 0x8c && i->opcode != 0x8e))
		return false;
	if (sreg >= X86_SEGS)
		x86_ud(x);
	if (i->opcode == 0x8c) {
		x86_rm_st(x, i, i->mem ? 2 : i->opsz, c->seg[sreg].sel);
	} else {
		if (sreg == X86_CS)
			x86_ud(x);
		x86_load_seg(x, sreg, (uint16_t)x86_rm_ld(x, i, 2));
		if (sreg == X86_SS)
			c->int_shadow = c->debug_shadow = true;
	}
	c->rip = n;
	return true;
}

static void interrupt(struct x86_exec *x, const struct x86_insn *i)
{
	uint64_t n = after(x->c, i);

	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
		x86_soft_int(x, X86_BP, n);
		break;
	case ZYDIS_MNEMONIC_INT1:
		/* A trap of the processor's: no gate's privilege counts. */
		x->c->rip = n;
		x86_raise(x, X86_DB);
	case ZYDIS_MNEMONIC_INTO:
		if (x->c->rflags & RFL_OF)
			x86_soft_int(x, X86_OF, n);
		else
			x->c->rip = n;
		break;
	default:
		x86_soft_int(x, (uint8_t)i->imm, n);
		break;
	}
}

static void far_branch(struct x86_exec *x, const struct x86_insn *i)
{
	uint16_t sel = (uint16_t)i->imm2;
	uint64_t off = i->imm, n = after(x->c, i);

	if (i->mem)
		far_pointer(x, i, &sel, &off);
	if (i->mnemonic == ZYDIS_MNEMONIC_CALL) {
		x86_far_call(x, sel, off, i->opsz, n);
		return;
	}
	x86_far_jump(x, sel, off, i->opsz, n);
}

bool x86_special_flow(struct x86_exec *x, const struct x86_insn *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_CALL:
		far_branch(x, i);
		return true;
	case ZYDIS_MNEMONIC_RET:
		x86_far_ret(x, i->opsz, i->opcode == 0xca ? (unsigned)i->imm & 0xffff : 0);
		return true;
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
		x86_iret(x, i->opsz, after(x->c, i));
		return true;
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INTO:
		interrupt(x, i);
		return true;
	case ZYDIS_MNEMONIC_LDS:
		load_far(x, i, X86_DS);
		return true;
	case ZYDIS_MNEMONIC_LES:
		load_far(x, i, X86_ES);
		return true;
	case ZYDIS_MNEMONIC_LSS:
		load_far(x, i, X86_SS);
		return true;
	case ZYDIS_MNEMONIC_LFS:
		load_far(x, i, X86_FS);
		return true;
	case ZYDIS_MNEMONIC_LGS:
		load_far(x, i, X86_GS);
		return true;
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE:
	case ZYDIS_MNEMONIC_JCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
	case ZYDIS_MNEMONIC_JRCXZ:
		loop(x, i);
		return true;
	case ZYDIS_MNEMONIC_BOUND:
		bound(x, i);
		return true;
	case ZYDIS_MNEMONIC_MOV:
		return mov_seg(x, i);
	default:
		return false;
	}
}
