/* SPDX-License-Identifier: MIT */
/* QEMU's docs/specs/pvpanic. */
#include "emu/dev/pvpanic.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

#define BAR_SIZE 4096u

struct pvpanic {
	struct pvpanic_env env;
	struct bus *bus; /* of ISA, or NULL */
	struct bus_region region;
	struct pci_dev pci;
};

static uint64_t reg_read(void *dev, uint64_t off, unsigned size)
{
	const struct pvpanic *p = dev;

	(void)size;
	return off ? 0 : p->env.events;
}

static void reg_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pvpanic *p = dev;
	unsigned what = (unsigned)v & p->env.events;

	(void)size;
	if (!off && what)
		p->env.say(p->env.arg, what);
}

static const struct bus_ops ops = { reg_read, reg_write, 1, 1 };

int pvpanic_isa_new(struct pvpanic **out, struct bus *b, uint16_t port,
		    const struct pvpanic_env *env, struct err *e)
{
	struct pvpanic *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	p->env = *env;
	p->region = (struct bus_region){ "pvpanic", BUS_PORT, port, 1, &ops, p, NULL };
	r = bus_add(b, &p->region, e);
	if (r < 0) {
		free(p);
		return r;
	}
	p->bus = b;
	*out = p;
	return 0;
}

int pvpanic_pci_new(struct pvpanic **out, struct pci *bus, unsigned slot,
		    const struct pvpanic_env *env, struct err *e)
{
	struct pvpanic *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	p->env = *env;
	p->pci.name = "pvpanic";
	pci_ids(&p->pci, 0x1b36, 0x0011, 0x088000);
	p->pci.config[PCI_REVISION] = 1;
	pci_bar(&p->pci, 0, false, false, BAR_SIZE, &ops, p, NULL);
	r = pci_add(bus, &p->pci, slot ? (int)slot : -1, 0, e);
	if (r < 0) {
		free(p);
		return r;
	}
	*out = p;
	return 0;
}

void pvpanic_free(struct pvpanic *p)
{
	if (!p)
		return;
	if (p->bus)
		bus_remove(p->bus, &p->region);
	pci_remove(&p->pci);
	free(p);
}

const struct pci_dev *pvpanic_pci(const struct pvpanic *p)
{
	return &p->pci;
}
