/* SPDX-License-Identifier: MIT */
/* The ways into generated code, out of it, and to C for one access. */
#include "emu/accel/soft/emit.h"
#include "emu/accel/soft/soft.h"

#define GPR(r) (CPU_OFF(gpr) + 8 * (int32_t)(r))

static void bytes(struct emit *e, const char *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		e8(e, (uint8_t)b[i]);
}
#define B(e, s) bytes(e, s, sizeof(s) - 1)

static void save_regs(struct emit *e)
{
	for (unsigned r = 0; r <= R12; r++)
		e_st(e, GPR(r), r);
	/* Onto the host's stack, then its flags. */
	e_ld(e, RSP, OFF(host_rsp));
	B(e, "\x9c\x58"); /* pushfq; pop rax */
	e_st(e, OFF(hflags), RAX);
	B(e, "\xfc"); /* cld */
	/* #AC is the guest's alone: test eax, AC; jz; push 2; popfq */
	B(e, "\xa9\0\0\x04\0\x74\x03\x6a\x02\x9d");
}

static void load_regs(struct emit *e)
{
	for (unsigned r = 0; r <= R12; r++)
		if (r != RSP)
			e_ld(e, r, GPR(r));
	e_ld(e, RSP, GPR(RSP));
}

/* gs:[hflags] into the flags; on the host's stack; rax is lost. */
static void load_flags(struct emit *e)
{
	e_ld(e, RAX, OFF(hflags));
	B(e, "\x50\x9d"); /* push rax; popfq */
}

/* xsave64/xrstor64 gs:[cpu->xsave] with soft->xmask. */
static void xstate(struct emit *e, bool save)
{
	e_ld32(e, RAX, OFF(xmask));
	B(e, "\x31\xd2"); /* xor edx, edx */
	e8(e, 0x65);
	B(e, "\x48\x0f\xae");
	e8(e, save ? 0x24 : 0x2c);
	e8(e, 0x25);
	e32(e, (uint32_t)CPU_OFF(xsave));
}

/* After the guest's state is away, C gets a clean one. */
static void clean_fpu(struct emit *e, bool avx)
{
	B(e, "\xdb\xe3"); /* fninit */
	e8(e, 0x65);      /* ldmxcsr gs:[host_mxcsr] */
	B(e, "\x0f\xae\x14\x25");
	e32(e, (uint32_t)OFF(host_mxcsr));
	if (avx)
		B(e, "\xc5\xf8\x77"); /* vzeroupper */
}

/* Skips unless the guest's FPU state is loaded; returns the place to end the skip. */
static uint8_t *if_loaded(struct emit *e)
{
	e8(e, 0x65); /* cmp dword gs:[fpu_empty], 0 */
	B(e, "\x83\x3c\x25");
	e32(e, (uint32_t)OFF(fpu_empty));
	e8(e, 0);
	return e_jcc(e, 5);
}

static void call(struct emit *e, uint64_t fn)
{
	e_imm(e, RAX, fn);
	B(e, "\xff\xd0"); /* call rax */
}

static void make_enter(struct emit *e)
{
	B(e, "\x55\x53\x41\x54\x41\x55\x41\x56\x41\x57"); /* push rbp rbx r12..r15 */
	B(e, "\x48\x83\xec\x08");                         /* sub rsp, 8: aligned at exit */
	e_st(e, OFF(host_rsp), RSP);
	load_flags(e);
	load_regs(e);
	e8(e, 0x65);
	B(e, "\xff\x24\x25"); /* jmp gs:[go] */
	e32(e, (uint32_t)OFF(go));
}

static void make_exit(struct emit *e, const uint8_t **bare_at, bool avx)
{
	save_regs(e);
	uint8_t *skip = if_loaded(e);

	xstate(e, true);
	e_st_imm(e, OFF(fpu_empty), 1);
	clean_fpu(e, avx);
	e_here(e, skip);
	uint8_t *over = e_jmp(e);

	*bare_at = e->p;
	e_ld(e, RSP, OFF(host_rsp));
	B(e, "\x6a\x02\x9d"); /* push 2; popfq: neither DF nor AC */
	skip = if_loaded(e);
	xstate(e, true);
	e_st_imm(e, OFF(fpu_empty), 1);
	clean_fpu(e, avx);
	e_here(e, skip);
	e_here(e, over);
	B(e, "\x48\x83\xc4\x08");
	B(e, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5b\x5d\xc3");
}

/* To @first(cpu, r14, r15), without saving the FPU's state, and if that answers 0 to @fn; on to
 * where they say. */
static void make_call(struct emit *e, uint64_t first, uint64_t fn, bool avx)
{
	uint8_t *skip, *found = NULL;

	save_regs(e);
	if (first) {
		e_ld(e, RDI, OFF(self));
		e_mov(e, RSI, R14);
		e_mov(e, RDX, R15);
		call(e, first);
		e_st(e, OFF(go), RAX);
		B(e, "\x48\x85\xc0"); /* test rax, rax */
		found = e_jcc(e, 5);
	}
	skip = if_loaded(e);
	xstate(e, true);
	clean_fpu(e, avx);
	e_here(e, skip);
	/* rdi = what GS points to */
	e_ld(e, RDI, OFF(self));
	e_mov(e, RSI, R14);
	e_mov(e, RDX, R15);
	call(e, fn);
	e_st(e, OFF(go), RAX);
	skip = if_loaded(e);
	xstate(e, false);
	e_here(e, skip);
	if (found)
		e_here(e, found);
	load_flags(e);
	load_regs(e);
	e_ld(e, R15, OFF(acc_ptr));
	e8(e, 0x65);
	B(e, "\xff\x24\x25");
	e32(e, (uint32_t)OFF(go));
}

/* Loads the guest's FPU state; flags and registers stay; on to r15. */
static void make_fpu(struct emit *e)
{
	e_st(e, OFF(saved_rax), RAX);
	e_st(e, OFF(tmp), RDX);
	e_ld32(e, RAX, OFF(xmask));
	B(e, "\xba"); /* mov edx, 0 */
	e32(e, 0);
	e8(e, 0x65);
	B(e, "\x48\x0f\xae\x2c\x25");
	e32(e, (uint32_t)CPU_OFF(xsave));
	e_st_imm(e, OFF(fpu_empty), 0);
	e_ld(e, RDX, OFF(tmp));
	e_ld(e, RAX, OFF(saved_rax));
	B(e, "\x41\xff\xe7"); /* jmp r15 */
}

void stub_leap(struct emit *e, const uint8_t *exit, const struct leap *from)
{
	e_st(e, CPU_OFF(rip), R15);
	e_st_imm(e, OFF(exit_kind), from ? SOFT_LEAP : SOFT_JUMP);
	e_imm(e, R15, (uint64_t)(uintptr_t)from);
	e_st(e, OFF(exit_arg), R15);
	e_jmp_to(e, exit);
}

/* op reg, gs:[r13 * 8 + off] */
static void gs_r13x8(struct emit *e, unsigned op, unsigned reg, int32_t off)
{
	e8(e, 0x65);
	e8(e, 0x4a | (reg & 8 ? 4u : 0));
	e8(e, op);
	e8(e, 0x04 | (reg & 7) << 3);
	e8(e, 3u << 6 | (R13 & 7) << 3 | 5);
	e32(e, (uint32_t)off);
}

static void not_in_table(struct emit *e, const uint8_t *exit, const struct leap *from)
{
	e_restore_flags(e);
	stub_leap(e, exit, from);
}

#define JC(field)    (OFF(jc) + (int32_t)offsetof(struct jump_entry, field))
#define JC_AT(field) (JC(field) + at)

void stub_indirect(struct emit *e, const uint8_t *exit, const struct leap *from)
{
	_Static_assert(sizeof(struct jump_entry) == 32, "index by shifts");

	e_zx16(e, R13, R15);
	B(e, "\x41\xc1\xe5\x02"); /* shl r13d, 2 */
	e_ld(e, R14, OFF(mode_tag));
	gs_r13x8(e, 0x3b, R15, JC(rip)); /* cmp */
	uint8_t *other = e_jcc(e, 5);

	gs_r13x8(e, 0x03, R14, JC(ntag)); /* add */
	uint8_t *stale = e_jcc(e, 5);

	gs_r13x8(e, 0xff, 4, JC(host)); /* jmp */
	e_here(e, other);
	e_here(e, stale);
	not_in_table(e, exit, from);
}

void stub_far(struct emit *e, const uint8_t *exit, uint64_t target, bool saved)
{
	int32_t at = (int32_t)((target & (JC_SIZE - 1)) * sizeof(struct jump_entry));

	e_imm(e, R15, target);
	if (saved) {
		e_ld(e, R14, OFF(mode_tag));
		B(e, "\x4d\x01\xfe"); /* add r14, r15 */
		e_gs(e, 0x03, R14, JC_AT(neg), true);
		uint8_t *miss = e_jcc(e, 5);

		e8(e, 0x65);
		B(e, "\xff\x24\x25"); /* jmp gs:[host] */
		e32(e, (uint32_t)JC_AT(host));
		e_here(e, miss);
		not_in_table(e, exit, NULL);
		return;
	}
	/* Nothing that changes a flag. */
	e_mov(e, R13, RCX);
	e_ld(e, RCX, JC_AT(neg));
	e_ld(e, R14, OFF(mode_tag));
	e_lea(e, 8, RCX, RCX, R15, 1, 0);
	e_lea(e, 8, RCX, RCX, R14, 1, 0);
	B(e, "\xe3\x00"); /* jrcxz */
	uint8_t *hit = e->p;

	e_mov(e, RCX, R13);
	stub_leap(e, exit, NULL);
	hit[-1] = (uint8_t)(e->p - hit);
	e_mov(e, RCX, R13);
	e_ld(e, R13, JC_AT(host));
	e_lea(e, 8, R13, R13, -1, 1, FLAGS_ENTRY);
	B(e, "\x41\xff\xe5"); /* jmp r13 */
}

void stubs_make(struct cache *c, struct soft *s)
{
	uint8_t *w = cache_room(c, 4096);
	struct emit e = { .p = w };
	struct stubs *t = cache_stubs(c);
	const uint8_t *exit, *bare, *slow, *commit, *fpu, *enter;

	bool avx = s->xmask & 4;

	enter = e.p;
	make_enter(&e);
	exit = e.p;
	make_exit(&e, &bare, avx);
	slow = e.p;
	make_call(&e, (uint64_t)(uintptr_t)soft_refill, (uint64_t)(uintptr_t)soft_slow, avx);
	commit = e.p;
	make_call(&e, 0, (uint64_t)(uintptr_t)soft_commit, avx);
	fpu = e.p;
	make_fpu(&e);
	cache_used(c, (size_t)(e.p - w));
	/* How code is called from C: an object pointer made a function's. */
	union {
		const uint8_t *p;
		void (*fn)(struct x86_cpu *);
	} u = { .p = cache_exec(c, enter) };

	t->enter = u.fn;
	t->exit = cache_exec(c, exit);
	t->exit_bare = cache_exec(c, bare);
	t->slow = cache_exec(c, slow);
	t->commit = cache_exec(c, commit);
	t->fpu = cache_exec(c, fpu);
}
