/* SPDX-License-Identifier: MIT */
#include "emu/dev/debugcon.h"

#include "base/mem.h"
#include "emu/chardev/chardev.h"

#include <stdlib.h>

struct debugcon {
	struct bus *bus;
	struct chardev *chardev;
	struct bus_region region;
};

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0xe9;
}

static void port_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct debugcon *d = dev;
	uint8_t b = (uint8_t)v;

	(void)off;
	(void)size;
	/* what is not taken is lost: firmware does not wait for a reader */
	chardev_write(d->chardev, &b, 1);
}

static size_t no_room(void *arg)
{
	(void)arg;
	return 0;
}

static const struct bus_ops ops = { port_read, port_write, 1, 1 };

int debugcon_new(struct debugcon **out, struct bus *b, uint16_t port, struct chardev *c,
		 struct err *e)
{
	struct debugcon *d = mem_zalloc(1, sizeof(*d), e);
	int r;

	if (!d)
		return -ENOMEM;
	d->bus = b;
	d->chardev = c;
	d->region = (struct bus_region){ "debugcon", BUS_PORT, port, 1, &ops, d, NULL };
	r = chardev_use(c, "debugcon", &(struct chardev_user){ .room = no_room, .arg = d }, e);
	if (r == 0)
		r = bus_add(b, &d->region, e);
	if (r < 0) {
		chardev_leave(c, d);
		free(d);
		return r;
	}
	*out = d;
	return 0;
}

void debugcon_free(struct debugcon *d)
{
	if (!d)
		return;
	chardev_leave(d->chardev, d);
	bus_remove(d->bus, &d->region);
	free(d);
}
