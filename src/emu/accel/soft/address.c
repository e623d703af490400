/* SPDX-License-Identifier: MIT */
/* Addresses: what an operand names, its segment's limit and base, and the inline TLB. */
#include "emu/accel/soft/trans.h"

#include <string.h>

#define GPR(r)   (CPU_OFF(gpr) + 8 * (int32_t)(r))
#define TLB_MASK ((TLB_SIZE - 1) << 4)

_Static_assert(sizeof(struct tlb_entry) == 16, "index by shift");

static int in_host(struct trans *t, int reg, unsigned scratch)
{
	if (reg < R13)
		return reg;
	e_ld(&t->e, scratch, GPR(reg));
	return (int)scratch;
}

void tr_ea(struct trans *t, const struct x86_insn *i, unsigned dst, int64_t add)
{
	struct emit *e = &t->e;
	int64_t disp = i->disp + add;

	if (i->rip_relative) {
		uint64_t v = tr_next(t) + (uint64_t)disp;

		e_imm(e, dst, i->adsz == 8 ? v : (uint32_t)v);
		return;
	}
	if (i->base < 0 && i->index < 0) {
		uint64_t v = (uint64_t)disp;

		e_imm(e, dst, i->adsz == 8 ? v : i->adsz == 4 ? (uint32_t)v : (uint16_t)v);
		return;
	}
	int base = in_host(t, i->base, R15), index = in_host(t, i->index, R14);

	e_lea(e, i->adsz == 8 ? 8 : 4, dst, base, index, i->scale, (int32_t)disp);
	if (i->adsz == 2)
		e_zx16(e, dst, dst);
}

void tr_stack_ea(struct trans *t, unsigned reg, int32_t disp)
{
	if (tr_wide(t)) {
		e_lea(&t->e, 8, R15, (int)reg, -1, 1, disp);
		return;
	}
	e_lea(&t->e, 4, R15, (int)reg, -1, 1, disp);
	if (!(t->mode & MODE_SS32))
		e_zx16(&t->e, R15, R15);
}

/* Limit and base of a segment outside 64-bit code. */
static uint8_t *segment(struct trans *t, unsigned size, unsigned seg, bool write)
{
	struct emit *e = &t->e;
	int32_t lim = write ? OFF(limit_write) : OFF(limit_read);

	e_lea(e, 8, R14, R15, -1, 1, (int32_t)size - 1);
	e_gs(e, 0x3b, R14, lim + 8 * (int32_t)seg, true); /* cmp r14, gs:[limit] */
	uint8_t *out = e_jcc(e, 0xf);                     /* jg */

	e_ld32(e, R14, OFF(seg_base) + 8 * (int32_t)seg);
	e_lea(e, 4, R15, R15, R14, 1, 0);
	return out;
}

struct access *tr_access(struct trans *t, unsigned size, unsigned seg, bool read, bool write)
{
	struct emit *e = &t->e;
	struct pending *p = &t->pending[t->n_pending++];
	struct access *a = cache_alloc(t->s->cache, sizeof(*a));
	int32_t table =
		OFF(tlb) + (int32_t)(MODE_TLB(t->mode) * sizeof(t->s->tlb[0]) +
				     (write ? TLB_WRITE : TLB_READ) * sizeof(t->s->tlb[0][0]));

	if (t->live[t->k] && !t->flags_saved) {
		e_save_flags(e);
		t->flags_saved = true;
		/* A fault of the operation itself comes behind the check. */
		t->map[t->n_map - 1].flags_saved = true;
	}
	*a = (struct access){ .rip = tr_rip(t),
			      .next = tr_next(t),
			      .size = (uint8_t)size,
			      .seg = (uint8_t)seg,
			      .read = read,
			      .mode = (uint8_t)MODE_TLB(t->mode),
			      .write = write,
			      .locked = tr_insn(t)->lock ||
					(read && write &&
					 tr_insn(t)->mnemonic == ZYDIS_MNEMONIC_XCHG),
			      .flags_saved = t->flags_saved };
	p->a = a;
	p->outside = NULL;
	p->insn = (uint16_t)t->k;
	if (tr_wide(t)) {
		if (seg >= X86_FS) {
			e_ld(e, R14, CPU_OFF(seg) + (int32_t)(seg * sizeof(struct x86_seg)));
			e_lea(e, 8, R15, R15, R14, 1, 0);
		}
	} else if (!(t->mode & MODE_FLAT) || seg >= X86_FS || (seg == X86_CS && write)) {
		a->segmented = true;
		p->outside = segment(t, size, seg, write);
	}
	unsigned last = R15;

	if (size > 1) {
		e_lea(e, 8, R14, R15, -1, 1, (int32_t)size - 1);
		last = R14;
	}
	/* rorx r13d, r15d, 8; and r13d, mask */
	e8(e, 0xc4);
	e8(e, 0x43);
	e8(e, 0x7b);
	e8(e, 0xf0);
	e8(e, 0xef);
	e8(e, 12 - 4);
	e8(e, 0x41);
	e8(e, 0x81);
	e8(e, 0xe5);
	e32(e, TLB_MASK);
	if (last == R15)
		e_mov(e, R14, R15);
	/* and r14, -4096; cmp r14, gs:[r13 + tag] */
	e8(e, 0x49);
	e8(e, 0x81);
	e8(e, 0xe6);
	e32(e, 0xfffff000);
	e_gs_r13(e, 0x3b, R14, table + (int32_t)offsetof(struct tlb_entry, tag));
	p->miss = e_jcc(e, 5);
	e_gs_r13(e, 0x03, R15, table + (int32_t)offsetof(struct tlb_entry, addend));
	p->check_end = e->p;
	return a;
}

void tr_access_end(struct trans *t)
{
	struct pending *p = &t->pending[t->n_pending - 1];

	p->op_end = t->e.p;
	p->a->flags_saved_after = t->flags_saved;
}

void tr_slow_paths(struct trans *t)
{
	struct emit *e = &t->e;
	struct cache *c = t->s->cache;
	const struct stubs *st = cache_stubs(c);

	for (unsigned k = 0; k < t->n_pending; k++) {
		struct pending *p = &t->pending[k];
		struct access *a = p->a;

		a->after_check = (uint64_t)(uintptr_t)cache_exec(c, p->check_end);
		if (p->outside) {
			e_here(e, p->outside);
			e_imm(e, R14, (uint64_t)(uintptr_t)a | 1);
			e_jmp_to(e, cache_writable(c, st->slow));
		}
		e_here(e, p->miss);
		e_imm(e, R14, (uint64_t)(uintptr_t)a);
		e_jmp_to(e, cache_writable(c, st->slow));
		if (!a->write)
			continue;
		a->after_op = (uint64_t)(uintptr_t)cache_exec(c, p->op_end);
		a->slow_op = (uint64_t)(uintptr_t)cache_exec(c, e->p);
		t->map[t->n_map] = t->map[p->insn];
		t->map[t->n_map].flags_saved = a->flags_saved_after;
		t->map[t->n_map++].host = (uint32_t)(e->p - t->start);
		memcpy(e->p, p->check_end, (size_t)(p->op_end - p->check_end));
		e->p += p->op_end - p->check_end;
		e_imm(e, R14, (uint64_t)(uintptr_t)a);
		e_jmp_to(e, cache_writable(c, st->commit));
	}
}
