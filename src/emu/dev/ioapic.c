/* SPDX-License-Identifier: MIT */
#include "emu/dev/ioapic.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

#define R_ID       0x00
#define R_VERSION  0x01
#define R_ARB      0x02
#define R_TABLE    0x10
#define ID_VERSION (0x20u | (IOAPIC_PINS - 1) << 16)

#define E_VECTOR(e)  ((uint32_t)(e)&0xffu)
#define E_MODE(e)    ((uint32_t)((e) >> 8) & 7u)
#define E_LOGICAL(e) ((uint32_t)((e) >> 11) & 1u)
#define E_REMOTE_IRR (UINT64_C(1) << 14)
#define E_LEVEL      (UINT64_C(1) << 15)
#define E_MASKED     (UINT64_C(1) << 16)
#define E_STATUS     (UINT64_C(1) << 12)
#define E_READ_ONLY  (E_REMOTE_IRR | E_STATUS)

struct ioapic {
	pthread_mutex_t lock;
	struct bus *bus;
	struct msi_sink to;
	struct bus_region region;
	uint8_t select;
	uint32_t id;
	uint32_t lines, edges; /* levels now; edges that were not sent yet (masked) */
	uint64_t entry[IOAPIC_PINS];
};

/* Intel SDM volume 3, 11.11: the same bits as a message of a device. */
static void send(struct ioapic *a, uint64_t e)
{
	uint64_t addr = 0xfee00000 | (e >> 56 & 0xff) << 12 | E_LOGICAL(e) << 2;
	uint32_t data = E_VECTOR(e) | E_MODE(e) << 8;

	if (e & E_LEVEL)
		data |= 1u << 15 | 1u << 14;
	a->to.send(a->to.arg, addr, data);
}

static void service(struct ioapic *a, unsigned pin)
{
	uint64_t *e = &a->entry[pin];
	uint32_t bit = 1u << pin;

	if (*e & E_MASKED)
		return;
	if (*e & E_LEVEL) {
		if (!(a->lines & bit) || (*e & E_REMOTE_IRR))
			return;
		*e |= E_REMOTE_IRR;
	} else {
		if (!(a->edges & bit))
			return;
		a->edges &= ~bit;
	}
	send(a, *e);
}

void ioapic_set(void *ioapic, unsigned pin, int level)
{
	struct ioapic *a = ioapic;
	uint32_t bit;

	if (pin >= IOAPIC_PINS)
		return;
	bit = 1u << pin;
	pthread_mutex_lock(&a->lock);
	if (level && !(a->lines & bit)) {
		a->lines |= bit;
		/* an edge while masked is lost, as in the chip */
		if (!(a->entry[pin] & (E_LEVEL | E_MASKED)))
			a->edges |= bit;
		service(a, pin);
	} else if (!level) {
		a->lines &= ~bit;
	}
	pthread_mutex_unlock(&a->lock);
}

static void end(struct ioapic *a, uint8_t vector)
{
	for (unsigned i = 0; i < IOAPIC_PINS; i++) {
		uint64_t *e = &a->entry[i];

		if (!(*e & E_LEVEL) || !(*e & E_REMOTE_IRR) || E_VECTOR(*e) != vector)
			continue;
		*e &= ~E_REMOTE_IRR;
		service(a, i);
	}
}

void ioapic_eoi(void *ioapic, uint8_t vector)
{
	struct ioapic *a = ioapic;

	pthread_mutex_lock(&a->lock);
	end(a, vector);
	pthread_mutex_unlock(&a->lock);
}

static uint32_t get(const struct ioapic *a)
{
	unsigned i = a->select;

	switch (i) {
	case R_ID:
	case R_ARB:
		return a->id;
	case R_VERSION:
		return ID_VERSION;
	default:
		if (i < R_TABLE || i >= R_TABLE + 2 * IOAPIC_PINS)
			return 0;
		i -= R_TABLE;
		return (uint32_t)(a->entry[i / 2] >> (i & 1) * 32);
	}
}

static void set(struct ioapic *a, uint32_t v)
{
	unsigned i = a->select;
	uint64_t *e;

	if (i == R_ID)
		a->id = v & 0x0f000000;
	if (i < R_TABLE || i >= R_TABLE + 2 * IOAPIC_PINS)
		return;
	i -= R_TABLE;
	e = &a->entry[i / 2];
	if (i & 1) {
		*e = (uint32_t)*e | (uint64_t)v << 32;
	} else {
		*e = (*e & (E_READ_ONLY | ~UINT64_C(0xffffffff))) |
		     (v & ~(uint32_t)E_READ_ONLY & 0x1ffff);
		/* an entry made edge-triggered forgets that it waits: Linux' way to clear it */
		if (!(*e & E_LEVEL))
			*e &= ~E_REMOTE_IRR;
	}
	service(a, i / 2);
}

static uint64_t ioapic_read(void *dev, uint64_t off, unsigned size)
{
	struct ioapic *a = dev;

	(void)size;
	if (off == 0x00)
		return a->select;
	return off == 0x10 ? get(a) : 0;
}

static void ioapic_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ioapic *a = dev;

	(void)size;
	if (off == 0x00)
		a->select = (uint8_t)v;
	else if (off == 0x10)
		set(a, (uint32_t)v);
	else if (off == 0x40)
		end(a, (uint8_t)v);
}

static const struct bus_ops ops = { ioapic_read, ioapic_write, 4, 4 };

void ioapic_reset(struct ioapic *a)
{
	pthread_mutex_lock(&a->lock);
	a->select = 0;
	a->id = 0;
	a->edges = 0;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		a->entry[i] = E_MASKED;
	pthread_mutex_unlock(&a->lock);
}

int ioapic_new(struct ioapic **out, struct bus *b, struct msi_sink to, struct err *e)
{
	struct ioapic *a = mem_zalloc(1, sizeof(*a), e);
	int r;

	if (!a)
		return -ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	a->bus = b;
	a->to = to;
	a->region = (struct bus_region){ "ioapic", BUS_MEM, IOAPIC_BASE, 0x1000,
					 &ops,     a,       &a->lock };
	r = bus_add(b, &a->region, e);
	if (r < 0) {
		free(a);
		return r;
	}
	ioapic_reset(a);
	*out = a;
	return 0;
}

void ioapic_free(struct ioapic *a)
{
	if (!a)
		return;
	bus_remove(a->bus, &a->region);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void ioapic_show(struct ioapic *a, struct str *out)
{
	pthread_mutex_lock(&a->lock);
	str_addf(out, "ioapic: id=%u lines=%06x\n", (unsigned)(a->id >> 24 & 15), a->lines);
	for (unsigned i = 0; i < IOAPIC_PINS; i++) {
		uint64_t v = a->entry[i];

		/* masked is how they are after a reset */
		if (!(v >> 16 & 1))
			str_addf(out, "  pin %2u: vector %02x, mode %u, to %02x, %s\n", i,
				 (unsigned)(v & 0xff), (unsigned)(v >> 8 & 7),
				 (unsigned)(v >> 56), v >> 15 & 1 ? "level" : "edge");
	}
	pthread_mutex_unlock(&a->lock);
}
