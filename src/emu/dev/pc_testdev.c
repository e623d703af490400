/* SPDX-License-Identifier: MIT */
#include "emu/dev/pc_testdev.h"

#include "base/compiler.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MEM_SIZE 0x10000u
#define REGIONS  5

struct pc_testdev {
	pthread_mutex_t lock;
	struct bus *bus;
	struct irq line[PC_TESTDEV_LINES];
	uint8_t port[4];
	uint8_t mem[MEM_SIZE];
	struct bus_region region[REGIONS];
};

/* The bus keeps @off + @size within the region. */
static uint64_t get(const uint8_t *from, uint64_t off, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, from + off, size);
	return v;
}

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	return get(((struct pc_testdev *)dev)->port, off, size);
}

static void port_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	memcpy(((struct pc_testdev *)dev)->port + off, &v, size);
}

static uint64_t mem_get(void *dev, uint64_t off, unsigned size)
{
	return get(((struct pc_testdev *)dev)->mem, off, size);
}

static void mem_put(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	memcpy(((struct pc_testdev *)dev)->mem + off, &v, size);
}

/* Guest memory never moves under its guest: there is nothing to forget. */
static void flush_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	(void)dev;
	(void)off;
	(void)size;
	(void)v;
}

static void line_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pc_testdev *d = dev;

	(void)size;
	irq_set(&d->line[off], v != 0);
}

static const struct bus_ops port_ops = { port_read, port_write, 1, 4 };
static const struct bus_ops byte_ops = { port_read, port_write, 1, 1 };
static const struct bus_ops flush_ops = { NULL, flush_write, 1, 4 };
static const struct bus_ops line_ops = { NULL, line_write, 1, 1 };
static const struct bus_ops mem_ops = { mem_get, mem_put, 1, 8 };

int pc_testdev_new(struct pc_testdev **out, struct bus *b,
		   const struct irq line[PC_TESTDEV_LINES], struct err *e)
{
	struct pc_testdev *d = mem_zalloc(1, sizeof(*d), e);
	int r = 0;

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	d->bus = b;
	memcpy(d->line, line, sizeof(d->line));
	const struct bus_region at[REGIONS] = {
		{ "test ports", BUS_PORT, 0xe0, 4, &port_ops, d, &d->lock },
		{ "test flush", BUS_PORT, 0xe4, 4, &flush_ops, d, &d->lock },
		{ "test bytes", BUS_PORT, 0xe8, 4, &byte_ops, d, &d->lock },
		{ "test lines", BUS_PORT, 0x2000, PC_TESTDEV_LINES, &line_ops, d, &d->lock },
		{ "test memory", BUS_MEM, 0xff000000, MEM_SIZE, &mem_ops, d, &d->lock },
	};

	memcpy(d->region, at, sizeof(at));
	for (unsigned i = 0; i < ARRAY_SIZE(at) && r == 0; i++)
		r = bus_add(b, &d->region[i], e);
	if (r < 0) {
		pc_testdev_free(d);
		return r;
	}
	*out = d;
	return 0;
}

void pc_testdev_reset(struct pc_testdev *d)
{
	pthread_mutex_lock(&d->lock);
	memset(d->port, 0, sizeof(d->port));
	memset(d->mem, 0, sizeof(d->mem));
	pthread_mutex_unlock(&d->lock);
}

void pc_testdev_free(struct pc_testdev *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < REGIONS; i++)
		bus_remove(d->bus, &d->region[i]);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
