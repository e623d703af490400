/* SPDX-License-Identifier: MIT */
#include "emu/dev/lapic.h"

#include "base/mem.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/dev/lapic_int.h"

#include <stdlib.h>
#include <string.h>

#define MSR_APIC_BASE    0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800

int lapic_top(const uint32_t v[8])
{
	for (int i = 7; i >= 0; i--)
		if (v[i])
			return i * 32 + 31 - __builtin_clz(v[i]);
	return -1;
}

uint8_t lapic_ppr(const struct lapic *l)
{
	int s = lapic_top(l->isr);
	unsigned class = s < 0 ? 0 : (unsigned)s & 0xf0;

	return (uint8_t)((l->tpr & 0xf0) >= class ? l->tpr : class);
}

/* The vector that may come in now, or -1. */
static int ready(const struct lapic *l)
{
	int v = lapic_top(l->irr);

	if (!lapic_on(l) || !(l->svr & SVR_ENABLE) || v < 0)
		return -1;
	return (v & 0xf0) > (lapic_ppr(l) & 0xf0) ? v : -1;
}

/* Does the PIC get through?  Switched off, the pin is the processor's own. */
static bool extint(const struct lapic *l)
{
	uint32_t lint0 = l->lvt[LVT_LINT0];

	if (!l->extint)
		return false;
	if (!lapic_on(l))
		return l == l->all->v;
	return !(lint0 & LVT_MASKED) && LVT_MODE(lint0) == D_EXTINT;
}

bool lapic_pending(struct lapic *l)
{
	bool p;

	pthread_mutex_lock(&l->lock);
	p = ready(l) >= 0 || extint(l);
	pthread_mutex_unlock(&l->lock);
	return p;
}

void lapic_accept(struct lapic *l, uint8_t vector, bool level)
{
	uint32_t bit = 1u << vector % 32;

	if (vector < 16) {
		l->esr_next |= ESR_RECV_VECTOR;
		return;
	}
	l->irr[vector / 32] |= bit;
	if (level)
		l->tmr[vector / 32] |= bit;
	else
		l->tmr[vector / 32] &= ~bit;
	vcpu_ask(l->vcpu, VCPU_IRQ);
}

/* The lock is held. */
static bool named(const struct lapic *l, uint32_t dest, bool logical)
{
	uint32_t ldr = l->ldr >> 24, in = dest & 0xff;

	if (dest == UINT32_MAX)
		return true;
	if (lapic_x2(l)) {
		if (!logical)
			return dest == l->id;
		return dest >> 16 == l->id >> 4 && (dest & 0xffff & 1u << (l->id & 15));
	}
	if (!logical)
		return dest == l->xid >> 24 || dest == l->id;
	if (l->dfr >> 28 == 0xf)
		return ldr & in;
	/* clusters of four */
	return (ldr & 0xf0) == (in & 0xf0) && (ldr & in & 0x0f);
}

/* What is no vector: the processor itself is asked. */
static void ask(struct vcpu *c, enum delivery mode, uint8_t vector)
{
	switch (mode) {
	case D_SMI:
		vcpu_ask(c, VCPU_SMI);
		break;
	case D_NMI:
		vcpu_ask(c, VCPU_NMI);
		break;
	case D_INIT:
		vcpu_ask(c, VCPU_INIT);
		break;
	case D_SIPI:
		atomic_store(&c->sipi_vector, vector);
		vcpu_ask(c, VCPU_SIPI);
		break;
	default:
		break;
	}
}

/* True: it was for this one, which took it. */
static bool offer(struct lapic *l, const struct apic_message *m)
{
	bool mine, fixed = m->mode <= D_LOWEST;

	pthread_mutex_lock(&l->lock);
	mine = l != m->not_to && named(l, m->dest, m->logical);
	if (mine && fixed) {
		mine = lapic_on(l) && (l->svr & SVR_ENABLE);
		if (mine)
			lapic_accept(l, m->vector, m->level);
	}
	pthread_mutex_unlock(&l->lock);
	if (mine && !fixed)
		ask(l->vcpu, m->mode, m->vector);
	return mine;
}

void apics_deliver(struct apics *a, const struct apic_message *m)
{
	/* the lowest priority is anybody's who can take it, in turn */
	unsigned first = m->mode == D_LOWEST ? a->turn++ % a->n : 0;

	for (unsigned i = 0; i < a->n; i++) {
		struct lapic *l = &a->v[(first + i) % a->n];

		if (l->vcpu && offer(l, m) && m->mode == D_LOWEST)
			return;
	}
}

void apics_msi(void *apics, uint64_t addr, uint32_t data)
{
	uint32_t dest = (uint32_t)(addr >> 12) & 0xff;
	const struct apic_message m = { .dest = dest == 0xff ? UINT32_MAX : dest,
					.logical = addr & 4,
					.mode = data >> 8 & 7,
					.vector = (uint8_t)data,
					.level = data & 1u << 15 };

	if (addr >> 20 == LAPIC_BASE >> 20)
		apics_deliver(apics, &m);
}

void apics_extint(void *apics, unsigned pin, int level)
{
	struct apics *a = apics;
	struct lapic *l = &a->v[0];

	(void)pin;
	pthread_mutex_lock(&l->lock);
	l->extint = level;
	pthread_mutex_unlock(&l->lock);
	if (level && l->vcpu)
		vcpu_ask(l->vcpu, VCPU_IRQ);
}

/* ---- the processor's side ---- */

static bool op_pending(void *arg)
{
	return lapic_pending(arg);
}

static int op_take(void *arg)
{
	struct lapic *l = arg;
	int v;

	pthread_mutex_lock(&l->lock);
	v = ready(l);
	if (v >= 0) {
		l->irr[v / 32] &= ~(1u << v % 32);
		l->isr[v / 32] |= 1u << v % 32;
	} else {
		v = extint(l) ? X86_APIC_EXTINT : X86_APIC_NONE;
	}
	pthread_mutex_unlock(&l->lock);
	return v;
}

static uint8_t op_get_tpr(void *arg)
{
	struct lapic *l = arg;

	return (uint8_t)(l->tpr >> 4);
}

static void op_set_tpr(void *arg, uint8_t tpr)
{
	lapic_put(arg, A_TPR, (uint64_t)tpr << 4);
}

static int set_base(struct lapic *l, uint64_t v)
{
	struct x86_cpu *c = l->vcpu->x86;
	uint64_t old = c->msr.apic_base;
	bool was_x2 = old & BASE_X2, x2 = v & BASE_X2, on = v & BASE_ENABLE;

	if ((v & ~UINT64_C(0xfff)) != LAPIC_BASE || (v & 0x2ff) || (x2 && !on))
		return -1;
	/* x2APIC is left only through off, and entered only from on */
	if ((was_x2 && !x2 && on) || (x2 && !(old & BASE_ENABLE)))
		return -1;
	if (x2 && c->cpuid && !x86_has(c->cpuid, FEAT_1_ECX, 21))
		return -1;
	pthread_mutex_lock(&l->lock);
	c->msr.apic_base = (v & ~(uint64_t)BASE_BSP) | (old & BASE_BSP);
	pthread_mutex_unlock(&l->lock);
	/* SDM 11.4.3: as after power-on, the ID too */
	if (!on)
		lapic_reset(l, false);
	return 0;
}

static int op_rdmsr(void *arg, uint32_t msr, uint64_t *v)
{
	struct lapic *l = arg;

	if (msr == MSR_APIC_BASE)
		*v = l->vcpu->x86->msr.apic_base;
	else if (msr == MSR_TSC_DEADLINE)
		*v = l->vcpu->x86->msr.tsc_deadline;
	else if (!lapic_x2(l) || !lapic_get(l, msr - MSR_X2APIC, v))
		return -1;
	return 0;
}

static int op_wrmsr(void *arg, uint32_t msr, uint64_t v)
{
	struct lapic *l = arg;

	if (msr == MSR_APIC_BASE)
		return set_base(l, v);
	if (msr == MSR_TSC_DEADLINE) {
		pthread_mutex_lock(&l->lock);
		lapic_timer_deadline(l, v);
		pthread_mutex_unlock(&l->lock);
		return 0;
	}
	return lapic_x2(l) && lapic_put(l, msr - MSR_X2APIC, v) ? 0 : -1;
}

static const struct x86_apic_ops cpu_ops = { op_pending, op_take,  op_get_tpr,
					     op_set_tpr, op_rdmsr, op_wrmsr };

static struct lapic *here(void)
{
	struct vcpu *c = vcpu_current();

	return c && c->lapic && lapic_on(c->lapic) && !lapic_x2(c->lapic) ? c->lapic : NULL;
}

static uint64_t mmio_read(void *dev, uint64_t off, unsigned size)
{
	struct lapic *l = here();
	uint64_t v = 0;

	(void)dev;
	(void)size;
	if (!l)
		return UINT32_MAX;
	if (off & 0xf || off >= 0x400 || !lapic_get(l, (unsigned)off / 16, &v))
		return 0;
	return (uint32_t)v;
}

static void mmio_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct lapic *l = here();

	(void)dev;
	(void)size;
	if (l && !(off & 0xf) && off < 0x400)
		lapic_put(l, (unsigned)off / 16, v);
}

static const struct bus_ops mmio_ops = { mmio_read, mmio_write, 4, 4 };

/* ---- life ---- */

void lapic_reset(struct lapic *l, bool init)
{
	pthread_mutex_lock(&l->lock);
	if (!init)
		l->xid = l->id << 24;
	l->tpr = l->ldr = l->esr = l->esr_next = l->icr_low = l->icr_high = 0;
	l->dfr = UINT32_MAX;
	l->svr = 0xff;
	for (unsigned i = 0; i < LVTS; i++)
		l->lvt[i] = LVT_MASKED;
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	l->initial = l->divide = 0;
	timer_cancel(&l->timer);
	pthread_mutex_unlock(&l->lock);
}

void apics_attach(struct apics *a, struct vcpu *c)
{
	struct lapic *l = &a->v[c->index];

	l->vcpu = c;
	l->id = c->x86->index;
	c->lapic = l;
	c->x86->apic = &cpu_ops;
	c->x86->apic_arg = l;
	lapic_reset(l, false);
}

void apics_on_eoi(struct apics *a, void (*eoi)(void *arg, uint8_t vector), void *arg)
{
	a->eoi = eoi;
	a->eoi_arg = arg;
}

int apics_new(struct apics **out, struct bus *b, struct clock *c, unsigned n, struct err *e)
{
	struct apics *a = mem_zalloc(1, sizeof(*a), e);
	int r = 0;

	if (!a)
		return -ENOMEM;
	a->bus = b;
	a->clock = c;
	a->n = n;
	a->v = mem_zalloc(n, sizeof(*a->v), e);
	a->region =
		(struct bus_region){ "lapic", BUS_MEM, LAPIC_BASE, 0x1000, &mmio_ops, a, NULL };
	if (!a->v)
		r = -ENOMEM;
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct lapic *l = &a->v[i];

		pthread_mutex_init(&l->lock, NULL);
		l->all = a;
		lapic_timer_init(l);
	}
	if (r == 0)
		r = bus_add(b, &a->region, e);
	if (r < 0) {
		free(a->v);
		free(a);
		return r;
	}
	*out = a;
	return 0;
}

void apics_free(struct apics *a)
{
	if (!a)
		return;
	bus_remove(a->bus, &a->region);
	for (unsigned i = 0; i < a->n; i++) {
		timer_cancel(&a->v[i].timer);
		pthread_mutex_destroy(&a->v[i].lock);
	}
	free(a->v);
	free(a);
}
