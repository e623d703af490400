/* SPDX-License-Identifier: MIT */
#include "emu/gdb/regs.h"

#include "base/compiler.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The legacy region of XSAVE: Intel SDM volume 1, 13.4.1. */
enum { FCW = 0, FSW = 2, FTW = 4, FOP = 6, FIP = 8, FDP = 16, MXCSR = 24, ST = 32, XMM = 160 };
#define XSTATE_BV  512u
#define XSTATE_FP  1u
#define XSTATE_SSE 2u

enum kind { GPR, RIP, FLAGS, SEG, STREG, FCTRL, XMMREG, MXCSRREG, BASE, SYSTEM };

struct reg {
	const char *name, *type;
	uint8_t bits, kind, index;
};

#define R(n, k, i)                \
	{                         \
		n, NULL, 64, k, i \
	}
#define S(n, i)                        \
	{                              \
		n, "int32", 32, SEG, i \
	}
#define F(n, i)                        \
	{                              \
		n, "int", 32, FCTRL, i \
	}

static const struct reg head64[] = {
	R("rax", GPR, X86_RAX),
	R("rbx", GPR, X86_RBX),
	R("rcx", GPR, X86_RCX),
	R("rdx", GPR, X86_RDX),
	R("rsi", GPR, X86_RSI),
	R("rdi", GPR, X86_RDI),
	{ "rbp", "data_ptr", 64, GPR, X86_RBP },
	{ "rsp", "data_ptr", 64, GPR, X86_RSP },
	R("r8", GPR, 8),
	R("r9", GPR, 9),
	R("r10", GPR, 10),
	R("r11", GPR, 11),
	R("r12", GPR, 12),
	R("r13", GPR, 13),
	R("r14", GPR, 14),
	R("r15", GPR, 15),
	{ "rip", "code_ptr", 64, RIP, 0 },
};

#define R32(n, i)                      \
	{                              \
		n, "int32", 32, GPR, i \
	}
static const struct reg head32[] = {
	R32("eax", X86_RAX),
	R32("ecx", X86_RCX),
	R32("edx", X86_RDX),
	R32("ebx", X86_RBX),
	{ "esp", "data_ptr", 32, GPR, X86_RSP },
	{ "ebp", "data_ptr", 32, GPR, X86_RBP },
	R32("esi", X86_RSI),
	R32("edi", X86_RDI),
	{ "eip", "code_ptr", 32, RIP, 0 },
};

/* The same for both. */
static const struct reg middle[] = {
	{ "eflags", "flags", 32, FLAGS, 0 },
	S("cs", X86_CS),
	S("ss", X86_SS),
	S("ds", X86_DS),
	S("es", X86_ES),
	S("fs", X86_FS),
	S("gs", X86_GS),
	{ "st0", "i387_ext", 80, STREG, 0 },
	{ "st1", "i387_ext", 80, STREG, 1 },
	{ "st2", "i387_ext", 80, STREG, 2 },
	{ "st3", "i387_ext", 80, STREG, 3 },
	{ "st4", "i387_ext", 80, STREG, 4 },
	{ "st5", "i387_ext", 80, STREG, 5 },
	{ "st6", "i387_ext", 80, STREG, 6 },
	{ "st7", "i387_ext", 80, STREG, 7 },
	F("fctrl", 0),
	F("fstat", 1),
	F("ftag", 2),
	F("fiseg", 3),
	F("fioff", 4),
	F("foseg", 5),
	F("fooff", 6),
	F("fop", 7),
};

static const struct reg tail[] = {
	{ "mxcsr", "mxcsr", 32, MXCSRREG, 0 },
};

static const struct reg bases[] = {
	R("fs_base", BASE, X86_FS),
	R("gs_base", BASE, X86_GS),
};

enum { CR0, CR2, CR3, CR4, CR8, EFER_REG, CS_BASE };
static const struct reg sys[] = {
	R("cr0", SYSTEM, CR0),         R("cr2", SYSTEM, CR2), R("cr3", SYSTEM, CR3),
	R("cr4", SYSTEM, CR4),         R("cr8", SYSTEM, CR8), R("efer", SYSTEM, EFER_REG),
	R("cs_base", SYSTEM, CS_BASE),
};

/* Register @n; its name is written to @name where it is one of a row. */
static bool find(bool wide, unsigned n, struct reg *out)
{
	const struct {
		const struct reg *v;
		unsigned n;
	} parts[] = {
		{ wide ? head64 : head32, wide ? ARRAY_SIZE(head64) : ARRAY_SIZE(head32) },
		{ middle, ARRAY_SIZE(middle) },
		{ NULL, wide ? 16 : 8 },
		{ tail, ARRAY_SIZE(tail) },
		{ bases, wide ? ARRAY_SIZE(bases) : 0 },
		{ sys, ARRAY_SIZE(sys) },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		if (n >= parts[i].n) {
			n -= parts[i].n;
			continue;
		}
		*out = parts[i].v ? parts[i].v[n]
				  : (struct reg){ NULL, "vec128", 128, XMMREG, (uint8_t)n };
		return true;
	}
	return false;
}

unsigned regs_count(bool wide)
{
	struct reg r;
	unsigned n = 0;

	while (find(wide, n, &r))
		n++;
	return n;
}

unsigned regs_size(bool wide, unsigned n)
{
	struct reg r;

	return find(wide, n, &r) ? r.bits / 8 : 0;
}

/* The full tag word from the short one: 0 valid, 3 empty (zeros and specials are not told). */
static uint32_t long_tags(uint8_t tags)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (tags >> i & 1 ? 0u : 3u) << 2 * i;
	return v;
}

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

static uint32_t fctrl(const struct x86_cpu *c, unsigned i)
{
	const uint8_t *x = c->xsave;

	if (!(x[XSTATE_BV] & XSTATE_FP))
		return i == 0 ? 0x37f : i == 2 ? 0xffff : 0;
	switch (i) {
	case 0:
		return get16(x + FCW);
	case 1:
		return get16(x + FSW);
	case 2:
		return long_tags(x[FTW]);
	case 3:
		return get16(x + FIP + 4);
	case 4:
		return get32(x + FIP);
	case 5:
		return get16(x + FDP + 4);
	case 6:
		return get32(x + FDP);
	default:
		return get16(x + FOP);
	}
}

static uint64_t system_reg(const struct x86_cpu *c, unsigned i)
{
	switch (i) {
	case CR0:
		return c->cr0;
	case CR2:
		return c->cr2;
	case CR3:
		return c->cr3;
	case CR4:
		return c->cr4;
	case CR8:
		return c->cr8;
	case EFER_REG:
		return c->efer;
	default:
		return c->seg[X86_CS].base;
	}
}

static uint64_t number(const struct x86_cpu *c, const struct reg *r)
{
	switch ((enum kind)r->kind) {
	case GPR:
		return c->gpr[r->index];
	case RIP:
		return c->rip;
	case FLAGS:
		return c->rflags;
	case SEG:
		return c->seg[r->index].sel;
	case FCTRL:
		return fctrl(c, r->index);
	case MXCSRREG:
		return c->xsave[XSTATE_BV] & XSTATE_SSE ? get32(c->xsave + MXCSR) : 0x1f80;
	case BASE:
		return c->seg[r->index].base;
	default:
		return system_reg(c, r->index);
	}
}

void regs_get(const struct x86_cpu *c, bool wide, unsigned n, uint8_t out[REGS_BYTES])
{
	struct reg r;
	uint64_t v;

	memset(out, 0, REGS_BYTES);
	if (!find(wide, n, &r))
		return;
	if (r.kind == STREG || r.kind == XMMREG) {
		bool st = r.kind == STREG;

		if (c->xsave[XSTATE_BV] & (st ? XSTATE_FP : XSTATE_SSE))
			memcpy(out, c->xsave + (st ? ST : XMM) + 16 * r.index, r.bits / 8);
		return;
	}
	v = number(c, &r);
	for (unsigned i = 0; i < r.bits / 8u; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

/* The area holds its initial values where its bit is not set. */
static void own(struct x86_cpu *c, unsigned part)
{
	if (c->xsave[XSTATE_BV] & part)
		return;
	if (part == XSTATE_FP) {
		memset(c->xsave, 0, MXCSR);
		memset(c->xsave + ST, 0, XMM - ST);
		c->xsave[FCW] = 0x7f;
		c->xsave[FCW + 1] = 3;
	} else {
		memset(c->xsave + XMM, 0, 256);
		c->xsave[MXCSR] = 0x80;
		c->xsave[MXCSR + 1] = 0x1f;
		c->xsave[MXCSR + 2] = c->xsave[MXCSR + 3] = 0;
	}
	c->xsave[XSTATE_BV] = (uint8_t)(c->xsave[XSTATE_BV] | part);
}

#define FLAGS_SETTABLE \
	(RFL_ARITH | RFL_TF | RFL_IF | RFL_DF | RFL_IOPL | RFL_NT | RFL_RF | RFL_AC | RFL_ID)

bool regs_set(struct x86_cpu *c, bool wide, unsigned n, const uint8_t in[REGS_BYTES])
{
	struct reg r;
	uint64_t v = 0;

	if (!find(wide, n, &r))
		return false;
	for (unsigned i = 0; i < r.bits / 8u && i < 8; i++)
		v |= (uint64_t)in[i] << 8 * i;
	switch ((enum kind)r.kind) {
	case GPR:
		c->gpr[r.index] = v;
		return true;
	case RIP:
		c->rip = v;
		return true;
	case FLAGS:
		c->rflags = (c->rflags & ~(uint64_t)FLAGS_SETTABLE) | (v & FLAGS_SETTABLE);
		return true;
	case STREG:
		own(c, XSTATE_FP);
		memcpy(c->xsave + ST + 16 * r.index, in, 10);
		return true;
	case XMMREG:
		own(c, XSTATE_SSE);
		memcpy(c->xsave + XMM + 16 * r.index, in, 16);
		return true;
	default:
		/* selectors have hidden parts; control registers, consequences */
		return v == number(c, &r);
	}
}

/* ---- the description ---- */

static const char flags_type[] =
	"<flags id=\"flags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
	"<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
	"<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
	"<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
	"<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
	"<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
	"<field name=\"ID\" start=\"21\" end=\"21\"/></flags>";

static const char sse_types[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
	"<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>"
	"<flags id=\"mxcsr\" size=\"4\"><field name=\"IE\" start=\"0\" end=\"0\"/>"
	"<field name=\"DE\" start=\"1\" end=\"1\"/><field name=\"ZE\" start=\"2\" end=\"2\"/>"
	"<field name=\"OE\" start=\"3\" end=\"3\"/><field name=\"UE\" start=\"4\" end=\"4\"/>"
	"<field name=\"PE\" start=\"5\" end=\"5\"/><field name=\"DAZ\" start=\"6\" end=\"6\"/>"
	"<field name=\"IM\" start=\"7\" end=\"7\"/><field name=\"DM\" start=\"8\" end=\"8\"/>"
	"<field name=\"ZM\" start=\"9\" end=\"9\"/><field name=\"OM\" start=\"10\" end=\"10\"/>"
	"<field name=\"UM\" start=\"11\" end=\"11\"/><field name=\"PM\" start=\"12\" end=\"12\"/>"
	"<field name=\"FZ\" start=\"15\" end=\"15\"/></flags>";

static void one_xml(struct str *s, const struct reg *r)
{
	char name[8];

	if (!r->name)
		snprintf(name, sizeof(name), "xmm%u", r->index);
	str_addf(s, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>", r->name ? r->name : name,
		 r->bits, r->type ? r->type : "int64",
		 r->kind == FCTRL ? " group=\"float\"" : "");
}

void regs_xml(bool wide, struct str *s)
{
	struct reg r;
	enum kind was = GPR;

	str_addf(s,
		 "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
		 "<architecture>%s</architecture>"
		 "<feature name=\"org.gnu.gdb.i386.core\">%s",
		 wide ? "i386:x86-64" : "i386", flags_type);
	for (unsigned n = 0; find(wide, n, &r); n++) {
		if (r.kind != was) {
			if (r.kind == XMMREG)
				str_addf(s,
					 "</feature><feature name=\"org.gnu.gdb.i386.sse\">%s",
					 sse_types);
			else if (r.kind == BASE)
				str_add(s, "</feature><feature "
					   "name=\"org.gnu.gdb.i386.segments\">");
			else if (r.kind == SYSTEM)
				str_add(s, "</feature><feature name=\"org.hostkit.system\">");
			was = (enum kind)r.kind;
		}
		one_xml(s, &r);
	}
	str_add(s, "</feature></target>");
}
