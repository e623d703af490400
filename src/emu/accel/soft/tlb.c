/* SPDX-License-Identifier: MIT */
/* The software TLB: filled by page walks, asked by generated code and by helpers. */
#include "emu/accel/soft/soft.h"
#include "emu/bus.h"
#include "emu/mem.h"

#include <string.h>

#define PAGE_MASK (~(uint64_t)(MEM_PAGE - 1))

void soft_tlb_flush(struct soft *s, bool global)
{
	for (unsigned m = 0; m < TLB_MODES; m++) {
		for (unsigned k = 0; k < TLB_KINDS && s->tlb_used[m]; k++)
			for (unsigned i = 0; i < TLB_SIZE; i++)
				s->tlb[m][k][i].tag = TLB_NONE;
		s->tlb_used[m] = false;
	}
	for (unsigned i = 0; i < (global ? 2 : 1); i++) {
		if (++s->era[i])
			continue;
		memset(s->tlb2, 0, sizeof(s->tlb2));
		memset(s->fetch, 0, sizeof(s->fetch));
		s->era[i] = 1;
	}
	if (global)
		s->large[0].any = s->large[1].any = false;
	soft_tags_flush(s, global);
}

static struct fetch_entry *fetch_slot(struct soft *s, uint64_t lin)
{
	return &s->fetch[(lin >> 12 ^ lin >> 20) & (FETCH_SIZE - 1)];
}

/* A large page is in the TLB in pieces: where it lies is kept, in one range of each half. */
static void note_large(struct soft *s, uint64_t lin, unsigned shift)
{
	uint64_t mask = ~((1ull << shift) - 1), half = lin >> 63;

	if (!s->large[half].any) {
		s->large[half].any = true;
		s->large[half].mask = mask;
		s->large[half].base = lin & mask;
		return;
	}
	mask &= s->large[half].mask;
	while ((s->large[half].base ^ lin) & mask)
		mask <<= 1;
	s->large[half].mask = mask;
	s->large[half].base &= mask;
}

void soft_tlb_flush_page(struct soft *s, uint64_t lin)
{
	uint64_t half = lin >> 63;

	if (s->large[half].any && (lin & s->large[half].mask) == s->large[half].base) {
		soft_tlb_flush(s, true);
		return;
	}
	for (unsigned m = 0; m < TLB_MODES; m++) {
		for (unsigned k = 0; k < TLB_KINDS; k++)
			s->tlb[m][k][lin >> 12 & (TLB_SIZE - 1)].tag = TLB_NONE;
		soft_tlb2(s, m, lin)->tag = TLB_NONE;
	}
	fetch_slot(s, lin)->host = NULL;
	/* The page may hold code: what jumps there looks anew. */
	soft_tags_flush_page(s, lin);
}

void soft_tlb_protect(struct soft *s, uint64_t gpa)
{
	for (unsigned m = 0; m < TLB_MODES; m++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			if (s->write_gpa[m][i] == (gpa & PAGE_MASK))
				s->tlb[m][TLB_WRITE][i].tag = TLB_NONE;
	for (unsigned i = 0; i < TLB2_SIZE; i++)
		if (s->tlb2[i].gpa == (gpa & PAGE_MASK))
			s->tlb2[i].write = false;
}

static enum tlb_mode mode_of(unsigned access)
{
	if (access & X86_ACC_USER)
		return TLB_USER;
	return access & X86_ACC_AC ? TLB_SUPER_AC : TLB_SUPER;
}

/* Instructions at @lin; what is no memory is not kept. */
static void keep_fetch(struct soft *s, uint64_t lin, unsigned access, const struct x86_page *p,
		       uint8_t *page)
{
	s->fetch_global = p->global;
	*fetch_slot(s, lin) =
		(struct fetch_entry){ .tag = (lin & PAGE_MASK) | !!(access & X86_ACC_USER),
				      .gpa = p->gpa & PAGE_MASK,
				      .host = page,
				      .era = s->era[p->global],
				      .global = p->global };
	if (p->shift > 12)
		note_large(s, lin, p->shift);
}

static bool fetched(struct soft *s, uint64_t lin, unsigned access, struct x86_ref *r)
{
	const struct fetch_entry *f = fetch_slot(s, lin);

	if (!f->host || f->tag != ((lin & PAGE_MASK) | !!(access & X86_ACC_USER)) ||
	    f->era != s->era[f->global])
		return false;
	s->fetch_global = f->global;
	*r = (struct x86_ref){ .host = f->host + (lin & (MEM_PAGE - 1)),
			       .gpa = f->gpa | (lin & (MEM_PAGE - 1)) };
	return true;
}

/* Walks, raises or fills. */
static struct x86_ref miss(struct soft *s, uint64_t lin, unsigned access)
{
	struct x86_exec *x = &s->x;
	struct x86_page p;

	if (x86_walk(x->c, x->mem, lin, access, &p) < 0)
		x86_raise_pf(x, lin, p.error);
	uint64_t gpa = p.gpa & PAGE_MASK;
	uint8_t *rd = mem_ptr(x->mem, gpa, MEM_PAGE, false);
	uint8_t *wr = mem_ptr(x->mem, gpa, MEM_PAGE, true);
	bool store = access & X86_ACC_WRITE;
	struct x86_ref r = { .gpa = p.gpa };

	s->report = true;

	if (store ? wr != NULL : rd != NULL)
		r.host = (store ? wr : rd) + (lin & (MEM_PAGE - 1));
	if (access & X86_ACC_FETCH)
		keep_fetch(s, lin, access, &p, rd);
	if (!rd || (access & X86_ACC_FETCH))
		return r;
	/* Each access to it is to be looked at. */
	if (x86_debug_armed(x->c) && x86_debug_page(x->c, lin))
		return r;
	if (!(x->c->cr4 & CR4_SMAP) && (access & X86_ACC_AC))
		access &= ~(unsigned)X86_ACC_AC;
	enum tlb_mode m = mode_of(access);
	struct tlb2_entry *t = soft_tlb2(s, m, lin);

	*t = (struct tlb2_entry){ .tag = lin & PAGE_MASK,
				  .addend = (uint64_t)(uintptr_t)rd - (lin & PAGE_MASK),
				  .gpa = gpa,
				  .mode = (uint8_t)m,
				  .era = s->era[p.global],
				  .global = p.global,
				  .read = p.read,
				  .write = p.write && wr && codemap_writable(s, gpa) };
	s->report = !t->write;
	if (p.shift > 12)
		note_large(s, lin, p.shift);
	if (store ? t->write : t->read)
		soft_tlb_put(s, t, store ? TLB_WRITE : TLB_READ);
	return r;
}

struct x86_ref soft_translate(struct x86_exec *x, uint64_t lin, unsigned access)
{
	struct soft *s = soft_of(x->c);
	unsigned a = access;
	struct x86_ref r;

	if (access & X86_ACC_FETCH)
		return fetched(s, lin, access, &r) ? r : miss(s, lin, access);
	if (!(x->c->cr4 & CR4_SMAP))
		a &= ~(unsigned)X86_ACC_AC;
	enum tlb_mode m = mode_of(a);
	const struct tlb2_entry *e = soft_tlb2(s, m, lin);

	if (e->tag == (lin & PAGE_MASK) && e->mode == m && e->era == s->era[e->global] &&
	    (a & X86_ACC_WRITE ? e->write : e->read)) {
		s->report = false;
		return (struct x86_ref){ .host = (uint8_t *)(uintptr_t)(lin + e->addend),
					 .gpa = e->gpa | (lin & (MEM_PAGE - 1)) };
	}
	return miss(s, lin, access);
}

static void guest_flags(struct x86_cpu *c, bool saved)
{
	struct soft *s = soft_of(c);
	uint64_t f = s->hflags;

	if (saved) {
		uint64_t v = s->saved_flags;

		f = (s->hflags & RFL_DF) |
		    (v >> 8 & (RFL_CF | RFL_PF | RFL_AF | RFL_ZF | RFL_SF)) |
		    (v & 1 ? RFL_OF : 0);
	}
	c->rflags = (c->rflags & ~(uint64_t)(RFL_ARITH | RFL_DF)) | (f & (RFL_ARITH | RFL_DF));
}

void soft_alone_end(struct soft *s)
{
	if (s->alone)
		vcpu_exclusive_end(s->vcpu->group, s->vcpu);
	s->alone = false;
}

/* What is locked but not one piece of memory: while no other vCPU does anything. */
static void alone(struct soft *s)
{
	if (!s->vcpu->group)
		return;
	vcpu_exclusive_begin(s->vcpu->group, s->vcpu);
	s->alone = true;
	codemap_catch_up(s);
}

/* Out of generated code with an event for the instruction of @a. */
static uint64_t leave(struct soft *s, const struct access *a)
{
	struct x86_cpu *c = s->x.c;

	soft_alone_end(s);
	guest_flags(c, a->flags_saved);
	c->rip = a->rip;
	s->event = s->x.event;
	s->exit_kind = SOFT_EVENT;
	return (uint64_t)(uintptr_t)cache_stubs(s->cache)->exit_bare;
}

static unsigned ordinary(const struct x86_cpu *c)
{
	return x86_access(c);
}

/* The operation works on memory itself; it is told of afterwards. */
static uint64_t direct(struct soft *s, const struct access *a, const struct x86_ref *r)
{
	s->direct = true;
	s->direct_gpa = r->gpa;
	s->bounce_len = a->size;
	s->acc_ptr = (uint64_t)(uintptr_t)r->host;
	return a->slow_op;
}

/* Two pages, or registers of devices: through the bounce buffer. */
static uint64_t bounce(struct soft *s, const struct access *a, uint64_t lin)
{
	struct x86_exec *x = &s->x;
	unsigned acc = ordinary(x->c);
	uint8_t *b = s->bounce + (lin & 63);

	s->direct = false;
	if (a->locked)
		alone(s);
	if (a->write)
		x86_probe_write(x, lin, a->size, acc);
	if (a->read)
		x86_ld_bytes(x, lin, b, a->size, acc);
	s->bounce_lin = lin;
	s->bounce_len = a->size;
	s->acc_ptr = (uint64_t)(uintptr_t)b;
	return a->write ? a->slow_op : a->after_check;
}

/* Where the pages are neighbours in memory as well, a locked operation is done there: the host
 * locks it against devices' threads, too. */
static uint64_t two_pages(struct soft *s, const struct access *a, uint64_t lin, unsigned acc)
{
	struct x86_exec *x = &s->x;
	uint64_t second = (lin | (MEM_PAGE - 1)) + 1;

	if (!a->locked || !a->write || second >> 32 != lin >> 32 || x86_debug_armed(x->c))
		return bounce(s, a, lin);
	struct x86_ref r = soft_translate(x, lin, acc);
	struct x86_ref q = soft_translate(x, second, acc);

	if (!r.host || q.host != r.host + (second - lin) || q.gpa != r.gpa + (second - lin))
		return bounce(s, a, lin);
	return direct(s, a, &r);
}

/* @offset: @address is not linear yet. */
static uint64_t find(struct soft *s, const struct access *a, uint64_t address, bool offset)
{
	struct x86_exec *x = &s->x;
	struct x86_cpu *c = x->c;
	uint64_t lin = address;

	if (x86_code64(c)) {
		if (!x86_canonical(lin) || !x86_canonical(lin + a->size - 1))
			x86_raise_error(x, a->seg == X86_SS ? X86_SS_FAULT : X86_GP, 0);
	} else if (a->segmented) {
		uint64_t off = address;

		if (!offset)
			off = (uint32_t)(address - c->seg[a->seg].base);
		lin = x86_linear(x, a->seg, off, a->size, a->write);
	} else {
		lin = (uint32_t)lin;
	}
	unsigned acc = ordinary(c) | (a->write ? X86_ACC_WRITE : 0);

	if ((lin & (MEM_PAGE - 1)) + a->size > MEM_PAGE)
		return two_pages(s, a, lin, acc);
	struct x86_ref r = soft_translate(x, lin, acc);

	if (!r.host)
		return bounce(s, a, lin);
	if (x86_debug_armed(c))
		x86_debug_data(c, lin, a->size, a->write);
	if (a->write && s->report)
		return direct(s, a, &r);
	s->acc_ptr = (uint64_t)(uintptr_t)r.host;
	return a->after_check;
}

uint64_t soft_slow(struct x86_cpu *c, uint64_t access, uint64_t address)
{
	struct soft *s = soft_of(c);
	const struct access *a = (const struct access *)(uintptr_t)(access & ~1ull);

	jmp_buf here, *const outer = s->x.fault;

	if (setjmp(here)) {
		s->x.fault = outer;
		return leave(s, a);
	}
	s->x.fault = &here;
	/* RIP is only brought up to date here. */
	c->rip = a->rip;
	uint64_t go = find(s, a, address, access & 1);

	s->x.fault = outer;
	return go;
}

uint64_t soft_commit(struct x86_cpu *c, const struct access *a)
{
	struct soft *s = soft_of(c);
	struct x86_exec *x = &s->x;

	jmp_buf here, *const outer = x->fault;

	if (setjmp(here)) {
		x->fault = outer;
		return leave(s, a); /* unmapped since: by another processor */
	}
	x->fault = &here;
	s->smc_self = false;
	if (s->direct)
		x->wrote(x, s->direct_gpa, s->bounce_len);
	else
		x86_st_bytes(x, s->bounce_lin, s->bounce + (s->bounce_lin & 63), s->bounce_len,
			     ordinary(c));
	x->fault = outer;
	soft_alone_end(s);
	if (!(s->smc_self || s->vcpu->jobs) || a->no_exit)
		return a->after_op;
	/* The rest of this block is no longer what memory says, or waits for a job. */
	guest_flags(c, a->flags_saved_after);
	c->rip = a->next;
	s->exit_kind = SOFT_JUMP;
	s->exit_arg = 0;
	s->bare = true;
	return (uint64_t)(uintptr_t)cache_stubs(s->cache)->exit_bare;
}
