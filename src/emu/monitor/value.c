/* SPDX-License-Identifier: MIT */
/* Numbers of the monitor's: C's operators, registers of the processor that is looked at. */
#include "base/compiler.h"
#include "emu/cpu/x86/state.h"
#include "emu/machine.h"
#include "emu/monitor/ask.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 32u

struct reader {
	const struct ask *a;
	const char *p;
	unsigned depth;
	struct err *e;
};

static void blanks(struct reader *r)
{
	r->p += strspn(r->p, " \t");
}

static const uint64_t *general(const struct x86_cpu *c, const char *name)
{
	static const char *const names[16] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };

	if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9') {
		char *end;
		unsigned long n = strtoul(name + 1, &end, 10);

		return !*end && n >= 8 && n < 16 ? &c->gpr[n] : NULL;
	}
	for (unsigned i = 0; i < 8; i++)
		if ((name[0] == 'r' || name[0] == 'e') && !strcmp(name + 1, names[i]))
			return &c->gpr[i];
	return NULL;
}

static int reg(struct reader *r, uint64_t *v)
{
	const struct x86_cpu *c = r->a->m->vcpu[r->a->cpu].x86;
	const struct {
		const char *name;
		uint64_t v;
	} others[] = {
		{ "rip", c->rip },
		{ "eip", c->rip },
		{ "pc", c->rip },
		{ "eflags", c->rflags },
		{ "rflags", c->rflags },
		{ "cr0", c->cr0 },
		{ "cr2", c->cr2 },
		{ "cr3", c->cr3 },
		{ "cr4", c->cr4 },
		{ "cs", c->seg[X86_CS].sel },
		{ "ss", c->seg[X86_SS].sel },
	};
	size_t n = strspn(r->p, "abcdefghijklmnopqrstuvwxyz0123456789");
	char name[16];
	const uint64_t *at;

	if (n >= sizeof(name))
		n = sizeof(name) - 1;
	memcpy(name, r->p, n);
	name[n] = '\0';
	at = general(c, name);
	if (at) {
		*v = name[0] == 'e' ? (uint32_t)*at : *at;
		r->p += n;
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcmp(others[i].name, name) != 0)
			continue;
		*v = others[i].v;
		r->p += n;
		return 0;
	}
	return err_set(r->e, -EINVAL, "there is no register '$%s'", name);
}

static int sum(struct reader *r, uint64_t *v);

static int unary(struct reader *r, uint64_t *v)
{
	char c, *end;
	int code;

	blanks(r);
	c = *r->p;
	if (c == '-' || c == '+' || c == '~' || c == '(') {
		if (++r->depth > DEEPEST)
			return err_set(r->e, -EINVAL, "a number is too deep");
		r->p++;
		code = c == '(' ? sum(r, v) : unary(r, v);
		r->depth--;
		blanks(r);
		if (code == 0 && c == '(' && *r->p++ != ')')
			return err_set(r->e, -EINVAL, "a ')' is missing");
		*v = c == '-' ? -*v : c == '~' ? ~*v : *v;
		return code;
	}
	if (c == '$') {
		r->p++;
		return reg(r, v);
	}
	*v = strtoull(r->p, &end, 0);
	if (end == r->p)
		return err_set(r->e, -EINVAL, "'%.32s' is no number", r->p);
	r->p = end;
	return 0;
}

static int product(struct reader *r, uint64_t *v)
{
	int code = unary(r, v);

	for (;;) {
		uint64_t w = 0;
		char c;

		blanks(r);
		c = *r->p;
		if (code < 0 || (c != '*' && c != '/' && c != '%'))
			return code;
		r->p++;
		code = unary(r, &w);
		if (code == 0 && c != '*' && !w)
			return err_set(r->e, -EINVAL, "a number is divided by zero");
		if (code == 0)
			*v = c == '*' ? *v * w : c == '/' ? *v / w : *v % w;
	}
}

static int sum(struct reader *r, uint64_t *v)
{
	int code = product(r, v);

	for (;;) {
		uint64_t w = 0;
		char c;

		blanks(r);
		c = *r->p;
		if (code < 0 || !c || !strchr("+-&|^", c))
			return code;
		r->p++;
		code = product(r, &w);
		if (code < 0)
			return code;
		switch (c) {
		case '+':
			*v += w;
			break;
		case '-':
			*v -= w;
			break;
		case '&':
			*v &= w;
			break;
		case '|':
			*v |= w;
			break;
		default:
			*v ^= w;
			break;
		}
	}
}

int value_parse(const struct ask *a, const char **p, uint64_t *v, struct err *e)
{
	struct reader r = { .a = a, .p = *p, .e = e };
	int code;

	*v = 0;
	code = sum(&r, v);
	blanks(&r);
	*p = r.p;
	return code;
}
