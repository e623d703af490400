/* SPDX-License-Identifier: MIT */
/* Intel 8259A data sheet; edge/level control registers (4d0, 4d1) as in the PIIX. */
#include "emu/dev/pic.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

#define ICW1_INIT   0x10
#define ICW1_ICW4   0x01
#define ICW1_SINGLE 0x02
#define ICW4_AEOI   0x02
#define ICW4_SFNM   0x10
#define OCW3        0x08
#define CASCADE     2

struct chip {
	uint8_t irr, isr, imr, lines, elcr, elcr_mask;
	uint8_t base;     /* vector of input 0 */
	uint8_t priority; /* the input that is most urgent */
	uint8_t init;     /* which ICW comes next; 0: none */
	bool icw4, single, aeoi, rotate_aeoi, sfnm, special_mask, read_isr, poll;
};

struct pic {
	pthread_mutex_t lock;
	struct bus *bus;
	struct chip chip[2]; /* master, slave */
	struct irq intr;
	struct bus_region region[3];
};

/* How urgent the most urgent bit of @mask is: 0 most, 8 none. */
static unsigned urgency(const struct chip *c, unsigned mask)
{
	unsigned u = 0;

	while (u < 8 && !(mask & 1u << ((u + c->priority) & 7)))
		u++;
	return u;
}

/* The input to serve now, or -1. */
static int wanted(const struct pic *p, unsigned n)
{
	const struct chip *c = &p->chip[n];
	unsigned in_service = c->isr, want = c->irr & ~c->imr & 0xff;
	unsigned u = urgency(c, want), served;

	if (c->special_mask)
		in_service &= ~c->imr;
	/* special fully nested: the slave's more urgent ones come through */
	if (c->sfnm && n == 0)
		in_service &= ~(1u << CASCADE);
	served = urgency(c, in_service);
	return u < served ? (int)((u + c->priority) & 7) : -1;
}

static void line(struct chip *c, unsigned pin, bool level)
{
	uint8_t bit = (uint8_t)(1u << pin);

	if (c->elcr & bit) {
		c->irr = level ? c->irr | bit : c->irr & (uint8_t)~bit;
	} else if (level && !(c->lines & bit)) {
		c->irr |= bit;
	} else if (!level) {
		c->irr &= (uint8_t)~bit;
	}
	c->lines = level ? c->lines | bit : c->lines & (uint8_t)~bit;
}

static void update(struct pic *p)
{
	line(&p->chip[0], CASCADE, wanted(p, 1) >= 0);
	irq_set(&p->intr, wanted(p, 0) >= 0);
}

void pic_set(void *pic, unsigned pin, int level)
{
	struct pic *p = pic;

	pthread_mutex_lock(&p->lock);
	line(&p->chip[pin >> 3 & 1], pin & 7, level);
	update(p);
	pthread_mutex_unlock(&p->lock);
}

static void acknowledge(struct chip *c, unsigned pin)
{
	uint8_t bit = (uint8_t)(1u << pin);

	if (!(c->elcr & bit))
		c->irr &= (uint8_t)~bit;
	if (!c->aeoi)
		c->isr |= bit;
	else if (c->rotate_aeoi)
		c->priority = (pin + 1) & 7;
}

/* The vector of chip @n; 7, the spurious one, when nothing is there. */
static unsigned take(struct pic *p, unsigned n)
{
	int pin = wanted(p, n);

	if (pin < 0)
		return p->chip[n].base + 7u;
	acknowledge(&p->chip[n], (unsigned)pin);
	if (n == 0 && pin == CASCADE)
		return take(p, 1);
	return p->chip[n].base + (unsigned)pin;
}

int pic_take(void *pic)
{
	struct pic *p = pic;
	int v;

	pthread_mutex_lock(&p->lock);
	v = (int)(take(p, 0) & 0xff);
	update(p);
	pthread_mutex_unlock(&p->lock);
	return v;
}

static void end_of_interrupt(struct chip *c, uint8_t v)
{
	unsigned op = v >> 5, pin = v & 7;

	switch (op) {
	case 0: /* automatic rotation: off and on */
	case 4:
		c->rotate_aeoi = op == 4;
		return;
	case 1: /* the most urgent in service */
	case 5:
		pin = urgency(c, c->isr);
		if (pin == 8)
			return;
		pin = (pin + c->priority) & 7;
		break;
	case 6:
		c->priority = (pin + 1) & 7;
		return;
	case 2:
		return;
	default:
		break;
	}
	c->isr &= (uint8_t) ~(1u << pin);
	if (op & 4)
		c->priority = (pin + 1) & 7;
}

static void command(struct chip *c, uint8_t v)
{
	if (v & ICW1_INIT) {
		c->imr = c->isr = c->priority = 0;
		c->irr = c->lines & c->elcr;
		c->special_mask = c->read_isr = c->poll = false;
		c->aeoi = c->rotate_aeoi = c->sfnm = false;
		c->icw4 = v & ICW1_ICW4;
		c->single = v & ICW1_SINGLE;
		c->init = 2;
	} else if (v & OCW3) {
		c->poll = v & 4;
		if (v & 2)
			c->read_isr = v & 1;
		if (v & 0x40)
			c->special_mask = v & 0x20;
	} else {
		end_of_interrupt(c, v);
	}
}

static void data(struct chip *c, uint8_t v)
{
	switch (c->init) {
	case 2:
		c->base = v & 0xf8;
		c->init = c->single ? (c->icw4 ? 4 : 0) : 3;
		break;
	case 3:
		c->init = c->icw4 ? 4 : 0;
		break;
	case 4:
		c->aeoi = v & ICW4_AEOI;
		c->sfnm = v & ICW4_SFNM;
		c->init = 0;
		break;
	default:
		c->imr = v;
	}
}

static uint64_t read_chip(struct pic *p, unsigned n, uint64_t off)
{
	struct chip *c = &p->chip[n];
	unsigned v;

	if (c->poll) {
		int pin = wanted(p, n);

		c->poll = false;
		if (pin < 0)
			return 0;
		acknowledge(c, (unsigned)pin);
		update(p);
		return 0x80u | (unsigned)pin;
	}
	if (off & 1)
		v = c->imr;
	else
		v = c->read_isr ? c->isr : c->irr;
	return v;
}

static void write_chip(struct pic *p, unsigned n, uint64_t off, uint8_t v)
{
	if (off & 1)
		data(&p->chip[n], v);
	else
		command(&p->chip[n], v);
	update(p);
}

static uint64_t master_read(void *dev, uint64_t off, unsigned size)
{
	(void)size;
	return read_chip(dev, 0, off);
}

static void master_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	(void)size;
	write_chip(dev, 0, off, (uint8_t)v);
}

static uint64_t slave_read(void *dev, uint64_t off, unsigned size)
{
	(void)size;
	return read_chip(dev, 1, off);
}

static void slave_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	(void)size;
	write_chip(dev, 1, off, (uint8_t)v);
}

static uint64_t elcr_read(void *dev, uint64_t off, unsigned size)
{
	struct pic *p = dev;

	(void)size;
	return p->chip[off & 1].elcr;
}

static void elcr_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pic *p = dev;
	struct chip *c = &p->chip[off & 1];

	(void)size;
	c->elcr = (uint8_t)v & c->elcr_mask;
	update(p);
}

static const struct bus_ops master_ops = { master_read, master_write, 1, 1 };
static const struct bus_ops slave_ops = { slave_read, slave_write, 1, 1 };
static const struct bus_ops elcr_ops = { elcr_read, elcr_write, 1, 1 };

void pic_reset(struct pic *p)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned n = 0; n < 2; n++)
		p->chip[n] = (struct chip){ .elcr_mask = n ? 0xde : 0xf8,
					    .lines = p->chip[n].lines };
	update(p);
	pthread_mutex_unlock(&p->lock);
}

int pic_new(struct pic **out, struct bus *b, struct irq intr, struct err *e)
{
	struct pic *p = mem_zalloc(1, sizeof(*p), e);
	int r = 0;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->bus = b;
	p->intr = intr;
	p->region[0] =
		(struct bus_region){ "pic", BUS_PORT, 0x20, 2, &master_ops, p, &p->lock };
	p->region[1] = (struct bus_region){ "pic", BUS_PORT, 0xa0, 2, &slave_ops, p, &p->lock };
	p->region[2] =
		(struct bus_region){ "elcr", BUS_PORT, 0x4d0, 2, &elcr_ops, p, &p->lock };
	for (unsigned i = 0; i < 3 && r == 0; i++)
		r = bus_add(b, &p->region[i], e);
	if (r < 0) {
		pic_free(p);
		return r;
	}
	pic_reset(p);
	*out = p;
	return 0;
}

void pic_free(struct pic *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < 3; i++)
		bus_remove(p->bus, &p->region[i]);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pic_show(struct pic *p, struct str *out)
{
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < 2; i++) {
		const struct chip *c = &p->chip[i];

		str_addf(out,
			 "pic%u: irr=%02x imr=%02x isr=%02x lines=%02x elcr=%02x irq_base=%02x "
			 "priority=%u\n",
			 i, c->irr, c->imr, c->isr, c->lines, c->elcr, c->base, c->priority);
	}
	pthread_mutex_unlock(&p->lock);
}
