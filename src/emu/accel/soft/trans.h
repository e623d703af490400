/* SPDX-License-Identifier: MIT */
/* The translator's state while it makes one block. */
#ifndef EMU_SOFT_TRANS_H
#define EMU_SOFT_TRANS_H

#include "emu/accel/soft/emit.h"
#include "emu/accel/soft/soft.h"

#define TRANS_MAX  64     /* instructions of a block */
#define TRANS_CODE 1024   /* guest bytes of one, at most */
#define TRANS_ROOM 65536u /* host bytes and data of one, at most */

struct pending {
	struct access *a;
	uint8_t *miss, *outside; /* jumps to fill */
	uint8_t *check_end;      /* the operation's bytes begin */
	uint8_t *op_end;
	uint16_t insn; /* in the map */
};

struct trans {
	struct soft *s;
	struct emit e;
	struct block *b;
	uint32_t mode;
	uint64_t rip; /* of the block */
	uint8_t code[TRANS_CODE + 16];
	unsigned n;
	struct x86_decoded insns[TRANS_MAX];
	struct form forms[TRANS_MAX];
	uint16_t at[TRANS_MAX + 1]; /* offsets in code */
	bool live[TRANS_MAX + 1];   /* flags are wanted before it */
	unsigned k;                 /* the one at hand */
	bool flags_saved, fpu_ready, ended;
	struct pending pending[4 * TRANS_MAX];
	unsigned n_pending, n_sites;
	struct pc_map map[5 * TRANS_MAX]; /* instructions, then slow copies */
	unsigned n_map;
	uint8_t *start;
};

/* listing.c: what was decoded, to the log. */
void listing(const struct trans *t);

static inline const struct x86_insn *tr_insn(const struct trans *t)
{
	return &t->insns[t->k].i;
}

static inline uint64_t tr_rip(const struct trans *t)
{
	return t->rip + t->at[t->k];
}

static inline bool tr_wide(const struct trans *t)
{
	return (t->mode & MODE_CODE) == X86_MODE64;
}

/* Of the instruction after the one at hand. */
static inline uint64_t tr_next(const struct trans *t)
{
	uint64_t n = t->rip + t->at[t->k + 1];

	return tr_wide(t) ? n : (uint32_t)n;
}

void tr_want_flags(struct trans *t); /* the guest's are in the host's from here on */

/* ---- address.c ---- */
/* The offset that the operand names, in host register @dst. @add: to the displacement. */
void tr_ea(struct trans *t, const struct x86_insn *i, unsigned dst, int64_t add);
/* rsp + @disp, or another register, cut to the stack's width, in r15. */
void tr_stack_ea(struct trans *t, unsigned reg, int32_t disp);
/*
 * r15: an offset in @seg.  Afterwards r15 is the host's address of @size bytes.  The bytes
 * emitted from here to tr_access_end() work on them; they are copied for the slow path.
 */
struct access *tr_access(struct trans *t, unsigned size, unsigned seg, bool read, bool write);
void tr_access_end(struct trans *t);
void tr_slow_paths(struct trans *t);

/* ---- copy.c ---- */
void tr_copy(struct trans *t);
void tr_bit_test(struct trans *t);

/* ---- flow.c ---- */
void tr_exit(struct trans *t, enum soft_exit kind, uint64_t rip, uint64_t arg);
void tr_goto(struct trans *t, uint64_t target);
void tr_flow(struct trans *t);

#endif
