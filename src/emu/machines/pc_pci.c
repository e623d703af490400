/* SPDX-License-Identifier: MIT */
#include "emu/machines/pc_pci.h"

#include "base/mem.h"
#include "base/str.h"
#include "emu/boot/acpi.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/e1000.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pci.h"
#include "emu/dev/pci_hotplug.h"
#include "emu/hot.h"
#include "emu/machines/chipset.h"
#include "emu/machines/pc_devices.h"
#include "emu/machines/pc_disks.h"
#include "emu/machines/pc_video.h"
#include "emu/virtio/net.h"

#include <stdlib.h>
#include <string.h>

struct pc_pci {
	struct machine *m;
	struct pci *bus;
	struct chipset *chipset;
	struct pc_video *video;
	struct pc_disks *disks;
	struct irq ioapic;
	struct virtio_net *net[CONFIG_DEVICES];
	struct e1000 *e1000[CONFIG_DEVICES];
	struct pc_devices *devices;
	struct pci_hotplug *hotplug; /* NULL: without ACPI nothing comes or goes */
	struct acpi_pm *pm;
};

static int add_net(struct pc_pci *p, unsigned i, struct err *e)
{
	const struct config_net *c = &p->m->config->net[i];

	return c->card == CARD_E1000 ? e1000_new(&p->e1000[i], p->bus, p->m->mem, c, e)
				     : virtio_net_new(&p->net[i], p->bus, p->m->mem, c, e);
}

static int add_devices(struct pc_pci *p, struct irq isa, struct err *e)
{
	const struct irq ioapic = { p->ioapic.set, p->ioapic.arg, 0 };
	struct machine_config *c = p->m->config;
	/* in front, where guests expect it */
	int r = pc_video_new(&p->video, p->m, p->bus, e);

	for (unsigned i = 0; i < c->nets && r == 0; i++)
		r = add_net(p, i, e);
	if (r == 0)
		r = pc_disks_new(&p->disks, p->m, p->bus, isa, e);
	if (r == 0)
		r = pc_devices_new(&p->devices, p->m, p->bus, &isa, &ioapic, e);
	return r;
}

static void on_line(void *arg, unsigned line, int level)
{
	struct pc_pci *p = arg;

	p->ioapic.set(p->ioapic.arg, p->ioapic.pin + line, level);
	if (p->chipset)
		chipset_line(p->chipset, line, level);
}

/* ---- what comes and goes ---- */

static const struct pci_dev *net_place(const struct pc_pci *p, unsigned i)
{
	return p->e1000[i] ? e1000_pci(p->e1000[i])
	       : p->net[i] ? virtio_net_pci(p->net[i])
			   : NULL;
}

const struct pci_dev *pc_pci_place(const struct pc_pci *p, struct hot_ref r)
{
	return r.kind == HOT_DISK  ? pc_disks_place(p->disks, r.n)
	       : r.kind == HOT_NET ? net_place(p, r.n)
				   : pc_devices_place(p->devices, r.n);
}

bool pc_pci_in_slot(const struct pc_pci *p, unsigned slot, struct hot_ref *r)
{
	for (r->kind = HOT_DISK; r->kind <= HOT_PLAIN; r->kind++) {
		for (r->n = 0; r->n < CONFIG_DEVICES; r->n++) {
			const struct pci_dev *d = pc_pci_place(p, *r);

			if (d && d->slot == slot)
				return true;
		}
	}
	return false;
}

static void note_slot(void *arg, const struct pci_dev *d)
{
	uint32_t *used = arg;

	*used |= 1u << d->slot;
}

uint32_t pc_pci_free_slots(struct pc_pci *p)
{
	uint32_t used = 0;

	pci_each(p->bus, note_slot, &used);
	return p->hotplug ? pci_hotplug_slots(p->hotplug) & ~used : 0;
}

static void on_eject(void *arg, unsigned slot)
{
	struct pc_pci *p = arg;

	hot_ejected(p->m, slot);
}

static void on_news(void *arg)
{
	struct pc_pci *p = arg;

	acpi_pm_gpe(p->pm, ACPI_GPE_PCI);
}

static int add_hotplug(struct pc_pci *p, struct acpi_pm *pm, struct err *e)
{
	struct pci_hotplug_env env = {
		.bus = p->m->bus, .eject = on_eject, .notify = on_news, .arg = p
	};
	uint32_t used = 0;
	struct hot_ref r;

	p->pm = pm;
	pci_each(p->bus, note_slot, &used);
	/* what is there from the start and can go, and what is free; not the last, which chipsets have */
	for (unsigned s = 1; s < PCI_SLOTS - 1; s++)
		if (!(used >> s & 1) || pc_pci_in_slot(p, s, &r))
			env.slots |= 1u << s;
	return pci_hotplug_new(&p->hotplug, &env, e);
}

struct pci_hotplug *pc_pci_hotplug(const struct pc_pci *p)
{
	return p->hotplug;
}

int pc_pci_plug_net(struct pc_pci *p, unsigned i, struct err *e)
{
	return add_net(p, i, e);
}

struct net *pc_pci_unplug_net(struct pc_pci *p, unsigned i)
{
	struct net *n = p->e1000[i] ? e1000_let_go(p->e1000[i]) : virtio_net_let_go(p->net[i]);

	e1000_free(p->e1000[i]);
	virtio_net_free(p->net[i]);
	p->e1000[i] = NULL;
	p->net[i] = NULL;
	return n;
}

int pc_pci_new(struct pc_pci **out, struct machine *m, const struct pc_pci_env *where,
	       struct err *e)
{
	bool q35 = m->config->kind == MACHINE_Q35;
	struct pci_env env = { .bus = m->bus,
			       .mem = m->mem,
			       .group = &m->group,
			       .msi = { apics_msi, m->apics },
			       .ecam = q35 ? ACPI_MMCFG : 0,
			       .low = acpi_low_window(m->low_ram, q35),
			       .low_end = ACPI_LOW_END,
			       .high = ACPI_HIGH,
			       .high_end = ACPI_HIGH + ACPI_HIGH_SIZE };
	struct chipset_env chips = { .q35 = q35,
				     .firmware = pc_firmware(m),
				     .pam = where->pam,
				     .group = &m->group,
				     .pm = where->pm,
				     .pic = where->pic };
	struct pc_pci *p = mem_zalloc(1, sizeof(*p), e);
	int r;

	if (!p)
		return -ENOMEM;
	*out = p; /* whoever gets an error frees what is there */
	p->m = m;
	p->ioapic = where->ioapic;
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ on_line, p, i };
	r = pci_new(&p->bus, &env, e);
	chips.pci = p->bus;
	if (r == 0)
		r = chipset_new(&p->chipset, &chips, e);
	if (r == 0)
		r = add_devices(p, where->isa, e);
	return r < 0 || m->config->no_acpi ? r : add_hotplug(p, where->pm, e);
}

struct pci *pc_pci_bus(const struct pc_pci *p)
{
	return p->bus;
}

struct net *pc_pci_net(const struct pc_pci *p, unsigned i)
{
	return p->e1000[i] ? e1000_net(p->e1000[i])
	       : p->net[i] ? virtio_net_net(p->net[i])
			   : NULL;
}

struct pc_disks *pc_pci_disks(const struct pc_pci *p)
{
	return p->disks;
}

uint64_t pc_pci_ecam(const struct pc_pci *p)
{
	return pci_ecam_base(p->bus);
}

struct boot_dev {
	unsigned index, n;
	bool disk;
};

static int by_index(const void *a, const void *b)
{
	const struct boot_dev *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

char *pc_pci_bootorder(const struct pc_pci *p, struct err *e)
{
	const struct machine_config *c = p->m->config;
	struct boot_dev v[2 * CONFIG_DEVICES];
	struct str s = STR_INIT;
	unsigned n = 0;

	for (unsigned i = 0; i < c->disks; i++)
		if (c->disk[i].boot)
			v[n++] = (struct boot_dev){ c->disk[i].boot, i, true };
	for (unsigned i = 0; i < c->nets; i++)
		if (c->net[i].boot)
			v[n++] = (struct boot_dev){ c->net[i].boot, i, false };
	qsort(v, n, sizeof(*v), by_index);
	for (unsigned i = 0; i < n; i++) {
		const struct pci_dev *card = v[i].disk ? NULL : net_place(p, v[i].n);

		str_add(&s, i ? "\n" : "");
		if (v[i].disk)
			pc_disks_path(p->disks, v[i].n, &s);
		else if (card)
			str_addf(&s, "/pci@i0cf8/ethernet@%x/ethernet-phy@0", card->slot);
	}
	if (c->boot.strict)
		str_add(&s, n ? "\nHALT" : "HALT");
	return str_take(&s, e);
}

struct pc_devices *pc_pci_devices(const struct pc_pci *p)
{
	return p->devices;
}

void pc_pci_reset(struct pc_pci *p)
{
	pc_video_reset(p->video);
	pc_disks_reset(p->disks);
	pc_devices_reset(p->devices);
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		if (p->net[i])
			virtio_net_reset(p->net[i]);
		if (p->e1000[i])
			e1000_reset(p->e1000[i]);
	}
	if (p->hotplug)
		pci_hotplug_reset(p->hotplug);
	pci_reset(p->bus);
	chipset_reset(p->chipset);
	if (!pc_firmware(p->m))
		pci_assign(p->bus);
}

void pc_pci_free(struct pc_pci *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++) {
		virtio_net_free(p->net[i]);
		e1000_free(p->e1000[i]);
	}
	pci_hotplug_free(p->hotplug);
	pc_devices_free(p->devices);
	pc_disks_free(p->disks);
	pc_video_free(p->video);
	chipset_free(p->chipset);
	p->chipset = NULL;
	pci_root_free(p->bus);
	free(p);
}
