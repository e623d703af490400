/* SPDX-License-Identifier: MIT */
/*
 * A processor that runs in software: its state, what it reaches, and the way out of an
 * instruction that faults.  The operations of this folder take one; they either do the whole
 * of an instruction or leave through x86_raise() with the state as it was before.
 *
 * x86_raise() jumps to *x->fault, which who calls them has set with setjmp().  Nothing between
 * may own a resource.
 */
#ifndef EMU_CPU_X86_EXEC_H
#define EMU_CPU_X86_EXEC_H

#include "emu/cpu/x86/cpuid.h"
#include "emu/cpu/x86/paging.h"
#include "emu/cpu/x86/state.h"

#include <setjmp.h>
#include <stdnoreturn.h>

struct bus;
struct mem;

struct x86_event {
	uint8_t vector;
	bool has_error;
	bool soft; /* INT n, INT3, INTO: gate privilege is checked, @next is pushed */
	bool external;
	uint32_t error;
	uint64_t cr2;  /* of #PF */
	uint32_t dr6;  /* of #DB: bits to set */
	uint64_t next; /* of soft: where it returns to */
};

/* A page as an access found it: host is NULL where the bus answers. */
struct x86_ref {
	uint8_t *host; /* of the byte asked for */
	uint64_t gpa;
};

struct x86_exec {
	struct x86_cpu *c;
	struct mem *mem;
	struct bus *bus;
	jmp_buf *fault;         /* who sets it puts back what it found */
	struct x86_event event; /* what x86_raise() left */
	/* Translates, through the accelerator's TLB; raises #PF. @access: enum x86_access. */
	struct x86_ref (*translate)(struct x86_exec *x, uint64_t lin, unsigned access);
	/* Bytes of RAM were written by an operation here. */
	void (*wrote)(struct x86_exec *x, uint64_t gpa, unsigned len);
	/* Translations may be wrong: of one page, or all (@global: those too). */
	void (*flush_page)(struct x86_exec *x, uint64_t lin);
	void (*flush)(struct x86_exec *x, bool global);
	uint64_t (*clock_ns)(void *arg);
	void *clock_arg;
};

/* Leaves through x->fault. */
noreturn void x86_raise(struct x86_exec *x, uint8_t vector);
noreturn void x86_raise_error(struct x86_exec *x, uint8_t vector, uint32_t error);
noreturn void x86_raise_pf(struct x86_exec *x, uint64_t lin, uint32_t error);
#define x86_gp(x, err) x86_raise_error(x, X86_GP, err)
#define x86_ud(x)      x86_raise(x, X86_UD)

/* ---- access.c: memory ---- */

/* The privilege and SMAP state of an ordinary access. */
unsigned x86_access(const struct x86_cpu *c);
/* Linear; @access without X86_ACC_WRITE.  1..8 bytes. */
uint64_t x86_ld(struct x86_exec *x, uint64_t lin, unsigned size, unsigned access);
void x86_st(struct x86_exec *x, uint64_t lin, unsigned size, uint64_t v, unsigned access);
/* Raises what a write of these bytes would raise. */
void x86_probe_write(struct x86_exec *x, uint64_t lin, unsigned size, unsigned access);
void x86_ld_bytes(struct x86_exec *x, uint64_t lin, void *buf, unsigned n, unsigned access);
void x86_st_bytes(struct x86_exec *x, uint64_t lin, const void *buf, unsigned n,
		  unsigned access);

/* The linear address of @size bytes at sreg:off, checked; raises #GP or #SS. */
uint64_t x86_linear(struct x86_exec *x, unsigned sreg, uint64_t off, unsigned size, bool write);
static inline uint64_t x86_seg_ld(struct x86_exec *x, unsigned sreg, uint64_t off,
				  unsigned size)
{
	return x86_ld(x, x86_linear(x, sreg, off, size, false), size, x86_access(x->c));
}
static inline void x86_seg_st(struct x86_exec *x, unsigned sreg, uint64_t off, unsigned size,
			      uint64_t v)
{
	x86_st(x, x86_linear(x, sreg, off, size, true), size, v, x86_access(x->c));
}

/* The bits of RSP that pushes use, by SS. */
uint64_t x86_stack_mask(const struct x86_cpu *c);
/* Sets SP, ESP or RSP. */
void x86_set_sp(struct x86_cpu *c, uint64_t sp);
/* A stack that is not yet the processor's: pushes move sp, the caller commits it. */
struct x86_stack {
	struct x86_seg ss;
	uint64_t sp, mask;
	unsigned access;
	bool wide; /* 64-bit mode: no segment */
	uint32_t fault_error;
};
struct x86_stack x86_stack_now(const struct x86_cpu *c);
void x86_push(struct x86_exec *x, struct x86_stack *s, unsigned size, uint64_t v);
uint64_t x86_pop(struct x86_exec *x, struct x86_stack *s, unsigned size);

static inline bool x86_canonical(uint64_t a)
{
	return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

/* ---- debug.c: breakpoints, Intel SDM volume 3, 17.2 ---- */

/* Is any breakpoint armed?  Then each instruction runs by itself. */
static inline bool x86_debug_armed(const struct x86_cpu *c)
{
	return (c->dr[7] & 0xff) || c->dbg.on;
}
/* Is one of data in this page? */
bool x86_debug_page(const struct x86_cpu *c, uint64_t lin);
/* Notes the breakpoints that an access meets in debug_hits; #DB comes after the instruction. */
void x86_debug_data(struct x86_cpu *c, uint64_t lin, unsigned size, bool write);
void x86_debug_port(struct x86_cpu *c, uint16_t port, unsigned size);
/* Bits of DR6 of the breakpoints that an instruction at @lin meets. */
uint32_t x86_debug_insn(const struct x86_cpu *c, uint64_t lin);
/* For the debugger outside, around an instruction at @lin: true, it stops here (dbg.stop). */
bool x86_debug_before(struct x86_cpu *c, uint64_t lin);
bool x86_debug_after(struct x86_cpu *c);

/* ---- segment.c ---- */

struct x86_desc {
	uint64_t lo, hi; /* @hi: the upper half of a system descriptor of long mode */
	uint64_t addr;
	uint16_t sel;
};
/* false: null or past the table. */
bool x86_desc_fetch(struct x86_exec *x, uint16_t sel, struct x86_desc *d);
/* The same, raising @vector(sel). */
struct x86_desc x86_desc_need(struct x86_exec *x, uint16_t sel, uint8_t vector);
struct x86_seg x86_desc_seg(const struct x86_desc *d);
void x86_desc_accessed(struct x86_exec *x, struct x86_desc *d);
/* MOV and POP to a segment register but CS, LDS and so on, IRET's and tasks' data segments. */
void x86_load_seg(struct x86_exec *x, unsigned sreg, uint16_t sel);
/* Checks a stack segment for @cpl: raises @vector. */
struct x86_seg x86_stack_seg(struct x86_exec *x, uint16_t sel, unsigned cpl, uint8_t vector);
void x86_lldt(struct x86_exec *x, uint16_t sel);
void x86_ltr(struct x86_exec *x, uint16_t sel);
/* After a change to an outer ring: data segments that it may not have become null. */
void x86_drop_segs(struct x86_cpu *c, unsigned cpl);
/* Null SS of ring @cpl, as long mode makes it. */
struct x86_seg x86_null_ss(unsigned cpl);

/* ---- far.c, task.c, iret.c, event.c ---- */

/* @next: what a task switch saves, and a call pushes. */
void x86_far_jump(struct x86_exec *x, uint16_t sel, uint64_t off, unsigned opsz, uint64_t next);
void x86_far_call(struct x86_exec *x, uint16_t sel, uint64_t off, unsigned opsz, uint64_t next);
void x86_far_ret(struct x86_exec *x, unsigned opsz, unsigned drop);
void x86_iret(struct x86_exec *x, unsigned opsz, uint64_t next);
enum x86_task_how { TASK_JUMP, TASK_CALL, TASK_IRET };
void x86_task_switch(struct x86_exec *x, uint16_t sel, enum x86_task_how how, uint64_t next,
		     bool has_error, uint32_t error);
/* RSP0..2 and SS of the current TSS for @cpl; 16- and 32-bit. */
void x86_tss_stack(struct x86_exec *x, unsigned cpl, uint16_t *ss, uint64_t *sp);
/* RSP0..2 (@slot 0..2) or IST1..7 (@slot 3..9) of a 64-bit TSS. */
uint64_t x86_tss64_stack(struct x86_exec *x, unsigned slot);

/*
 * Brings an event to its handler, with what its own faults lead to.  false: the processor
 * has shut down.  Sets x->fault itself.
 */
bool x86_deliver(struct x86_exec *x, const struct x86_event *ev);
/* An event of an instruction: INT n and its kin.  Raises. */
void x86_soft_int(struct x86_exec *x, uint8_t vector, uint64_t next);

/* ---- sysenter.c ---- */
void x86_syscall(struct x86_exec *x, uint64_t next);
void x86_sysret(struct x86_exec *x, unsigned opsz);
void x86_sysenter(struct x86_exec *x);
void x86_sysexit(struct x86_exec *x, unsigned opsz);

/* ---- control.c, msr.c ---- */
void x86_set_cr0(struct x86_exec *x, uint64_t v);
void x86_set_cr3(struct x86_exec *x, uint64_t v);
void x86_set_cr4(struct x86_exec *x, uint64_t v);
void x86_set_efer(struct x86_exec *x, uint64_t v);
/* false: #GP. */
bool x86_rdmsr(struct x86_exec *x, uint32_t msr, uint64_t *v);
bool x86_wrmsr(struct x86_exec *x, uint32_t msr, uint64_t v);
uint64_t x86_tsc(const struct x86_cpu *c);
/* Ticks of this host's TSC in a millisecond, measured. */
uint32_t x86_host_tsc_khz(void);
/* POPF, IRET: which bits may change at this privilege. */
void x86_set_flags(struct x86_cpu *c, uint64_t v, unsigned opsz, unsigned cpl);

#endif
