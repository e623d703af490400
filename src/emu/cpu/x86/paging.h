/* SPDX-License-Identifier: MIT */
/*
 * From linear to physical addresses: Intel SDM volume 3, chapter 4.  Tables lie in guest
 * memory and change under the walk; each entry is read once, and marked accessed or dirty by
 * compare-and-exchange.
 */
#ifndef EMU_CPU_X86_PAGING_H
#define EMU_CPU_X86_PAGING_H

#include "emu/cpu/x86/state.h"

struct mem;

enum x86_access {
	X86_ACC_WRITE = 1,
	X86_ACC_USER = 2,
	X86_ACC_FETCH = 4,
	X86_ACC_AC = 8, /* supervisor, EFLAGS.AC set: SMAP does not hold */
};

#define PF_P    1u
#define PF_W    2u
#define PF_U    4u
#define PF_RSVD 8u
#define PF_I    16u

struct x86_page {
	uint64_t gpa;  /* of the byte */
	uint8_t shift; /* size of the page: 12, 21, 22, 30 */
	/* What this kind of access (user, AC) may do; write only once the page is dirty. */
	bool read, write, exec;
	bool global;
	uint32_t error; /* of the #PF */
};

/* 0, or -EFAULT: #PF with out->error. */
int x86_walk(const struct x86_cpu *c, const struct mem *m, uint64_t lin, unsigned access,
	     struct x86_page *out);
/* For PAE: reads the four PDPTEs that @cr3 points to; false: a reserved bit is set. */
bool x86_load_pdpte(struct x86_cpu *c, const struct mem *m, uint64_t cr3);
/* For a debugger: marks nothing.  -EFAULT where nothing is. */
int x86_peek(const struct x86_cpu *c, const struct mem *m, uint64_t lin, uint64_t *gpa);

#endif
