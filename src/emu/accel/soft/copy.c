/* SPDX-License-Identifier: MIT */
/*
 * One computing instruction, encoded again for 64-bit code: the same opcode and immediate, the
 * memory operand [r15], guest r13..r15 in scratch registers for its time.
 */
#include "emu/accel/soft/trans.h"

#include <string.h>

#define GPR(r) (CPU_OFF(gpr) + 8 * (int32_t)(r))

struct map {
	uint8_t guest, host;
	bool load, store;
};

struct enc {
	struct trans *t;
	const struct x86_decoded *d;
	const uint8_t *code;
	bool mem;
	unsigned reg, rm, v, op; /* host numbers */
	bool has_v;
	struct map map[3];
	unsigned n_map;
	unsigned base; /* of the memory operand */
};

static bool is_gpr(const ZydisDecodedOperand *o)
{
	if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	ZydisRegisterClass c = ZydisRegisterGetClass(o->reg.value);

	return c == ZYDIS_REGCLASS_GPR8 || c == ZYDIS_REGCLASS_GPR16 ||
	       c == ZYDIS_REGCLASS_GPR32 || c == ZYDIS_REGCLASS_GPR64;
}

/* The scratch register that stands for guest @r in this operand. */
static unsigned place(struct enc *n, unsigned r, const ZydisDecodedOperand *o)
{
	static const uint8_t pool[] = { R14, R13, R15 };
	struct map *m = NULL;

	if (r < R13)
		return r;
	for (unsigned k = 0; k < n->n_map; k++)
		if (n->map[k].guest == r)
			m = &n->map[k];
	if (!m) {
		m = &n->map[n->n_map];
		*m = (struct map){ .guest = (uint8_t)r, .host = pool[n->n_map] };
		n->n_map++;
	}
	ZydisMnemonic mn = n->d->z.mnemonic;
	/* These leave it as it was when there is no bit to find. */
	bool keeps = mn == ZYDIS_MNEMONIC_BSF || mn == ZYDIS_MNEMONIC_BSR;

	if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_READ) || o->size < 32 || keeps ||
	    (o->actions & ZYDIS_OPERAND_ACTION_CONDWRITE))
		m->load = true;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		m->store = true;
	return m->host;
}

/* Register numbers as the encoding has them. */
static void registers(struct enc *n)
{
	const ZydisDecodedInstruction *z = &n->d->z;
	const uint8_t *c = n->code;
	unsigned r = 0, b = 0;

	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
		const uint8_t *vex = c + z->raw.vex.offset;
		bool three = vex[0] == 0xc4;

		r = !(vex[1] & 0x80);
		b = three && !(vex[1] & 0x20);
		n->v = ~(unsigned)(vex[three ? 2 : 1] >> 3) & 15;
		n->has_v = true;
		if (!tr_wide(n->t)) {
			r = b = 0;
			n->v &= 7;
		}
	} else if (tr_wide(n->t)) {
		r = z->raw.rex.R;
		b = z->raw.rex.B;
	}
	n->reg = z->raw.modrm.reg | r << 3;
	n->rm = z->raw.modrm.rm | b << 3;
	n->op = (z->opcode & 7u) | b << 3;
	for (unsigned k = 0; k < z->operand_count_visible; k++) {
		const ZydisDecodedOperand *o = &n->d->ops[k];

		if (!is_gpr(o))
			continue;
		if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
			n->reg = place(n, n->reg, o);
		else if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
			n->rm = place(n, n->rm, o);
		else if (o->encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
			n->op = place(n, n->op, o);
		else if (o->encoding == ZYDIS_OPERAND_ENCODING_NDSNDD)
			n->v = place(n, n->v, o);
	}
}

static bool has_modrm(const struct enc *n)
{
	return n->d->z.attributes & ZYDIS_ATTRIB_HAS_MODRM;
}

/* MOV with an address in the place of ModRM. */
static bool is_moffs(const struct enc *n)
{
	return n->mem && !has_modrm(n);
}

static bool opcode_reg(const struct enc *n)
{
	for (unsigned k = 0; k < n->d->z.operand_count_visible; k++)
		if (n->d->ops[k].encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
			return true;
	return false;
}

static void immediates(struct enc *n)
{
	const ZydisDecodedInstruction *z = &n->d->z;

	if (is_moffs(n))
		return;
	for (unsigned k = 0; k < 2; k++)
		for (unsigned j = 0; j < z->raw.imm[k].size / 8u; j++)
			e8(&n->t->e, n->code[z->raw.imm[k].offset + j]);
}

static void modrm(struct enc *n)
{
	if (n->mem)
		e8(&n->t->e, (n->reg & 7) << 3 | (n->base & 7));
	else
		e8(&n->t->e, 0xc0 | (n->reg & 7) << 3 | (n->rm & 7));
}

static bool wants_66(const struct enc *n)
{
	const ZydisDecodedInstruction *z = &n->d->z;
	uint8_t unit = n->t->forms[n->t->k].unit;

	for (unsigned k = 0; k < z->raw.prefix_count; k++)
		if (z->raw.prefixes[k].value == 0x66 &&
		    z->raw.prefixes[k].type == ZYDIS_PREFIX_TYPE_MANDATORY)
			return true;
	if (unit != UNIT_INT && unit != UNIT_X87 && z->mnemonic != ZYDIS_MNEMONIC_CRC32)
		return false;
	return z->operand_width == 16;
}

static void legacy_prefixes(struct enc *n)
{
	const ZydisDecodedInstruction *z = &n->d->z;

	if (n->d->i.lock)
		e8(&n->t->e, 0xf0);
	if (wants_66(n))
		e8(&n->t->e, 0x66);
	for (unsigned k = 0; k < z->raw.prefix_count; k++)
		if ((z->raw.prefixes[k].value & 0xfe) == 0xf2 &&
		    z->raw.prefixes[k].type != ZYDIS_PREFIX_TYPE_IGNORED)
			e8(&n->t->e, z->raw.prefixes[k].value);
}

static void legacy(struct enc *n)
{
	struct emit *e = &n->t->e;
	const ZydisDecodedInstruction *z = &n->d->z;
	unsigned op = z->opcode, b;
	bool by_op = opcode_reg(n), wide = tr_wide(n->t);
	unsigned rex = 0;

	legacy_prefixes(n);
	if (wide && (z->attributes & ZYDIS_ATTRIB_HAS_REX))
		rex = 0x40 | (z->raw.rex.W ? 8u : 0);
	if (is_moffs(n)) {
		op = (op & 1 ? 0x89 : 0x88) | (op & 2 ? 0 : 2);
		n->reg = 0;
	}
	b = n->mem ? n->base : by_op ? n->op : n->rm;
	if (has_modrm(n) || is_moffs(n) || by_op)
		rex |= (b & 8 ? 0x41u : 0) | (!by_op && (n->reg & 8) ? 0x44u : 0);
	if (!wide && z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && op >= 0x40 && op < 0x50) {
		/* INC and DEC by opcode are REX prefixes now. */
		e8(e, 0xff);
		e8(e, (op & 8 ? 0xc8 : 0xc0) | (op & 7));
		return;
	}
	if (!wide && z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && op == 0x82)
		op = 0x80;
	if (rex)
		e8(e, rex);
	if (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
		e8(e, 0x0f);
	if (z->opcode_map == ZYDIS_OPCODE_MAP_0F38)
		e8(e, 0x38);
	else if (z->opcode_map == ZYDIS_OPCODE_MAP_0F3A)
		e8(e, 0x3a);
	e8(e, by_op ? (op & 0xf8) | (n->op & 7) : op);
	if (has_modrm(n) || is_moffs(n))
		modrm(n);
	immediates(n);
}

static void vex(struct enc *n)
{
	struct emit *e = &n->t->e;
	const ZydisDecodedInstruction *z = &n->d->z;
	const uint8_t *v = n->code + z->raw.vex.offset;
	bool three = v[0] == 0xc4;
	unsigned map = three ? v[1] & 31u : 1, last = v[three ? 2 : 1];
	unsigned b = n->mem ? n->base : n->rm;

	if (!three)
		last &= 0x7f; /* there bit 7 is R; W is 0 */
	last = (last & 0x87) | (~n->v & 15) << 3;
	e8(e, 0xc4);
	e8(e, (n->reg & 8 ? 0 : 0x80u) | 0x40 | (b & 8 ? 0 : 0x20u) | map);
	e8(e, last);
	e8(e, z->opcode);
	if (has_modrm(n))
		modrm(n);
	immediates(n);
}

/* AH, CH, DH, BH cannot be named beside r15: the address goes through rsi. */
static bool high_byte(const struct enc *n)
{
	if (n->d->z.attributes & ZYDIS_ATTRIB_HAS_REX)
		return false;
	for (unsigned k = 0; k < n->d->z.operand_count_visible; k++) {
		const ZydisDecodedOperand *o = &n->d->ops[k];

		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    o->reg.value >= ZYDIS_REGISTER_AH && o->reg.value <= ZYDIS_REGISTER_BH)
			return true;
	}
	return false;
}

/* FNSTENV and FNSAVE would show where translated code is. */
static void hide_pointers(struct enc *n)
{
	struct emit *e = &n->t->e;
	ZydisMnemonic m = n->d->z.mnemonic;
	bool small = n->d->z.operand_width == 16;
	static const uint8_t at[2][2] = { { 12, 20 }, { 6, 10 } };

	if (m != ZYDIS_MNEMONIC_FNSTENV && m != ZYDIS_MNEMONIC_FNSAVE)
		return;
	for (unsigned k = 0; k < 2; k++) {
		if (small)
			e8(e, 0x66);
		e8(e, 0x41); /* mov [r15 + at], 0 */
		e8(e, 0xc7);
		e8(e, 0x47);
		e8(e, at[small][k]);
		if (small) {
			e8(e, 0);
			e8(e, 0);
		} else {
			e32(e, 0);
		}
	}
}

static void operation(struct enc *n)
{
	struct emit *e = &n->t->e;
	bool low = n->mem && high_byte(n);

	n->base = low ? RSI : R15;
	if (low) {
		e_mov(e, R14, RSI);
		e_mov(e, RSI, R15);
	}
	for (unsigned k = 0; k < n->n_map; k++)
		if (n->map[k].load)
			e_ld(e, n->map[k].host, GPR(n->map[k].guest));
	if (n->d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		vex(n);
	else
		legacy(n);
	for (unsigned k = 0; k < n->n_map; k++)
		if (n->map[k].store)
			e_st(e, GPR(n->map[k].guest), n->map[k].host);
	if (low)
		e_mov(e, RSI, R14);
	if (n->mem)
		hide_pointers(n);
}

static void lea(struct trans *t, const struct x86_decoded *d)
{
	const struct x86_insn *i = &d->i;
	struct emit *e = &t->e;
	unsigned dst = i->reg;

	if (dst < R13 && i->opsz == i->adsz && i->opsz >= 4) {
		tr_ea(t, i, dst, 0);
		return;
	}
	tr_ea(t, i, R15, 0);
	if (dst >= R13) {
		if (i->opsz == 2) {
			e8(e, 0x66);
			e_gs(e, 0x89, R15, GPR(dst), false);
			return;
		}
		if (i->opsz == 4)
			e_lea(e, 4, R15, R15, -1, 1, 0);
		e_st(e, GPR(dst), R15);
		return;
	}
	e_lea(e, i->opsz, dst, R15, -1, 1, 0);
}

/* After it the flags are in the host's, or as they were. */
static void flags_before(struct trans *t, const struct x86_decoded *d)
{
	if (form_needs_flags(d))
		tr_want_flags(t);
}

static void flags_after(struct trans *t, const struct x86_decoded *d)
{
	if (form_kills_flags(d))
		t->flags_saved = false;
}

void tr_copy(struct trans *t)
{
	const struct x86_decoded *d = &t->insns[t->k];
	struct enc n = { .t = t, .d = d, .code = t->code + t->at[t->k] };

	if (d->mem && d->mem->mem.type == ZYDIS_MEMOP_TYPE_AGEN) {
		lea(t, d);
		return;
	}
	n.mem = d->mem != NULL;
	registers(&n);
	if (!n.mem) {
		flags_before(t, d);
		operation(&n);
		flags_after(t, d);
		return;
	}
	tr_ea(t, &d->i, R15, 0);
	tr_access(t, d->mem->size / 8, d->i.seg,
		  d->mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ,
		  d->mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
	flags_before(t, d);
	operation(&n);
	flags_after(t, d);
	tr_access_end(t);
}

/*
 * BT and its kin on memory, with a register that may point anywhere: the word that holds the
 * bit is found first, then the bit in it.
 */
void tr_bit_test(struct trans *t)
{
	const struct x86_decoded *d = &t->insns[t->k];
	struct emit *e = &t->e;
	const struct x86_insn *i = &d->i;
	unsigned size = i->opsz, shift = size == 8 ? 6 : size == 4 ? 5 : 4;
	bool write = d->z.mnemonic != ZYDIS_MNEMONIC_BT;

	if (!t->flags_saved) {
		e_save_flags(e);
		t->flags_saved = true;
	}
	tr_ea(t, i, R15, 0);
	/* r14 = the index, extended with its sign */
	if (i->reg >= R13)
		e_ld(e, R14, GPR(i->reg));
	else
		e_mov(e, R14, i->reg);
	if (size == 4) {
		e8(e, 0x4d); /* movsxd r14, r14d */
		e8(e, 0x63);
		e8(e, 0xf6);
	} else if (size == 2) {
		e8(e, 0x4d); /* movsx r14, r14w */
		e8(e, 0x0f);
		e8(e, 0xbf);
		e8(e, 0xf6);
	}
	e8(e, 0x49); /* sar r14, shift */
	e8(e, 0xc1);
	e8(e, 0xfe);
	e8(e, shift);
	if (size == 2) {
		e_lea(e, 8, R15, R15, R14, 2, 0);
	} else {
		e_lea(e, 8, R15, R15, R14, size, 0);
	}
	if (i->adsz == 4)
		e_lea(e, 4, R15, R15, -1, 1, 0);
	else if (i->adsz == 2)
		e_zx16(e, R15, R15);
	tr_access(t, size, i->seg, true, write);
	/* The bit in r14; the mask is an instruction that needs no flags kept yet. */
	if (i->reg >= R13)
		e_ld(e, R14, GPR(i->reg));
	else
		e_mov(e, R14, i->reg);
	e8(e, 0x41); /* and r14d, size * 8 - 1 */
	e8(e, 0x83);
	e8(e, 0xe6);
	e8(e, size * 8 - 1);
	e_restore_flags(e);
	if (i->lock)
		e8(e, 0xf0);
	if (size == 2)
		e8(e, 0x66);
	e8(e, 0x45 | (size == 8 ? 8u : 0));
	e8(e, 0x0f);
	e8(e, i->opcode);
	e8(e, (R14 & 7) << 3 | (R15 & 7));
	t->flags_saved = false;
	tr_access_end(t);
}
