/* SPDX-License-Identifier: MIT */
#include "emu/dev/hpet.h"

#include "base/mem.h"
#include "emu/clock.h"

#include <stdlib.h>

#define PERIOD_FS 10000000u /* 10 ns */
#define TICK_NS   10u
#define ROUTES    0x00f00000u /* IOAPIC inputs 20..23 */

#define R_CAP      0x000
#define R_CONFIG   0x010
#define R_STATUS   0x020
#define R_COUNTER  0x0f0
#define R_TIMER    0x100
#define C_ENABLE   1u
#define C_LEGACY   2u
#define T_LEVEL    (1u << 1)
#define T_ENABLE   (1u << 2)
#define T_PERIODIC (1u << 3)
#define T_CAN_PER  (1u << 4)
#define T_64       (1u << 5)
#define T_SET      (1u << 6)
#define T_32       (1u << 8)
#define T_ROUTE(c) ((unsigned)(c) >> 9 & 31u)
#define T_FSB      (1u << 14)
#define T_CAN_FSB  (1u << 15)
#define T_WRITABLE (T_LEVEL | T_ENABLE | T_PERIODIC | T_SET | T_32 | 31u << 9 | T_FSB)
/* Guests may ask for periods of a tick: no more often than this is an interrupt raised. */
#define SHORTEST   2000u

struct comparator {
	struct hpet *h;
	unsigned n;
	struct timer timer;
	uint64_t config, cmp, period, fsb;
};

struct hpet {
	pthread_mutex_t lock;
	struct bus *bus;
	struct clock *clock;
	struct hpet_env env;
	struct bus_region region;
	uint64_t config, status;
	uint64_t counter; /* while it stands; else its value when it was started */
	uint64_t started;
	struct comparator t[HPET_TIMERS];
};

static uint64_t counter(const struct hpet *h)
{
	if (!(h->config & C_ENABLE))
		return h->counter;
	return h->counter + (clock_now(h->clock) - h->started) / TICK_NS;
}

static const struct irq *line(const struct comparator *t)
{
	const struct hpet *h = t->h;

	if ((h->config & C_LEGACY) && t->n < 2)
		return &h->env.legacy_irq[t->n];
	return &h->env.ioapic[T_ROUTE(t->config) % 24];
}

static void lower(struct comparator *t)
{
	if (t->h->status & 1u << t->n)
		irq_set(line(t), 0);
	t->h->status &= ~(1u << t->n);
}

static void arm(struct comparator *t)
{
	struct hpet *h = t->h;
	uint64_t now = counter(h), left = t->cmp - now;

	timer_cancel(&t->timer);
	if (!(h->config & C_ENABLE) || !(t->config & T_ENABLE))
		return;
	if (t->config & T_32)
		left = (uint32_t)left;
	if (left > UINT64_C(1) << 56)
		return;
	timer_set(&t->timer, clock_now(h->clock) + left * TICK_NS);
}

static void raise(struct comparator *t)
{
	struct hpet *h = t->h;

	if (t->config & T_FSB) {
		h->env.msi.send(h->env.msi.arg, t->fsb >> 32, (uint32_t)t->fsb);
	} else if (t->config & T_LEVEL) {
		h->status |= 1u << t->n;
		irq_set(line(t), 1);
	} else {
		irq_set(line(t), 1);
		irq_set(line(t), 0);
	}
}

static void fire(void *arg)
{
	struct comparator *t = arg;
	uint64_t now = counter(t->h), p = t->period;

	raise(t);
	if (!(t->config & T_PERIODIC) || !p)
		return;
	if (p * TICK_NS < SHORTEST)
		p = SHORTEST / TICK_NS;
	if (t->config & T_32)
		t->cmp = (uint32_t)(t->cmp + p * (1 + (uint32_t)((uint32_t)now - t->cmp) / p));
	else
		t->cmp += p * (1 + (now - t->cmp) / p);
	arm(t);
}

static void set_config(struct hpet *h, uint64_t v)
{
	bool legacy = v & C_LEGACY, was = h->config & C_LEGACY;

	if ((v & C_ENABLE) && !(h->config & C_ENABLE)) {
		h->started = clock_now(h->clock);
	} else if (!(v & C_ENABLE) && (h->config & C_ENABLE)) {
		h->counter = counter(h);
		for (unsigned i = 0; i < HPET_TIMERS; i++)
			lower(&h->t[i]);
	}
	h->config = v & 3;
	if (legacy != was && h->env.legacy)
		h->env.legacy(h->env.legacy_arg, legacy);
	for (unsigned i = 0; i < HPET_TIMERS; i++)
		arm(&h->t[i]);
}

static void set_comparator(struct comparator *t, uint64_t v)
{
	if (t->config & T_32)
		v = (uint32_t)v;
	if (!(t->config & T_PERIODIC) || (t->config & T_SET))
		t->cmp = v;
	/* the second write, or the only one without the bit: the period */
	if (t->config & T_PERIODIC)
		t->period = v;
	t->config &= ~(uint64_t)T_SET;
	arm(t);
}

static uint64_t get(struct hpet *h, uint64_t reg)
{
	const struct comparator *t;

	switch (reg) {
	case R_CAP:
		return HPET_ID | (uint64_t)PERIOD_FS << 32;
	case R_CONFIG:
		return h->config;
	case R_STATUS:
		return h->status;
	case R_COUNTER:
		return counter(h);
	default:
		break;
	}
	if (reg < R_TIMER || reg >= R_TIMER + 0x20 * HPET_TIMERS)
		return 0;
	t = &h->t[(reg - R_TIMER) / 0x20];
	switch (reg & 0x18) {
	case 0x00:
		return t->config;
	case 0x08:
		return t->cmp;
	case 0x10:
		return t->fsb;
	default:
		return 0;
	}
}

static void put(struct hpet *h, uint64_t reg, uint64_t v)
{
	struct comparator *t;

	switch (reg) {
	case R_CONFIG:
		set_config(h, v);
		return;
	case R_STATUS:
		for (unsigned i = 0; i < HPET_TIMERS; i++)
			if (v & 1u << i)
				lower(&h->t[i]);
		return;
	case R_COUNTER:
		if (!(h->config & C_ENABLE))
			h->counter = v;
		return;
	default:
		break;
	}
	if (reg < R_TIMER || reg >= R_TIMER + 0x20 * HPET_TIMERS)
		return;
	t = &h->t[(reg - R_TIMER) / 0x20];
	switch (reg & 0x18) {
	case 0x00:
		lower(t);
		t->config = (t->config & ~(uint64_t)T_WRITABLE) | (v & T_WRITABLE);
		if (t->config & T_32) {
			t->cmp = (uint32_t)t->cmp;
			t->period = (uint32_t)t->period;
		}
		arm(t);
		break;
	case 0x08:
		set_comparator(t, v);
		break;
	case 0x10:
		t->fsb = v;
		break;
	default:
		break;
	}
}

static uint64_t hpet_read(void *dev, uint64_t off, unsigned size)
{
	uint64_t v = get(dev, off & ~UINT64_C(7));

	return size == 4 && (off & 4) ? v >> 32 : v;
}

static void hpet_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct hpet *h = dev;
	uint64_t reg = off & ~UINT64_C(7), old;

	if (size == 8) {
		put(h, reg, v);
		return;
	}
	/* halves: the other stays, except of what a write of 1 clears */
	old = reg == R_STATUS ? 0 : get(h, reg);
	if (off & 4)
		put(h, reg, (uint32_t)old | v << 32);
	else
		put(h, reg, (old & ~UINT64_C(0xffffffff)) | (uint32_t)v);
}

static const struct bus_ops ops = { hpet_read, hpet_write, 4, 8 };

void hpet_reset(struct hpet *h)
{
	pthread_mutex_lock(&h->lock);
	set_config(h, 0);
	h->counter = 0;
	for (unsigned i = 0; i < HPET_TIMERS; i++) {
		struct comparator *t = &h->t[i];

		timer_cancel(&t->timer);
		t->config = T_CAN_PER | T_64 | T_CAN_FSB | (uint64_t)ROUTES << 32;
		t->cmp = UINT64_MAX;
		t->period = t->fsb = 0;
	}
	pthread_mutex_unlock(&h->lock);
}

int hpet_new(struct hpet **out, struct bus *b, struct clock *c, const struct hpet_env *env,
	     struct err *e)
{
	struct hpet *h = mem_zalloc(1, sizeof(*h), e);
	int r;

	if (!h)
		return -ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	h->bus = b;
	h->clock = c;
	h->env = *env;
	for (unsigned i = 0; i < HPET_TIMERS; i++) {
		h->t[i].h = h;
		h->t[i].n = i;
		h->t[i].timer = (struct timer){
			.clock = c, .fire = fire, .arg = &h->t[i], .lock = &h->lock
		};
	}
	h->region = (struct bus_region){ "hpet", BUS_MEM, HPET_BASE, 0x400, &ops, h, &h->lock };
	r = bus_add(b, &h->region, e);
	if (r < 0) {
		free(h);
		return r;
	}
	hpet_reset(h);
	*out = h;
	return 0;
}

void hpet_free(struct hpet *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < HPET_TIMERS; i++)
		timer_cancel(&h->t[i].timer);
	bus_remove(h->bus, &h->region);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
