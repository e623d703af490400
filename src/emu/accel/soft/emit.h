/* SPDX-License-Identifier: MIT */
/* Bytes of host code.  The buffer is large enough: who emits has made room. */
#ifndef EMU_SOFT_EMIT_H
#define EMU_SOFT_EMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

struct emit {
	uint8_t *p;
};

void e8(struct emit *e, unsigned v);
void e32(struct emit *e, uint32_t v);
void e64(struct emit *e, uint64_t v);

/* op reg, gs:[off]; @w: REX.W.  @op may have 0x0f in its second byte. */
void e_gs(struct emit *e, unsigned op, unsigned reg, int32_t off, bool w);
/* op reg, gs:[r13 + off] */
void e_gs_r13(struct emit *e, unsigned op, unsigned reg, int32_t off);
void e_ld(struct emit *e, unsigned reg, int32_t off);
void e_ld32(struct emit *e, unsigned reg, int32_t off);
void e_st(struct emit *e, int32_t off, unsigned reg);
/* qword gs:[off] = sign-extended */
void e_st_imm(struct emit *e, int32_t off, int32_t v);
void e_mov(struct emit *e, unsigned d, unsigned s);
void e_imm(struct emit *e, unsigned reg, uint64_t v);
/* lea of @size 8, 4 or 2; base or index -1: none */
void e_lea(struct emit *e, unsigned size, unsigned reg, int base, int index, unsigned scale,
	   int32_t disp);
/* mov between reg and [r15], @size bytes; loads of 1 and 2 bytes extend with zeros */
void e_ld_r15(struct emit *e, unsigned size, unsigned reg);
void e_st_r15(struct emit *e, unsigned size, unsigned reg);
/* movzx reg32, reg16 */
void e_zx16(struct emit *e, unsigned d, unsigned s);

/* Forward jumps: their displacement, filled by e_here(). */
uint8_t *e_jcc(struct emit *e, unsigned cc);
uint8_t *e_jmp(struct emit *e);
void e_here(struct emit *e, uint8_t *disp);
void e_jmp_to(struct emit *e, const uint8_t *target_w);
void e_patch(uint8_t *disp, const uint8_t *target_w);

/* Flags to soft->saved_flags and back; rax is kept, r13 lost. */
void e_save_flags(struct emit *e);
void e_restore_flags(struct emit *e);
/* As long as e_restore_flags(), and does nothing. */
#define FLAGS_ENTRY 18
void e_no_flags(struct emit *e);

#endif
