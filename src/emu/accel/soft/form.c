/* SPDX-License-Identifier: MIT */
/*
 * What each instruction is to the translator.  What computes and nothing else is copied, by its
 * instruction set; the sets name the CPUID feature that a guest must have for it.
 */
#include "emu/accel/soft/soft.h"

#define NO_FEATURE 255

struct set {
	uint8_t unit, word, bit;
};

static bool find_set(const ZydisDecodedInstruction *z, struct set *out)
{
	/* Of this set are FCOMI and its kin, but also SYSENTER. */
	if (z->meta.isa_set == ZYDIS_ISA_SET_PPRO &&
	    (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || (z->opcode & 0xf8) != 0xd8))
		return false;

#define S(name, u, w, b)                        \
	case ZYDIS_ISA_SET_##name:              \
		*out = (struct set){ u, w, b }; \
		return true
	switch (z->meta.isa_set) {
		S(CMOV, UNIT_INT, FEAT_1_EDX, 15);
		S(CMPXCHG16B, UNIT_INT, FEAT_1_ECX, 13);
		S(POPCNT, UNIT_INT, FEAT_1_ECX, 23);
		S(MOVBE, UNIT_INT, FEAT_1_ECX, 22);
		S(LZCNT, UNIT_INT, FEAT_8_ECX, 5);
		S(BMI1, UNIT_INT, FEAT_7_EBX, 3);
		S(BMI2, UNIT_INT, FEAT_7_EBX, 8);
		S(ADOX_ADCX, UNIT_INT, FEAT_7_EBX, 19);
		S(RDRAND, UNIT_INT, FEAT_1_ECX, 30);
		S(RDSEED, UNIT_INT, FEAT_7_EBX, 18);
		S(X87, UNIT_X87, FEAT_1_EDX, 0);
		S(FCMOV, UNIT_X87, FEAT_1_EDX, 15);
		S(PPRO, UNIT_X87, FEAT_1_EDX, 15);
		S(SSE3X87, UNIT_X87, FEAT_1_ECX, 0);
		S(PENTIUMMMX, UNIT_MMX, FEAT_1_EDX, 23);
		S(SSE2MMX, UNIT_MMX, FEAT_1_EDX, 26);
		S(SSSE3MMX, UNIT_MMX, FEAT_1_ECX, 9);
		S(SSE, UNIT_SSE, FEAT_1_EDX, 25);
		S(SSEMXCSR, UNIT_SSE, FEAT_1_EDX, 25);
		S(SSE2, UNIT_SSE, FEAT_1_EDX, 26);
		S(SSE3, UNIT_SSE, FEAT_1_ECX, 0);
		S(SSSE3, UNIT_SSE, FEAT_1_ECX, 9);
		S(SSE4, UNIT_SSE, FEAT_1_ECX, 19);
		S(SSE42, UNIT_SSE, FEAT_1_ECX, 20);
		S(AES, UNIT_SSE, FEAT_1_ECX, 25);
		S(PCLMULQDQ, UNIT_SSE, FEAT_1_ECX, 1);
		S(SHA, UNIT_SSE, FEAT_7_EBX, 29);
		S(AVX, UNIT_AVX, FEAT_1_ECX, 28);
		S(AVXAES, UNIT_AVX, FEAT_1_ECX, 25);
		S(AVX2, UNIT_AVX, FEAT_7_EBX, 5);
		S(AVX2GATHER, UNIT_AVX, FEAT_7_EBX, 5);
		S(FMA, UNIT_AVX, FEAT_1_ECX, 12);
		S(F16C, UNIT_AVX, FEAT_1_ECX, 29);
	default:
		return false;
	}
#undef S
}

/* Base instructions that only compute. */
static bool computes(ZydisMnemonic m)
{
#define M(x) case ZYDIS_MNEMONIC_##x
	switch (m) {
		M(ADC)
		    : M(ADD)
		    : M(AND)
		    : M(BSF)
		    : M(BSR)
		    : M(BSWAP)
		    : M(BT)
		    : M(BTC)
		    : M(BTR)
		    : M(BTS)
		    : M(CBW)
		    : M(CDQ)
		    : M(CDQE)
		    : M(CLC)
		    : M(CLD)
		    : M(CMC)
		    : M(CMP)
		    : M(CMPXCHG)
		    : M(CMPXCHG8B)
		    : M(CWD)
		    : M(CWDE)
		    : M(CQO)
		    : M(DEC)
		    : M(DIV)
		    : M(IDIV)
		    : M(IMUL)
		    : M(INC)
		    : M(LAHF)
		    : M(LEA)
		    : M(MOV)
		    : M(MOVSX)
		    : M(MOVSXD)
		    : M(MOVZX)
		    : M(MUL)
		    : M(NEG)
		    : M(NOT)
		    : M(OR)
		    : M(RCL)
		    : M(RCR)
		    : M(ROL)
		    : M(ROR)
		    : M(SAHF)
		    : M(SAR)
		    : M(SBB)
		    : M(SHL)
		    : M(SHLD)
		    : M(SHR)
		    : M(SHRD)
		    : M(STC)
		    : M(STD)
		    : M(SUB)
		    : M(TEST)
		    : M(XADD)
		    : M(XCHG)
		    : M(XOR)
		    : M(SETB)
		    : M(SETBE)
		    : M(SETL)
		    : M(SETLE)
		    : M(SETNB)
		    : M(SETNBE)
		    : M(SETNL)
		    : M(SETNLE)
		    : M(SETNO)
		    : M(SETNP)
		    : M(SETNS)
		    : M(SETNZ)
		    : M(SETO) : M(SETP) : M(SETS) : M(SETZ) : M(MOVNTI) : return true;
	default:
		return false;
	}
}

static bool hint(ZydisMnemonic m)
{
	switch (m) {
		M(NOP)
		    : M(PREFETCH)
		    : M(PREFETCHW)
		    : M(PREFETCHNTA)
		    : M(PREFETCHT0)
		    : M(PREFETCHT1)
		    : M(PREFETCHT2)
		    : M(LFENCE)
		    : M(SFENCE)
		    : M(MFENCE)
		    : M(CLFLUSH)
		    : M(CLFLUSHOPT)
		    : M(CLWB) : M(ENDBR32) : M(ENDBR64) : M(RDSSPD) : M(RDSSPQ) : return true;
	default:
		return false;
	}
}

static bool has_special_reg(const struct x86_decoded *d)
{
	for (unsigned k = 0; k < d->z.operand_count_visible; k++) {
		ZydisRegisterClass cl;

		if (d->ops[k].type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		cl = ZydisRegisterGetClass(d->ops[k].reg.value);
		if (cl == ZYDIS_REGCLASS_SEGMENT || cl == ZYDIS_REGCLASS_CONTROL ||
		    cl == ZYDIS_REGCLASS_DEBUG)
			return true;
	}
	return false;
}

static uint8_t branch(const struct x86_decoded *d)
{
	bool far = d->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;

	switch (d->z.mnemonic) {
		M(JMP) : if (far) return FORM_SPECIAL;
		return d->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? FORM_JMP : FORM_JMP_IND;
		M(CALL) : if (far) return FORM_SPECIAL;
		return d->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? FORM_CALL
								      : FORM_CALL_IND;
		M(RET) : return far ? FORM_SPECIAL : FORM_RET;
		M(JB)
		    : M(JBE)
		    : M(JL)
		    : M(JLE)
		    : M(JNB)
		    : M(JNBE)
		    : M(JNL)
		    : M(JNLE)
		    : M(JNO)
		    : M(JNP)
		    : M(JNS) : M(JNZ) : M(JO) : M(JP) : M(JS) : M(JZ) : return FORM_JCC;
		M(PUSH) : M(POP) : if (has_special_reg(d)) return FORM_SPECIAL;
		return d->z.mnemonic == ZYDIS_MNEMONIC_PUSH ? FORM_PUSH : FORM_POP;
		M(LEAVE) : return FORM_LEAVE;
	default:
		return FORM_UD;
	}
}

/* Saves and masked stores with an address of their own. */
static bool fpu_special(ZydisMnemonic m)
{
	switch (m) {
		M(FXSAVE)
		    : M(FXSAVE64)
		    : M(FXRSTOR)
		    : M(FXRSTOR64)
		    : M(MASKMOVQ)
		    : M(MASKMOVDQU)
		    : M(VMASKMOVDQU)
		    : M(VMASKMOVPS)
		    : M(VMASKMOVPD)
		    : M(VPMASKMOVD)
		    : M(VPMASKMOVQ)
		    : M(VPGATHERDD)
		    : M(VPGATHERDQ)
		    : M(VPGATHERQD)
		    : M(VPGATHERQQ)
		    : M(VGATHERDPS)
		    : M(VGATHERDPD) : M(VGATHERQPS) : M(VGATHERQPD) : return true;
	default:
		return false;
	}
}

static bool is_base(ZydisISASet isa)
{
	switch (isa) {
	case ZYDIS_ISA_SET_I86:
	case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I286REAL:
	case ZYDIS_ISA_SET_I386:
	case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_I486REAL:
	case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_LONGMODE:
	case ZYDIS_ISA_SET_LAHF:
	case ZYDIS_ISA_SET_SSE2: /* MOVNTI */
		return true;
	default:
		return false;
	}
}

struct form form_of(const struct x86_decoded *d, const struct x86_cpuid *cpuid)
{
	ZydisMnemonic m = d->z.mnemonic;
	struct form f = { .kind = branch(d) };
	struct set set;

	if (f.kind != FORM_UD)
		return f;
	if (d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ||
	    d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ||
	    d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX)
		return f;
	if (m == ZYDIS_MNEMONIC_UD0 || m == ZYDIS_MNEMONIC_UD1 || m == ZYDIS_MNEMONIC_UD2)
		return f;
	if (m == ZYDIS_MNEMONIC_PAUSE) {
		f.kind = FORM_PAUSE;
	} else if (hint(m)) {
		f.kind = FORM_NOP;
	} else if (fpu_special(m)) {
		bool vex = d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;

		f.unit = vex ? UNIT_AVX : UNIT_X87;
		/* Those of VEX say which feature they are of. */
		if (!vex || !find_set(&d->z, &set) ||
		    (cpuid && x86_has(cpuid, set.word, set.bit)))
			f.kind = FORM_SPECIAL;
	} else if (computes(m) && is_base(d->z.meta.isa_set)) {
		f.kind = has_special_reg(d) ? FORM_SPECIAL : FORM_COPY;
		if (d->mem &&
		    (m == ZYDIS_MNEMONIC_BT || m == ZYDIS_MNEMONIC_BTS ||
		     m == ZYDIS_MNEMONIC_BTR || m == ZYDIS_MNEMONIC_BTC) &&
		    d->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
			f.kind = FORM_BT;
	} else if (find_set(&d->z, &set)) {
		f.unit = set.unit;
		if (cpuid && x86_has(cpuid, set.word, set.bit))
			f.kind = FORM_COPY;
		if (m == ZYDIS_MNEMONIC_FWAIT)
			f.unit = UNIT_WAIT;
		/* Several addresses. */
		if (d->mem && d->mem->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
			f.kind = FORM_UD;
	} else {
		/* The helpers raise #UD for what they do not know. */
		f.kind = FORM_SPECIAL;
	}
	return f;
}

bool form_needs_flags(const struct x86_decoded *d)
{
	const ZydisAccessedFlags *f = d->z.cpu_flags;

	if (!f)
		return false;
	if (f->tested & RFL_ARITH)
		return true;
	/* Changes some and keeps others, or may change none (a count of 0). */
	return ((f->modified | f->set_0 | f->set_1 | f->undefined) & RFL_ARITH) &&
	       !form_kills_flags(d);
}

bool form_kills_flags(const struct x86_decoded *d)
{
	const ZydisAccessedFlags *f = d->z.cpu_flags;

	if (!f || (f->tested & RFL_ARITH))
		return false;
	switch (d->z.mnemonic) {
		M(AND)
		    : M(OR)
		    : M(XOR)
		    : M(TEST) : M(ADD) : M(SUB) : M(CMP) : M(NEG) : M(XADD) : return true;
	default:
		return false;
	}
}
