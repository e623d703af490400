/* SPDX-License-Identifier: MIT */
/*
 * The first stop of an access that missed: another look-up, in a larger table, while the
 * guest's vector registers stay where they are.  Nothing here may call the C library.
 */
#include "emu/accel/soft/soft.h"
#include "emu/mem.h"

#define PAGE_MASK (~(uint64_t)(MEM_PAGE - 1))

struct tlb2_entry *soft_tlb2(struct soft *s, enum tlb_mode m, uint64_t lin)
{
	uint64_t n = lin >> 12;

	/* Distances that are powers of two are frequent. */
	return &s->tlb2[(n ^ n >> TLB2_BITS ^ n >> 21 ^ (uint64_t)m << 11) & (TLB2_SIZE - 1)];
}

void soft_tlb_put(struct soft *s, const struct tlb2_entry *t, unsigned kind)
{
	unsigned i = t->tag >> 12 & (TLB_SIZE - 1);

	s->tlb[t->mode][kind][i].tag = t->tag;
	s->tlb[t->mode][kind][i].addend = t->addend;
	s->tlb_used[t->mode] = true;
	if (kind == TLB_WRITE)
		s->write_gpa[t->mode][i] = t->gpa;
}

/* Where to go on, with acc_ptr set; 0: not known here. */
uint64_t soft_refill(struct x86_cpu *c, uint64_t access, uint64_t address)
{
	struct soft *s = soft_of(c);
	const struct access *a = (const struct access *)(uintptr_t)access;

	if (access & 1)
		return 0;
	const struct tlb2_entry *t = soft_tlb2(s, a->mode, address);

	if (t->tag != (address & PAGE_MASK) || t->mode != a->mode ||
	    t->era != s->era[t->global] || !(a->write ? t->write : t->read) ||
	    ((address + a->size - 1) & PAGE_MASK) != t->tag)
		return 0;
	soft_tlb_put(s, t, a->write ? TLB_WRITE : TLB_READ);
	s->acc_ptr = address + t->addend;
	return a->after_check;
}
