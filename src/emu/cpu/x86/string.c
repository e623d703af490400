/* SPDX-License-Identifier: MIT */
/*
 * MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS and their repetition.  A repeated one is done in
 * runs that stay within a page; registers tell of what is done before the next run may fault,
 * and RIP stays until the count is used up, so interrupts come in between.
 */
#include "emu/bus.h"
#include "emu/cpu/x86/insn.h"
#include "emu/mem.h"

#include <string.h>

#define RUNS 16 /* before the caller may look at its requests */

struct str {
	struct x86_exec *x;
	const struct x86_insn *i;
	unsigned size;
	uint64_t mask; /* of the address size */
	int64_t step;
	unsigned access;
};

static uint64_t reg(const struct str *s, unsigned r)
{
	return s->x->c->gpr[r] & s->mask;
}

static void advance(const struct str *s, unsigned r, uint64_t n)
{
	struct x86_cpu *c = s->x->c;

	x86_put(c, r, s->i->adsz, c->gpr[r] + n * (uint64_t)s->step);
}

static bool flat(const struct str *s, unsigned seg)
{
	const struct x86_seg *g = &s->x->c->seg[seg];

	return x86_code64(s->x->c) || (g->limit == 0xffffffff && !(g->attr & SEG_CODE));
}

/* Elements from @r on that lie in one page and do not wrap; 1 where that is not simple. */
static uint64_t run(const struct str *s, unsigned seg, unsigned r, uint64_t lin, uint64_t n)
{
	uint64_t left = (MEM_PAGE - (lin & (MEM_PAGE - 1))) / s->size;
	uint64_t wrap = (s->mask - reg(s, r)) / s->size;

	if (s->step < 0 || !flat(s, seg))
		return 1;
	if (left < n)
		n = left;
	if (wrap < n)
		n = wrap;
	return n ? n : 1;
}

static bool crosses(const struct str *s, uint64_t lin)
{
	return (lin & (MEM_PAGE - 1)) + s->size > MEM_PAGE;
}

static uint64_t src_lin(const struct str *s)
{
	return x86_linear(s->x, s->i->seg, reg(s, X86_RSI), s->size, false);
}

static uint64_t dst_lin(const struct str *s, bool write)
{
	return x86_linear(s->x, X86_ES, reg(s, X86_RDI), s->size, write);
}

#ifdef __SANITIZE_THREAD__
/* As mem_copy(), which tells the sanitizer whose affair races over these bytes are. */
static void copy_up(uint8_t *d, const uint8_t *p, uint64_t bytes, unsigned size)
{
	uint64_t v;

	for (uint64_t k = 0; k < bytes; k += size) {
		mem_copy(&v, p + k, size);
		mem_copy(d + k, &v, size);
	}
}

static void fill(uint8_t *d, uint64_t v, uint64_t n, unsigned size)
{
	for (uint64_t k = 0; k < n; k++)
		mem_copy(d + k * size, &v, size);
}
#else
/* As the processor does it, element by element: a run may overlap itself. */
static void copy_up(uint8_t *d, const uint8_t *p, uint64_t bytes, unsigned size)
{
	if (d + bytes <= p || p + bytes <= d || d < p) {
		memmove(d, p, bytes);
		return;
	}
	for (uint64_t k = 0; k < bytes; k += size)
		memmove(d + k, p + k, size);
}

static void fill(uint8_t *d, uint64_t v, uint64_t n, unsigned size)
{
	if (size == 1 || v == 0) {
		memset(d, (int)(v & 255), n * size);
		return;
	}
	for (uint64_t k = 0; k < n; k++)
		memcpy(d + k * size, &v, size);
}
#endif

static uint64_t do_movs(const struct str *s, uint64_t n)
{
	struct x86_exec *x = s->x;
	uint64_t from = src_lin(s), to = dst_lin(s, true);

	n = run(s, s->i->seg, X86_RSI, from, n);
	n = run(s, X86_ES, X86_RDI, to, n);
	if (!crosses(s, from) && !crosses(s, to) && !x86_debug_armed(x->c)) {
		struct x86_ref a = x->translate(x, from, s->access);
		struct x86_ref b = x->translate(x, to, s->access | X86_ACC_WRITE);

		if (a.host && b.host) {
			copy_up(b.host, a.host, n * s->size, s->size);
			x->wrote(x, b.gpa, (unsigned)(n * s->size));
			goto done;
		}
	}
	n = 1;
	x86_st(x, to, s->size, x86_ld(x, from, s->size, s->access), s->access);
done:
	advance(s, X86_RSI, n);
	advance(s, X86_RDI, n);
	return n;
}

static uint64_t do_stos(const struct str *s, uint64_t n)
{
	struct x86_exec *x = s->x;
	uint64_t to = dst_lin(s, true), v = x86_get(x->c, X86_RAX, s->size);

	n = run(s, X86_ES, X86_RDI, to, n);
	struct x86_ref b = { 0 };

	if (!crosses(s, to) && !x86_debug_armed(x->c))
		b = x->translate(x, to, s->access | X86_ACC_WRITE);
	if (b.host) {
		fill(b.host, v, n, s->size);
		x->wrote(x, b.gpa, (unsigned)(n * s->size));
	} else {
		n = 1;
		x86_st(x, to, s->size, v, s->access);
	}
	advance(s, X86_RDI, n);
	return n;
}

/* The flags of a - b. */
static void sub_flags(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
	uint64_t r = a - b, top = 1ull << (8 * size - 1);
	uint64_t f = 0, cut = size == 8 ? ~0ull : (1ull << 8 * size) - 1;

	f |= (a & cut) < (b & cut) ? RFL_CF : 0;
	f |= __builtin_parity((unsigned)r & 255) ? 0 : RFL_PF;
	f |= (a ^ b ^ r) & 16 ? RFL_AF : 0;
	f |= (r & cut) == 0 ? RFL_ZF : 0;
	f |= r & top ? RFL_SF : 0;
	f |= (a ^ b) & (a ^ r) & top ? RFL_OF : 0;
	c->rflags = (c->rflags & ~(uint64_t)RFL_ARITH) | f;
}

/* One comparison; true when the repetition ends with it. */
static bool compare(const struct str *s, uint64_t a, uint64_t b)
{
	struct x86_cpu *c = s->x->c;

	sub_flags(c, a, b, s->size);
	if (!s->i->rep)
		return true;
	return (s->i->rep == 0xf3) != ((c->rflags & RFL_ZF) != 0);
}

static uint64_t do_compare(const struct str *s, uint64_t n, bool scas, bool *end)
{
	struct x86_exec *x = s->x;
	uint64_t done = 0;

	/* Bounded, so that interrupts are looked at. */
	for (; done < n && done < 512 && !*end; done++) {
		uint64_t a = scas ? x86_get(x->c, X86_RAX, s->size)
				  : x86_ld(x, src_lin(s), s->size, s->access);
		uint64_t b = x86_ld(x, dst_lin(s, false), s->size, s->access);

		*end = compare(s, a, b);
		if (!scas)
			advance(s, X86_RSI, 1);
		advance(s, X86_RDI, 1);
		if (s->i->rep)
			x86_put(x->c, X86_RCX, s->i->adsz, x->c->gpr[X86_RCX] - 1);
	}
	return done;
}

static void do_one(const struct str *s)
{
	struct x86_exec *x = s->x;
	struct x86_cpu *c = x->c;
	uint16_t port = (uint16_t)c->gpr[X86_RDX];

	switch (s->i->opcode & 0xfe) {
	case 0xac: /* LODS */
		x86_put(c, X86_RAX, s->size, x86_ld(x, src_lin(s), s->size, s->access));
		advance(s, X86_RSI, 1);
		break;
	case 0x6c: { /* INS */
		uint64_t to = dst_lin(s, true);

		x86_check_io(x, port, s->size);
		if (x86_debug_armed(c))
			x86_debug_port(c, port, s->size);
		x86_probe_write(x, to, s->size, s->access);
		x86_st(x, to, s->size, bus_read(x->bus, BUS_PORT, port, s->size), s->access);
		advance(s, X86_RDI, 1);
		break;
	}
	default: { /* OUTS */
		uint64_t v = x86_ld(x, src_lin(s), s->size, s->access);

		x86_check_io(x, port, s->size);
		if (x86_debug_armed(c))
			x86_debug_port(c, port, s->size);
		bus_write(x->bus, BUS_PORT, port, s->size, v);
		advance(s, X86_RSI, 1);
		break;
	}
	}
}

/* One run of at most @n; how many it did. */
static uint64_t once(const struct str *s, uint64_t n, bool *end)
{
	switch (s->i->opcode & 0xfe) {
	case 0xa4:
		return do_movs(s, n);
	case 0xaa:
		return do_stos(s, n);
	case 0xa6:
		return do_compare(s, n, false, end);
	case 0xae:
		return do_compare(s, n, true, end);
	default:
		do_one(s);
		return 1;
	}
}

bool x86_string(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t op = i->opcode & 0xfe;
	bool end = false, cmp = op == 0xa6 || op == 0xae;

	if (i->map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    !(op == 0xa4 || op == 0xa6 || op == 0xaa || op == 0xac || op == 0xae ||
	      op == 0x6c || op == 0x6e))
		return false;
	struct str s = { .x = x, .i = i, .access = x86_access(c) };

	s.size = i->opcode & 1 ? i->opsz : 1;
	if ((op == 0x6c || op == 0x6e) && s.size == 8)
		s.size = 4;
	s.mask = i->adsz == 8 ? ~0ull : i->adsz == 4 ? 0xffffffff : 0xffff;
	s.step = c->rflags & RFL_DF ? -(int64_t)s.size : (int64_t)s.size;
	if (!i->rep) {
		once(&s, 1, &end);
		c->rip += i->len;
		return true;
	}
	/* Each repetition is one to a debugger. */
	bool alone = (c->rflags & RFL_TF) || x86_debug_armed(c);

	for (unsigned k = 0; k < (alone ? 1 : RUNS) && reg(&s, X86_RCX) && !end; k++) {
		uint64_t n = once(&s, alone ? 1 : reg(&s, X86_RCX), &end);

		if (!cmp)
			x86_put(c, X86_RCX, i->adsz, c->gpr[X86_RCX] - n);
	}
	if (end || !reg(&s, X86_RCX))
		c->rip += i->len;
	return true;
}
