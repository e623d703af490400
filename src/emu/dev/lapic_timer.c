/* SPDX-License-Identifier: MIT */
#include "emu/cpu/x86/exec.h"
#include "emu/dev/lapic_int.h"

/* Intel SDM volume 3, figure 11-10. */
static unsigned shift(const struct lapic *l)
{
	unsigned d = (l->divide & 3) | (l->divide >> 1 & 4);

	return (d + 1) & 7;
}

/* The timer's ticks are nanoseconds, divided. */
static uint64_t period(const struct lapic *l)
{
	return (uint64_t)l->initial << shift(l);
}

static void fire(void *arg)
{
	struct lapic *l = arg;
	uint32_t lvt = l->lvt[LVT_TIMER];

	if (!(lvt & LVT_MASKED))
		lapic_accept(l, (uint8_t)lvt, false);
	if (TIMER_MODE(lvt) == TIMER_PERIODIC && l->initial && !l->done) {
		uint64_t now = clock_now(l->all->clock), p = period(l);

		/* what was missed while nobody ran is not made up for */
		if (now - l->started >= p)
			l->started += (now - l->started) / p * p;
		timer_set(&l->timer, l->started + p);
	}
	if (TIMER_MODE(lvt) == TIMER_DEADLINE)
		l->vcpu->x86->msr.tsc_deadline = 0;
}

void lapic_timer_init(struct lapic *l)
{
	l->timer = (struct timer){
		.clock = l->all->clock, .fire = fire, .arg = l, .lock = &l->lock
	};
}

void lapic_timer_load(struct lapic *l)
{
	if (TIMER_MODE(l->lvt[LVT_TIMER]) == TIMER_DEADLINE)
		return;
	timer_cancel(&l->timer);
	l->done = false;
	l->started = clock_now(l->all->clock);
	if (l->initial)
		timer_set(&l->timer, l->started + period(l));
}

uint32_t lapic_timer_count(struct lapic *l)
{
	uint64_t gone, p = period(l);

	if (!l->initial || l->done || TIMER_MODE(l->lvt[LVT_TIMER]) == TIMER_DEADLINE)
		return 0;
	gone = clock_now(l->all->clock) - l->started;
	if (gone >= p) {
		if (TIMER_MODE(l->lvt[LVT_TIMER]) != TIMER_PERIODIC)
			return 0;
		gone %= p;
	}
	return (uint32_t)((p - gone) >> shift(l));
}

void lapic_timer_leave(struct lapic *l)
{
	if (TIMER_MODE(l->lvt[LVT_TIMER]) == TIMER_ONE_SHOT && !lapic_timer_count(l))
		l->done = true;
}

void lapic_timer_deadline(struct lapic *l, uint64_t tsc)
{
	struct x86_cpu *c = l->vcpu->x86;
	uint64_t now = x86_tsc(c), in;

	if (TIMER_MODE(l->lvt[LVT_TIMER]) != TIMER_DEADLINE)
		return;
	c->msr.tsc_deadline = tsc;
	timer_cancel(&l->timer);
	if (!tsc || !c->tsc_khz)
		return;
	/* What is over comes at once, not when another thread finds the time. */
	if (tsc <= now) {
		fire(l);
		return;
	}
	in = tsc - now;
	if (in > UINT64_C(1) << 60)
		in = UINT64_C(1) << 60;
	/* never early: what wakes then finds that its time has come */
	timer_set(&l->timer, clock_now(l->all->clock) + mul_div(in, 1000000, c->tsc_khz) + 1);
}
