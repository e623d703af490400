/* SPDX-License-Identifier: MIT */
#include "emu/dev/lapic_int.h"

#define ID_VERSION  (0x14u | (LVTS - 1) << 16)
#define ICR_LEVEL   (1u << 14)
#define ICR_TRIGGER (1u << 15)
#define ICR_LOGICAL (1u << 11)

static uint32_t x2_ldr(const struct lapic *l)
{
	return (l->id >> 4) << 16 | 1u << (l->id & 15);
}

bool lapic_get(struct lapic *l, unsigned reg, uint64_t *v)
{
	bool x2 = lapic_x2(l), ok = true;

	pthread_mutex_lock(&l->lock);
	*v = 0;
	switch (reg) {
	case A_ID:
		*v = x2 ? l->id : l->xid;
		break;
	case A_VERSION:
		*v = ID_VERSION;
		break;
	case A_TPR:
		*v = l->tpr;
		break;
	case A_PPR:
		*v = lapic_ppr(l);
		break;
	case A_LDR:
		*v = x2 ? x2_ldr(l) : l->ldr;
		break;
	case A_SVR:
		*v = l->svr;
		break;
	case A_ESR:
		*v = l->esr;
		break;
	case A_ICR:
		*v = l->icr_low | (x2 ? (uint64_t)l->icr_high << 32 : 0);
		break;
	case A_INITIAL:
		*v = l->initial;
		break;
	case A_CURRENT:
		*v = lapic_timer_count(l);
		break;
	case A_DIVIDE:
		*v = l->divide;
		break;
	case A_DFR:
		*v = l->dfr;
		ok = !x2;
		break;
	case A_ICR_HIGH:
		*v = l->icr_high;
		ok = !x2;
		break;
	case A_APR:
		ok = !x2;
		break;
	default:
		if (reg >= A_ISR && reg < A_TMR)
			*v = l->isr[reg - A_ISR];
		else if (reg >= A_TMR && reg < A_IRR)
			*v = l->tmr[reg - A_TMR];
		else if (reg >= A_IRR && reg < A_ESR)
			*v = l->irr[reg - A_IRR];
		else if (reg >= A_LVT && reg <= A_LVT_LAST)
			*v = l->lvt[reg - A_LVT];
		else
			ok = false;
	}
	pthread_mutex_unlock(&l->lock);
	return ok;
}

static void set_lvt(struct lapic *l, unsigned i, uint32_t v)
{
	static const uint32_t writable[LVTS] = { 0x700ff, 0x107ff, 0x107ff,
						 0x1a7ff, 0x1a7ff, 0x100ff };
	uint32_t old = l->lvt[i];

	v &= writable[i];
	if (!(l->svr & SVR_ENABLE))
		v |= LVT_MASKED;
	if (i == LVT_TIMER && TIMER_MODE(old) != TIMER_MODE(v))
		lapic_timer_leave(l);
	l->lvt[i] = v;
	if (i != LVT_TIMER || TIMER_MODE(old) == TIMER_MODE(v))
		return;
	/* in and out of deadline mode: disarmed */
	if (TIMER_MODE(old) == TIMER_DEADLINE || TIMER_MODE(v) == TIMER_DEADLINE) {
		timer_cancel(&l->timer);
		l->vcpu->x86->msr.tsc_deadline = 0;
		l->initial = 0;
	}
}

static void set_svr(struct lapic *l, uint32_t v)
{
	l->svr = v & 0x11ff;
	for (unsigned i = 0; i < LVTS && !(v & SVR_ENABLE); i++)
		l->lvt[i] |= LVT_MASKED;
}

/* Ends what is in service; the vector if others want to know, or -1. */
static int end(struct lapic *l)
{
	int v = lapic_top(l->isr);
	bool level;

	if (v < 0)
		return -1;
	l->isr[v / 32] &= ~(1u << v % 32);
	level = l->tmr[v / 32] >> v % 32 & 1;
	return level && !(l->svr & 1u << 12) ? v : -1;
}

static bool plain(struct lapic *l, unsigned reg, uint32_t v, bool x2)
{
	switch (reg) {
	case A_ID:
		if (!x2)
			l->xid = v & 0xff000000;
		return !x2;
	case A_TPR:
		l->tpr = v & 0xff;
		return true;
	case A_LDR:
		if (!x2)
			l->ldr = v & 0xff000000;
		return !x2;
	case A_DFR:
		if (!x2)
			l->dfr = v | 0x0fffffff;
		return !x2;
	case A_SVR:
		set_svr(l, v);
		return true;
	case A_ESR:
		l->esr = l->esr_next;
		l->esr_next = 0;
		return !x2 || !v;
	case A_ICR_HIGH:
		l->icr_high = v & 0xff000000;
		return !x2;
	case A_INITIAL:
		if (TIMER_MODE(l->lvt[LVT_TIMER]) != TIMER_DEADLINE) {
			l->initial = v;
			lapic_timer_load(l);
		}
		return true;
	case A_DIVIDE:
		l->divide = v & 0xb;
		return true;
	default:
		if (reg < A_LVT || reg > A_LVT_LAST)
			return false;
		set_lvt(l, reg - A_LVT, v);
		return true;
	}
}

/* Only to the lapic @l, whatever its ID is now. */
static void send_self(struct lapic *l, uint8_t vector)
{
	pthread_mutex_lock(&l->lock);
	if (lapic_on(l) && (l->svr & SVR_ENABLE))
		lapic_accept(l, vector, false);
	pthread_mutex_unlock(&l->lock);
}

void lapic_send_icr(struct lapic *l, uint32_t low, uint32_t dest)
{
	struct apic_message m = { .dest = dest,
				  .logical = low & ICR_LOGICAL,
				  .mode = low >> 8 & 7,
				  .vector = (uint8_t)low };

	/* the end of INIT's level: nothing any more */
	if (m.mode == D_INIT && (low & ICR_TRIGGER) && !(low & ICR_LEVEL))
		return;
	switch (low >> 18 & 3) {
	case 1:
		/* only an interrupt may be sent to oneself: table 11-3 */
		if (m.mode == D_FIXED)
			send_self(l, m.vector);
		return;
	case 3:
		m.not_to = l;
		m.dest = UINT32_MAX;
		break;
	case 2:
		m.dest = UINT32_MAX;
		break;
	default:
		if (!lapic_x2(l) && dest == 0xff)
			m.dest = UINT32_MAX;
		break;
	}
	apics_deliver(l->all, &m);
}

bool lapic_put(struct lapic *l, unsigned reg, uint64_t v)
{
	bool x2 = lapic_x2(l), ok = true, again;
	uint32_t low = (uint32_t)v, dest;
	int ended = -1;

	/* Reserved bits of x2APIC's: only ICR has 64. */
	if (x2 && reg != A_ICR && v >> (reg == A_SELF_IPI ? 8 : 32))
		return false;
	if (reg == A_SELF_IPI) {
		if (x2)
			send_self(l, (uint8_t)v);
		return x2;
	}
	pthread_mutex_lock(&l->lock);
	if (reg == A_ICR) {
		l->icr_low = low & 0xccfff;
		if (x2)
			l->icr_high = (uint32_t)(v >> 32);
		dest = x2 ? l->icr_high : l->icr_high >> 24;
		if ((low >> 8 & 7) <= D_LOWEST && (low & 0xff) < 16)
			l->esr_next |= ESR_SEND_VECTOR;
		pthread_mutex_unlock(&l->lock);
		lapic_send_icr(l, low, dest);
		return true;
	}
	if (reg == A_EOI)
		ended = end(l);
	else
		ok = plain(l, reg, low, x2);
	again = reg == A_EOI || reg == A_TPR || reg == A_SVR;
	pthread_mutex_unlock(&l->lock);
	if (ended >= 0 && l->all->eoi)
		l->all->eoi(l->all->eoi_arg, (uint8_t)ended);
	/* what was held back may come now */
	if (again && lapic_pending(l))
		vcpu_ask(l->vcpu, VCPU_IRQ);
	return ok;
}
