/* SPDX-License-Identifier: MIT */
/* The loop of a vCPU: events, interrupts, the next block, what it came back for. */
#include "emu/accel/soft/emit.h"
#include "emu/accel/soft/soft.h"
#include "emu/mem.h"

#include <sched.h>
#include <string.h>

#define PAUSES 64 /* of a spinning loop, then another thread may run */

void soft_tags_flush(struct soft *s, bool global)
{
	s->local_era++;
	if (!global)
		return;
	s->tag_era++;
	memset(s->target_pages, 0, sizeof(s->target_pages));
}

static unsigned target_page(uint64_t lin)
{
	return (unsigned)(lin >> 12 ^ lin >> 25) & (TARGET_PAGES - 1);
}

void soft_tags_flush_page(struct soft *s, uint64_t lin)
{
	unsigned n = target_page(lin);

	if (s->target_pages[n / 8] & 1u << n % 8)
		soft_tags_flush(s, true);
}

static uint64_t new_tag(struct soft *s)
{
	if (++s->next_tag == 1 << 16) {
		memset(s->jc, 0, sizeof(s->jc));
		s->next_tag = 1;
		s->tag_era++;
	}
	return s->next_tag << 48;
}

static bool is_mode(const struct soft *s, unsigned i, uint32_t mode)
{
	return i < s->n_modes && s->modes[i].mode == mode && s->modes[i].base == s->mode_base;
}

/* Which of `modes` it is. */
static unsigned mode_index(struct soft *s, uint32_t mode)
{
	unsigned *last = &s->last_mode[(mode ^ mode >> 4 ^ mode >> 8) & 15], i = 0;

	if (is_mode(s, *last, mode))
		return *last;
	while (i < s->n_modes && !is_mode(s, i, mode))
		i++;
	if (i == SOFT_MODES) {
		s->n_modes = i = 0;
		s->tag_era++;
	}
	if (i == s->n_modes) {
		s->n_modes++;
		s->modes[i].mode = mode;
		s->modes[i].base = s->mode_base;
		s->modes[i].era = ~0ull;
	}
	return *last = i;
}

/* The tag of this mode for blocks that are whole, or of one instruction. */
static uint64_t tag_of(struct soft *s, uint32_t mode)
{
	unsigned i = mode_index(s, mode);

	if (s->modes[i].era != s->tag_era ||
	    (s->modes[i].local && s->modes[i].local_era != s->local_era)) {
		s->modes[i].tag = new_tag(s);
		s->modes[i].era = s->tag_era;
		s->modes[i].local = false;
	}
	return s->modes[i].tag;
}

/* A target with the tag of @mode goes into the table. */
static void note_target(struct soft *s, uint32_t mode, const struct block *b)
{
	uint64_t lin = b->base + b->rip;
	unsigned i = mode_index(s, mode);

	for (unsigned k = 0; k < 2; k++, lin += b->len - 1) {
		unsigned n =
			target_page((s->mode & MODE_CODE) == X86_MODE64 ? lin : (uint32_t)lin);

		s->target_pages[n / 8] |= (uint8_t)(1u << n % 8);
	}
	if (s->modes[i].local || (s->fetch_global && b->gpa[1] == ~0ull))
		return;
	s->modes[i].local = true;
	s->modes[i].local_era = s->local_era;
}

/* Follows the mode and the flushes.  A request that came meanwhile stays noticed. */
static void retag(struct soft *s)
{
	uint64_t old = s->tag;

	if (s->now_mode == s->mode && s->now_base == s->mode_base && s->now_era == s->tag_era &&
	    s->now_local == s->local_era && s->tag)
		return;
	s->tag = tag_of(s, s->mode);
	s->now_mode = s->mode;
	s->now_base = s->mode_base;
	s->now_era = s->tag_era;
	s->now_local = s->local_era;
	__atomic_compare_exchange_n(&s->mode_tag, &old, s->tag, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
}

static struct block *find_block(struct soft *s)
{
	struct x86_cpu *c = s->x.c;
	uint64_t lin = s->mode_base + c->rip;
	bool one = s->one || s->vm->step;

	if (!x86_code64(c))
		lin = (uint32_t)lin;
	else if (!x86_canonical(lin))
		x86_gp(&s->x, 0);
	struct x86_ref r = s->x.translate(&s->x, lin, x86_access(c) | X86_ACC_FETCH);
	struct block *b = cache_find(s->cache, c->rip, s->mode_base,
				     s->mode | (one ? MODE_ONE : 0), r.gpa, lin);

	return b ? b : block_translate(s, one ? 1 : ~0u);
}

static void take_flags(struct soft *s, bool saved)
{
	struct x86_cpu *c = s->x.c;
	uint64_t f = s->hflags;

	if (saved)
		f = (f & RFL_DF) |
		    (s->saved_flags >> 8 & (RFL_CF | RFL_PF | RFL_AF | RFL_ZF | RFL_SF)) |
		    (s->saved_flags & 1 ? RFL_OF : 0);
	c->rflags = (c->rflags & ~(uint64_t)(RFL_ARITH | RFL_DF)) | (f & (RFL_ARITH | RFL_DF));
}

/* A signal in generated code: which guest instruction it was. */
static void host_fault(struct soft *s)
{
	struct block *b = cache_by_pc(s->cache, s->host_pc);
	uint32_t at = b ? (uint32_t)(s->host_pc - (uint64_t)(uintptr_t)b->host) : 0;
	unsigned k = 0;

	s->event = (struct x86_event){ .vector = s->host_vector,
				       .has_error = s->host_vector == X86_GP ||
						    s->host_vector == X86_AC };
	if (!b)
		return;
	while (k + 1 < b->n_map && b->map[k + 1].host <= at)
		k++;
	s->x.c->rip = b->rip + b->map[k].guest;
	take_flags(s, b->map[k].flags_saved);
}

/* Enters generated code; why it came back. */
static void execute(struct soft *s, const struct block *b)
{
	struct x86_cpu *c = s->x.c;

	s->go = (uint64_t)(uintptr_t)b->host + FLAGS_ENTRY;
	s->hflags = (c->rflags & (RFL_ARITH | RFL_DF)) | RFL_1 | RFL_IF;
	/* Copied accesses of a ring 3 that wants it are checked by the host's own #AC. */
	if (x86_alignment(c))
		s->hflags |= RFL_AC;
	cache_stubs(s->cache)->enter(c);
	soft_alone_end(s);
	if (s->exit_kind == SOFT_HOST)
		host_fault(s);
	else if (s->exit_kind != SOFT_EVENT && !s->bare)
		take_flags(s, false);
	s->bare = false;
}

static bool raise_now(struct soft *s, struct x86_event ev)
{
	bool ok = x86_deliver(&s->x, &ev);

	soft_mode(s);
	return ok;
}

/* An interrupt that may come in now; false: none.  *@ok: the processor lives on. */
static bool interrupt(struct soft *s, bool *ok)
{
	struct x86_cpu *c = s->x.c;
	struct x86_event ev = { .external = true };
	int v = X86_APIC_NONE;

	*ok = true;
	if (c->nmi_pending && !c->nmi_blocked) {
		c->nmi_pending--;
		c->nmi_blocked = true;
		ev.vector = X86_NMI;
		*ok = raise_now(s, ev);
		return true;
	}
	if (!s->irq_waiting || !(c->rflags & RFL_IF))
		return false;
	if (c->apic)
		v = c->apic->take(c->apic_arg);
	if ((v == X86_APIC_EXTINT || !c->apic) && s->vm->env.pic_vector)
		v = s->vm->env.pic_vector(s->vm->env.pic_arg);
	if (v < 0) {
		s->irq_waiting = false;
		return false;
	}
	ev.vector = (uint8_t)v;
	*ok = raise_now(s, ev);
	return true;
}

/* What comes back to the caller is not cleared here. */
static bool look(struct soft *s)
{
	uint32_t req = atomic_load(&s->vcpu->request);

	if (req & VCPU_IRQ) {
		atomic_fetch_and(&s->vcpu->request, ~(uint32_t)VCPU_IRQ);
		s->irq_waiting = true;
	}
	if (req & VCPU_NMI) {
		struct x86_cpu *c = s->x.c;

		atomic_fetch_and(&s->vcpu->request, ~(uint32_t)VCPU_NMI);
		c->nmi_pending = x86_nmis(c, atomic_exchange(&s->vcpu->nmis, 0));
	}
	if (req & VCPU_FLUSH) {
		atomic_fetch_and(&s->vcpu->request, ~(uint32_t)VCPU_FLUSH);
		codemap_serve(s);
	}
	/* One of ours may have come again meanwhile: next time. */
	return atomic_load(&s->vcpu->request) & ~(uint32_t)(VCPU_IRQ | VCPU_NMI | VCPU_FLUSH);
}

/* An indirect jump to outside the segment, or to no canonical address, is the jump's fault. */
static void leap(struct soft *s, const struct leap *from)
{
	struct x86_cpu *c = s->x.c;

	if (x86_code64(c) ? x86_canonical(c->rip) : c->rip <= c->seg[X86_CS].limit)
		return;
	c->rip = from->rip;
	x86_set_sp(c, c->gpr[X86_RSP] - (uint64_t)(int64_t)from->sp);
	s->exit_kind = SOFT_EVENT;
	x86_gp(&s->x, 0);
}

/* True: it halts. */
static bool special(struct soft *s, const struct x86_insn *i)
{
	struct x86_cpu *c = s->x.c;
	uint64_t rip = c->rip, rf = c->rflags & RFL_RF;

	/* Only IRET and a task switch set it; a repetition that goes on keeps it. */
	c->rflags &= ~(uint64_t)RFL_RF;
	bool halt = x86_special(&s->x, i) == SPECIAL_HALT;

	if (rf && i->rep && c->rip == rip)
		c->rflags |= RFL_RF;
	soft_mode(s);
	return halt;
}

/* After the block: false when the vCPU shut down. */
static bool after(struct soft *s, struct block *b, bool *halt)
{
	struct x86_cpu *c = s->x.c;

	switch ((enum soft_exit)s->exit_kind) {
	case SOFT_JUMP:
		s->site = (struct site *)(uintptr_t)s->exit_arg;
		return true;
	case SOFT_LOOK:
		return true;
	case SOFT_PAUSE:
		/* Whoever has the lock may wait for this host processor. */
		if (++s->pauses % PAUSES == 0)
			sched_yield();
		return true;
	case SOFT_LEAP:
		leap(s, (const struct leap *)(uintptr_t)s->exit_arg);
		return true;
	case SOFT_SPECIAL:
		*halt = special(s, (const struct x86_insn *)(uintptr_t)s->exit_arg);
		return true;
	case SOFT_UD:
		s->event = (struct x86_event){ .vector = X86_UD };
		break;
	case SOFT_NM:
		s->event = (struct x86_event){ .vector = X86_NM };
		break;
	default:
		break;
	}
	(void)b;
	(void)c;
	return raise_now(s, s->event);
}

/* The next block, with the last one's jump led to it. */
static struct block *next_block(struct soft *s)
{
	struct x86_cpu *c = s->x.c;
	struct site *site = s->site;
	bool one = s->one || s->vm->step;
	unsigned slot = c->rip & (JC_SIZE - 1);
	struct block *b;

	s->site = NULL;
	retag(s);
	uint64_t tag = one ? tag_of(s, s->mode | MODE_ONE) : s->tag;

	if (s->jc[slot].rip == c->rip && s->jc[slot].ntag + tag == 0) {
		b = s->jc_block[slot];
	} else {
		b = find_block(s);
		/* It may have had to throw all away. */
		retag(s);
		tag = one ? tag_of(s, s->mode | MODE_ONE) : s->tag;
		note_target(s, s->mode | (one ? MODE_ONE : 0), b);
		s->jc[slot] = (struct jump_entry){ .neg = 0 - (b->rip + tag),
						   .rip = b->rip,
						   .ntag = 0 - tag,
						   .host = (uint64_t)(uintptr_t)b->host };
		s->jc_block[slot] = b;
	}
	if (site && !one && !s->flushed && !s->apart)
		cache_chain(s->cache, site, b);
	retag(s);
	return b;
}

#define DR6_BS (1u << 14)

/* Did the instruction that set @trap off end as one that can be stepped over? */
static bool steps(struct soft *s, bool trap)
{
	if (s->exit_kind != SOFT_SPECIAL)
		return trap;
	switch (((const struct x86_insn *)(uintptr_t)s->exit_arg)->mnemonic) {
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INTO:
		/* INTO that does nothing leaves TF as it was. */
		return trap && (s->x.c->rflags & RFL_TF);
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSRET:
		/* By the flag as they leave it: the kernel may mask it. */
		return s->x.c->rflags & RFL_TF;
	default:
		return trap;
	}
}

/* #DB after an instruction: single step and breakpoints of data. */
static bool debug_trap(struct soft *s, bool trap, bool *halt)
{
	struct x86_cpu *c = s->x.c;
	uint32_t hits = c->debug_hits;

	switch ((enum soft_exit)s->exit_kind) {
	case SOFT_EVENT:
	case SOFT_HOST:
	case SOFT_UD:
	case SOFT_NM:
		c->debug_hits = 0; /* it was not done */
		return true;
	default:
		break;
	}
	if (c->debug_shadow)
		return true; /* the next one tells */
	c->debug_hits = 0;
	if (steps(s, trap))
		hits |= DR6_BS;
	if (!hits)
		return true;
	*halt = false;
	return raise_now(s, (struct x86_event){ .vector = X86_DB, .dr6 = hits });
}

/* A breakpoint of instructions where the guest is about to go on.  *@ok as in interrupt(). */
static bool debug_fault(struct soft *s, bool *ok)
{
	struct x86_cpu *c = s->x.c;
	uint64_t lin = s->mode_base + c->rip;

	if (!x86_debug_armed(c) || (c->rflags & RFL_RF))
		return false;
	/* AMD's processors hold only traps back behind MOV SS. */
	if (c->debug_shadow && !(c->cpuid && x86_cpuid_amd(c->cpuid)))
		return false;
	uint32_t hits = x86_debug_insn(c, x86_code64(c) ? lin : (uint32_t)lin);

	if (hits)
		*ok = raise_now(s, (struct x86_event){ .vector = X86_DB, .dr6 = hits });
	return hits != 0;
}

/* One turn: a block, or an instruction.  false: shut down. */
static bool turn(struct soft *s, bool *halt)
{
	struct x86_cpu *c = s->x.c;
	bool trap = c->rflags & RFL_TF, shadow = c->int_shadow, ok;

	jmp_buf here;

	s->x.fault = &here;
	if (setjmp(here)) {
		c->debug_hits = 0;
		return raise_now(s, s->x.event);
	}
	if (debug_fault(s, &ok))
		return ok;
	s->one = shadow || trap || s->single || x86_debug_armed(c);
	s->flushed = false;
	struct block *b = next_block(s);

	c->int_shadow = c->debug_shadow = false;
	execute(s, b);
	if (s->exit_kind == SOFT_JUMP || s->exit_kind == SOFT_LEAP)
		c->rflags &= ~(uint64_t)RFL_RF;
	if (!after(s, b, halt))
		return false;
	return debug_trap(s, trap, halt);
}

static uint64_t dbg_era(const struct x86_cpu *c)
{
	return c->dbg.on && c->dbg.all ? (uint64_t)c->dbg.all->era + 1 : 0;
}

/* Translations are of the registers that the last run left; a reset, an INIT, a debugger may
 * have changed them.  CR0 is never 0 then. */
static void enter(struct soft *s)
{
	const struct x86_cpu *c = s->x.c;
	bool first = !s->left.cr0;

	if (s->left.cr0 == c->cr0 && s->left.cr3 == c->cr3 && s->left.cr4 == c->cr4 &&
	    s->left.efer == c->efer && s->left.dr7 == c->dr[7] && s->left.dbg == dbg_era(c))
		return;
	for (unsigned m = 0; m < TLB_MODES && first; m++)
		s->tlb_used[m] = true;
	soft_tlb_flush(s, true);
}

static void leave(struct soft *s)
{
	const struct x86_cpu *c = s->x.c;

	s->left.cr0 = c->cr0;
	s->left.cr3 = c->cr3;
	s->left.cr4 = c->cr4;
	s->left.efer = c->efer;
	s->left.dr7 = c->dr[7];
	s->left.dbg = dbg_era(c);
}

/* A breakpoint of a debugger outside lies before the next instruction. */
static bool dbg_before(struct soft *s)
{
	struct x86_cpu *c = s->x.c;
	uint64_t lin = s->mode_base + c->rip;

	return x86_debug_before(c, x86_code64(c) ? lin : (uint32_t)lin);
}

static enum exit_reason run(struct soft *s)
{
	struct x86_cpu *c = s->x.c;
	bool ok, halt = false;

	soft_mode(s);
	s->irq_waiting = true;
	s->site = NULL;
	for (uint64_t n = 0;; n++) {
		if (s->budget && n >= s->budget)
			return EXIT_DEBUG;
		/* In this order: who asks after it spoils the tag again. */
		__atomic_store_n(&s->mode_tag, s->apart ? TAG_NONE : s->tag, __ATOMIC_SEQ_CST);
		if (look(s))
			return EXIT_REQUEST;
		/* a step is one of the code that is looked at, not of a handler */
		if (!c->int_shadow && !c->dbg.step && interrupt(s, &ok)) {
			if (!ok)
				return EXIT_SHUTDOWN;
			s->site = NULL;
		}
		if (c->dbg.on && dbg_before(s))
			return EXIT_DEBUG;
		if (!turn(s, &halt))
			return EXIT_SHUTDOWN;
		if (c->dbg.on && x86_debug_after(c)) {
			atomic_store(&s->vcpu->halted, halt);
			return EXIT_DEBUG;
		}
		if (!halt)
			continue;
		/* What came while interrupts were off ends the halt at once: nobody asks again. */
		halt = false;
		if (look(s) || !interrupt(s, &ok))
			return EXIT_HALT;
		if (!ok)
			return EXIT_SHUTDOWN;
	}
}

enum exit_reason soft_run(struct vcpu *v, struct err *e)
{
	struct soft *s = v->accel;

	if (signals_thread(s, e) < 0)
		return EXIT_FAILED;
	enter(s);
	enum exit_reason r = run(s);

	leave(s);
	return r;
}
