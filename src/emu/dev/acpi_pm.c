/* SPDX-License-Identifier: MIT */
#include "emu/dev/acpi_pm.h"

#include "base/mem.h"
#include "emu/clock.h"

#include <stdlib.h>

#define PM_HZ       3579545u
#define STS_TIMER   0x0001
#define STS_BUTTON  0x0100
#define STS_ALL     0x8731 /* what a write of 1 clears */
#define EN_ALL      0x0721
#define CNT_SCI_EN  0x0001
#define CNT_SLP_EN  0x2000
#define CNT_TYPE(v) ((v) >> 10 & 7u)

struct acpi_pm {
	pthread_mutex_t lock;
	struct bus *bus;
	struct clock *clock;
	struct irq sci;
	void (*off)(void *arg);
	void *arg;
	struct timer carry;
	uint16_t status, enable, control, base;
	uint16_t gpe, gpe_enable;
	struct bus_region event, cnt, timer, gpes;
};

static uint64_t ticks(const struct acpi_pm *p)
{
	return mul_div(clock_now(p->clock), PM_HZ, NS_PER_SEC);
}

static void update(struct acpi_pm *p)
{
	uint64_t next;

	irq_set(&p->sci,
		(p->status & p->enable & (STS_TIMER | STS_BUTTON)) || (p->gpe & p->gpe_enable));
	timer_cancel(&p->carry);
	if (!(p->enable & STS_TIMER) || (p->status & STS_TIMER))
		return;
	/* bit 23 changes */
	next = (ticks(p) | 0x7fffff) + 1;
	timer_set(&p->carry, mul_div(next, NS_PER_SEC, PM_HZ) + 1);
}

static void on_carry(void *arg)
{
	struct acpi_pm *p = arg;

	p->status |= STS_TIMER;
	update(p);
}

static uint64_t event_read(void *dev, uint64_t off, unsigned size)
{
	struct acpi_pm *p = dev;

	(void)size;
	return off ? p->enable : p->status;
}

static void event_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct acpi_pm *p = dev;

	(void)size;
	if (off)
		p->enable = (uint16_t)v & EN_ALL;
	else
		p->status &= (uint16_t) ~(v & STS_ALL);
	update(p);
}

static uint64_t cnt_read(void *dev, uint64_t off, unsigned size)
{
	struct acpi_pm *p = dev;

	(void)off;
	(void)size;
	return p->control | CNT_SCI_EN;
}

static void cnt_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct acpi_pm *p = dev;

	(void)off;
	(void)size;
	p->control = (uint16_t)(v & 0x1c03);
	/* firmware that knows this kind of machine writes 0 without asking the tables */
	if ((v & CNT_SLP_EN) && (CNT_TYPE(v) == ACPI_S5 || CNT_TYPE(v) == 0))
		p->off(p->arg);
}

static uint64_t timer_read(void *dev, uint64_t off, unsigned size)
{
	struct acpi_pm *p = dev;

	(void)off;
	(void)size;
	return (uint32_t)ticks(p);
}

/* Half of them are states, which a 1 clears. */
static uint64_t gpe_read(void *dev, uint64_t off, unsigned size)
{
	struct acpi_pm *p = dev;

	(void)size;
	return (off & 2 ? p->gpe_enable : p->gpe) >> 8 * (off & 1) & 0xff;
}

static void gpe_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct acpi_pm *p = dev;
	unsigned shift = 8 * (off & 1);

	(void)size;
	if (off & 2)
		p->gpe_enable =
			(uint16_t)((p->gpe_enable & ~(0xffu << shift)) | (v & 0xff) << shift);
	else
		p->gpe &= (uint16_t) ~((v & 0xff) << shift);
	update(p);
}

void acpi_pm_gpe(struct acpi_pm *p, unsigned n)
{
	pthread_mutex_lock(&p->lock);
	p->gpe |= (uint16_t)(1u << n);
	update(p);
	pthread_mutex_unlock(&p->lock);
}

static const struct bus_ops gpe_ops = { gpe_read, gpe_write, 1, 1 };

/* Guests write bytes, too: the bus reads and writes whole registers for them. */
static const struct bus_ops event_ops = { event_read, event_write, 2, 2 };
static const struct bus_ops cnt_ops = { cnt_read, cnt_write, 2, 2 };
static const struct bus_ops timer_ops = { timer_read, NULL, 4, 4 };

bool acpi_pm_button(struct acpi_pm *p)
{
	bool heard;

	pthread_mutex_lock(&p->lock);
	p->status |= STS_BUTTON;
	heard = p->enable & STS_BUTTON;
	update(p);
	pthread_mutex_unlock(&p->lock);
	return heard;
}

void acpi_pm_reset(struct acpi_pm *p)
{
	pthread_mutex_lock(&p->lock);
	p->status = p->enable = p->control = 0;
	p->gpe = p->gpe_enable = 0;
	update(p);
	pthread_mutex_unlock(&p->lock);
}

static void unplace(struct acpi_pm *p)
{
	bus_remove(p->bus, &p->event);
	bus_remove(p->bus, &p->cnt);
	bus_remove(p->bus, &p->timer);
	p->base = 0;
}

static int place(struct acpi_pm *p, uint16_t base, struct err *e)
{
	int r;

	p->base = base;
	p->event.base = base + ACPI_PM_EVENT;
	p->cnt.base = base + ACPI_PM_CNT;
	p->timer.base = base + ACPI_PM_TIMER;
	r = bus_add(p->bus, &p->event, e);
	if (r == 0)
		r = bus_add(p->bus, &p->cnt, e);
	if (r == 0)
		r = bus_add(p->bus, &p->timer, e);
	if (r < 0)
		unplace(p);
	return r;
}

void acpi_pm_move(struct acpi_pm *p, uint16_t base)
{
	if (p->base == base)
		return;
	unplace(p);
	/* a place where there is no room is none */
	if (base && place(p, base, NULL) < 0)
		return;
}

uint16_t acpi_pm_base(const struct acpi_pm *p)
{
	return p->base;
}

int acpi_pm_new(struct acpi_pm **out, struct bus *b, struct clock *c, struct irq sci,
		void (*off)(void *arg), void *arg, struct err *e)
{
	struct acpi_pm *p = mem_zalloc(1, sizeof(*p), e);
	pthread_mutex_t *l;
	int r;

	if (!p)
		return -ENOMEM;
	l = &p->lock;
	pthread_mutex_init(l, NULL);
	p->bus = b;
	p->clock = c;
	p->sci = sci;
	p->off = off;
	p->arg = arg;
	p->carry = (struct timer){ .clock = c, .fire = on_carry, .arg = p, .lock = l };
	p->event = (struct bus_region){ "pm1a event", BUS_PORT, 0, 4, &event_ops, p, l };
	p->cnt = (struct bus_region){ "pm1a control", BUS_PORT, 0, 2, &cnt_ops, p, l };
	p->timer = (struct bus_region){ "pm timer", BUS_PORT, 0, 4, &timer_ops, p, l };
	p->gpes =
		(struct bus_region){ "gpe0", BUS_PORT, ACPI_GPE_PORT, ACPI_GPE_PORTS, &gpe_ops,
				     p,      l };
	r = place(p, ACPI_PM_BASE, e);
	if (r == 0)
		r = bus_add(b, &p->gpes, e);
	if (r < 0) {
		acpi_pm_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void acpi_pm_free(struct acpi_pm *p)
{
	if (!p)
		return;
	timer_cancel(&p->carry);
	unplace(p);
	bus_remove(p->bus, &p->gpes);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
