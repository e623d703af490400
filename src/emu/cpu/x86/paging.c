/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/paging.h"

#include "emu/cpu/x86/cpuid.h"
#include "emu/mem.h"

#include <string.h>

#define PTE_P     1u
#define PTE_W     2u
#define PTE_U     4u
#define PTE_A     0x20u
#define PTE_D     0x40u
#define PTE_PS    0x80u
#define PTE_G     0x100u
#define PTE_NX    (1ull << 63)
#define ADDR_MASK 0x000ffffffffff000ull

struct walk {
	const struct x86_cpu *c;
	const struct mem *m;
	uint64_t lin;
	unsigned access;
	bool mark;
	/* what all levels grant */
	bool w, u, nx;
	uint64_t rsvd; /* bits that must be 0 in any entry */
};

/* One level: the entry, and where it is. */
struct level {
	uint64_t *p;
	uint64_t e;
};

static uint64_t reserved(const struct x86_cpu *c)
{
	unsigned bits = c->cpuid ? c->cpuid->phys_bits : 40;

	return (ADDR_MASK & ~((1ull << bits) - 1)) | (c->efer & EFER_NXE ? 0 : PTE_NX);
}

/* Reads the entry; what is not memory reads as all ones, as the bus does. */
static bool get64(struct walk *w, uint64_t gpa, struct level *l)
{
	l->p = mem_ptr(w->m, gpa, 8, false);
	l->e = l->p ? __atomic_load_n(l->p, __ATOMIC_RELAXED) : ~0ull;
	return l->e & PTE_P;
}

static void grant(struct walk *w, uint64_t e)
{
	w->w &= (e & PTE_W) != 0;
	w->u &= (e & PTE_U) != 0;
	w->nx |= (e & PTE_NX) != 0;
}

/* Sets accessed and dirty bits; false when the entry has changed meanwhile. */
static bool mark64(const struct walk *w, struct level *l, bool dirty)
{
	uint64_t want = l->e | PTE_A | (dirty ? PTE_D : 0);

	if (want == l->e || !w->mark || !l->p)
		return true;
	return __atomic_compare_exchange_n(l->p, &l->e, want, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static int fault(const struct walk *w, struct x86_page *out, uint32_t bits)
{
	const struct x86_cpu *c = w->c;
	bool nx = (c->efer & EFER_NXE) && (c->cr4 & CR4_PAE);

	if (w->access & X86_ACC_WRITE)
		bits |= PF_W;
	if (w->access & X86_ACC_USER)
		bits |= PF_U;
	if ((w->access & X86_ACC_FETCH) && (nx || (c->cr4 & CR4_SMEP)))
		bits |= PF_I;
	out->error = bits;
	return -EFAULT;
}

/* What the access may do, by all levels together: SDM 4.6. */
static void rights(const struct walk *w, struct x86_page *out)
{
	const struct x86_cpu *c = w->c;

	if (w->access & X86_ACC_USER) {
		out->read = w->u;
		out->write = w->u && w->w;
		out->exec = w->u && !w->nx;
		return;
	}
	bool smap = w->u && (c->cr4 & CR4_SMAP) && !(w->access & X86_ACC_AC);

	out->read = !smap;
	out->write = !smap && (w->w || !(c->cr0 & CR0_WP));
	out->exec = !w->nx && !(w->u && (c->cr4 & CR4_SMEP));
}

static bool allowed(const struct walk *w, const struct x86_page *out)
{
	if (w->access & X86_ACC_FETCH)
		return out->exec;
	return w->access & X86_ACC_WRITE ? out->write : out->read;
}

/* The end of a walk: leaf @l maps pages of 1 << @shift at @base. */
static int leaf(struct walk *w, struct level *path, unsigned n, uint64_t base, unsigned shift,
		struct x86_page *out)
{
	bool dirty = w->access & X86_ACC_WRITE;

	rights(w, out);
	if (!allowed(w, out))
		return fault(w, out, PF_P);
	for (unsigned i = 0; i < n; i++)
		if (!mark64(w, &path[i], dirty && i == n - 1))
			return -EAGAIN;
	out->write &= (path[n - 1].e & PTE_D) || dirty;
	out->shift = (uint8_t)shift;
	out->global = (path[n - 1].e & PTE_G) && (w->c->cr4 & CR4_PGE);
	out->gpa = base | (w->lin & ((1ull << shift) - 1));
	return 0;
}

/* PAE and 4-level. */
static int walk64(struct walk *w, struct x86_page *out)
{
	const struct x86_cpu *c = w->c;
	bool lm = c->efer & EFER_LMA;
	struct level path[4];
	unsigned n = 0;
	uint64_t table = c->cr3 & ADDR_MASK;

	if (!lm) {
		uint64_t e = c->pdpte[w->lin >> 30 & 3];

		if (!(e & PTE_P))
			return fault(w, out, 0);
		table = e & ADDR_MASK;
	}
	for (unsigned level = lm ? 4 : 2; level; level--) {
		unsigned shift = 12 + 9 * (level - 1);
		struct level *l = &path[n++];

		if (!get64(w, table + (w->lin >> shift & 511) * 8, l))
			return fault(w, out, 0);
		uint64_t e = l->e;
		bool big = (e & PTE_PS) && level > 1;
		uint64_t bad = w->rsvd | (lm ? 0 : 0x7ff0000000000000ull);

		if (level == 4 ||
		    (level == 3 && !(c->cpuid && x86_has(c->cpuid, FEAT_8_EDX, 26))))
			bad |= PTE_PS;
		if (big)
			bad |= ((1ull << shift) - 1) & ADDR_MASK & ~0x1000ull; /* bit 12: PAT */
		if (e & bad)
			return fault(w, out, PF_P | PF_RSVD);
		grant(w, e);
		if (level == 1 || big)
			return leaf(w, path, n, e & ADDR_MASK & ~((1ull << shift) - 1), shift,
				    out);
		table = e & ADDR_MASK;
	}
	return -EFAULT;
}

static bool mark32(const struct walk *w, uint32_t *p, uint32_t e, bool dirty)
{
	uint32_t want = e | PTE_A | (dirty ? PTE_D : 0);

	if (want == e || !w->mark || !p)
		return true;
	return __atomic_compare_exchange_n(p, &e, want, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static uint32_t *get32(const struct walk *w, uint64_t gpa, uint32_t *e)
{
	uint32_t *p = mem_ptr(w->m, gpa, 4, false);

	*e = p ? __atomic_load_n(p, __ATOMIC_RELAXED) : ~0u;
	return p;
}

static int leaf32(struct walk *w, uint32_t *p, uint32_t e, uint64_t base, unsigned shift,
		  struct x86_page *out)
{
	bool dirty = w->access & X86_ACC_WRITE;

	rights(w, out);
	if (!allowed(w, out))
		return fault(w, out, PF_P);
	if (!mark32(w, p, e, dirty))
		return -EAGAIN;
	out->write &= (e & PTE_D) || dirty;
	out->shift = (uint8_t)shift;
	out->global = (e & PTE_G) && (w->c->cr4 & CR4_PGE);
	out->gpa = base | (w->lin & ((1u << shift) - 1));
	return 0;
}

/* Two levels of 32-bit entries, with 4 MiB pages and PSE-36. */
static int walk32(struct walk *w, struct x86_page *out)
{
	uint32_t pde, pte;
	uint64_t at = (w->c->cr3 & 0xfffff000u) + (w->lin >> 22 & 1023) * 4;
	uint32_t *p = get32(w, at, &pde);

	if (!(pde & PTE_P))
		return fault(w, out, 0);
	grant(w, pde);
	if ((pde & PTE_PS) && (w->c->cr4 & CR4_PSE)) {
		uint64_t base = (pde & 0xffc00000u) | (uint64_t)(pde >> 13 & 0xff) << 32;

		if (pde & 1u << 21)
			return fault(w, out, PF_P | PF_RSVD);
		return leaf32(w, p, pde, base, 22, out);
	}
	uint32_t *q = get32(w, (pde & 0xfffff000u) + (w->lin >> 12 & 1023) * 4, &pte);

	if (!(pte & PTE_P))
		return fault(w, out, 0);
	grant(w, pte);
	if (!mark32(w, p, pde, false))
		return -EAGAIN;
	return leaf32(w, q, pte, pte & 0xfffff000u, 12, out);
}

static int walk_marking(const struct x86_cpu *c, const struct mem *m, uint64_t lin,
			unsigned access, bool mark, struct x86_page *out)
{
	int r;

	memset(out, 0, sizeof(*out));
	if (!(c->cr0 & CR0_PG)) {
		*out = (struct x86_page){ .gpa = (uint32_t)lin,
					  .shift = 12,
					  .read = true,
					  .write = true,
					  .exec = true };
		return 0;
	}
	do {
		struct walk w = { .c = c,
				  .m = m,
				  .lin = lin,
				  .access = access,
				  .mark = mark,
				  .w = true,
				  .u = true,
				  .rsvd = reserved(c) };

		r = c->cr4 & CR4_PAE ? walk64(&w, out) : walk32(&w, out);
	} while (r == -EAGAIN);
	return r;
}

int x86_walk(const struct x86_cpu *c, const struct mem *m, uint64_t lin, unsigned access,
	     struct x86_page *out)
{
	return walk_marking(c, m, lin, access, true, out);
}

int x86_peek(const struct x86_cpu *c, const struct mem *m, uint64_t lin, uint64_t *gpa)
{
	struct x86_page p;
	int r = walk_marking(c, m, lin, X86_ACC_AC, false, &p);

	if (r == 0)
		*gpa = p.gpa;
	return r;
}

bool x86_load_pdpte(struct x86_cpu *c, const struct mem *m, uint64_t cr3)
{
	uint64_t v[4];

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t *p = mem_ptr(m, (cr3 & 0xffffffe0u) + 8 * i, 8, false);

		v[i] = p ? __atomic_load_n(p, __ATOMIC_RELAXED) : 0;
		if ((v[i] & PTE_P) && (v[i] & ((reserved(c) & ~PTE_NX) | PTE_NX | 0x1e6)))
			return false;
	}
	memcpy(c->pdpte, v, sizeof(v));
	return true;
}
