/* SPDX-License-Identifier: MIT */
/* Jumps, calls and the stack. */
#include "emu/accel/soft/trans.h"

#define GPR(r) (CPU_OFF(gpr) + 8 * (int32_t)(r))

/* Only at the end of a block: flags are the guest's before. */
void tr_exit(struct trans *t, enum soft_exit kind, uint64_t rip, uint64_t arg)
{
	struct emit *e = &t->e;
	struct cache *c = t->s->cache;

	e_imm(e, R15, rip);
	e_st(e, CPU_OFF(rip), R15);
	e_st_imm(e, OFF(exit_kind), (int32_t)kind);
	e_imm(e, R15, arg);
	e_st(e, OFF(exit_arg), R15);
	e_jmp_to(e, cache_writable(c, cache_stubs(c)->exit));
}

/* To a target in r15 that is known only now.  @sp: what the instruction added to rsp. */
static void go_indirect(struct trans *t, int32_t sp)
{
	struct cache *c = t->s->cache;
	uint8_t *exit = cache_writable(c, cache_stubs(c)->exit);
	struct leap *from = cache_alloc(c, sizeof(*from));

	*from = (struct leap){ .rip = tr_rip(t), .sp = sp };
	if (t->mode & MODE_ONE) {
		tr_want_flags(t);
		stub_leap(&t->e, exit, from);
	} else {
		if (!t->flags_saved)
			e_save_flags(&t->e);
		stub_indirect(&t->e, exit, from);
	}
}

/* A loop's way back: requests are looked at. */
static void poll(struct trans *t, uint64_t target)
{
	struct emit *e = &t->e;

	if (t->flags_saved) {
		e_ld(e, R14, OFF(request));
		e8(e, 0x41); /* cmp dword [r14], 0 */
		e8(e, 0x83);
		e8(e, 0x3e);
		e8(e, 0);
		uint8_t *none = e_jcc(e, 4);

		e_restore_flags(e);
		tr_exit(t, SOFT_LOOK, target, 0);
		e_here(e, none);
		return;
	}
	e_mov(e, R14, RCX);
	e_ld(e, RCX, OFF(request));
	e8(e, 0x8b);
	e8(e, 0x09);
	e8(e, 0xe3);
	e8(e, 0);
	uint8_t *from = e->p;

	e_mov(e, RCX, R14);
	tr_exit(t, SOFT_LOOK, target, 0);
	from[-1] = (uint8_t)(e->p - from);
	e_mov(e, RCX, R14);
}

/* Out of the block; the flags are where they are, here and for whoever goes on. */
void tr_goto(struct trans *t, uint64_t target)
{
	struct emit *e = &t->e;
	uint64_t base = t->b->base, here = base + t->rip, there = base + target;
	bool saved = t->flags_saved;

	if ((t->mode & MODE_ONE) || (tr_wide(t) && !x86_canonical(target))) {
		if (saved)
			e_restore_flags(e);
		tr_exit(t, SOFT_JUMP, target, 0);
		return;
	}
	if (here >> 12 != there >> 12 || t->b->gpa[1] != ~0ull) {
		struct cache *c = t->s->cache;

		stub_far(e, cache_writable(c, cache_stubs(c)->exit), target, saved);
		return;
	}
	if (target <= tr_rip(t))
		poll(t, target);
	struct site *s = cache_alloc(t->s->cache, sizeof(*s));

	s->from = t->b;
	s->rip = target;
	s->flags_saved = saved;
	s->patch = e_jmp(e);
	s->stub = e->p;
	e_here(e, s->patch);
	if (saved)
		e_restore_flags(e);
	tr_exit(t, SOFT_JUMP, target, (uint64_t)(uintptr_t)s);
	t->b->sites[t->n_sites++] = s;
}

static uint64_t target(const struct trans *t)
{
	const struct x86_insn *i = tr_insn(t);
	const struct x86_decoded *d = &t->insns[t->k];
	unsigned bits = d->z.raw.imm[0].size;
	int64_t rel = (int64_t)(i->imm << (64 - bits)) >> (64 - bits);
	uint64_t to = tr_next(t) + (uint64_t)rel;

	if (tr_wide(t))
		return to;
	return i->opsz == 2 ? (uint16_t)to : (uint32_t)to;
}

/* rsp, esp or sp += n */
static void move_sp(struct trans *t, unsigned from, int32_t n)
{
	unsigned size = tr_wide(t) ? 8 : t->mode & MODE_SS32 ? 4 : 2;

	e_lea(&t->e, size, RSP, (int)from, -1, 1, n);
}

/* The size that pushes and near branches have. */
static unsigned stack_size(const struct trans *t)
{
	const struct x86_insn *i = tr_insn(t);

	if (tr_wide(t))
		return i->opsz == 2 ? 2 : 8;
	return i->opsz == 2 ? 2 : 4;
}

/* r14 onto the stack; @size bytes.  r14 is loaded by @what after the check. */
enum what { PUSH_REG, PUSH_IMM, PUSH_TMP };
static void push(struct trans *t, unsigned size, enum what what, uint64_t v)
{
	struct emit *e = &t->e;

	tr_stack_ea(t, RSP, -(int32_t)size);
	struct access *a = tr_access(t, size, X86_SS, false, true);
	unsigned reg = R14;

	a->no_exit = tr_insn(t)->mnemonic == ZYDIS_MNEMONIC_CALL;
	if (what == PUSH_TMP)
		e_ld(e, R14, OFF(tmp));
	else if (what == PUSH_IMM)
		e_imm(e, R14, v);
	else if (v >= R13)
		e_ld(e, R14, GPR(v));
	else
		reg = (unsigned)v;
	e_st_r15(e, size, reg);
	move_sp(t, RSP, -(int32_t)size);
	tr_access_end(t);
}

/* An r/m operand into r14. */
static void load_rm(struct trans *t, unsigned size)
{
	const struct x86_insn *i = tr_insn(t);
	struct emit *e = &t->e;

	if (i->mem) {
		tr_ea(t, i, R15, 0);
		tr_access(t, size, i->seg, true, false);
		e_ld_r15(e, size, R14);
		tr_access_end(t);
	} else if (i->rm >= R13) {
		e_ld(e, R14, GPR(i->rm));
	} else {
		e_mov(e, R14, i->rm);
	}
}

static void form_push(struct trans *t)
{
	const struct x86_decoded *d = &t->insns[t->k];
	unsigned size = stack_size(t);

	if (d->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		unsigned bits = d->z.raw.imm[0].size;

		push(t, size, PUSH_IMM,
		     (uint64_t)((int64_t)(d->i.imm << (64 - bits)) >> (64 - bits)));
	} else if (d->mem) {
		load_rm(t, size);
		e_st(&t->e, OFF(tmp), R14);
		push(t, size, PUSH_TMP, 0);
	} else {
		push(t, size, PUSH_REG, d->i.rm);
	}
}

static void store_reg(struct trans *t, unsigned reg, unsigned size)
{
	struct emit *e = &t->e;

	if (reg >= R13) {
		if (size == 2)
			e8(e, 0x66);
		e_gs(e, 0x89, R14, GPR(reg), size == 8);
		return;
	}
	e_lea(e, size, reg, R14, -1, 1, 0);
}

static void form_pop(struct trans *t)
{
	const struct x86_decoded *d = &t->insns[t->k];
	struct emit *e = &t->e;
	unsigned size = stack_size(t);

	tr_stack_ea(t, RSP, 0);
	tr_access(t, size, X86_SS, true, false);
	e_ld_r15(e, size, R14);
	if (!d->mem) {
		move_sp(t, RSP, (int32_t)size);
		store_reg(t, d->i.rm, size);
		tr_access_end(t);
		return;
	}
	e_st(e, OFF(tmp), R14);
	tr_access_end(t);
	/* The address is reckoned with the new stack pointer. */
	tr_ea(t, &d->i, R15, d->i.base == X86_RSP ? (int64_t)size : 0);
	tr_access(t, size, d->i.seg, false, true);
	e_ld(e, R14, OFF(tmp));
	e_st_r15(e, size, R14);
	move_sp(t, RSP, (int32_t)size);
	tr_access_end(t);
}

static void form_leave(struct trans *t)
{
	struct emit *e = &t->e;
	unsigned size = stack_size(t);

	tr_stack_ea(t, RBP, 0);
	tr_access(t, size, X86_SS, true, false);
	e_ld_r15(e, size, R14);
	move_sp(t, RBP, (int32_t)size);
	store_reg(t, RBP, size);
	tr_access_end(t);
}

static void form_ret(struct trans *t)
{
	const struct x86_decoded *d = &t->insns[t->k];
	struct emit *e = &t->e;
	unsigned size = stack_size(t);
	int32_t drop = d->z.raw.imm[0].size ? (int32_t)(d->i.imm & 0xffff) : 0;

	tr_stack_ea(t, RSP, 0);
	tr_access(t, size, X86_SS, true, false);
	e_ld_r15(e, size, R15);
	move_sp(t, RSP, (int32_t)size + drop);
	tr_access_end(t);
	go_indirect(t, (int32_t)size + drop);
}

static void form_call(struct trans *t, bool indirect)
{
	struct emit *e = &t->e;
	unsigned size = stack_size(t);

	if (!indirect) {
		push(t, size, PUSH_IMM, tr_next(t));
		tr_goto(t, target(t));
		return;
	}
	load_rm(t, size);
	if (size == 2)
		e_zx16(e, R14, R14);
	else if (size == 4)
		e_lea(e, 4, R14, R14, -1, 1, 0);
	e_st(e, OFF(target), R14);
	push(t, size, PUSH_IMM, tr_next(t));
	e_ld(e, R15, OFF(target));
	go_indirect(t, -(int32_t)size);
}

static void form_jmp_indirect(struct trans *t)
{
	struct emit *e = &t->e;
	unsigned size = stack_size(t);

	load_rm(t, size);
	if (size == 2)
		e_zx16(e, R15, R14);
	else
		e_lea(e, size, R15, R14, -1, 1, 0);
	go_indirect(t, 0);
}

static void form_jcc(struct trans *t)
{
	struct emit *e = &t->e;

	tr_want_flags(t);
	uint8_t *taken = e_jcc(e, tr_insn(t)->opcode & 15);

	tr_goto(t, tr_next(t));
	e_here(e, taken);
	tr_goto(t, target(t));
}

void tr_flow(struct trans *t)
{
	switch (t->forms[t->k].kind) {
	case FORM_PUSH:
		form_push(t);
		return;
	case FORM_POP:
		form_pop(t);
		return;
	case FORM_LEAVE:
		form_leave(t);
		return;
	case FORM_JMP:
		tr_goto(t, target(t));
		break;
	case FORM_JCC:
		form_jcc(t);
		break;
	case FORM_JMP_IND:
		form_jmp_indirect(t);
		break;
	case FORM_CALL:
		form_call(t, false);
		break;
	case FORM_CALL_IND:
		form_call(t, true);
		break;
	default:
		form_ret(t);
		break;
	}
	t->ended = true;
}
