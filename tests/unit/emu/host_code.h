/* SPDX-License-Identifier: MIT */
/*
 * What may stand in translated code: nothing that enters the kernel or changes what GS means,
 * and memory only by GS at a fixed place, which is the engine's own, or at an address that the
 * look-up made (r15, or rsi for operands that cannot be named beside r15).
 */
#ifndef TESTS_EMU_HOST_CODE_H
#define TESTS_EMU_HOST_CODE_H

#include "emu/accel/soft/soft.h"
#include "tests/unit/unit.h"

#include <Zydis/Zydis.h>
#include <string.h>

static inline bool host_forbidden(ZydisMnemonic m)
{
	switch (m) {
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSENTER:
	case ZYDIS_MNEMONIC_SYSRET:
	case ZYDIS_MNEMONIC_SYSEXIT:
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INTO:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_WRGSBASE:
	case ZYDIS_MNEMONIC_WRFSBASE:
	case ZYDIS_MNEMONIC_WRPKRU:
	case ZYDIS_MNEMONIC_POPFQ:
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_RET:
		return true;
	default:
		return false;
	}
}

/* @moved: the instruction before was mov rsi, r15. */
static inline bool host_operand(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *o,
				bool moved)
{
	const ZydisDecodedOperandMem *m = &o->mem;

	if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || m->type == ZYDIS_MEMOP_TYPE_AGEN)
		return true;
	if (m->type != ZYDIS_MEMOP_TYPE_MEM)
		return false;
	if (m->segment == ZYDIS_REGISTER_GS)
		/* the tables that are indexed; the index is masked before */
		return m->base == ZYDIS_REGISTER_NONE || m->base == ZYDIS_REGISTER_R13;
	if (m->index != ZYDIS_REGISTER_NONE)
		return false;
	if (m->base == ZYDIS_REGISTER_R15)
		return m->disp.value >= 0 && m->disp.value < 64;
	if (m->base == ZYDIS_REGISTER_RSI)
		return moved && !m->disp.value;
	/* the look at vcpu->request */
	return (m->base == ZYDIS_REGISTER_RCX || m->base == ZYDIS_REGISTER_R14) &&
	       z->operand_width == 32 && !(o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

static inline void host_block(const ZydisDecoder *d, const struct block *b)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand o[ZYDIS_MAX_OPERAND_COUNT];
	bool moved = false;

	for (uint32_t at = 0; at < b->host_len; at += z.length) {
		const uint8_t *p = b->host + at;
		bool ok = ZYAN_SUCCESS(ZydisDecoderDecodeFull(d, p, b->host_len - at, &z, o)) &&
			  !host_forbidden(z.mnemonic),
		     nop = z.mnemonic == ZYDIS_MNEMONIC_NOP;

		for (unsigned k = 0; ok && !nop && k < z.operand_count; k++)
			ok = host_operand(&z, &o[k], moved);
		if (!ok)
			print_message(
				"# guest %#llx, host code + %u: %02x %02x %02x %02x %02x\n",
				(unsigned long long)b->rip, at, p[0], p[1], p[2], p[3], p[4]);
		assert_true(ok);
		moved = z.mnemonic == ZYDIS_MNEMONIC_MOV && z.length == 3 &&
			!memcmp(p, "\x4c\x89\xfe", 3);
	}
}

/* Looks through all that was translated; how many blocks there are. */
static inline unsigned host_code(struct cache *c)
{
	uint64_t pc = (uint64_t)(uintptr_t)cache_stubs(c)->fpu;
	unsigned n = 0, gap = 0;
	ZydisDecoder d;

	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	/* blocks lie behind the stubs, each at a multiple of 16 */
	for (pc &= ~15ull; gap < 4096; pc += 16) {
		const struct block *b = cache_by_pc(c, pc);

		if (!b || (uint64_t)(uintptr_t)b->host != pc) {
			gap++;
			continue;
		}
		host_block(&d, b);
		n++;
		gap = 0;
		pc += (b->host_len - 1) & ~15ull;
	}
	return n;
}

#endif
