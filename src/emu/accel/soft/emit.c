/* SPDX-License-Identifier: MIT */
#include "emu/accel/soft/emit.h"

#include "emu/accel/soft/soft.h"

#include <string.h>

#define GS 0x65

void e8(struct emit *e, unsigned v)
{
	*e->p++ = (uint8_t)v;
}

void e32(struct emit *e, uint32_t v)
{
	memcpy(e->p, &v, 4);
	e->p += 4;
}

void e64(struct emit *e, uint64_t v)
{
	memcpy(e->p, &v, 8);
	e->p += 8;
}

static void opcode(struct emit *e, unsigned op)
{
	if (op >> 8)
		e8(e, op >> 8);
	e8(e, op & 255);
}

void e_gs(struct emit *e, unsigned op, unsigned reg, int32_t off, bool w)
{
	unsigned rex = 0x40 | (w ? 8u : 0) | (reg & 8 ? 4u : 0);

	e8(e, GS);
	if (rex != 0x40)
		e8(e, rex);
	opcode(e, op);
	e8(e, (reg & 7) << 3 | 4);
	e8(e, 0x25);
	e32(e, (uint32_t)off);
}

void e_gs_r13(struct emit *e, unsigned op, unsigned reg, int32_t off)
{
	e8(e, GS);
	e8(e, 0x49 | (reg & 8 ? 4u : 0));
	opcode(e, op);
	e8(e, 0x80 | (reg & 7) << 3 | 5);
	e32(e, (uint32_t)off);
}

void e_ld(struct emit *e, unsigned reg, int32_t off)
{
	e_gs(e, 0x8b, reg, off, true);
}

void e_ld32(struct emit *e, unsigned reg, int32_t off)
{
	e_gs(e, 0x8b, reg, off, false);
}

void e_st(struct emit *e, int32_t off, unsigned reg)
{
	e_gs(e, 0x89, reg, off, true);
}

void e_st_imm(struct emit *e, int32_t off, int32_t v)
{
	e_gs(e, 0xc7, 0, off, true);
	e32(e, (uint32_t)v);
}

void e_mov(struct emit *e, unsigned d, unsigned s)
{
	e8(e, 0x48 | (s & 8 ? 4u : 0) | (d & 8 ? 1u : 0));
	e8(e, 0x89);
	e8(e, 0xc0 | (s & 7) << 3 | (d & 7));
}

void e_imm(struct emit *e, unsigned reg, uint64_t v)
{
	if (v == (uint32_t)v) {
		if (reg & 8)
			e8(e, 0x41);
		e8(e, 0xb8 | (reg & 7));
		e32(e, (uint32_t)v);
	} else if ((int64_t)v == (int32_t)v) {
		e8(e, reg & 8 ? 0x49 : 0x48);
		e8(e, 0xc7);
		e8(e, 0xc0 | (reg & 7));
		e32(e, (uint32_t)v);
	} else {
		e8(e, reg & 8 ? 0x49 : 0x48);
		e8(e, 0xb8 | (reg & 7));
		e64(e, v);
	}
}

void e_lea(struct emit *e, unsigned size, unsigned reg, int base, int index, unsigned scale,
	   int32_t disp)
{
	unsigned ss = scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
	unsigned rex = 0x40 | (size == 8 ? 8u : 0) | (reg & 8 ? 4u : 0) |
		       (index >= 8 ? 2u : 0) | (base >= 8 ? 1u : 0);
	unsigned mod = base < 0                       ? 0
		       : disp == 0 && (base & 7) != 5 ? 0
		       : disp == (int8_t)disp         ? 1
						      : 2;

	if (size == 2)
		e8(e, 0x66);
	if (rex != 0x40)
		e8(e, rex);
	e8(e, 0x8d);
	e8(e, mod << 6 | (reg & 7) << 3 | 4);
	e8(e, ss << 6 | (index < 0 ? 4u : (unsigned)index & 7) << 3 |
		      (base < 0 ? 5u : (unsigned)base & 7));
	if (base < 0 || mod == 2)
		e32(e, (uint32_t)disp);
	else if (mod == 1)
		e8(e, (uint8_t)disp);
}

void e_ld_r15(struct emit *e, unsigned size, unsigned reg)
{
	e8(e, 0x41 | (size == 8 ? 8u : 0) | (reg & 8 ? 4u : 0));
	if (size <= 2) {
		e8(e, 0x0f);
		e8(e, size == 1 ? 0xb6 : 0xb7);
	} else {
		e8(e, 0x8b);
	}
	e8(e, (reg & 7) << 3 | 7);
}

void e_st_r15(struct emit *e, unsigned size, unsigned reg)
{
	if (size == 2)
		e8(e, 0x66);
	e8(e, 0x41 | (size == 8 ? 8u : 0) | (reg & 8 ? 4u : 0));
	e8(e, size == 1 ? 0x88 : 0x89);
	e8(e, (reg & 7) << 3 | 7);
}

void e_zx16(struct emit *e, unsigned d, unsigned s)
{
	e8(e, 0x40 | (d & 8 ? 4u : 0) | (s & 8 ? 1u : 0));
	e8(e, 0x0f);
	e8(e, 0xb7);
	e8(e, 0xc0 | (d & 7) << 3 | (s & 7));
}

uint8_t *e_jcc(struct emit *e, unsigned cc)
{
	e8(e, 0x0f);
	e8(e, 0x80 | cc);
	e32(e, 0);
	return e->p - 4;
}

uint8_t *e_jmp(struct emit *e)
{
	e8(e, 0xe9);
	e32(e, 0);
	return e->p - 4;
}

void e_patch(uint8_t *disp, const uint8_t *target)
{
	int32_t d = (int32_t)(target - (disp + 4));

	__atomic_store_n((int32_t *)(void *)disp, d, __ATOMIC_RELEASE);
}

void e_here(struct emit *e, uint8_t *disp)
{
	e_patch(disp, e->p);
}

void e_jmp_to(struct emit *e, const uint8_t *target)
{
	e_patch(e_jmp(e), target);
}

void e_save_flags(struct emit *e)
{
	e_mov(e, R13, RAX);
	e8(e, 0x9f); /* lahf */
	e8(e, 0x0f); /* seto al */
	e8(e, 0x90);
	e8(e, 0xc0);
	e_st(e, OFF(saved_flags), RAX);
	e_mov(e, RAX, R13);
}

void e_restore_flags(struct emit *e)
{
	e_mov(e, R13, RAX);
	e_ld(e, RAX, OFF(saved_flags));
	e8(e, 0x04); /* add al, 0x7f: overflows when al is 1 */
	e8(e, 0x7f);
	e8(e, 0x9e); /* sahf */
	e_mov(e, RAX, R13);
}

void e_no_flags(struct emit *e)
{
	/* Two nops of 9 bytes. */
	for (unsigned i = 0; i < FLAGS_ENTRY / 9; i++) {
		e8(e, 0x66);
		e8(e, 0x0f);
		e8(e, 0x1f);
		e8(e, 0x84);
		e8(e, 0);
		e32(e, 0);
	}
}
