/* SPDX-License-Identifier: MIT */
/* Memory, ports and numbers, for people. */
#include "base/bytes.h"
#include "emu/bus.h"
#include "emu/cpu/x86/paging.h"
#include "emu/machine.h"
#include "emu/mem.h"
#include "emu/monitor/ask.h"

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024u /* things of one command */

/* "/20xg": how many, how they are shown, of which size. */
struct format {
	uint64_t count;
	char how; /* x d u o c i */
	unsigned size;
};

static int read_format(const char **p, struct format *f, struct err *e)
{
	const char *s = *p + strspn(*p, " ");

	if (*s != '/') {
		*p = s;
		return 0;
	}
	s++;
	if (isdigit((unsigned char)*s)) {
		char *end;

		f->count = strtoull(s, &end, 10);
		s = end;
	}
	for (; *s && *s != ' '; s++) {
		static const char sizes[] = "bhwg";
		const char *at = strchr(sizes, *s);

		if (at)
			f->size = 1u << (at - sizes);
		else if (strchr("xduoci", *s))
			f->how = *s;
		else
			return err_set(
				e, -EINVAL,
				"format '/%c': a count, one of x d u o c i, one of b h w g",
				*s);
	}
	/* characters are bytes */
	if (f->how == 'c')
		f->size = 1;
	if (f->count > MOST)
		f->count = MOST;
	*p = s + strspn(s, " ");
	return 0;
}

/* Bytes at a physical address, or at a linear one of the vCPU; how many could be had. */
static unsigned peek(const struct ask *a, uint64_t addr, bool linear, uint8_t *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t gpa = addr + i;

		if (linear && x86_peek(a->m->vcpu[a->cpu].x86, a->m->mem, addr + i, &gpa) < 0)
			return i;
		if (mem_read(a->m->mem, gpa, to + i, 1) < 0)
			return i;
	}
	return n;
}

static void show(struct str *out, const struct format *f, uint64_t v)
{
	unsigned digits = 2 * f->size, bits = 8 * f->size;
	int64_t s = (int64_t)(v << (64 - bits)) >> (64 - bits);

	switch (f->how) {
	case 'd':
		str_addf(out, "%lld", (long long)s);
		break;
	case 'u':
		str_addf(out, "%llu", (unsigned long long)v);
		break;
	case 'o':
		str_addf(out, "0%llo", (unsigned long long)v);
		break;
	case 'c':
		str_addf(out, isprint((int)(v & 0x7f)) && v < 0x80 ? "'%c'" : "'\\x%02x'",
			 (int)(v & 0xff));
		break;
	default:
		str_addf(out, "0x%0*llx", (int)digits, (unsigned long long)v);
		break;
	}
}

static ZydisMachineMode mode(const struct x86_cpu *c)
{
	if (x86_code64(c))
		return ZYDIS_MACHINE_MODE_LONG_64;
	return c->seg[X86_CS].attr & SEG_DB ? ZYDIS_MACHINE_MODE_LEGACY_32
					    : ZYDIS_MACHINE_MODE_LEGACY_16;
}

static void instructions(struct ask *a, const struct format *f, uint64_t addr, bool linear)
{
	for (uint64_t i = 0; i < f->count; i++) {
		uint8_t code[16] = { 0 };
		unsigned n = peek(a, addr, linear, code, 15);
		ZydisDisassembledInstruction d;

		if (!n || !ZYAN_SUCCESS(ZydisDisassembleATT(mode(a->m->vcpu[a->cpu].x86), addr,
							    code, n, &d))) {
			str_addf(a->out, "0x%016llx:  (bad)\n", (unsigned long long)addr);
			return;
		}
		str_addf(a->out, "0x%016llx:  %s\n", (unsigned long long)addr, d.text);
		addr += d.info.length;
	}
}

static void dump(struct ask *a, const struct format *f, uint64_t addr, bool linear)
{
	unsigned each = f->how == 'c' ? 8 : 16 / f->size;

	for (uint64_t i = 0; i < f->count; i++) {
		uint8_t b[8] = { 0 };

		if (i % each == 0)
			str_addf(a->out, "%s%016llx:", i ? "\n" : "",
				 (unsigned long long)(addr + i * f->size));
		if (peek(a, addr + i * f->size, linear, b, f->size) < f->size) {
			str_add(a->out, " --------");
			continue;
		}
		str_add(a->out, " ");
		show(a->out, f, load_le64(b));
	}
	str_add(a->out, "\n");
}

static void look(struct ask *a, const char *arg, bool linear)
{
	struct format f = { 1, 'x', 4 };
	bool was = a->m->running;
	struct err e = { 0 };
	uint64_t addr;
	int r;

	/* registers and tables are those of a vCPU outside guest code */
	machine_stop(a->m);
	r = read_format(&arg, &f, &e);
	if (r == 0)
		r = value_parse(a, &arg, &addr, &e);
	if (r == 0 && *arg)
		r = err_set(&e, -EINVAL, "'%.32s' is too much", arg);
	if (r < 0)
		str_addf(a->out, "%s\n", e.msg);
	else if (f.how == 'i')
		instructions(a, &f, addr, linear);
	else
		dump(a, &f, addr, linear);
	if (was)
		machine_cont(a->m);
}

void look_x(struct ask *a, const char *arg)
{
	look(a, arg, true);
}

void look_xp(struct ask *a, const char *arg)
{
	look(a, arg, false);
}

void look_print(struct ask *a, const char *arg)
{
	struct format f = { 1, 'd', 8 };
	bool was = a->m->running;
	struct err e = { 0 };
	uint64_t v;
	int r;

	machine_stop(a->m);
	r = read_format(&arg, &f, &e);
	f.size = 8;
	if (r == 0)
		r = value_parse(a, &arg, &v, &e);
	if (r == 0 && (*arg || f.how == 'i'))
		r = err_set(&e, -EINVAL, "a number can be printed as x, d, u, o or c");
	if (was)
		machine_cont(a->m);
	if (r < 0) {
		str_addf(a->out, "%s\n", e.msg);
		return;
	}
	if (f.how == 'x')
		str_addf(a->out, "0x%llx", (unsigned long long)v);
	else
		show(a->out, &f, v);
	str_add(a->out, "\n");
}

/* "/SIZE PORT" of i and o; false: said what is wrong. */
static bool port(struct ask *a, const char **arg, struct format *f, uint64_t *addr)
{
	struct err e = { 0 };
	int r = read_format(arg, f, &e);

	if (r == 0)
		r = value_parse(a, arg, addr, &e);
	if (r == 0 && (*addr > 0xffff || f->size > 4))
		r = err_set(&e, -EINVAL, "a port is 0 to 0xffff, of b, h or w");
	if (r < 0)
		str_addf(a->out, "%s\n", e.msg);
	return r == 0;
}

void look_in(struct ask *a, const char *arg)
{
	struct format f = { 1, 'x', 1 };
	uint64_t at;

	if (!port(a, &arg, &f, &at))
		return;
	str_addf(a->out, "port%c[0x%04x] = 0x%0*llx\n", "?bh?w"[f.size], (unsigned)at,
		 (int)(2 * f.size),
		 (unsigned long long)bus_read(a->m->bus, BUS_PORT, at, f.size));
}

void look_out(struct ask *a, const char *arg)
{
	struct format f = { 1, 'x', 1 };
	struct err e = { 0 };
	uint64_t at, v;

	if (!port(a, &arg, &f, &at))
		return;
	arg += strspn(arg, " ,");
	if (value_parse(a, &arg, &v, &e) < 0) {
		str_addf(a->out, "%s\n", e.msg);
		return;
	}
	bus_write(a->m->bus, BUS_PORT, at, f.size, v & (UINT64_MAX >> (64 - 8 * f.size)));
}
