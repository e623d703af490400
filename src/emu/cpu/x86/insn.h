/* SPDX-License-Identifier: MIT */
/*
 * An instruction, decoded by Zydis and reduced to what the operations of this folder and a
 * translator need.
 */
#ifndef EMU_CPU_X86_INSN_H
#define EMU_CPU_X86_INSN_H

#include "emu/cpu/x86/exec.h"

#include <Zydis/Zydis.h>

struct x86_insn {
	uint16_t mnemonic; /* ZydisMnemonic */
	uint8_t len, opcode, map;
	uint8_t opsz; /* effective, bytes: 1, 2, 4, 8 */
	uint8_t adsz; /* 2, 4, 8 */
	uint8_t msz;  /* of the memory operand, bytes; 0: over 255, see the translator's */
	bool mem, rip_relative, lock;
	uint8_t rep;        /* 0, 0xf2 or 0xf3 */
	uint8_t seg;        /* of the memory operand, overrides applied */
	int8_t base, index; /* -1: none */
	uint8_t scale;
	uint8_t reg, rm;            /* of ModRM, extended; rm a register if !mem */
	uint8_t vvvv, vindex, vlen; /* of VEX; the length in bytes */
	bool vex_w;
	int64_t disp;
	uint64_t imm, imm2; /* far pointers: offset and selector */
};

/* The whole of what Zydis says, for the translator. */
struct x86_decoded {
	struct x86_insn i;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *mem; /* the explicit one, or NULL */
};

/* Code of 16, 32 or 64 bits. */
enum x86_mode { X86_MODE16, X86_MODE32, X86_MODE64, X86_MODE_REAL };
struct x86_decoder {
	ZydisDecoder z[4];
};
/* For a guest with these features. */
void x86_decoder_init(struct x86_decoder *d, const struct x86_cpuid *cpuid);
enum x86_mode x86_mode(const struct x86_cpu *c);
/* 0; -ENODATA when more than @len bytes are needed; -EINVAL: #UD. */
int x86_decode(const struct x86_decoder *d, enum x86_mode mode, const uint8_t *code, size_t len,
	       struct x86_decoded *out);

/* The offset that a memory operand names, cut to its address size. */
uint64_t x86_ea(const struct x86_cpu *c, const struct x86_insn *i);

enum x86_special { SPECIAL_DONE, SPECIAL_HALT };
/*
 * Does an instruction that no translator copies: sets RIP to where the guest goes on, or
 * raises.  One that it does not know is #UD.
 */
enum x86_special x86_special(struct x86_exec *x, const struct x86_insn *i);

/* string.c, special_*.c: true when it was theirs. */
bool x86_string(struct x86_exec *x, const struct x86_insn *i);
bool x86_special_system(struct x86_exec *x, const struct x86_insn *i);
bool x86_special_flow(struct x86_exec *x, const struct x86_insn *i);
bool x86_special_fpu(struct x86_exec *x, const struct x86_insn *i);
/* #GP when the I/O permission says so. */
void x86_check_io(struct x86_exec *x, uint16_t port, unsigned size);

/* A register operand's value, cut to @size; and its change, by the rules of that size. */
static inline uint64_t x86_get(const struct x86_cpu *c, unsigned r, unsigned size)
{
	return size == 8 ? c->gpr[r] : c->gpr[r] & ((1ull << 8 * size) - 1);
}
static inline void x86_put(struct x86_cpu *c, unsigned r, unsigned size, uint64_t v)
{
	uint64_t mask = size >= 4 ? ~0ull : (1ull << 8 * size) - 1;

	if (size == 4)
		v = (uint32_t)v;
	c->gpr[r] = (c->gpr[r] & ~mask) | (v & mask);
}
static inline uint64_t x86_rm_ld(struct x86_exec *x, const struct x86_insn *i, unsigned size)
{
	return i->mem ? x86_seg_ld(x, i->seg, x86_ea(x->c, i), size)
		      : x86_get(x->c, i->rm, size);
}
static inline void x86_rm_st(struct x86_exec *x, const struct x86_insn *i, unsigned size,
			     uint64_t v)
{
	if (i->mem)
		x86_seg_st(x, i->seg, x86_ea(x->c, i), size, v);
	else
		x86_put(x->c, i->rm, size, v);
}

#endif
