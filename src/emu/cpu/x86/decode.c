/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/insn.h"

#include <string.h>

void x86_decoder_init(struct x86_decoder *d, const struct x86_cpuid *cpuid)
{
	static const struct {
		ZydisMachineMode mode;
		ZydisStackWidth width;
	} t[] = {
		[X86_MODE16] = { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
		[X86_MODE32] = { ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
		[X86_MODE64] = { ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
		[X86_MODE_REAL] = { ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16 },
	};

	for (unsigned i = 0; i < 4; i++) {
		ZydisDecoderInit(&d->z[i], t[i].mode, t[i].width);
		/* Without the feature they are BSF and BSR. */
		ZydisDecoderEnableMode(&d->z[i], ZYDIS_DECODER_MODE_TZCNT,
				       cpuid && x86_has(cpuid, FEAT_7_EBX, 3));
		ZydisDecoderEnableMode(&d->z[i], ZYDIS_DECODER_MODE_LZCNT,
				       cpuid && x86_has(cpuid, FEAT_8_ECX, 5));
	}
}

enum x86_mode x86_mode(const struct x86_cpu *c)
{
	if (x86_code64(c))
		return X86_MODE64;
	if (c->seg[X86_CS].attr & SEG_DB)
		return X86_MODE32;
	return x86_protected(c) && !x86_v86(c) ? X86_MODE16 : X86_MODE_REAL;
}

static int8_t gpr_number(ZydisRegister r)
{
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return ZydisRegisterGetId(r);
	default:
		return -1;
	}
}

static uint8_t segment_number(ZydisRegister r)
{
	return ZydisRegisterGetClass(r) == ZYDIS_REGCLASS_SEGMENT
		       ? (uint8_t)ZydisRegisterGetId(r)
		       : X86_DS;
}

static void take_mem(struct x86_insn *i, const ZydisDecodedOperand *o)
{
	i->mem = true;
	i->msz = o->size / 8 > 255 ? 0 : (uint8_t)(o->size / 8);
	i->base = gpr_number(o->mem.base);
	i->index = gpr_number(o->mem.index);
	i->rip_relative =
		o->mem.base == ZYDIS_REGISTER_RIP || o->mem.base == ZYDIS_REGISTER_EIP;
	i->scale = o->mem.scale;
	i->disp = o->mem.disp.has_displacement ? o->mem.disp.value : 0;
	i->seg = segment_number(o->mem.segment);
	if (o->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
		i->vindex = (uint8_t)ZydisRegisterGetId(o->mem.index);
}

static void prefixes(struct x86_insn *i, const ZydisDecodedInstruction *z)
{
	static const struct {
		uint8_t byte, seg;
	} over[] = { { 0x26, X86_ES }, { 0x2e, X86_CS }, { 0x36, X86_SS },
		     { 0x3e, X86_DS }, { 0x64, X86_FS }, { 0x65, X86_GS } };
	bool wide = z->machine_mode == ZYDIS_MACHINE_MODE_LONG_64;

	i->seg = X86_DS;
	for (unsigned k = 0; k < z->raw.prefix_count; k++) {
		uint8_t b = z->raw.prefixes[k].value;

		if (b == 0xf2 || b == 0xf3)
			i->rep = b;
		if (b == 0xf0)
			i->lock = true;
		for (unsigned s = 0; s < 6; s++)
			if (over[s].byte == b && (!wide || s >= 4))
				i->seg = over[s].seg;
	}
}

/* VEX has its register bits elsewhere; the operands know. */
static void vex_registers(struct x86_decoded *out)
{
	for (unsigned k = 0; k < out->z.operand_count_visible; k++) {
		const ZydisDecodedOperand *o = &out->ops[k];
		uint8_t n;

		if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		n = (uint8_t)ZydisRegisterGetId(o->reg.value);
		if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
			out->i.reg = n;
		else if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
			out->i.rm = n;
		else if (o->encoding == ZYDIS_OPERAND_ENCODING_NDSNDD)
			out->i.vvvv = n;
	}
	out->i.vlen = (uint8_t)(out->z.avx.vector_length / 8);
	out->i.vex_w = out->z.raw.vex.W;
}

int x86_decode(const struct x86_decoder *d, enum x86_mode mode, const uint8_t *code, size_t len,
	       struct x86_decoded *out)
{
	ZydisDecodedInstruction *z = &out->z;
	struct x86_insn *i = &out->i;
	ZyanStatus s = ZydisDecoderDecodeFull(&d->z[mode], code, len, z, out->ops);

	if (s == ZYDIS_STATUS_NO_MORE_DATA)
		return -ENODATA;
	if (!ZYAN_SUCCESS(s))
		return -EINVAL;
	memset(i, 0, sizeof(*i));
	out->mem = NULL;
	i->mnemonic = (uint16_t)z->mnemonic;
	i->len = z->length;
	i->opcode = z->opcode;
	i->map = (uint8_t)z->opcode_map;
	i->opsz = z->operand_width / 8;
	i->adsz = z->address_width / 8;
	i->base = i->index = -1;
	prefixes(i, z);
	if (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) {
		const bool legacy = z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;

		i->reg = z->raw.modrm.reg | (uint8_t)(legacy ? z->raw.rex.R << 3 : 0);
		i->rm = z->raw.modrm.rm | (uint8_t)(legacy ? z->raw.rex.B << 3 : 0);
	} else if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
		i->rm = (z->opcode & 7) | (uint8_t)(z->raw.rex.B << 3);
	}
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		vex_registers(out);
	i->imm = z->raw.imm[0].value.u;
	i->imm2 = z->raw.imm[1].value.u;
	for (unsigned k = 0; k < z->operand_count; k++) {
		const ZydisDecodedOperand *o = &out->ops[k];

		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT) {
			out->mem = o;
			take_mem(i, o);
		} else if (o->type == ZYDIS_OPERAND_TYPE_POINTER) {
			i->imm = o->ptr.offset;
			i->imm2 = o->ptr.segment;
		}
	}
	return 0;
}

uint64_t x86_ea(const struct x86_cpu *c, const struct x86_insn *i)
{
	uint64_t ea = (uint64_t)i->disp;

	if (i->rip_relative)
		ea += c->rip + i->len;
	if (i->base >= 0)
		ea += c->gpr[i->base];
	if (i->index >= 0)
		ea += c->gpr[i->index] * i->scale;
	return i->adsz == 8 ? ea : i->adsz == 4 ? (uint32_t)ea : (uint16_t)ea;
}
