/* SPDX-License-Identifier: MIT */
/*
 * The software engine's own data.  A struct soft lies behind its struct x86_cpu in the same
 * memory, and generated code reaches both through GS, whose base is the struct x86_cpu.
 *
 * Registers in generated code: rax..r12 and rsp are the guest's; guest r13..r15 are in
 * cpu->gpr; host r13..r15 are scratch between instructions.  Arithmetic flags and DF are the
 * guest's.  x87, SSE and AVX state is the guest's once `fpu_empty` is 0.
 */
#ifndef EMU_SOFT_SOFT_H
#define EMU_SOFT_SOFT_H

#include "emu/accel.h"
#include "emu/cpu/x86/exec.h"
#include "emu/cpu/x86/insn.h"

#include <stddef.h>

#define TLB_BITS 10
#define TLB_SIZE (1u << TLB_BITS)
/* Views of memory: the supervisor's with SMAP in force and without, the user's. */
enum tlb_mode { TLB_SUPER, TLB_SUPER_AC, TLB_USER, TLB_MODES };

/* A tag is the page's linear address, or TLB_NONE when this access must take the slow path. */
#define TLB_NONE 1ull
struct tlb_entry {
	uint64_t tag;
	uint64_t addend; /* linear + addend: the host's address */
};
/* Reads and writes apart: a copy does not drive itself out. */
enum { TLB_READ, TLB_WRITE, TLB_KINDS };

/* Behind them one that is larger and asked in C. */
#define TLB2_BITS 13
#define TLB2_SIZE (1u << TLB2_BITS)
struct tlb2_entry {
	uint64_t tag, addend, gpa;
	uint32_t era; /* of soft->era, by `global`: older ones are gone */
	uint8_t mode;
	bool read, write, global;
};

/* Where instructions were fetched from. */
#define FETCH_SIZE 256u
struct fetch_entry {
	uint64_t tag; /* the page's linear address; bit 0: fetched by ring 3 */
	uint64_t gpa;
	uint8_t *host; /* NULL: none */
	uint32_t era;
	bool global;
};

/* Pages that the table of targets leads to, and others of the same hash. */
#define TARGET_PAGES 8192u

#define SOFT_MODES 2000
/* What others tell a vCPU: bytes were written where its code is; or, with a length of 0, a page
 * has code now and may not be written unseen. */
#define SOFT_NOTES 128
struct soft_note {
	uint64_t gpa, len;
};

/*
 * Recent targets of jumps, by the lower 16 bits of RIP.  A tag is a multiple of 1 << 48 that
 * stands for a mode until the next flush.  RIP and tag are compared apart where the target is
 * the guest's to choose: it need not be canonical, and with another tag's difference added
 * would be taken for a block of another mode.  Targets that are known and canonical are
 * compared by the sum, which is then no other's.  TAG_NONE makes all look-ups fail: its lower
 * half is no target's distance from another.
 */
#define JC_SIZE 65536u
struct jump_entry {
	uint64_t neg; /* -(rip + tag); 0: none */
	uint64_t rip;
	uint64_t ntag; /* -tag; 0: none */
	uint64_t host; /* where flags are expected to be saved */
};
#define TAG_NONE 0x0000800000000001ull

enum soft_exit {
	SOFT_JUMP,    /* cpu->rip is the next; `arg`: the site to chain, or 0 */
	SOFT_SPECIAL, /* `arg`: struct x86_insn */
	SOFT_EVENT,   /* soft->event is to be delivered */
	SOFT_HOST,    /* a host signal: host_pc, host_vector */
	SOFT_UD,
	SOFT_NM,
	SOFT_LOOK,  /* requests */
	SOFT_PAUSE, /* a spinning loop */
	SOFT_LEAP,  /* a jump to where no table knew: `arg`: struct leap */
};

struct soft_vm;
struct cache;

struct soft {
	uint64_t host_rsp;
	uint64_t hflags;                 /* flags at the exit */
	uint64_t saved_rax, saved_flags; /* LAHF and SETO, while blocks have them there */
	uint64_t tmp, self, target;      /* self: the struct x86_cpu */
	uint64_t go;                     /* where the enter and slow stubs jump */
	uint64_t acc_ptr;                /* what r15 becomes after a slow access */
	uint64_t exit_kind, exit_arg;
	uint64_t mode_tag; /* `tag`, or TAG_NONE when somebody asks for this vCPU */
	uint64_t request;  /* address of vcpu->request */
	uint64_t fpu_empty;
	uint32_t host_mxcsr;
	uint64_t xmask;
	int64_t limit_read[X86_SEGS], limit_write[X86_SEGS]; /* -1: look closer */
	uint64_t seg_base[X86_SEGS];
	_Alignas(64) uint8_t bounce[512];
	struct tlb_entry tlb[TLB_MODES][TLB_KINDS][TLB_SIZE];
	struct jump_entry jc[JC_SIZE];

	/* From here on only C. */
	uint64_t write_gpa[TLB_MODES][TLB_SIZE]; /* of the entries for writes */
	struct tlb2_entry tlb2[TLB2_SIZE];
	struct fetch_entry fetch[FETCH_SIZE];
	bool fetch_global;        /* of the last fetch */
	uint32_t era[2];          /* of translations of one address space, and of global ones */
	bool tlb_used[TLB_MODES]; /* since the last flush */
	struct block *jc_block[JC_SIZE]; /* of the entries of jc */
	struct x86_exec x;
	struct x86_event event;
	struct vcpu *vcpu;
	struct soft_vm *vm;
	struct cache *cache;
	struct x86_decoder decoder;
	uint64_t host_pc;
	uint8_t host_vector;
	uint64_t bounce_lin;
	uint32_t bounce_len;
	bool smc_self; /* the write hit the block that runs */
	bool irq_waiting;
	bool one;      /* the next block: one instruction, nothing chained */
	uint32_t mode; /* key of the present mode */
	uint64_t mode_base;
	struct trans *trans; /* trans.h */
	void *altstack;
	struct {
		uint32_t mode;
		/* Eras of the tag: of all, and of what is not global, which counts when a
		 * target with this tag is not. */
		uint64_t base, tag, era, local_era;
		bool local;
	} modes[SOFT_MODES];
	uint64_t tag, tag_era, local_era, next_tag;
	uint64_t now_base, now_era, now_local; /* what `tag` was made for */
	uint32_t now_mode;
	unsigned n_modes, last_mode[16]; /* by hash: where it was in `modes` */
	uint8_t target_pages[TARGET_PAGES / 8];
	struct site *site; /* of the jump that just left */
	bool flushed;      /* since then */
	struct {
		uint64_t cr0, cr3, cr4, efer, dr7, dbg;
	} left;          /* as run() left them: somebody else may have changed them since */
	bool bare;       /* rflags are complete */
	bool single;     /* every instruction alone: a debugger's step */
	uint64_t budget; /* turns before run() returns; 0: no end */
	bool apart;      /* no block leads to another: a turn is one block */
	/* Pages that large translations in the TLB cover, by the half of the address space. */
	struct {
		bool any;
		uint64_t base, mask;
	} large[2];
	/* codemap.c: a bit a physical page, set by this vCPU and read by all. */
	uint8_t *code, *writes;
	bool report;        /* the write just translated must be told of */
	bool direct, alone; /* the slow access: on memory itself; in an exclusive section */
	uint64_t direct_gpa;
	unsigned pauses;
	_Atomic bool map_changed;
	pthread_mutex_t lock; /* what follows */
	struct soft_note notes[SOFT_NOTES];
	unsigned n_notes;
};

#define SOFT_OFF       ((sizeof(struct x86_cpu) + 63) & ~63ul)
#define OFF(field)     ((int32_t)(SOFT_OFF + offsetof(struct soft, field)))
#define CPU_OFF(field) ((int32_t)offsetof(struct x86_cpu, field))

static inline struct soft *soft_of(struct x86_cpu *c)
{
	return (struct soft *)(void *)((uint8_t *)c + SOFT_OFF);
}

/* What a block was translated for: bits of soft->mode. */
#define MODE_CODE      3u /* enum x86_mode */
#define MODE_SS32      (1u << 2)
#define MODE_TLB(m)    ((m) >> 3 & 3u)
#define MODE_TLB_SHIFT 3
#define MODE_FLAT      (1u << 5) /* DS, ES, SS: base 0, 4 GiB, writable; CS: base 0 */
#define MODE_NM        (1u << 6) /* x87 and SSE raise #NM */
#define MODE_EM        (1u << 7) /* SSE and MMX raise #UD */
#define MODE_WAIT_NM   (1u << 8)
#define MODE_NOSSE     (1u << 9) /* CR4.OSFXSR is off */
#define MODE_AVX       (1u << 10)
#define MODE_ONE       (1u << 11)
#define MODE_RING0     (1u << 12)

#define SOFT_CPUS 64
struct soft_vm {
	struct accel_env env;
	bool step;
	struct soft *cpus[SOFT_CPUS];
	unsigned n_cpus;
	pthread_mutex_t code_lock; /* writers of `any` and of the vCPUs' `code` */
	uint8_t *any;
};

/* ---- codemap.c ---- */
int codemap_open(struct soft_vm *vm, struct err *e) MUST_CHECK;
void codemap_close(struct soft_vm *vm);
int codemap_cpu(struct soft *s, struct err *e) MUST_CHECK;
void codemap_cpu_end(struct soft *s);
/* Has this vCPU code there? */
bool codemap_has(const struct soft *s, uint64_t gpa);
/* Before bytes of this page are read to be translated.  True: it had to wait; the page may
 * have become another. */
bool codemap_claim(struct soft *s, uint64_t gpa);
/* This vCPU has no code there any more. */
void codemap_release(struct soft *s, uint64_t gpa);
/* May the TLB get an entry for writes? */
bool codemap_writable(struct soft *s, uint64_t gpa);
/* Bytes of memory were written, by vCPU @self or a device (NULL; any thread). */
void codemap_wrote(struct soft_vm *vm, struct soft *self, uint64_t gpa, uint64_t len);
/* Does what others asked for: before guest code goes on.  In the middle of an instruction only
 * the part that concerns the TLB. */
void codemap_serve(struct soft *s);
void codemap_catch_up(struct soft *s);

/* ---- tlb.c ---- */
/* @global: those too that all address spaces share. */
void soft_tlb_flush(struct soft *s, bool global);
/* Ends the exclusive section that a locked access began. */
void soft_alone_end(struct soft *s);
void soft_tlb_flush_page(struct soft *s, uint64_t lin);
/* No write to this page may pass unseen. */
void soft_tlb_protect(struct soft *s, uint64_t gpa);
struct x86_ref soft_translate(struct x86_exec *x, uint64_t lin, unsigned access);

struct access;
/* ---- refill.c: built without vector registers, for those are the guest's ---- */
uint64_t soft_refill(struct x86_cpu *c, uint64_t access, uint64_t address);
struct tlb2_entry *soft_tlb2(struct soft *s, enum tlb_mode m, uint64_t lin);
void soft_tlb_put(struct soft *s, const struct tlb2_entry *t, unsigned kind);

/* ---- cache.c ---- */

/* One memory access of a block, for its slow path. */
struct access {
	uint64_t rip, next;
	uint64_t after_check, slow_op, after_op; /* host */
	uint8_t size, seg;
	uint8_t mode; /* enum tlb_mode */
	bool write, read, flags_saved, flags_saved_after, segmented, no_exit, locked;
};

struct pc_map {
	uint32_t host; /* from the block's start */
	uint16_t guest;
	uint8_t len;
	bool flags_saved;
};

/* A direct jump out of a block: the 4 bytes of its displacement, patched when the target is
 * known. */
struct site {
	struct block *from;
	struct site *next; /* of those that lead to the same target */
	uint8_t *patch;    /* writable view */
	uint8_t *stub;     /* where it leads when not chained */
	struct block *to;
	uint64_t rip;
	bool flags_saved; /* it leads to where they are expected there */
};

/* The instruction behind a jump whose target turns out to be no place to go to, and what puts
 * the stack pointer back. */
struct leap {
	uint64_t rip;
	int32_t sp;
};

struct block {
	uint64_t rip, base; /* CS base */
	uint64_t gpa[2];    /* of first byte; of the second page, or ~0 */
	uint32_t mode, len;
	const uint8_t *host; /* executable view; the way in with flags saved */
	uint32_t host_len;
	uint16_t n_map;
	bool dead;
	struct pc_map *map;
	struct site *sites[2], *in;
	struct block *hash_next, *page_next[2];
};

int cache_new(struct cache **out, struct soft *s, struct err *e) MUST_CHECK;
void cache_free(struct cache *c);
/* Room for one block; flushes all when it is full (only outside generated code). */
uint8_t *cache_room(struct cache *c, size_t need);
void cache_used(struct cache *c, size_t n);
void *cache_alloc(struct cache *c, size_t n);
/* writable to executable */
const uint8_t *cache_exec(const struct cache *c, const uint8_t *p);
uint8_t *cache_writable(const struct cache *c, const uint8_t *p);
bool cache_holds(const struct cache *c, uint64_t pc);
struct block *cache_find(struct cache *c, uint64_t rip, uint64_t base, uint32_t mode,
			 uint64_t gpa, uint64_t lin);
void cache_add(struct cache *c, struct block *b);
struct block *cache_by_pc(struct cache *c, uint64_t pc);
void cache_chain(struct cache *c, struct site *site, struct block *to);
void cache_flush(struct cache *c);
/* Bytes were written: forgets the blocks made of them. */
void cache_written(struct cache *c, uint64_t gpa, uint64_t len);

/* ---- stubs.c ---- */
struct stubs {
	void (*enter)(struct x86_cpu *cpu); /* runs s->go */
	const uint8_t *exit;                /* registers are the guest's */
	const uint8_t *exit_bare;           /* cpu->gpr is current */
	const uint8_t *slow;                /* r15: address, r14: access (bit 0: an offset) */
	const uint8_t *commit;              /* r14: access */
	const uint8_t *fpu;                 /* r15: where to go on */
};
struct stubs *cache_stubs(struct cache *c);
void stubs_make(struct cache *c, struct soft *s);
struct emit;
/* The guest goes on at r15 through the table of recent targets, flags in soft->saved_flags.
 * @exit: the stub, in the writable view. */
void stub_indirect(struct emit *e, const uint8_t *exit, const struct leap *from);
/* The same without the table, flags in their register. */
void stub_leap(struct emit *e, const uint8_t *exit, const struct leap *from);
/* The same to @target, which is canonical; @saved: where the flags are. */
void stub_far(struct emit *e, const uint8_t *exit, uint64_t target, bool saved);
uint64_t soft_slow(struct x86_cpu *c, uint64_t access, uint64_t address);
uint64_t soft_commit(struct x86_cpu *c, const struct access *a);

/* ---- block.c ---- */
/* Translates at cpu->rip, at most @max instructions; raises #PF of the fetch. */
struct block *block_translate(struct soft *s, unsigned max);

/* Targets of jumps are looked up anew: all, or those in pages that are not global. */
void soft_tags_flush(struct soft *s, bool global);
/* The same, if one may be in the page at @lin. */
void soft_tags_flush_page(struct soft *s, uint64_t lin);

/* ---- mode.c ---- */
/* Follows what changed in control registers, segments and flags. */
void soft_mode(struct soft *s);

/* ---- signals.c ---- */
/* Faults of copied instructions become events of the guest's.  Per process, then per thread. */
int signals_claim(struct err *e) MUST_CHECK;
int signals_thread(struct soft *s, struct err *e) MUST_CHECK;
void signals_thread_end(struct soft *s);

/* ---- run.c ---- */
enum exit_reason soft_run(struct vcpu *v, struct err *e);

/* ---- form.c ---- */
enum form_kind {
	FORM_UD,
	FORM_COPY,
	FORM_SPECIAL,
	FORM_NOP, /* hints that touch no memory */
	FORM_PAUSE,
	FORM_JMP,
	FORM_JCC,
	FORM_JMP_IND,
	FORM_CALL,
	FORM_CALL_IND,
	FORM_RET,
	FORM_PUSH,
	FORM_POP,
	FORM_LEAVE,
	FORM_BT, /* bit tests of memory with a register */
};
enum form_unit { UNIT_INT, UNIT_X87, UNIT_MMX, UNIT_SSE, UNIT_AVX, UNIT_WAIT };
struct form {
	uint8_t kind, unit;
};
struct form form_of(const struct x86_decoded *d, const struct x86_cpuid *cpuid);
/* Arithmetic flags that it reads, or leaves as they were in part; and whether it sets all. */
bool form_needs_flags(const struct x86_decoded *d);
bool form_kills_flags(const struct x86_decoded *d);

#endif
