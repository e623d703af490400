/* SPDX-License-Identifier: MIT */
/*
 * A processor's registers as GDB's remote protocol carries them: number, size and place in a 'g'
 * packet, and the description (target XML) that says so.  64-bit numbering while a processor
 * can run 64-bit code, else that of 32 bits.
 */
#ifndef EMU_GDB_REGS_H
#define EMU_GDB_REGS_H

#include "base/err.h"
#include "base/str.h"
#include "emu/cpu/x86/state.h"

#define REGS_MAX   80u
#define REGS_BYTES 16u

unsigned regs_count(bool wide);
/* Bytes of register @n, at most REGS_BYTES; 0: there is none. */
unsigned regs_size(bool wide, unsigned n);
void regs_get(const struct x86_cpu *c, bool wide, unsigned n, uint8_t out[REGS_BYTES]);
/* False: it cannot be changed. */
bool regs_set(struct x86_cpu *c, bool wide, unsigned n, const uint8_t in[REGS_BYTES]);
void regs_xml(bool wide, struct str *out);

#endif
