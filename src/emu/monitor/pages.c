/* SPDX-License-Identifier: MIT */
/* Page tables as they lie in the guest's memory: Intel SDM volume 3, chapter 4. */
#include "base/bytes.h"
#include "emu/cpu/x86/state.h"
#include "emu/machine.h"
#include "emu/mem.h"
#include "emu/monitor/ask.h"

#include <string.h>

#define PTE_P  1u
#define PTE_W  2u
#define PTE_U  4u
#define PTE_PS 0x80u
#define PTE_NX (UINT64_C(1) << 63)
#define ADDR   UINT64_C(0x000ffffffffff000)

/* A table may name itself, so the work is bounded by entries that were read. */
#define ENTRIES (4u << 20)
#define TEXT    (4u << 20)

struct run {
	uint64_t from, to;
	unsigned rights; /* PTE_U and PTE_W of all levels; 0: nothing is there */
};

struct tables {
	struct ask *a;
	const struct x86_cpu *c;
	bool each; /* every page, not runs of them */
	unsigned left;
	struct run run;
	bool wide; /* entries of 8 bytes */
};

static void end_run(struct tables *t)
{
	const struct run *r = &t->run;

	if (r->rights)
		str_addf(t->a->out, "%016llx-%016llx %016llx %c%c%c\n",
			 (unsigned long long)r->from, (unsigned long long)r->to,
			 (unsigned long long)(r->to - r->from), r->rights & PTE_U ? 'u' : '-',
			 'r', r->rights & PTE_W ? 'w' : '-');
	t->run.rights = 0;
}

static void page(struct tables *t, uint64_t lin, uint64_t size, uint64_t e, unsigned rights)
{
	if (t->each) {
		str_addf(t->a->out, "%016llx: %016llx %c%c%c%c%c%c%c%c%c\n",
			 (unsigned long long)lin, (unsigned long long)(e & ADDR & ~(size - 1)),
			 e & PTE_NX && t->wide ? 'X' : '-', e & 0x100 ? 'G' : '-',
			 size > 4096 ? 'P' : '-', e & 0x40 ? 'D' : '-', e & 0x20 ? 'A' : '-',
			 e & 0x10 ? 'C' : '-', e & 8 ? 'T' : '-', e & PTE_U ? 'U' : '-',
			 e & PTE_W ? 'W' : '-');
		return;
	}
	rights |= PTE_P;
	if (t->run.rights == rights && t->run.to == lin) {
		t->run.to = lin + size;
		return;
	}
	end_run(t);
	t->run = (struct run){ lin, lin + size, rights };
}

static uint64_t entry(struct tables *t, uint64_t table, unsigned i)
{
	uint8_t b[8] = { 0 };
	size_t n = t->wide ? 8 : 4;

	t->left--;
	if (mem_read(t->a->m->mem, table + i * n, b, n) < 0)
		return 0;
	return load_le64(b);
}

/* A table whose entries cover 1 << @shift bytes each. */
static void level(struct tables *t, uint64_t table, uint64_t lin, unsigned shift,
		  unsigned rights)
{
	unsigned n = !t->wide ? 1024 : shift == 30 && !x86_long(t->c) ? 4 : 512;
	bool pae_root = shift == 30 && !x86_long(t->c);

	for (unsigned i = 0; i < n && t->left && t->a->out->len < TEXT; i++) {
		uint64_t e = entry(t, table, i), at = lin + ((uint64_t)i << shift);
		bool large = (e & PTE_PS) && shift <= 30 && shift > 12 && !pae_root &&
			     (t->wide || (t->c->cr4 & CR4_PSE));

		if (shift == 39 && i >= 256)
			at |= UINT64_C(0xffff) << 48;
		if (!(e & PTE_P))
			continue;
		/* the four of PAE grant everything */
		unsigned now = pae_root ? rights : rights & (unsigned)e;

		if (shift == 12 || large)
			page(t, at, UINT64_C(1) << shift, e, now);
		else
			level(t, e & ADDR, at, shift - (t->wide ? 9 : 10), now);
	}
}

static void walk(struct ask *a, bool each)
{
	const struct x86_cpu *c = a->m->vcpu[a->cpu].x86;
	struct tables t = { .a = a, .c = c, .each = each, .left = ENTRIES };
	bool was = a->m->running;

	machine_stop(a->m);
	t.wide = c->cr4 & CR4_PAE;
	if (!(c->cr0 & CR0_PG))
		str_add(a->out, "paging is off\n");
	else if (x86_long(c))
		level(&t, c->cr3 & ADDR, 0, 39, PTE_U | PTE_W);
	else
		level(&t, c->cr3 & (t.wide ? 0xffffffe0 : 0xfffff000), 0, t.wide ? 30 : 22,
		      PTE_U | PTE_W);
	end_run(&t);
	if (!t.left || a->out->len >= TEXT)
		str_add(a->out, "(there is more)\n");
	if (was)
		machine_cont(a->m);
}

void pages_mem(struct ask *a)
{
	walk(a, false);
}

void pages_tlb(struct ask *a)
{
	walk(a, true);
}
