/* SPDX-License-Identifier: MIT */
/* GDB looks at registers and memory, and changes them. */
#include "base/compiler.h"
#include "emu/cpu/x86/paging.h"
#include "emu/gdb/gdb_int.h"
#include "emu/gdb/regs.h"
#include "emu/mem.h"

#include <string.h>

static struct x86_cpu *cpu(struct gdb *g)
{
	return g->m->vcpu[g->look].x86;
}

static void add_register(struct gdb *g, struct str *s, unsigned n)
{
	uint8_t v[REGS_BYTES];

	regs_get(cpu(g), g->wide, n, v);
	gdb_add_hex(s, v, regs_size(g->wide, n));
}

static void finish(struct gdb *g, struct str *s)
{
	if (s->failed)
		gdb_say(g, "E0c");
	else
		gdb_send(g, s->s ? s->s : "", s->len);
	str_free(s);
}

void gdb_all_registers(struct gdb *g)
{
	struct str s = STR_INIT;

	for (unsigned n = 0; regs_size(g->wide, n); n++)
		add_register(g, &s, n);
	finish(g, &s);
}

void gdb_set_all(struct gdb *g, const char *p)
{
	uint8_t v[REGS_BYTES];
	unsigned size;
	bool ok = true;

	for (unsigned n = 0; (size = regs_size(g->wide, n)) && *p; n++) {
		if (gdb_bytes(p, v, size) != (int)size) {
			gdb_say(g, "E16");
			return;
		}
		/* what cannot be changed is sent back as it was */
		ok &= regs_set(cpu(g), g->wide, n, v);
		p += 2 * size;
	}
	gdb_say(g, ok ? "OK" : "E01");
}

void gdb_register(struct gdb *g, const char *p)
{
	struct str s = STR_INIT;
	uint64_t n;

	if (!gdb_hex(&p, &n) || n >= REGS_MAX || !regs_size(g->wide, (unsigned)n)) {
		gdb_say(g, "E16");
		return;
	}
	add_register(g, &s, (unsigned)n);
	finish(g, &s);
}

void gdb_set_register(struct gdb *g, const char *p)
{
	uint8_t v[REGS_BYTES] = { 0 };
	uint64_t n;
	unsigned size;

	if (!gdb_hex(&p, &n) || n >= REGS_MAX || !(size = regs_size(g->wide, (unsigned)n)) ||
	    *p != '=' || gdb_bytes(p + 1, v, size) != (int)size)
		gdb_say(g, "E16");
	else
		gdb_say(g, regs_set(cpu(g), g->wide, (unsigned)n, v) ? "OK" : "E01");
}

/* Copies page by page; how much could be. */
static size_t copy(struct gdb *g, uint64_t lin, uint8_t *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		uint64_t gpa, at = lin + done;
		size_t n = MEM_PAGE - (size_t)(at & (MEM_PAGE - 1));
		int r;

		if (n > len - done)
			n = len - done;
		if (x86_peek(cpu(g), g->m->mem, at, &gpa) < 0)
			break;
		r = write ? mem_write(g->m->mem, gpa, buf + done, n)
			  : mem_read(g->m->mem, gpa, buf + done, n);
		if (r < 0)
			break;
		done += n;
	}
	return done;
}

void gdb_read(struct gdb *g, const char *p)
{
	struct str s = STR_INIT;
	uint8_t buf[GDB_PACKET / 2];
	uint64_t addr, len;
	size_t n;

	if (!gdb_hex(&p, &addr) || *p++ != ',' || !gdb_hex(&p, &len)) {
		gdb_say(g, "E16");
		return;
	}
	n = copy(g, addr, buf, len < sizeof(buf) ? (size_t)len : sizeof(buf), false);
	if (!n && len) {
		gdb_say(g, "E0e");
		return;
	}
	gdb_add_hex(&s, buf, n);
	finish(g, &s);
}

/* X: } in front of a byte stands for it with bit 5 changed. */
static size_t unescape(const char *p, size_t n, uint8_t *out, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < max; i++) {
		if (p[i] == '}' && i + 1 < n)
			out[len++] = (uint8_t)(p[++i] ^ 0x20);
		else
			out[len++] = (uint8_t)p[i];
	}
	return len;
}

void gdb_write(struct gdb *g, const char *p, size_t n, bool binary)
{
	const char *end = p + n;
	uint8_t buf[GDB_PACKET];
	uint64_t addr, len;
	int got;

	if (!gdb_hex(&p, &addr) || *p++ != ',' || !gdb_hex(&p, &len) || *p++ != ':' ||
	    len > sizeof(buf)) {
		gdb_say(g, "E16");
		return;
	}
	got = binary ? (int)unescape(p, (size_t)(end - p), buf, sizeof(buf))
		     : gdb_bytes(p, buf, sizeof(buf));
	if (got < 0 || (uint64_t)got != len)
		gdb_say(g, "E16");
	else
		gdb_say(g, copy(g, addr, buf, (size_t)len, true) == len ? "OK" : "E0e");
}

/* ---- breakpoints ---- */

static bool point(struct x86_debugger *d, uint64_t addr, bool insert)
{
	for (unsigned i = 0; i < d->points; i++) {
		if (d->point[i] != addr)
			continue;
		if (!insert)
			d->point[i] = d->point[--d->points];
		return true;
	}
	if (!insert)
		return true;
	if (d->points == X86_DBG_POINTS)
		return false;
	d->point[d->points++] = addr;
	return true;
}

static bool watch(struct x86_debugger *d, char kind, uint64_t addr, uint64_t len, bool insert)
{
	bool read = kind != '2', write = kind != '3';

	for (unsigned i = 0; i < d->watches; i++) {
		if (d->watch[i].addr != addr || d->watch[i].len != len ||
		    d->watch[i].read != read || d->watch[i].write != write)
			continue;
		if (!insert)
			d->watch[i] = d->watch[--d->watches];
		return true;
	}
	if (!insert)
		return true;
	if (d->watches == X86_DBG_WATCHES)
		return false;
	d->watch[d->watches].addr = addr;
	d->watch[d->watches].len = len;
	d->watch[d->watches].read = read;
	d->watch[d->watches++].write = write;
	return true;
}

void gdb_point(struct gdb *g, const char *p, bool insert)
{
	char kind = *p;
	uint64_t addr, len;
	bool ok;

	if (kind < '0' || kind > '4') {
		gdb_say(g, "");
		return;
	}
	p++;
	if (*p++ != ',' || !gdb_hex(&p, &addr) || *p++ != ',' || !gdb_hex(&p, &len) ||
	    len > MEM_PAGE) {
		gdb_say(g, "E16");
		return;
	}
	if (!g->wide)
		addr = (uint32_t)addr;
	ok = kind < '2' ? point(&g->dbg, addr, insert)
			: len && watch(&g->dbg, kind, addr, len, insert);
	g->dbg.era++;
	gdb_say(g, ok ? "OK" : "E1c");
}
