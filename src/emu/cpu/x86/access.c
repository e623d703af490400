/* SPDX-License-Identifier: MIT */
/* Memory as instructions see it: pages, segments, the stack; and the way out. */
#include "emu/bus.h"
#include "emu/cpu/x86/exec.h"
#include "emu/mem.h"

#include <string.h>

noreturn void x86_raise(struct x86_exec *x, uint8_t vector)
{
	x->event = (struct x86_event){ .vector = vector };
	longjmp(*x->fault, 1);
}

noreturn void x86_raise_error(struct x86_exec *x, uint8_t vector, uint32_t error)
{
	x->event = (struct x86_event){ .vector = vector, .has_error = true, .error = error };
	longjmp(*x->fault, 1);
}

noreturn void x86_raise_pf(struct x86_exec *x, uint64_t lin, uint32_t error)
{
	x->event = (struct x86_event){
		.vector = X86_PF, .has_error = true, .error = error, .cr2 = lin
	};
	longjmp(*x->fault, 1);
}

unsigned x86_access(const struct x86_cpu *c)
{
	if (x86_cpl(c) == 3)
		return X86_ACC_USER;
	return c->rflags & RFL_AC ? X86_ACC_AC : 0;
}

static uint64_t wrap(const struct x86_cpu *c, uint64_t lin)
{
	return x86_long(c) ? lin : (uint32_t)lin;
}

static unsigned in_page(uint64_t lin, unsigned n)
{
	unsigned left = MEM_PAGE - (unsigned)(lin & (MEM_PAGE - 1));

	return n < left ? n : left;
}

static void ref_ld(struct x86_exec *x, const struct x86_ref *r, void *buf, unsigned n)
{
	if (r->host) {
		mem_copy(buf, r->host, n);
		return;
	}
	for (unsigned done = 0; done < n;) {
		unsigned k = n - done < 8 ? n - done : 8;
		uint64_t v = bus_read(x->bus, BUS_MEM, r->gpa + done, k);

		memcpy((uint8_t *)buf + done, &v, k);
		done += k;
	}
}

static void ref_st(struct x86_exec *x, const struct x86_ref *r, const void *buf, unsigned n)
{
	if (r->host) {
		mem_copy(r->host, buf, n);
		x->wrote(x, r->gpa, n);
		return;
	}
	for (unsigned done = 0; done < n;) {
		unsigned k = n - done < 8 ? n - done : 8;
		uint64_t v = 0;

		memcpy(&v, (const uint8_t *)buf + done, k);
		bus_write(x->bus, BUS_MEM, r->gpa + done, k, v);
		done += k;
	}
}

void x86_ld_bytes(struct x86_exec *x, uint64_t lin, void *buf, unsigned n, unsigned access)
{
	uint8_t *p = buf;

	if (x86_debug_armed(x->c))
		x86_debug_data(x->c, wrap(x->c, lin), n, false);
	while (n) {
		unsigned k = in_page(lin, n);
		struct x86_ref r = x->translate(x, wrap(x->c, lin), access);

		ref_ld(x, &r, p, k);
		p += k;
		lin += k;
		n -= k;
	}
}

/* At most two pages; nothing is written before both are known to be writable. */
void x86_st_bytes(struct x86_exec *x, uint64_t lin, const void *buf, unsigned n,
		  unsigned access)
{
	unsigned k = in_page(lin, n);
	struct x86_ref a = x->translate(x, wrap(x->c, lin), access | X86_ACC_WRITE);

	if (x86_debug_armed(x->c))
		x86_debug_data(x->c, wrap(x->c, lin), n, true);
	if (k == n) {
		ref_st(x, &a, buf, n);
		return;
	}
	struct x86_ref b = x->translate(x, wrap(x->c, lin + k), access | X86_ACC_WRITE);

	ref_st(x, &a, buf, k);
	ref_st(x, &b, (const uint8_t *)buf + k, n - k);
}

void x86_probe_write(struct x86_exec *x, uint64_t lin, unsigned size, unsigned access)
{
	x->translate(x, wrap(x->c, lin), access | X86_ACC_WRITE);
	if (in_page(lin, size) < size)
		x->translate(x, wrap(x->c, (lin | (MEM_PAGE - 1)) + 1), access | X86_ACC_WRITE);
}

uint64_t x86_ld(struct x86_exec *x, uint64_t lin, unsigned size, unsigned access)
{
	uint64_t v = 0;

	x86_ld_bytes(x, lin, &v, size, access);
	return v;
}

void x86_st(struct x86_exec *x, uint64_t lin, unsigned size, uint64_t v, unsigned access)
{
	x86_st_bytes(x, lin, &v, size, access);
}

/* In limit, by the segment's direction: SDM volume 3, 5.3. */
static bool in_limit(const struct x86_seg *s, uint32_t off, unsigned size)
{
	uint64_t last = (uint64_t)off + size - 1;

	if ((s->attr & (SEG_CODE | SEG_DOWN)) == SEG_DOWN)
		return off > s->limit && last <= (s->attr & SEG_DB ? 0xffffffffu : 0xffffu);
	return last <= s->limit;
}

static bool seg_allows(const struct x86_cpu *c, const struct x86_seg *s, bool write)
{
	if (!x86_protected(c) || x86_v86(c))
		return true;
	if (!(s->attr & SEG_P))
		return false;
	if (s->attr & SEG_CODE)
		return !write && (s->attr & SEG_READ);
	return !write || (s->attr & SEG_WRITE);
}

static uint64_t linear(struct x86_exec *x, const struct x86_seg *s, uint8_t vector,
		       uint32_t error, uint64_t off, unsigned size, bool write)
{
	if (!seg_allows(x->c, s, write) || !in_limit(s, (uint32_t)off, size))
		x86_raise_error(x, vector, error);
	return (uint32_t)(s->base + off);
}

static uint64_t aligned(struct x86_exec *x, uint64_t lin, unsigned size)
{
	if (x86_alignment(x->c) && size <= 8 && !(size & (size - 1)) && (lin & (size - 1)))
		x86_raise_error(x, X86_AC, 0);
	return lin;
}

uint64_t x86_linear(struct x86_exec *x, unsigned sreg, uint64_t off, unsigned size, bool write)
{
	const struct x86_cpu *c = x->c;
	uint8_t vector = sreg == X86_SS ? X86_SS_FAULT : X86_GP;

	if (x86_code64(c)) {
		uint64_t lin = off + (sreg == X86_FS || sreg == X86_GS ? c->seg[sreg].base : 0);

		if (!x86_canonical(lin) || !x86_canonical(lin + size - 1))
			x86_raise_error(x, vector, 0);
		return aligned(x, lin, size);
	}
	return aligned(x, linear(x, &c->seg[sreg], vector, 0, off, size, write), size);
}

uint64_t x86_stack_mask(const struct x86_cpu *c)
{
	if (x86_code64(c))
		return ~0ull;
	return c->seg[X86_SS].attr & SEG_DB ? 0xffffffff : 0xffff;
}

static void put_sp(struct x86_cpu *c, uint64_t mask, uint64_t sp)
{
	uint64_t *rsp = &c->gpr[X86_RSP];

	/* Writing ESP clears the upper half as any 32-bit result does. */
	*rsp = mask == 0xffff ? (*rsp & ~0xffffull) | (sp & 0xffff) : sp & mask;
}

void x86_set_sp(struct x86_cpu *c, uint64_t sp)
{
	put_sp(c, x86_stack_mask(c), sp);
}

struct x86_stack x86_stack_now(const struct x86_cpu *c)
{
	return (struct x86_stack){ .ss = c->seg[X86_SS],
				   .sp = c->gpr[X86_RSP],
				   .mask = x86_stack_mask(c),
				   .access = x86_access(c),
				   .wide = x86_code64(c) };
}

static uint64_t stack_linear(struct x86_exec *x, const struct x86_stack *s, unsigned size,
			     bool write)
{
	uint64_t sp = s->sp & s->mask;

	if (!s->wide)
		return linear(x, &s->ss, X86_SS_FAULT, s->fault_error, sp, size, write);
	if (!x86_canonical(sp) || !x86_canonical(sp + size - 1))
		x86_raise_error(x, X86_SS_FAULT, s->fault_error);
	return sp;
}

void x86_push(struct x86_exec *x, struct x86_stack *s, unsigned size, uint64_t v)
{
	s->sp = (s->sp & ~s->mask) | ((s->sp - size) & s->mask);
	x86_st(x, stack_linear(x, s, size, true), size, v, s->access);
}

uint64_t x86_pop(struct x86_exec *x, struct x86_stack *s, unsigned size)
{
	uint64_t v = x86_ld(x, stack_linear(x, s, size, false), size, s->access);

	s->sp = (s->sp & ~s->mask) | ((s->sp + size) & s->mask);
	return v;
}
