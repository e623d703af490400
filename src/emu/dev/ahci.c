/* SPDX-License-Identifier: MIT */
/* Registers of the controller, and life. */
#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/ahci_int.h"

#include <stdlib.h>

#define INTEL     0x8086
#define ICH9_AHCI 0x2922
#define BAR_INDEX 4
#define BAR_REGS  5
#define REGS_SIZE 0x1000u
#define PORT_AT   0x100u
#define PORT_SIZE 0x80u
#define CAP_SATA  0x12

/* 3.1 */
enum { G_CAP = 0x00, G_GHC = 0x04, G_IS = 0x08, G_PI = 0x0c, G_VS = 0x10 };
#define GHC_RESET 0x00000001u
#define GHC_IE    0x00000002u
#define GHC_AE    0x80000000u
/* 64 bits, NCQ, 1.5 Gbit/s, AHCI only, CLO, 32 slots, six ports */
#define CAP                                                                      \
	(0x80000000u | 0x40000000u | 1u << 24 | 1u << 20 | 1u << 18 | 31u << 8 | \
	 (AHCI_PORTS - 1))

void ahci_irq(struct ahci *a)
{
	bool wants;

	pthread_mutex_lock(&a->lock);
	wants = (a->ghc & GHC_IE) && a->is;
	pci_intx(&a->pci, wants && !pci_msi_on(&a->pci));
	pthread_mutex_unlock(&a->lock);
	/* again whenever something is left: none is lost, one too many does no harm */
	if (wants)
		pci_msi_raise(&a->pci);
}

static void reset(struct ahci *a)
{
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		ahci_port_reset(&a->port[i]);
	pthread_mutex_lock(&a->lock);
	a->ghc = GHC_AE;
	a->is = 0;
	pthread_mutex_unlock(&a->lock);
	ahci_irq(a);
}

static uint32_t global_read(struct ahci *a, unsigned off)
{
	switch (off) {
	case G_CAP:
		return CAP;
	case G_GHC:
		return a->ghc;
	case G_IS:
		return a->is;
	case G_PI:
		return (1u << AHCI_PORTS) - 1;
	case G_VS:
		return 0x00010000;
	default:
		return 0;
	}
}

static void global_write(struct ahci *a, unsigned off, uint32_t v)
{
	if (off == G_GHC && (v & GHC_RESET)) {
		reset(a);
		return;
	}
	pthread_mutex_lock(&a->lock);
	if (off == G_GHC)
		a->ghc = GHC_AE | (v & GHC_IE);
	else if (off == G_IS)
		a->is &= ~v;
	pthread_mutex_unlock(&a->lock);
	/* what a port still has comes back */
	for (unsigned i = 0; off == G_IS && i < AHCI_PORTS; i++) {
		struct ahci_port *p = &a->port[i];

		pthread_mutex_lock(&p->lock);
		ahci_port_is(p, 0);
		pthread_mutex_unlock(&p->lock);
	}
	ahci_irq(a);
}

static uint32_t reg_read(struct ahci *a, unsigned off)
{
	struct ahci_port *p;
	uint32_t v;

	if (off < PORT_AT) {
		pthread_mutex_lock(&a->lock);
		v = global_read(a, off);
		pthread_mutex_unlock(&a->lock);
		return v;
	}
	if ((off - PORT_AT) / PORT_SIZE >= AHCI_PORTS)
		return 0;
	p = &a->port[(off - PORT_AT) / PORT_SIZE];
	pthread_mutex_lock(&p->lock);
	v = ahci_port_read(p, off % PORT_SIZE);
	pthread_mutex_unlock(&p->lock);
	return v;
}

static uint64_t regs_read(void *dev, uint64_t off, unsigned size)
{
	uint32_t v = reg_read(dev, (unsigned)off & ~3u) >> 8 * (off & 3);

	return size < 4 ? v & ((1u << 8 * size) - 1) : v;
}

static void regs_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ahci *a = dev;

	/* the specification has whole registers only */
	if (size != 4 || off % 4)
		return;
	if (off < PORT_AT)
		global_write(a, (unsigned)off, (uint32_t)v);
	else if ((off - PORT_AT) / PORT_SIZE < AHCI_PORTS)
		ahci_port_write(&a->port[(off - PORT_AT) / PORT_SIZE], off % PORT_SIZE,
				(uint32_t)v);
}

static const struct bus_ops regs_ops = { regs_read, regs_write, 1, 4 };

static int new_port(struct ahci *a, unsigned n, const struct ahci_drive *d, struct err *e)
{
	struct ahci_port *p = &a->port[n];

	pthread_mutex_init(&p->lock, NULL);
	p->a = a;
	p->n = n;
	if (!d->disk)
		return 0;
	ata_init(&p->ata, d->disk, d->cdrom, n);
	p->ata.queued = true;
	p->slot = mem_zalloc(AHCI_SLOTS, sizeof(*p->slot), e);
	if (!p->slot)
		return -ENOMEM;
	for (unsigned i = 0; i < AHCI_SLOTS; i++) {
		struct ahci_slot *s = &p->slot[i];

		s->port = p;
		s->n = i;
		s->job = (struct job){ .run = ahci_run, .arg = s };
		s->cmd = &p->packet;
		s->feed.mem = a->env.mem;
		s->feed.owner = s;
		s->feed.next = ahci_pieces;
	}
	return 0;
}

int ahci_new(struct ahci **out, const struct ahci_env *env,
	     const struct ahci_drive d[AHCI_PORTS], struct err *e)
{
	struct ahci *a = mem_zalloc(1, sizeof(*a), e);
	unsigned cap;
	int r = 0;

	if (!a)
		return -ENOMEM;
	a->env = *env;
	pthread_mutex_init(&a->lock, NULL);
	for (unsigned i = 0; i < AHCI_PORTS && r == 0; i++)
		r = new_port(a, i, &d[i], e);
	if (r == 0)
		r = jobs_new(&a->jobs, env->threads, e);
	if (r == 0) {
		a->pci.name = "ahci";
		pci_ids(&a->pci, INTEL, ICH9_AHCI, 0x010601);
		a->pci.config[PCI_REVISION] = 2;
		a->pci.config[PCI_INT_PIN] = 1;
		pci_msi(&a->pci);
		cap = pci_cap(&a->pci, CAP_SATA, 8);
		store_le16(a->pci.config + cap + 2, 0x0010);
		pci_bar(&a->pci, BAR_REGS, false, false, REGS_SIZE, &regs_ops, a, NULL);
		r = pci_add(env->pci, &a->pci, env->slot, env->fn, e);
	}
	if (r < 0) {
		ahci_free(a);
		return r;
	}
	*out = a;
	return 0;
}

void ahci_reset(struct ahci *a)
{
	reset(a);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		if (a->port[i].ata.present)
			ata_reset(&a->port[i].ata);
}

void ahci_free(struct ahci *a)
{
	if (!a)
		return;
	pci_remove(&a->pci);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		disk_wait(a->port[i].ata.disk, true);
	jobs_free(a->jobs);
	for (unsigned i = 0; i < AHCI_PORTS; i++) {
		struct ahci_port *p = &a->port[i];

		for (unsigned s = 0; p->slot && s < AHCI_SLOTS; s++)
			feed_fini(&p->slot[s].feed);
		free(p->slot);
		ata_fini(&p->ata);
		pthread_mutex_destroy(&p->lock);
	}
	pthread_mutex_destroy(&a->lock);
	free(a);
}
