/* SPDX-License-Identifier: MIT */
/*
 * Saves and restores of the x87, SSE and AVX state.  The state itself is in cpu->xsave while an
 * operation runs; whoever keeps it in the host's registers has put it there before.
 * Addresses of the last x87 instruction are those of the translator's own code: guests see 0,
 * as AMD's processors show when no exception is pending.
 */
#include "emu/cpu/x86/insn.h"

#include <string.h>

#define LEGACY     416 /* bytes of FXSAVE that hold state */
#define AT_MXCSR   24
#define AT_ST      32
#define AT_XMM     160
#define AT_HEADER  512
#define AT_YMM     576
#define MXCSR_MASK 0xffffu

static uint64_t header(const struct x86_cpu *c)
{
	uint64_t v;

	memcpy(&v, c->xsave + AT_HEADER, sizeof(v));
	return v;
}

static void set_header(struct x86_cpu *c, uint64_t v)
{
	memset(c->xsave + AT_HEADER, 0, 64);
	memcpy(c->xsave + AT_HEADER, &v, sizeof(v));
}

static void check_fpu(struct x86_exec *x)
{
	if (x->c->cr0 & (CR0_TS | CR0_EM))
		x86_raise(x, X86_NM);
}

static unsigned xmm_bytes(const struct x86_cpu *c)
{
	return x86_code64(c) ? 256 : 128;
}

static uint32_t ld32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The 512 bytes as the guest sees them, for x87 and SSE or either. */
static void legacy_image(const struct x86_cpu *c, uint8_t b[512], bool hide)
{
	const uint32_t mask = MXCSR_MASK;

	memcpy(b, c->xsave, 512);
	if (hide)
		memset(b + 8, 0, 16); /* FIP, FDP */
	memcpy(b + AT_MXCSR + 4, &mask, 4);
}

static void fxsave(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t b[512];

	check_fpu(x);
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), 512, true);

	if (lin & 15)
		x86_gp(x, 0);
	legacy_image(c, b, true);
	x86_st_bytes(x, lin, b, AT_XMM + xmm_bytes(c), x86_access(c));
}

static void fxrstor(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t b[512];

	check_fpu(x);
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), 512, false);

	if (lin & 15)
		x86_gp(x, 0);
	x86_ld_bytes(x, lin, b, AT_XMM + xmm_bytes(c), x86_access(c));
	if (ld32(b + AT_MXCSR) & ~MXCSR_MASK)
		x86_gp(x, 0);
	memset(b + 8, 0, 16);
	memcpy(c->xsave, b, AT_MXCSR + 4);
	memcpy(c->xsave + AT_ST, b + AT_ST, 128 + xmm_bytes(c));
	set_header(c, header(c) | 3);
}

static uint64_t requested(const struct x86_cpu *c)
{
	return ((uint32_t)c->gpr[X86_RAX] | c->gpr[X86_RDX] << 32) & c->xcr0;
}

static void need_osxsave(struct x86_exec *x)
{
	if (!(x->c->cr4 & CR4_OSXSAVE))
		x86_ud(x);
	if (x->c->cr0 & CR0_TS)
		x86_raise(x, X86_NM);
}

static void xsave(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t b[512];

	need_osxsave(x);
	uint64_t rfbm = requested(c), acc = x86_access(c);
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), 576, true);

	if (lin & 63)
		x86_gp(x, 0);
	x86_probe_write(x, lin, 576 + (rfbm & 4 ? 256 : 0), (unsigned)acc);
	legacy_image(c, b, true);
	uint64_t bv = x86_ld(x, lin + AT_HEADER, 8, (unsigned)acc);

	if (rfbm & 1) {
		x86_st_bytes(x, lin, b, AT_MXCSR, (unsigned)acc);
		x86_st_bytes(x, lin + AT_ST, b + AT_ST, 128, (unsigned)acc);
	}
	if (rfbm & 6)
		x86_st_bytes(x, lin + AT_MXCSR, b + AT_MXCSR, 8, (unsigned)acc);
	if (rfbm & 2)
		x86_st_bytes(x, lin + AT_XMM, b + AT_XMM, xmm_bytes(c), (unsigned)acc);
	if (rfbm & 4)
		x86_st_bytes(x, lin + AT_YMM, c->xsave + AT_YMM, xmm_bytes(c), (unsigned)acc);
	bv = (bv & ~rfbm) | (header(c) & rfbm);
	x86_st(x, lin + AT_HEADER, 8, bv, (unsigned)acc);
}

static void init_x87(struct x86_cpu *c)
{
	const uint16_t fcw = 0x37f;

	memset(c->xsave, 0, AT_MXCSR);
	memset(c->xsave + AT_ST, 0, 128);
	memcpy(c->xsave, &fcw, sizeof(fcw));
}

static void xrstor(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	uint8_t b[576 + 256];

	need_osxsave(x);
	uint64_t rfbm = requested(c);
	unsigned acc = x86_access(c), n = xmm_bytes(c);
	uint64_t lin = x86_linear(x, i->seg, x86_ea(c, i), 576, false);

	if (lin & 63)
		x86_gp(x, 0);
	x86_ld_bytes(x, lin, b, 576, acc);
	uint64_t h[3];

	memcpy(h, b + AT_HEADER, sizeof(h));
	if ((h[0] & ~c->xcr0) || h[1] || h[2])
		x86_gp(x, 0);
	if ((rfbm & 4) && (h[0] & 4))
		x86_ld_bytes(x, lin + AT_YMM, b + AT_YMM, n, acc);
	if ((rfbm & 6) && (ld32(b + AT_MXCSR) & ~MXCSR_MASK))
		x86_gp(x, 0);
	if (rfbm & 1) {
		if (h[0] & 1) {
			memcpy(c->xsave, b, AT_MXCSR);
			memset(c->xsave + 8, 0, 16);
			memcpy(c->xsave + AT_ST, b + AT_ST, 128);
		} else {
			init_x87(c);
		}
	}
	if (rfbm & 6)
		memcpy(c->xsave + AT_MXCSR, b + AT_MXCSR, 4);
	if (rfbm & 2) {
		if (h[0] & 2)
			memcpy(c->xsave + AT_XMM, b + AT_XMM, n);
		else
			memset(c->xsave + AT_XMM, 0, n);
	}
	if (rfbm & 4) {
		if (h[0] & 4)
			memcpy(c->xsave + AT_YMM, b + AT_YMM, n);
		else
			memset(c->xsave + AT_YMM, 0, n);
	}
	/* Which are at rest tells only of what is all zero: in use is always right. */
	set_header(c, header(c) | 3 | (c->xcr0 & 4));
}

/* MASKMOVQ, MASKMOVDQU: bytes of a register to DS:rDI where the mask's have their top set. */
static void maskmov(struct x86_exec *x, const struct x86_insn *i, const uint8_t *v,
		    const uint8_t *mask, unsigned n)
{
	struct x86_cpu *c = x->c;
	uint64_t at = x86_get(c, X86_RDI, i->adsz);

	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned k = 0; k < n; k++) {
			uint64_t lin;

			if (!(mask[k] & 0x80))
				continue;
			lin = x86_linear(x, i->seg, at + k, 1, true);
			if (pass)
				x86_st(x, lin, 1, v[k], x86_access(c));
			else
				x86_probe_write(x, lin, 1, x86_access(c));
		}
}

static void maskmov_sse(struct x86_exec *x, const struct x86_insn *i)
{
	const uint8_t *r = x->c->xsave + AT_XMM;

	check_fpu(x);
	maskmov(x, i, r + 16 * i->reg, r + 16 * i->rm, 16);
}

static void maskmov_mmx(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	/* The x87 stack is saved from its top; MMX registers count from 0. */
	unsigned top = c->xsave[3] >> 3 & 7;

	check_fpu(x);
	maskmov(x, i, c->xsave + AT_ST + 16 * ((i->reg - top) & 7),
		c->xsave + AT_ST + 16 * ((i->rm - top) & 7), 8);
}

static void vec_get(const struct x86_cpu *c, unsigned r, uint8_t v[32])
{
	memcpy(v, c->xsave + AT_XMM + 16 * r, 16);
	memcpy(v + 16, c->xsave + AT_YMM + 16 * r, 16);
}

static void vec_put(struct x86_cpu *c, unsigned r, const uint8_t v[32])
{
	memcpy(c->xsave + AT_XMM + 16 * r, v, 16);
	memcpy(c->xsave + AT_YMM + 16 * r, v + 16, 16);
	set_header(c, header(c) | 7);
}

/* Gathers: element by element, those done are taken out of the mask before the next may
 * fault. */
static void gather(struct x86_exec *x, const struct x86_insn *i)
{
	struct x86_cpu *c = x->c;
	unsigned es = i->vex_w ? 8 : 4, is = i->opcode & 1 ? 8 : 4;
	unsigned n = i->vlen / (es > is ? es : is);
	uint8_t dst[32], mask[32], index[32];

	if (i->reg == i->vvvv || i->reg == i->vindex || i->vvvv == i->vindex)
		x86_ud(x);
	vec_get(c, i->reg, dst);
	vec_get(c, i->vvvv, mask);
	vec_get(c, i->vindex, index);
	for (unsigned k = 0; k < n; k++) {
		int64_t off = 0;
		int32_t off32;

		if (!(mask[es * k + es - 1] & 0x80))
			continue;
		memcpy(&off32, index + is * k, 4);
		off = off32;
		if (is == 8)
			memcpy(&off, index + 8 * k, 8);
		uint64_t ea = x86_ea(c, i) + (uint64_t)off * i->scale;

		ea = i->adsz == 8 ? ea : (uint32_t)ea;
		uint64_t v = x86_seg_ld(x, i->seg, ea, es);

		memcpy(dst + es * k, &v, es);
		memset(mask + es * k, 0, es);
		vec_put(c, i->reg, dst);
		vec_put(c, i->vvvv, mask);
	}
	memset(dst + es * n, 0, 32 - es * n);
	memset(mask, 0, 32);
	vec_put(c, i->reg, dst);
	vec_put(c, i->vvvv, mask);
}

/* VMASKMOV, VPMASKMOV: what the mask leaves out is not touched and does not fault. */
static void mask_move(struct x86_exec *x, const struct x86_insn *i, unsigned es)
{
	struct x86_cpu *c = x->c;
	/* 2c..2f, 8c, 8e: bit 1 (of 2x) or of 8x tells a store */
	bool store = i->opcode == 0x2e || i->opcode == 0x2f || i->opcode == 0x8e;
	uint8_t v[32] = { 0 }, mask[32];
	uint64_t ea = x86_ea(c, i);

	vec_get(c, i->vvvv, mask);
	if (store)
		vec_get(c, i->reg, v);
	for (unsigned pass = store ? 0 : 1; pass < 2; pass++)
		for (unsigned k = 0; k < i->vlen / es; k++) {
			uint64_t e = 0, lin;

			if (!(mask[es * k + es - 1] & 0x80))
				continue;
			lin = x86_linear(x, i->seg, ea + es * k, es, store);
			memcpy(&e, v + es * k, es);
			if (!store) {
				e = x86_ld(x, lin, es, x86_access(c));
				memcpy(v + es * k, &e, es);
			} else if (pass) {
				x86_st(x, lin, es, e, x86_access(c));
			} else {
				x86_probe_write(x, lin, es, x86_access(c));
			}
		}
	if (!store)
		vec_put(c, i->reg, v);
}

bool x86_special_fpu(struct x86_exec *x, const struct x86_insn *i)
{
	switch (i->mnemonic) {
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXSAVE64:
		fxsave(x, i);
		break;
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
		fxrstor(x, i);
		break;
	case ZYDIS_MNEMONIC_XSAVE:
	case ZYDIS_MNEMONIC_XSAVE64:
	case ZYDIS_MNEMONIC_XSAVEOPT:
	case ZYDIS_MNEMONIC_XSAVEOPT64:
		xsave(x, i);
		break;
	case ZYDIS_MNEMONIC_XRSTOR:
	case ZYDIS_MNEMONIC_XRSTOR64:
		xrstor(x, i);
		break;
	case ZYDIS_MNEMONIC_MASKMOVDQU:
	case ZYDIS_MNEMONIC_VMASKMOVDQU:
		maskmov_sse(x, i);
		break;
	case ZYDIS_MNEMONIC_VPGATHERDD:
	case ZYDIS_MNEMONIC_VPGATHERDQ:
	case ZYDIS_MNEMONIC_VPGATHERQD:
	case ZYDIS_MNEMONIC_VPGATHERQQ:
	case ZYDIS_MNEMONIC_VGATHERDPS:
	case ZYDIS_MNEMONIC_VGATHERDPD:
	case ZYDIS_MNEMONIC_VGATHERQPS:
	case ZYDIS_MNEMONIC_VGATHERQPD:
		gather(x, i);
		break;
	case ZYDIS_MNEMONIC_VMASKMOVPS:
	case ZYDIS_MNEMONIC_VPMASKMOVD:
		mask_move(x, i, 4);
		break;
	case ZYDIS_MNEMONIC_VMASKMOVPD:
	case ZYDIS_MNEMONIC_VPMASKMOVQ:
		mask_move(x, i, 8);
		break;
	case ZYDIS_MNEMONIC_MASKMOVQ:
		maskmov_mmx(x, i);
		break;
	default:
		return false;
	}
	x->c->rip += i->len;
	return true;
}
