/* SPDX-License-Identifier: MIT */
/* From guest bytes to a block of host code. */
#include "emu/accel/soft/trans.h"
#include "emu/bus.h"
#include "emu/log.h"
#include "emu/mem.h"

#include <string.h>

void tr_want_flags(struct trans *t)
{
	if (t->flags_saved)
		e_restore_flags(&t->e);
	t->flags_saved = false;
}

/* Bytes of one page, once: what is translated is what was read. */
static void fetch_page(struct trans *t, uint64_t lin, unsigned n, unsigned at, uint64_t *gpa)
{
	struct x86_exec *x = &t->s->x;
	struct x86_ref r;

	do
		r = x->translate(x, lin, x86_access(x->c) | X86_ACC_FETCH);
	while (r.host && codemap_claim(t->s, r.gpa));
	*gpa = r.gpa;
	if (r.host) {
		mem_copy(t->code + at, r.host, n);
		return;
	}
	for (unsigned k = 0; k < n; k++)
		t->code[at + k] = (uint8_t)bus_read(x->bus, BUS_MEM, r.gpa + k, 1);
}

/* Bytes from RIP on that the code segment allows, at most @max. */
static unsigned in_segment(struct trans *t, unsigned max)
{
	const struct x86_seg *cs = &t->s->x.c->seg[X86_CS];

	if (tr_wide(t)) {
		if (!x86_canonical(t->rip))
			x86_gp(&t->s->x, 0);
		return max;
	}
	if (t->rip > cs->limit)
		x86_gp(&t->s->x, 0);
	uint64_t left = (uint64_t)cs->limit - t->rip + 1;

	return left < max ? (unsigned)left : max;
}

static bool ends(const struct form *f)
{
	switch (f->kind) {
	case FORM_UD:
	case FORM_SPECIAL:
	case FORM_JMP:
	case FORM_JCC:
	case FORM_JMP_IND:
	case FORM_CALL:
	case FORM_CALL_IND:
	case FORM_RET:
	case FORM_PAUSE:
		return true;
	default:
		return false;
	}
}

static void set_ud(struct trans *t, unsigned len)
{
	memset(&t->insns[t->n], 0, sizeof(t->insns[0]));
	t->insns[t->n].i.len = (uint8_t)len;
	t->forms[t->n] = (struct form){ .kind = FORM_UD };
}

/* The first instruction lies in two pages: a block of its own. */
static void decode_across(struct trans *t, struct block *b, uint64_t lin, unsigned have)
{
	enum x86_mode mode = t->mode & MODE_CODE;
	struct x86_exec *x = &t->s->x;
	unsigned all = in_segment(t, 15);

	if (all > have) {
		fetch_page(t, tr_wide(t) ? lin + have : (uint32_t)(lin + have), all - have,
			   have, &b->gpa[1]);
		b->gpa[1] &= ~4095ull;
	}
	int r = x86_decode(&t->s->decoder, mode, t->code, all, &t->insns[0]);

	if (r == -ENODATA)
		x86_gp(x, 0); /* over the limit, or longer than 15 bytes */
	if (r < 0)
		set_ud(t, 1);
	else
		t->forms[0] = form_of(&t->insns[0], x->c->cpuid);
	t->n = 1;
	t->at[1] = t->insns[0].i.len;
}

/* Decodes until something ends the block. */
static void decode(struct trans *t, struct block *b, unsigned max)
{
	enum x86_mode mode = t->mode & MODE_CODE;
	uint64_t lin = b->base + t->rip;

	if (!tr_wide(t))
		lin = (uint32_t)lin;
	unsigned page = MEM_PAGE - (unsigned)(lin & (MEM_PAGE - 1));
	unsigned have = in_segment(t, page < TRANS_CODE ? page : TRANS_CODE);

	fetch_page(t, lin, have, 0, &b->gpa[0]);
	b->gpa[1] = ~0ull;
	for (t->n = 0, t->at[0] = 0; t->n < max;) {
		unsigned at = t->at[t->n], left = have - at;
		int r = left ? x86_decode(&t->s->decoder, mode, t->code + at, left,
					  &t->insns[t->n])
			     : -ENODATA;

		if (r == -ENODATA && t->n == 0) {
			decode_across(t, b, lin, have);
			return;
		}
		if (r == -ENODATA)
			return;
		if (r < 0)
			set_ud(t, 1);
		else
			t->forms[t->n] = form_of(&t->insns[t->n], t->s->x.c->cpuid);
		t->at[t->n + 1] = (uint16_t)(at + t->insns[t->n].i.len);
		if (ends(&t->forms[t->n++]))
			return;
	}
}

/* Which points of the block somebody may still read the flags of. */
static void liveness(struct trans *t)
{
	t->live[t->n] = true;
	for (unsigned k = t->n; k--;) {
		const struct x86_decoded *d = &t->insns[k];
		uint8_t kind = t->forms[k].kind;

		switch (kind) {
		case FORM_COPY:
			t->live[k] =
				form_needs_flags(d) || (!form_kills_flags(d) && t->live[k + 1]);
			break;
		case FORM_NOP:
		case FORM_PUSH:
		case FORM_POP:
		case FORM_LEAVE:
			t->live[k] = t->live[k + 1];
			break;
		default:
			t->live[k] = true;
			break;
		}
	}
}

/* 0, or how this unit is refused in this mode. */
static int refused(const struct trans *t, uint8_t unit)
{
	uint32_t m = t->mode;

	switch (unit) {
	case UNIT_X87:
		return m & MODE_NM ? SOFT_NM : 0;
	case UNIT_WAIT:
		return m & MODE_WAIT_NM ? SOFT_NM : 0;
	case UNIT_MMX:
		return m & MODE_EM ? SOFT_UD : m & MODE_NM ? SOFT_NM : 0;
	case UNIT_SSE:
		if (m & (MODE_EM | MODE_NOSSE))
			return SOFT_UD;
		return m & MODE_NM ? SOFT_NM : 0;
	case UNIT_AVX:
		if (!(m & MODE_AVX))
			return SOFT_UD;
		return m & MODE_NM ? SOFT_NM : 0;
	default:
		return 0;
	}
}

static void want_fpu(struct trans *t)
{
	struct emit *e = &t->e;
	struct cache *c = t->s->cache;

	if (t->fpu_ready)
		return;
	t->fpu_ready = true;
	e_mov(e, R14, RCX);
	e_ld32(e, RCX, OFF(fpu_empty));
	e8(e, 0xe3); /* jrcxz */
	e8(e, 0);
	uint8_t *from = e->p;

	e_mov(e, RCX, R14);
	/* lea r15, [rip + 5]: behind the jump */
	e8(e, 0x4c);
	e8(e, 0x8d);
	e8(e, 0x3d);
	e32(e, 5 + 3);
	e_jmp_to(e, cache_writable(c, cache_stubs(c)->fpu));
	from[-1] = (uint8_t)(e->p - from);
	e_mov(e, RCX, R14); /* 3 bytes */
}

/* Those that order what other instructions left unordered: stores, past loads and MOVNTI. */
static void fence(struct trans *t)
{
	ZydisMnemonic m = t->insns[t->k].z.mnemonic;

	if (m != ZYDIS_MNEMONIC_MFENCE && m != ZYDIS_MNEMONIC_SFENCE)
		return;
	e8(&t->e, 0x0f);
	e8(&t->e, 0xae);
	e8(&t->e, m == ZYDIS_MNEMONIC_MFENCE ? 0xf0 : 0xf8);
}

static void special(struct trans *t)
{
	struct x86_insn *i = cache_alloc(t->s->cache, sizeof(*i));

	*i = t->insns[t->k].i;
	tr_want_flags(t);
	tr_exit(t, SOFT_SPECIAL, tr_rip(t), (uint64_t)(uintptr_t)i);
	t->ended = true;
}

static void one(struct trans *t)
{
	const struct form *f = &t->forms[t->k];
	int no = f->kind == FORM_COPY ? refused(t, f->unit) : f->kind == FORM_UD ? SOFT_UD : 0;

	if (f->kind == FORM_SPECIAL && f->unit == UNIT_AVX)
		no = refused(t, f->unit);
	if (no) {
		tr_want_flags(t);
		tr_exit(t, (enum soft_exit)no, tr_rip(t), 0);
		t->ended = true;
		return;
	}
	switch (f->kind) {
	case FORM_COPY:
		if (f->unit != UNIT_INT)
			want_fpu(t);
		tr_copy(t);
		break;
	case FORM_BT:
		tr_bit_test(t);
		break;
	case FORM_NOP:
		fence(t);
		break;
	case FORM_PAUSE:
		e8(&t->e, 0xf3);
		e8(&t->e, 0x90);
		/* Alone, it waits for time or a device: nobody is to be let run. */
		if (t->s->vm->env.vcpus > 1) {
			tr_want_flags(t);
			tr_exit(t, SOFT_PAUSE, tr_next(t), 0);
			t->ended = true;
		}
		break;
	case FORM_SPECIAL:
		special(t);
		break;
	default:
		tr_flow(t);
		break;
	}
}

static void emit_all(struct trans *t)
{
	struct block *b = t->b;

	for (t->k = 0; t->k < t->n && !t->ended; t->k++) {
		t->map[t->n_map++] = (struct pc_map){ .host = (uint32_t)(t->e.p - t->start),
						      .guest = t->at[t->k],
						      .len = tr_insn(t)->len,
						      .flags_saved = t->flags_saved };
		one(t);
	}
	if (!t->ended) {
		t->k = t->n - 1;
		tr_goto(t, tr_next(t));
	}
	tr_slow_paths(t);
	b->map = cache_alloc(t->s->cache, t->n_map * sizeof(*b->map));
	b->n_map = (uint16_t)t->n_map;
	memcpy(b->map, t->map, t->n_map * sizeof(*b->map));
}

struct block *block_translate(struct soft *s, unsigned max)
{
	struct trans *t = s->trans;

	if (max > TRANS_MAX)
		max = TRANS_MAX;
	uint8_t *room = cache_room(s->cache, TRANS_ROOM);

	t->s = s;
	t->mode = s->mode | (s->one || s->vm->step ? MODE_ONE : 0);
	t->rip = s->x.c->rip;
	t->n_pending = t->n_sites = t->n_map = 0;
	t->flags_saved = t->fpu_ready = t->ended = false;
	struct block *b = cache_alloc(s->cache, sizeof(*b));

	b->rip = t->rip;
	b->base = s->mode_base;
	b->mode = t->mode;
	t->b = b;
	decode(t, b, max);
	b->len = t->at[t->n];
	if (log_on(s->x.c->log, LOG_IN_ASM))
		listing(t);
	liveness(t);
	t->start = room;
	t->e.p = room;
	b->host = cache_exec(s->cache, room);
	/* Who comes with its flags saved comes in here, the others behind. */
	if (t->live[0])
		e_restore_flags(&t->e);
	else
		e_no_flags(&t->e);
	emit_all(t);
	b->host_len = (uint32_t)(t->e.p - room);
	cache_used(s->cache, b->host_len);
	cache_add(s->cache, b);
	return b;
}
