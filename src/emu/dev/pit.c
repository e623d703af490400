/* SPDX-License-Identifier: MIT */
/* Intel 8254 data sheet.  Counting is calculated from the time the count was loaded. */
#include "emu/dev/pit.h"

#include "base/mem.h"
#include "emu/clock.h"

#include <stdlib.h>

struct counter {
	uint32_t count; /* 1..65536 */
	uint8_t mode, access, bcd;
	bool gate;
	bool write_high, read_high; /* which half comes next */
	uint8_t low;                /* the first half of a count that is being written */
	bool loaded;                /* a count was written since the mode was set */
	uint64_t start;             /* ns */
	uint8_t latched;            /* bytes left */
	uint16_t latch;
	bool status_latched;
	uint8_t status;
};

struct pit {
	pthread_mutex_t lock;
	struct bus *bus;
	struct clock *clock;
	struct irq irq;
	struct timer timer;
	struct counter ch[3];
	bool speaker, muted, refresh;
	int level;
	struct bus_region ports, port61;
};

static uint64_t ticks_since(const struct pit *p, const struct counter *c)
{
	return mul_div(clock_now(p->clock) - c->start, PIT_HZ, NS_PER_SEC);
}

static uint64_t time_of(const struct counter *c, uint64_t ticks)
{
	/* rounded up: at that time the tick has happened */
	return c->start + mul_div(ticks, NS_PER_SEC, PIT_HZ) + 1;
}

static bool output(const struct pit *p, const struct counter *c)
{
	uint64_t t = ticks_since(p, c), in = t % c->count;

	if (!c->loaded)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
		return t >= c->count;
	case 1:
		return t >= c->count;
	case 2:
		return !c->gate || in != c->count - 1;
	case 3:
		return !c->gate || in < (c->count + 1) / 2;
	default:
		return t != c->count;
	}
}

static uint16_t value(const struct pit *p, const struct counter *c)
{
	uint64_t t = ticks_since(p, c), v;

	if (!c->loaded)
		return 0;
	switch (c->mode) {
	case 2:
		v = c->count - t % c->count;
		break;
	case 3:
		v = c->count - 2 * t % c->count;
		break;
	default:
		v = c->count - t;
	}
	if (c->bcd) {
		v %= 10000;
		return (uint16_t)(v / 1000 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 |
				  v % 10);
	}
	return (uint16_t)v;
}

/* Sets the line, and the timer for when it changes next. */
static void update(struct pit *p)
{
	struct counter *c = &p->ch[0];
	uint64_t t = ticks_since(p, c), next;
	int level = output(p, c);

	if (level != p->level) {
		p->level = level;
		if (!p->muted)
			irq_set(&p->irq, level);
	}
	timer_cancel(&p->timer);
	if (!c->loaded)
		return;
	switch (c->mode) {
	case 2:
		next = t - t % c->count +
		       (t % c->count == c->count - 1 ? c->count : c->count - 1);
		break;
	case 3:
		next = t - t % c->count +
		       (t % c->count < (c->count + 1) / 2 ? (c->count + 1) / 2 : c->count);
		break;
	case 4:
	case 5:
		next = t < c->count ? c->count : c->count + 1;
		break;
	default:
		next = c->count;
	}
	if (next > t)
		timer_set(&p->timer, time_of(c, next));
}

static void fire(void *arg)
{
	struct pit *p = arg;
	struct counter *c = &p->ch[0];
	uint64_t t = ticks_since(p, c);

	/* late by a period or more: the edge is there still, once */
	if (!p->muted && (c->mode == 2 || c->mode == 3) && t % c->count < c->count - 1 &&
	    p->level) {
		irq_set(&p->irq, 0);
		p->level = 0;
	}
	update(p);
}

static void load(struct pit *p, unsigned n, uint16_t v)
{
	struct counter *c = &p->ch[n];
	uint32_t count = v;

	if (c->bcd)
		count = (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u +
			(v & 15);
	if (!count)
		count = c->bcd ? 10000 : 0x10000;
	/* a count of 1 is not allowed in modes 2 and 3: it would stop time */
	if (count == 1 && (c->mode == 2 || c->mode == 3))
		count = 2;
	c->count = count;
	c->start = clock_now(p->clock);
	c->loaded = true;
	if (n == 0)
		update(p);
}

static void latch_status(struct pit *p, struct counter *c)
{
	if (c->status_latched)
		return;
	c->status = (uint8_t)(output(p, c) << 7 | !c->loaded << 6 | c->access << 4 |
			      c->mode << 1 | c->bcd);
	c->status_latched = true;
}

static void latch_count(struct pit *p, struct counter *c)
{
	if (c->latched)
		return;
	c->latch = value(p, c);
	c->latched = c->access == 3 ? 2 : 1;
	if (c->access == 2)
		c->latch >>= 8;
}

static void control(struct pit *p, uint8_t v)
{
	unsigned n = v >> 6, mode = v >> 1 & 7;
	struct counter *c;

	if (n == 3) {
		for (unsigned i = 0; i < 3; i++) {
			if (!(v & 2u << i))
				continue;
			if (!(v & 0x20))
				latch_count(p, &p->ch[i]);
			if (!(v & 0x10))
				latch_status(p, &p->ch[i]);
		}
		return;
	}
	c = &p->ch[n];
	if (!(v & 0x30)) {
		latch_count(p, c);
		return;
	}
	c->access = v >> 4 & 3;
	c->mode = (uint8_t)(mode > 5 ? mode & 3 : mode);
	c->bcd = v & 1;
	c->write_high = c->read_high = c->loaded = c->status_latched = false;
	c->latched = 0;
	if (n == 0)
		update(p);
}

static uint64_t pit_read(void *dev, uint64_t off, unsigned size)
{
	struct pit *p = dev;
	struct counter *c = &p->ch[off];
	uint16_t v;

	(void)size;
	if (off == 3)
		return 0xff;
	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->latched) {
		v = c->latch;
		c->latch >>= 8;
		c->latched--;
		return v & 0xff;
	}
	v = value(p, c);
	if (c->access == 2 || (c->access == 3 && c->read_high))
		v >>= 8;
	c->read_high = c->access == 3 && !c->read_high;
	return v & 0xff;
}

static void pit_write(void *dev, uint64_t off, unsigned size, uint64_t value64)
{
	struct pit *p = dev;
	struct counter *c = &p->ch[off];
	uint8_t v = (uint8_t)value64;

	(void)size;
	if (off == 3) {
		control(p, v);
	} else if (c->access == 1) {
		load(p, (unsigned)off, v);
	} else if (c->access == 2) {
		load(p, (unsigned)off, (uint16_t)(v << 8));
	} else if (!c->write_high) {
		c->low = v;
		c->write_high = true;
	} else {
		c->write_high = false;
		load(p, (unsigned)off, (uint16_t)(v << 8 | c->low));
	}
}

static uint64_t port61_read(void *dev, uint64_t off, unsigned size)
{
	struct pit *p = dev;

	(void)off;
	(void)size;
	p->refresh = !p->refresh;
	return (uint64_t)(p->ch[2].gate | p->speaker << 1 | p->refresh << 4 |
			  output(p, &p->ch[2]) << 5);
}

static void port61_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pit *p = dev;
	struct counter *c = &p->ch[2];

	(void)off;
	(void)size;
	/* the gate's rising edge starts the counting anew */
	if ((v & 1) && !c->gate && c->mode != 0 && c->mode != 4)
		c->start = clock_now(p->clock);
	c->gate = v & 1;
	p->speaker = v & 2;
}

static const struct bus_ops pit_ops = { pit_read, pit_write, 1, 1 };
static const struct bus_ops port61_ops = { port61_read, port61_write, 1, 1 };

void pit_mute(void *pit, bool mute)
{
	struct pit *p = pit;

	pthread_mutex_lock(&p->lock);
	p->muted = mute;
	if (mute)
		irq_set(&p->irq, 0);
	pthread_mutex_unlock(&p->lock);
}

void pit_reset(struct pit *p)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < 3; i++)
		p->ch[i] = (struct counter){
			.count = 0x10000, .mode = 3, .access = 3, .gate = i != 2
		};
	p->muted = p->speaker = false;
	p->level = 0;
	irq_set(&p->irq, 0);
	timer_cancel(&p->timer);
	pthread_mutex_unlock(&p->lock);
}

int pit_new(struct pit **out, struct bus *b, struct clock *c, struct irq irq, struct err *e)
{
	struct pit *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->bus = b;
	p->clock = c;
	p->irq = irq;
	p->timer = (struct timer){ .clock = c, .fire = fire, .arg = p, .lock = &p->lock };
	p->ports = (struct bus_region){ "pit", BUS_PORT, 0x40, 4, &pit_ops, p, &p->lock };
	p->port61 =
		(struct bus_region){ "port 61", BUS_PORT, 0x61, 1, &port61_ops, p, &p->lock };
	r = bus_add(b, &p->ports, e);
	if (r == 0)
		r = bus_add(b, &p->port61, e);
	if (r < 0) {
		pit_free(p);
		return r;
	}
	pit_reset(p);
	*out = p;
	return 0;
}

void pit_free(struct pit *p)
{
	if (!p)
		return;
	timer_cancel(&p->timer);
	bus_remove(p->bus, &p->ports);
	bus_remove(p->bus, &p->port61);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
