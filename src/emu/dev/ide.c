/* SPDX-License-Identifier: MIT */
/* Ports and life. */
#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/ide_int.h"
#include "emu/mem.h"

#include <stddef.h>
#include <stdlib.h>

#define INTEL   0x8086
#define PIIX3   0x7010
#define BAR_BM  4
#define TIMING  0x40
#define DECODED 0x80 /* upper byte of a channel's timing: its ports are on */

enum { R_DATA, R_ERROR, R_COUNT, R_LBAL, R_LBAM, R_LBAH, R_DEVICE, R_STATUS };

void ide_raise(struct ide_channel *c)
{
	if (c->control & CTL_NIEN)
		return;
	c->bm_status |= BM_INT;
	irq_set(&c->irq, 1);
}

void ide_signature(struct ide_unit *u)
{
	uint32_t s = ata_signature(&u->ata);

	u->count = s & 255;
	u->lbal = s >> 8 & 255;
	u->lbam = s >> 16 & 255;
	u->lbah = (uint16_t)(s >> 24);
	u->device = 0;
}

static bool busy(const struct ide_channel *c)
{
	return c->state != IDE_IDLE;
}

/* ---- the data port ---- */

static uint64_t data_read(struct ide_channel *c, unsigned size)
{
	uint32_t v = 0;

	if (c->state != IDE_IN)
		return 0;
	for (unsigned i = 0; i < size && c->at < c->end; i++)
		v |= (uint32_t)c->buf[c->at++] << 8 * i;
	if (c->at == c->end)
		ide_window_end(c);
	return v;
}

static void data_write(struct ide_channel *c, unsigned size, uint32_t v)
{
	if (c->state != IDE_OUT && c->state != IDE_CDB)
		return;
	for (unsigned i = 0; i < size && c->at < c->end; i++)
		c->buf[c->at++] = (uint8_t)(v >> 8 * i);
	if (c->at == c->end)
		ide_window_end(c);
}

/* ---- the other registers ---- */

static uint8_t half(const struct ide_channel *c, uint16_t v)
{
	return (uint8_t)(c->control & CTL_HOB ? v >> 8 : v);
}

static uint8_t reg_read(struct ide_channel *c, unsigned r)
{
	struct ide_unit *u = &c->unit[c->selected];

	/* nor is it busy: firmware would wait for that to end */
	if (!u->ata.present)
		return 0;
	switch (r) {
	case R_ERROR:
		return c->control & CTL_HOB ? 0 : u->error;
	case R_COUNT:
		return half(c, u->count);
	case R_LBAL:
		return half(c, u->lbal);
	case R_LBAM:
		return half(c, u->lbam);
	case R_LBAH:
		return half(c, u->lbah);
	case R_DEVICE:
		return (uint8_t)(u->device | 0xa0 | c->selected << 4);
	default:
		return u->status;
	}
}

static void push(struct ide_channel *c, size_t field, uint8_t v)
{
	for (unsigned i = 0; i < 2; i++) {
		uint16_t *r = (uint16_t *)(void *)((uint8_t *)&c->unit[i] + field);

		*r = (uint16_t)(*r << 8 | v);
	}
}

static void reg_write(struct ide_channel *c, unsigned r, uint8_t v)
{
	static const size_t fields[] = { [R_ERROR] = offsetof(struct ide_unit, feature),
					 [R_COUNT] = offsetof(struct ide_unit, count),
					 [R_LBAL] = offsetof(struct ide_unit, lbal),
					 [R_LBAM] = offsetof(struct ide_unit, lbam),
					 [R_LBAH] = offsetof(struct ide_unit, lbah) };

	c->control &= (uint8_t)~CTL_HOB;
	/* a drive at work takes nothing but a reset of its own */
	if (busy(c) && (r != R_STATUS || v != 0x08))
		return;
	if (r < R_DEVICE) {
		push(c, fields[r], v);
	} else if (r == R_DEVICE) {
		c->selected = v >> 4 & 1;
		c->unit[0].device = c->unit[1].device = v & 0xef;
	} else if (c->unit[c->selected].ata.present) {
		irq_set(&c->irq, 0);
		ide_command(c, v);
	}
}

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	struct ide_channel *c = dev;
	uint64_t v;

	pthread_mutex_lock(&c->lock);
	if (off == R_DATA) {
		v = data_read(c, size);
	} else {
		v = reg_read(c, (unsigned)off);
		if (off == R_STATUS)
			irq_set(&c->irq, 0);
	}
	pthread_mutex_unlock(&c->lock);
	return v;
}

static void port_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ide_channel *c = dev;

	pthread_mutex_lock(&c->lock);
	if (off == R_DATA)
		data_write(c, size, (uint32_t)v);
	else
		reg_write(c, (unsigned)off, (uint8_t)v);
	pthread_mutex_unlock(&c->lock);
}

static uint64_t alt_read(void *dev, uint64_t off, unsigned size)
{
	struct ide_channel *c = dev;
	uint64_t v;

	(void)off;
	(void)size;
	pthread_mutex_lock(&c->lock);
	v = reg_read(c, R_STATUS);
	pthread_mutex_unlock(&c->lock);
	return v;
}

/* What every reset does; no job is at work. */
static void idle(struct ide_channel *c)
{
	c->state = IDE_IDLE;
	c->packet = false;
	c->selected = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_unit *u = &c->unit[i];

		if (!u->ata.present)
			continue;
		ide_signature(u);
		u->error = 1;
		u->status = u->ata.cdrom ? 0 : ATA_DRDY | ATA_DSC;
	}
}

void ide_soft_reset(struct ide_channel *c)
{
	pthread_mutex_lock(&c->lock);
	c->generation++;
	for (unsigned i = 0; i < 2; i++)
		c->unit[i].status = ATA_BSY | ATA_DSC;
	c->state = IDE_JOB;
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < 2; i++)
		disk_wait(c->unit[i].ata.disk, true);
	jobs_drain(c->jobs);
	for (unsigned i = 0; i < 2; i++)
		disk_wait(c->unit[i].ata.disk, false);
	pthread_mutex_lock(&c->lock);
	idle(c);
	irq_set(&c->irq, 0);
	pthread_mutex_unlock(&c->lock);
}

static void alt_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ide_channel *c = dev;
	bool reset;

	(void)off;
	(void)size;
	pthread_mutex_lock(&c->lock);
	reset = (v & CTL_RESET) && !(c->control & CTL_RESET);
	c->control = (uint8_t)v;
	if (v & CTL_NIEN)
		irq_set(&c->irq, 0);
	pthread_mutex_unlock(&c->lock);
	if (reset)
		ide_soft_reset(c);
}

/* The data port is wider than the others, which are single bytes behind it. */
static uint64_t ports_read(void *dev, uint64_t off, unsigned size)
{
	uint64_t v = 0;

	if (off == R_DATA)
		return port_read(dev, off, size);
	for (unsigned i = 0; i < size; i++)
		v |= port_read(dev, off + i, 1) << 8 * i;
	return v;
}

static void ports_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	if (off == R_DATA) {
		port_write(dev, off, size, v);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		port_write(dev, off + i, 1, v >> 8 * i & 255);
}

static const struct bus_ops ports_ops = { ports_read, ports_write, 1, 4 };
static const struct bus_ops alt_ops = { alt_read, alt_write, 1, 1 };

/* ---- life ---- */

static void reset_channel(struct ide_channel *c)
{
	ide_soft_reset(c);
	pthread_mutex_lock(&c->lock);
	c->control = 0;
	c->bm_command = c->bm_status = 0;
	c->bm_table = 0;
	for (unsigned i = 0; i < 2; i++)
		if (c->unit[i].ata.present)
			ata_reset(&c->unit[i].ata);
	pthread_mutex_unlock(&c->lock);
}

void ide_reset(struct ide *d)
{
	for (unsigned i = 0; i < 2; i++)
		reset_channel(&d->channel[i]);
	for (unsigned i = 0; i < 2; i++)
		d->pci.config[TIMING + 2 * i + 1] = DECODED;
}

static int new_channel(struct ide *d, unsigned n, const struct ide_drive *drive, struct err *e)
{
	struct ide_channel *c = &d->channel[n];
	uint16_t base = n ? 0x170 : 0x1f0;
	int r;

	pthread_mutex_init(&c->lock, NULL);
	c->mem = d->env.mem;
	c->irq = d->env.irq[n];
	c->job = (struct job){ .run = ide_run, .arg = c };
	c->feed.mem = c->mem;
	c->feed.owner = c;
	c->buf = mem_aligned(MEM_PAGE, IDE_BUF, e);
	if (!c->buf)
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++)
		if (drive[i].disk)
			ata_init(&c->unit[i].ata, drive[i].disk, drive[i].cdrom, 2 * n + i);
	r = jobs_new(&c->jobs, 1, e);
	if (r < 0)
		return r;
	c->ports = (struct bus_region){ "ide", BUS_PORT, base, 8, &ports_ops, c, NULL };
	c->alt = (struct bus_region){ "ide control", BUS_PORT, base + 0x206, 1,
				      &alt_ops,      c,        NULL };
	r = bus_add(d->env.bus, &c->ports, e);
	return r < 0 ? r : bus_add(d->env.bus, &c->alt, e);
}

static void free_channel(struct ide *d, struct ide_channel *c)
{
	if (c->ports.ops)
		bus_remove(d->env.bus, &c->ports);
	if (c->alt.ops)
		bus_remove(d->env.bus, &c->alt);
	for (unsigned i = 0; i < 2; i++)
		disk_wait(c->unit[i].ata.disk, true);
	jobs_free(c->jobs);
	feed_fini(&c->feed);
	for (unsigned i = 0; i < 2; i++)
		ata_fini(&c->unit[i].ata);
	free(c->buf);
	pthread_mutex_destroy(&c->lock);
}

int ide_new(struct ide **out, const struct ide_env *env,
	    const struct ide_drive drive[IDE_DRIVES], struct err *e)
{
	struct ide *d = mem_zalloc(1, sizeof(*d), e);
	int r = 0;

	if (!d)
		return -ENOMEM;
	d->env = *env;
	for (unsigned i = 0; i < 2 && r == 0; i++)
		r = new_channel(d, i, &drive[2 * i], e);
	if (r == 0) {
		d->pci.name = "ide";
		pci_ids(&d->pci, INTEL, PIIX3, 0x010180);
		for (unsigned i = TIMING; i < TIMING + 4; i++)
			d->pci.writable[i] = 0xff;
		pci_bar(&d->pci, BAR_BM, true, false, 16, &ide_bm_ops, d, NULL);
		r = pci_add(env->pci, &d->pci, env->slot, env->fn, e);
	}
	if (r < 0) {
		ide_free(d);
		return r;
	}
	*out = d;
	return 0;
}

void ide_free(struct ide *d)
{
	if (!d)
		return;
	pci_remove(&d->pci);
	for (unsigned i = 0; i < 2; i++)
		free_channel(d, &d->channel[i]);
	free(d);
}
