/* SPDX-License-Identifier: MIT */
/* Breakpoints of the debug registers. */
#include "emu/cpu/x86/exec.h"
#include "emu/mem.h"

enum { ON_INSN, ON_WRITE, ON_PORT, ON_ACCESS };

static bool armed(const struct x86_cpu *c, unsigned n)
{
	return c->dr[7] >> 2 * n & 3;
}

static unsigned kind(const struct x86_cpu *c, unsigned n)
{
	return (unsigned)(c->dr[7] >> (16 + 4 * n) & 3);
}

/* 1, 2, 4 or (coded 2) 8 bytes. */
static unsigned length(const struct x86_cpu *c, unsigned n)
{
	static const uint8_t len[] = { 1, 2, 8, 4 };

	return len[c->dr[7] >> (18 + 4 * n) & 3];
}

static bool meets(const struct x86_cpu *c, unsigned n, uint64_t at, unsigned size)
{
	unsigned len = length(c, n);
	uint64_t from = c->dr[n] & ~(uint64_t)(len - 1);

	return at - from < len || from - at < size;
}

static bool watched_page(const struct x86_debugger *d, uint64_t lin)
{
	uint64_t page = lin & ~(uint64_t)(MEM_PAGE - 1);

	for (unsigned i = 0; d && i < d->watches; i++)
		if (d->watch[i].addr - page < MEM_PAGE ||
		    page - d->watch[i].addr < d->watch[i].len)
			return true;
	return false;
}

static void watched(struct x86_cpu *c, uint64_t lin, unsigned size, bool write)
{
	const struct x86_debugger *d = c->dbg.all;

	for (unsigned i = 0; d && i < d->watches; i++) {
		if ((lin - d->watch[i].addr >= d->watch[i].len &&
		     d->watch[i].addr - lin >= size) ||
		    !(write ? d->watch[i].write : d->watch[i].read))
			continue;
		c->dbg.stop = write ? X86_DBG_WRITE : X86_DBG_READ;
		c->dbg.addr = d->watch[i].addr;
	}
}

bool x86_debug_before(struct x86_cpu *c, uint64_t lin)
{
	const struct x86_debugger *d = c->dbg.all;

	for (unsigned i = 0; d && i < d->points && !c->dbg.resume; i++)
		if (d->point[i] == lin)
			c->dbg.stop = X86_DBG_POINT;
	c->dbg.resume = false;
	return c->dbg.stop == X86_DBG_POINT;
}

bool x86_debug_after(struct x86_cpu *c)
{
	if (c->dbg.step && c->dbg.stop == X86_DBG_NONE)
		c->dbg.stop = X86_DBG_STEP;
	return c->dbg.stop != X86_DBG_NONE;
}

bool x86_debug_page(const struct x86_cpu *c, uint64_t lin)
{
	if (c->dbg.on && watched_page(c->dbg.all, lin))
		return true;
	for (unsigned n = 0; n < 4; n++)
		if (armed(c, n) && kind(c, n) != ON_INSN &&
		    !((c->dr[n] ^ lin) & ~(uint64_t)(MEM_PAGE - 1)))
			return true;
	return false;
}

void x86_debug_data(struct x86_cpu *c, uint64_t lin, unsigned size, bool write)
{
	if (c->dbg.on)
		watched(c, lin, size, write);
	for (unsigned n = 0; n < 4; n++)
		if (armed(c, n) && meets(c, n, lin, size) &&
		    (kind(c, n) == ON_ACCESS || (write && kind(c, n) == ON_WRITE)))
			c->debug_hits |= 1u << n;
}

void x86_debug_port(struct x86_cpu *c, uint16_t port, unsigned size)
{
	if (!(c->cr4 & CR4_DE))
		return;
	for (unsigned n = 0; n < 4; n++)
		if (armed(c, n) && kind(c, n) == ON_PORT && meets(c, n, port, size))
			c->debug_hits |= 1u << n;
}

uint32_t x86_debug_insn(const struct x86_cpu *c, uint64_t lin)
{
	uint32_t hits = 0;

	for (unsigned n = 0; n < 4; n++)
		if (armed(c, n) && kind(c, n) == ON_INSN && c->dr[n] == lin)
			hits |= 1u << n;
	return hits;
}
