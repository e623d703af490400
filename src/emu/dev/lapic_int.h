/* SPDX-License-Identifier: MIT */
/* The state of a local APIC, for the files that make it up. */
#ifndef EMU_DEV_LAPIC_INT_H
#define EMU_DEV_LAPIC_INT_H

#include "emu/clock.h"
#include "emu/dev/lapic.h"
#include "emu/vcpu.h"

/* Register numbers: offset / 16 in memory, MSR - 0x800. */
enum {
	A_ID = 0x02,
	A_VERSION = 0x03,
	A_TPR = 0x08,
	A_APR = 0x09,
	A_PPR = 0x0a,
	A_EOI = 0x0b,
	A_LDR = 0x0d,
	A_DFR = 0x0e,
	A_SVR = 0x0f,
	A_ISR = 0x10,
	A_TMR = 0x18,
	A_IRR = 0x20,
	A_ESR = 0x28,
	A_ICR = 0x30,
	A_ICR_HIGH = 0x31,
	A_LVT = 0x32, /* timer, thermal, performance, LINT0, LINT1, error */
	A_LVT_LAST = 0x37,
	A_INITIAL = 0x38,
	A_CURRENT = 0x39,
	A_DIVIDE = 0x3e,
	A_SELF_IPI = 0x3f,
};

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS };

#define LVT_MASKED    (1u << 16)
#define LVT_MODE(v)   ((v) >> 8 & 7u)
#define TIMER_MODE(v) ((v) >> 17 & 3u)
enum { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_DEADLINE };

#define SVR_ENABLE  (1u << 8)
#define BASE_BSP    (1u << 8)
#define BASE_X2     (1u << 10)
#define BASE_ENABLE (1u << 11)

#define ESR_SEND_VECTOR 0x20u
#define ESR_RECV_VECTOR 0x40u
#define ESR_REGISTER    0x80u

enum delivery { D_FIXED, D_LOWEST, D_SMI, D_RESERVED, D_NMI, D_INIT, D_SIPI, D_EXTINT };

struct lapic {
	pthread_mutex_t lock;
	struct apics *all;
	struct vcpu *vcpu;
	uint32_t id; /* of x2APIC, and xAPIC's after a reset */
	uint32_t xid, tpr, ldr, dfr, svr, esr, esr_next;
	uint32_t lvt[LVTS];
	uint32_t icr_low, icr_high;
	uint32_t isr[8], tmr[8], irr[8];
	bool extint; /* the PIC wants attention */
	struct timer timer;
	uint32_t initial, divide;
	uint64_t started; /* when the count was loaded */
	bool done;        /* counted down once; a change to periodic does not begin anew */
};

struct apics {
	struct bus *bus;
	struct clock *clock;
	struct bus_region region;
	void (*eoi)(void *arg, uint8_t vector);
	void *eoi_arg;
	unsigned n;
	_Atomic unsigned turn; /* lowest priority: whose turn it is */
	struct lapic *v;
};

static inline bool lapic_x2(const struct lapic *l)
{
	return (l->vcpu->x86->msr.apic_base & (BASE_X2 | BASE_ENABLE)) ==
	       (BASE_X2 | BASE_ENABLE);
}

static inline bool lapic_on(const struct lapic *l)
{
	return l->vcpu->x86->msr.apic_base & BASE_ENABLE;
}

struct apic_message {
	uint32_t dest; /* UINT32_MAX: all */
	bool logical, level;
	enum delivery mode;
	uint8_t vector;
	const struct lapic *not_to;
};

/* Sends to whom @m names.  No lapic's lock is held. */
void apics_deliver(struct apics *a, const struct apic_message *m);
void lapic_send_icr(struct lapic *l, uint32_t low, uint32_t dest);
/* Takes a vector in; the lock is held. */
void lapic_accept(struct lapic *l, uint8_t vector, bool level);
/* The urgency that an interrupt must exceed; the lock is held. */
uint8_t lapic_ppr(const struct lapic *l);
int lapic_top(const uint32_t v[8]);

/* lapic_timer.c; the lock is held. */
void lapic_timer_init(struct lapic *l);
void lapic_timer_load(struct lapic *l);
uint32_t lapic_timer_count(struct lapic *l);
/* The timer's entry changes from this mode to another. */
void lapic_timer_leave(struct lapic *l);
void lapic_timer_deadline(struct lapic *l, uint64_t tsc);

/* lapic_regs.c; the lock is not held.  False: no such register. */
bool lapic_get(struct lapic *l, unsigned reg, uint64_t *v);
bool lapic_put(struct lapic *l, unsigned reg, uint64_t v);

#endif
