/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_pci.h"

#include "base/mem.h"
#include "emu/boot/acpi.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pci.h"
#include "emu/machines/pc_disks.h"
#include "emu/virtio/net.h"
#include "emu/virtio/rng.h"

#include <stdlib.h>
#include <string.h>

#define INTEL 0x8086

struct pc_pci {
	struct machine *m;
	struct pci *bus;
	struct pci_dev host, isa;
	struct pc_disks *disks;
	struct virtio_net *net[CONFIG_DEVICES];
	struct virtio *rng[CONFIG_DEVICES];
};

static int add_chipset(struct pc_pci *p, struct err *e)
{
	bool q35 = p->m->config->kind == MACHINE_Q35;
	int r;

	p->host.name = "host bridge";
	pci_ids(&p->host, INTEL, q35 ? 0x29c0 : 0x1237, 0x060000);
	p->isa.name = "isa bridge";
	pci_ids(&p->isa, INTEL, q35 ? 0x2918 : 0x7000, 0x060100);
	p->isa.config[PCI_REVISION] = q35 ? 2 : 0;
	r = pci_add(p->bus, &p->host, 0, 0, e);
	if (r == 0)
		r = pci_add(p->bus, &p->isa, q35 ? 31 : 1, 0, e);
	return r;
}

static int add_devices(struct pc_pci *p, struct irq isa, struct err *e)
{
	struct machine_config *c = p->m->config;
	int r = 0;

	for (unsigned i = 0; i < c->nets && r == 0; i++)
		r = virtio_net_new(&p->net[i], p->bus, p->m->mem, &c->net[i], e);
	if (r == 0)
		r = pc_disks_new(&p->disks, p->m, p->bus, isa, e);
	for (unsigned i = 0; i < c->devices && r == 0; i++)
		if (!strcmp(c->device[i].name, "virtio-rng-pci"))
			r = virtio_rng_new(&p->rng[i], p->bus, p->m->mem, e);
	return r;
}

int pc_pci_new(struct pc_pci **out, struct machine *m, struct irq first, struct irq isa,
	       struct err *e)
{
	bool q35 = m->config->kind == MACHINE_Q35;
	struct pci_env env = { .bus = m->bus,
			       .msi = { apics_msi, m->apics },
			       .ecam = q35 ? ACPI_MMCFG : 0,
			       .low = acpi_low_window(m->low_ram, q35),
			       .low_end = ACPI_LOW_END,
			       .high = ACPI_HIGH,
			       .high_end = ACPI_HIGH + ACPI_HIGH_SIZE };
	struct pc_pci *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	*out = p; /* whoever gets an error frees what is there */
	p->m = m;
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ first.set, first.arg, first.pin + i };
	r = pci_new(&p->bus, &env, e);
	if (r == 0)
		r = add_chipset(p, e);
	return r < 0 ? r : add_devices(p, isa, e);
}

void pc_pci_reset(struct pc_pci *p)
{
	pc_disks_reset(p->disks);
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		if (p->net[i])
			virtio_net_reset(p->net[i]);
		if (p->rng[i])
			virtio_reset(p->rng[i]);
	}
	pci_reset(p->bus);
	pci_assign(p->bus);
}

void pc_pci_free(struct pc_pci *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		virtio_net_free(p->net[i]);
		virtio_rng_free(p->rng[i]);
	}
	pc_disks_free(p->disks);
	pci_remove(&p->host);
	pci_remove(&p->isa);
	pci_root_free(p->bus);
	free(p);
}
