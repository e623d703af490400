/* SPDX-License-Identifier: MIT */
#include "emu/dev/pci_hotplug.h"

#include "base/mem.h"

#include <stdlib.h>

enum { R_UP = 0, R_DOWN = 4, R_EJECT = 8 };

struct pci_hotplug {
	struct pci_hotplug_env env;
	pthread_mutex_t lock; /* what follows */
	uint32_t up, down;
	struct bus_region region;
};

static uint64_t reg_read(void *dev, uint64_t off, unsigned size)
{
	struct pci_hotplug *h = dev;
	uint32_t *at = off == R_UP ? &h->up : off == R_DOWN ? &h->down : NULL, v = 0;

	(void)size;
	if (!at)
		return 0;
	pthread_mutex_lock(&h->lock);
	v = *at;
	*at = 0;
	pthread_mutex_unlock(&h->lock);
	return v;
}

static void reg_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_hotplug *h = dev;
	uint32_t slots = (uint32_t)v & h->env.slots;

	(void)size;
	for (; off == R_EJECT && slots; slots &= slots - 1)
		h->env.eject(h->env.arg, (unsigned)__builtin_ctz(slots));
}

static const struct bus_ops ops = { reg_read, reg_write, 4, 4 };

static void news(struct pci_hotplug *h, uint32_t *to, unsigned slot)
{
	pthread_mutex_lock(&h->lock);
	*to |= (1u << slot) & h->env.slots;
	pthread_mutex_unlock(&h->lock);
	h->env.notify(h->env.arg);
}

void pci_hotplug_came(struct pci_hotplug *h, unsigned slot)
{
	news(h, &h->up, slot);
}

void pci_hotplug_ask(struct pci_hotplug *h, unsigned slot)
{
	news(h, &h->down, slot);
}

uint32_t pci_hotplug_slots(const struct pci_hotplug *h)
{
	return h->env.slots;
}

void pci_hotplug_reset(struct pci_hotplug *h)
{
	pthread_mutex_lock(&h->lock);
	h->up = h->down = 0;
	pthread_mutex_unlock(&h->lock);
}

int pci_hotplug_new(struct pci_hotplug **out, const struct pci_hotplug_env *env, struct err *e)
{
	struct pci_hotplug *h = mem_zalloc(1, sizeof(*h), e);
	int r;

	if (!h)
		return -ENOMEM;
	h->env = *env;
	pthread_mutex_init(&h->lock, NULL);
	h->region = (struct bus_region){
		"pci hotplug", BUS_PORT, PCI_HOTPLUG_PORT, PCI_HOTPLUG_PORTS, &ops, h, NULL
	};
	r = bus_add(env->bus, &h->region, e);
	if (r < 0) {
		pthread_mutex_destroy(&h->lock);
		free(h);
		return r;
	}
	*out = h;
	return 0;
}

void pci_hotplug_free(struct pci_hotplug *h)
{
	if (!h)
		return;
	bus_remove(h->env.bus, &h->region);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
