/* SPDX-License-Identifier: MIT */
/* Instructions that no translator copies: the door, and those of ports, flags and time. */
#include "emu/bus.h"
#include "emu/cpu/x86/insn.h"

static void next(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;

	c->rip += i->len;
	if (!x86_code64(c))
		c->rip = (uint32_t)c->rip;
}

void x86_check_io(struct x86_exec *x, uint16_t port, unsigned size)
{
	const struct x86_cpu *c = x->c;
	bool v86 = x86_v86(c);

	if (!x86_protected(c) || (!v86 && x86_cpl(c) <= (c->rflags & RFL_IOPL) >> 12))
		return;
	/* The bitmap of a 32- or 64-bit TSS, which ends with a byte of ones. */
	if (!(c->tr.attr & 8) || c->tr.limit < 0x67)
		x86_gp(x, 0);
	uint32_t at = (uint32_t)x86_ld(x, c->tr.base + 0x66, 2, 0) + port / 8;

	if (at + 1 > c->tr.limit)
		x86_gp(x, 0);
	uint64_t bits = x86_ld(x, c->tr.base + at, 2, 0) >> (port & 7);

	if (bits & ((1u << size) - 1))
		x86_gp(x, 0);
}

static bool in_out(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	bool imm = !(i->opcode & 8);
	uint16_t port = (uint16_t)(imm ? i->imm & 255 : c->gpr[X86_RDX]);
	unsigned size = i->opcode & 1 ? (i->opsz == 2 ? 2 : 4) : 1;

	x86_check_io(x, port, size);
	if (x86_debug_armed(c))
		x86_debug_port(c, port, size);
	if (i->mnemonic == ZYDIS_MNEMONIC_IN)
		x86_put(c, X86_RAX, size, bus_read(x->bus, BUS_PORT, port, size));
	else
		bus_write(x->bus, BUS_PORT, port, size, x86_get(c, X86_RAX, size));
	next(x, i);
	return true;
}

static void cli_sti(struct x86_exec *x, bool set)
{
	struct x86_cpu *c = x->c;

	if (x86_protected(c) && x86_cpl(c) > (c->rflags & RFL_IOPL) >> 12)
		x86_gp(x, 0);
	if (set) {
		c->int_shadow = !(c->rflags & RFL_IF);
		c->rflags |= RFL_IF;
	} else {
		c->rflags &= ~(uint64_t)RFL_IF;
	}
}

static void check_iopl_v86(struct x86_exec *x)
{
	if (x86_v86(x->c) && (x->c->rflags & RFL_IOPL) != RFL_IOPL)
		x86_gp(x, 0);
}

static void pushf(struct x86_exec *x, unsigned size)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);

	check_iopl_v86(x);
	x86_push(x, &s, size, c->rflags & ~(uint64_t)(RFL_VM | RFL_RF));
	x86_set_sp(c, s.sp);
}

static void popf(struct x86_exec *x, unsigned size)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);

	check_iopl_v86(x);
	uint64_t v = x86_pop(x, &s, size);

	x86_set_sp(c, s.sp);
	x86_set_flags(c, v, size, x86_protected(c) ? x86_cpl(c) : 0);
	if (size != 2)
		c->rflags &= ~(uint64_t)RFL_RF;
}

static bool flags(struct x86_exec *x, const struct x86_insn *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
		cli_sti(x, false);
		break;
	case ZYDIS_MNEMONIC_STI:
		cli_sti(x, true);
		break;
	case ZYDIS_MNEMONIC_PUSHF:
		pushf(x, 2);
		break;
	case ZYDIS_MNEMONIC_PUSHFD:
		pushf(x, 4);
		break;
	case ZYDIS_MNEMONIC_PUSHFQ:
		pushf(x, 8);
		break;
	case ZYDIS_MNEMONIC_POPF:
		popf(x, 2);
		break;
	case ZYDIS_MNEMONIC_POPFD:
		popf(x, 4);
		break;
	case ZYDIS_MNEMONIC_POPFQ:
		popf(x, 8);
		break;
	case ZYDIS_MNEMONIC_STAC:
	case ZYDIS_MNEMONIC_CLAC:
		if (x86_cpl(x->c) || !(x->c->cpuid && x86_has(x->c->cpuid, FEAT_7_EBX, 20)))
			x86_ud(x);
		if (i->mnemonic == ZYDIS_MNEMONIC_STAC)
			x->c->rflags |= RFL_AC;
		else
			x->c->rflags &= ~(uint64_t)RFL_AC;
		break;
	default:
		return false;
	}
	next(x, i);
	return true;
}

static void set_arith(struct x86_cpu *c, uint64_t keep, uint64_t f)
{
	c->rflags = (c->rflags & (~(uint64_t)RFL_ARITH | keep)) | f;
}

static uint64_t szp(uint8_t v)
{
	return (v ? 0 : RFL_ZF) | (v & 0x80 ? RFL_SF : 0) | (__builtin_parity(v) ? 0 : RFL_PF);
}

/* DAA, DAS: SDM volume 2. */
static void decimal_adjust(struct x86_cpu *c, bool sub)
{
	uint8_t al = (uint8_t)c->gpr[X86_RAX], old = al;
	bool cf = c->rflags & RFL_CF, low = (al & 15) > 9 || (c->rflags & RFL_AF);
	bool high = old > 0x99 || cf, out = false;

	if (low) {
		out = cf || (sub ? al < 6 : al > 0xf9);
		al = (uint8_t)(sub ? al - 6 : al + 6);
	}
	if (high) {
		al = (uint8_t)(sub ? al - 0x60 : al + 0x60);
		out = true;
	}
	x86_put(c, X86_RAX, 1, al);
	set_arith(c, c->rflags & RFL_OF, szp(al) | (low ? RFL_AF : 0) | (out ? RFL_CF : 0));
}

static void ascii_adjust(struct x86_cpu *c, bool sub)
{
	uint16_t ax = (uint16_t)c->gpr[X86_RAX];
	bool fix = (ax & 15) > 9 || (c->rflags & RFL_AF);

	if (fix)
		ax = (uint16_t)(sub ? ax - 0x106 : ax + 0x106);
	ax &= 0xff0f;
	x86_put(c, X86_RAX, 2, ax);
	set_arith(c, 0, szp((uint8_t)ax) | (fix ? RFL_AF | RFL_CF : 0));
}

static void aam(struct x86_exec *x, unsigned base)
{
	unsigned al = x->c->gpr[X86_RAX] & 255;

	if (base) {
		x86_put(x->c, X86_RAX, 2, (al / base) << 8 | al % base);
		set_arith(x->c, 0, szp((uint8_t)(al % base)));
	} else {
		x86_raise(x, X86_DE);
	}
}

static bool bcd(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t al = (uint8_t)c->gpr[X86_RAX], ah = (uint8_t)(c->gpr[X86_RAX] >> 8);
	uint8_t base = (uint8_t)i->imm;

	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_DAA:
	case ZYDIS_MNEMONIC_DAS:
		decimal_adjust(c, i->mnemonic == ZYDIS_MNEMONIC_DAS);
		break;
	case ZYDIS_MNEMONIC_AAA:
	case ZYDIS_MNEMONIC_AAS:
		ascii_adjust(c, i->mnemonic == ZYDIS_MNEMONIC_AAS);
		break;
	case ZYDIS_MNEMONIC_AAM:
		aam(x, base);
		break;
	case ZYDIS_MNEMONIC_AAD:
		al = (uint8_t)(al + ah * base);
		x86_put(c, X86_RAX, 2, al);
		set_arith(c, 0, szp(al));
		break;
	case ZYDIS_MNEMONIC_SALC:
		x86_put(c, X86_RAX, 1, c->rflags & RFL_CF ? 0xff : 0);
		break;
	default:
		return false;
	}
	next(x, i);
	return true;
}

static void pusha(struct x86_exec *x, unsigned size)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);

	for (unsigned r = 0; r < 8; r++)
		x86_push(x, &s, size, x86_get(c, r, size));
	x86_set_sp(c, s.sp);
}

static void popa(struct x86_exec *x, unsigned size)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	uint64_t v[8];

	for (unsigned r = 8; r--;)
		v[r] = x86_pop(x, &s, size);
	for (unsigned r = 0; r < 8; r++)
		if (r != X86_RSP)
			x86_put(c, r, size, v[r]);
	x86_set_sp(c, s.sp);
}

/* ENTER with its nesting levels. */
static void enter(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	unsigned size = i->opsz, level = i->imm2 & 31;
	uint64_t bp = c->gpr[X86_RBP];

	x86_push(x, &s, size, bp);
	uint64_t frame = s.sp;

	for (unsigned k = 1; k < level; k++) {
		bp -= size;
		x86_push(x, &s, size, x86_seg_ld(x, X86_SS, bp & s.mask, size));
	}
	if (level)
		x86_push(x, &s, size, frame);
	s.sp -= i->imm & 0xffff;
	/* Nothing is written there, but it faults as if it were (SDM vol. 2, ENTER). */
	x86_probe_write(x, x86_linear(x, X86_SS, s.sp & s.mask, size, true), size,
			x86_access(c));
	x86_put(c, X86_RBP, size == 2 ? 2 : size, frame);
	x86_set_sp(c, s.sp);
}

static void push_pop_seg(struct x86_exec *x, const struct x86_insn *i, bool push)
{
	struct x86_cpu *c = x->c;
	struct x86_stack s = x86_stack_now(c);
	unsigned sreg =
		i->map == ZYDIS_OPCODE_MAP_0F ? (i->opcode >> 3 & 7) : i->opcode >> 3 & 3;

	if (push) {
		x86_push(x, &s, i->opsz, c->seg[sreg].sel);
		x86_set_sp(c, s.sp);
		return;
	}
	uint64_t v = x86_pop(x, &s, i->opsz);
	uint64_t mask = x86_stack_mask(c);

	x86_load_seg(x, sreg, (uint16_t)v);
	/* By the width of the stack that was popped from. */
	c->gpr[X86_RSP] =
		mask == 0xffff ? (c->gpr[X86_RSP] & ~0xffffull) | (s.sp & 0xffff) : s.sp & mask;
	if (sreg == X86_SS)
		c->int_shadow = c->debug_shadow = true;
}

static bool stack(struct x86_exec *x, const struct x86_insn *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_PUSHA:
		pusha(x, 2);
		break;
	case ZYDIS_MNEMONIC_PUSHAD:
		pusha(x, 4);
		break;
	case ZYDIS_MNEMONIC_POPA:
		popa(x, 2);
		break;
	case ZYDIS_MNEMONIC_POPAD:
		popa(x, 4);
		break;
	case ZYDIS_MNEMONIC_ENTER:
		enter(x, i);
		break;
	case ZYDIS_MNEMONIC_PUSH:
		push_pop_seg(x, i, true);
		break;
	case ZYDIS_MNEMONIC_POP:
		push_pop_seg(x, i, false);
		break;
	case ZYDIS_MNEMONIC_XLAT: {
		struct x86_cpu *c = x->c;
		uint64_t at = c->gpr[X86_RBX] + (c->gpr[X86_RAX] & 255);

		at = i->adsz == 8 ? at : i->adsz == 4 ? (uint32_t)at : (uint16_t)at;
		x86_put(c, X86_RAX, 1, x86_seg_ld(x, i->seg, at, 1));
		break;
	}
	default:
		return false;
	}
	next(x, i);
	return true;
}

enum x86_special x86_special(struct x86_exec *x, const struct x86_insn *i)
{
	if (i->mnemonic == ZYDIS_MNEMONIC_IN || i->mnemonic == ZYDIS_MNEMONIC_OUT) {
		in_out(x, i);
		return SPECIAL_DONE;
	}
	if (i->mnemonic == ZYDIS_MNEMONIC_HLT) {
		if (x86_cpl(x->c) && x86_protected(x->c))
			x86_gp(x, 0);
		next(x, i);
		return SPECIAL_HALT;
	}
	if (!(flags(x, i) || stack(x, i) || x86_string(x, i) || x86_special_flow(x, i) ||
	      x86_special_system(x, i) || x86_special_fpu(x, i) || bcd(x, i)))
		x86_ud(x);
	return SPECIAL_DONE;
}
