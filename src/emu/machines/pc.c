/* SPDX-License-Identifier: MIT */
/* Which devices sit where: the machines pc (i440FX, PIIX3) and q35 (Q35, ICH9). */
#include "base/mem.h"
#include "emu/boot/acpi.h"
#include "emu/bus.h"
#include "emu/chardev/chardev.h"
#include "emu/dev/a20.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/debugcon.h"
#include "emu/dev/hpet.h"
#include "emu/dev/i8042.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pci_hotplug.h"
#include "emu/dev/pic.h"
#include "emu/dev/pit.h"
#include "emu/dev/ports.h"
#include "emu/dev/rtc.h"
#include "emu/dev/serial_16550.h"
#include "emu/machine.h"
#include "emu/machines/pc_devices.h"
#include "emu/machines/pc_disks.h"
#include "emu/machines/pc_fw.h"
#include "emu/machines/pc_pci.h"

#include <stdlib.h>
#include <string.h>

struct pc {
	struct machine *m;
	struct pic *pic;
	struct ioapic *ioapic;
	struct pit *pit;
	struct rtc *rtc;
	struct hpet *hpet;
	struct i8042 *i8042;
	struct ports *ports;
	struct a20 a20;
	struct acpi_pm *pm;
	struct pc_pci *pci;
	struct pc_fw *fw;
	struct debugcon *debugcon;
	struct serial *serial[CONFIG_SERIALS];
};

/* An ISA interrupt goes to both controllers; the PIT's is input 2 of the I/O APIC. */
static void isa_irq(void *arg, unsigned pin, int level)
{
	struct pc *p = arg;

	pic_set(p->pic, pin, level);
	ioapic_set(p->ioapic, pin ? pin : 2, level);
}

static void pic_pin(void *arg, unsigned pin, int level)
{
	struct pc *p = arg;

	pic_set(p->pic, pin, level);
}

static struct irq isa(struct pc *p, unsigned pin)
{
	return (struct irq){ isa_irq, p, pin };
}

int pc_pic_vector(void *machine)
{
	struct machine *m = machine;

	return pic_take(m->pc->pic);
}

static void on_reset(void *arg)
{
	struct pc *p = arg;

	machine_request(p->m, MACHINE_RESET, NULL);
}

static void on_a20(void *arg, bool open)
{
	struct pc *p = arg;

	if (p->m->low_ram >= A20_LEAST)
		a20_open(&p->a20, open);
}

static void on_off(void *arg)
{
	struct pc *p = arg;

	machine_request(p->m, MACHINE_POWEROFF, NULL);
}

static void on_exit_port(void *arg, unsigned value)
{
	struct pc *p = arg;

	/* as QEMU: odd, so that it is no success by chance */
	p->m->status = (int)((value << 1 | 1) & 0xff);
	machine_request(p->m, MACHINE_QUIT, NULL);
}

static void legacy_timers(void *arg, bool on)
{
	struct pc *p = arg;

	pit_mute(p->pit, on);
}

static int make_timers(struct pc *p, struct err *e)
{
	struct machine *m = p->m;
	struct hpet_env env = { .legacy = legacy_timers,
				.legacy_arg = p,
				.legacy_irq = { isa(p, 0), isa(p, 8) },
				.msi = { apics_msi, m->apics } };
	int r;

	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		env.ioapic[i] = (struct irq){ ioapic_set, p->ioapic, i };
	r = pit_new(&p->pit, m->bus, m->clock, isa(p, 0), e);
	if (r == 0)
		r = rtc_new(&p->rtc, m->bus, m->clock, m->config->rtc_base, isa(p, 8), e);
	if (r == 0)
		r = m->config->no_hpet ? 0 : hpet_new(&p->hpet, m->bus, m->clock, &env, e);
	if (r == 0)
		r = acpi_pm_new(&p->pm, m->bus, m->clock, isa(p, ACPI_SCI), on_off, p, e);
	return r;
}

static int make_serials(struct pc *p, struct err *e)
{
	static const struct {
		uint16_t port;
		uint8_t irq;
	} at[CONFIG_SERIALS] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	struct machine *m = p->m;

	for (unsigned i = 0; i < CONFIG_SERIALS; i++) {
		int r;

		if (!m->config->serial[i])
			continue;
		r = serial_new(&p->serial[i], m->bus, at[i].port, isa(p, at[i].irq),
			       chardevs_find(m->chardevs, m->config->serial[i]), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_debugcon(struct pc *p, struct err *e)
{
	const struct machine_config *c = p->m->config;

	return c->debugcon ? debugcon_new(&p->debugcon, p->m->bus, c->debugcon_port,
					  chardevs_find(p->m->chardevs, c->debugcon), e)
			   : 0;
}

static int make_pci(struct pc *p, struct err *e)
{
	const struct pc_pci_env env = { .ioapic = { ioapic_set, p->ioapic, ACPI_PCI_GSI },
					.pic = { pic_pin, p, 0 },
					.isa = isa(p, 0),
					.pam = pc_fw_pam(p->fw),
					.pm = p->pm };

	return pc_pci_new(&p->pci, p->m, &env, e);
}

/* What ACPI's tables shall say. */
static void acpi_now(void *arg, struct acpi_env *env)
{
	const struct pc *p = arg;
	const struct machine *m = p->m;
	const struct pci_hotplug *hotplug = pc_pci_hotplug(p->pci);

	*env = (struct acpi_env){ .vcpus = m->vcpus,
				  .low_ram = m->low_ram,
				  .high_ram = m->high_ram,
				  .pm_base = acpi_pm_base(p->pm),
				  .mmcfg = pc_pci_ecam(p->pci),
				  .q35 = m->config->kind == MACHINE_Q35,
				  .pvpanic = pc_devices_pvpanic(pc_pci_devices(p->pci)),
				  .no_hpet = m->config->no_hpet,
				  .hotplug = hotplug ? pci_hotplug_slots(hotplug) : 0,
				  .serials = { p->serial[0] != NULL, p->serial[1] != NULL } };
	for (unsigned i = 0; i < m->vcpus; i++)
		env->apic_id[i] = (uint8_t)m->vcpu[i].x86->index;
}

static int make_firmware_files(struct pc *p, struct err *e)
{
	AUTO_FREE char *order = pc_pci_bootorder(p->pci, e);

	return order ? pc_fw_files(p->fw, acpi_now, p, order, e) : -ENOMEM;
}

/* Tables for a kernel that is entered without firmware. */
static void place_acpi(struct pc *p)
{
	struct acpi_env env;
	struct acpi a;

	acpi_now(p, &env);
	if (acpi_build(&env, &a, NULL) < 0)
		return;
	acpi_place(p->m->mem, &a);
	free(a.data);
}

struct virtio_balloon *pc_balloon(const struct machine *m)
{
	return pc_devices_balloon(pc_pci_devices(m->pc->pci));
}

bool pc_firmware(const struct machine *m)
{
	return pc_fw_wanted(m->config);
}

int pc_new(struct machine *m, struct err *e)
{
	struct pc *p = mem_zalloc(1, sizeof(*p), e);
	const struct i8042_env keyboard = { on_reset, on_a20, p };
	struct ports_env ports = { on_reset,
				   on_a20,
				   on_exit_port,
				   p,
				   m->config->debug_exit,
				   m->config->exit_base,
				   m->config->exit_size };
	int r;

	if (!p)
		return -ENOMEM;
	m->pc = p;
	p->m = m;
	a20_init(&p->a20, m->mem, &m->group, m->ram);
	r = pic_new(&p->pic, m->bus, (struct irq){ apics_extint, m->apics, 0 }, e);
	if (r == 0)
		r = ioapic_new(&p->ioapic, m->bus, (struct msi_sink){ apics_msi, m->apics }, e);
	if (r < 0)
		return r;
	apics_on_eoi(m->apics, ioapic_eoi, p->ioapic);
	r = make_timers(p, e);
	if (r == 0)
		r = i8042_new(&p->i8042, m->bus, isa(p, 1), &keyboard, e);
	/* before the single ports: one of them lies inside the address register */
	if (r == 0)
		r = pc_fw_new(&p->fw, m, e);
	if (r == 0)
		r = make_pci(p, e);
	if (r == 0)
		r = ports_new(&p->ports, m->bus, &ports, e);
	if (r == 0)
		r = make_serials(p, e);
	if (r == 0)
		r = make_debugcon(p, e);
	return r < 0 ? r : make_firmware_files(p, e);
}

void pc_reset(struct machine *m)
{
	struct pc *p = m->pc;

	pic_reset(p->pic);
	ioapic_reset(p->ioapic);
	pit_reset(p->pit);
	rtc_reset(p->rtc);
	if (p->hpet)
		hpet_reset(p->hpet);
	i8042_reset(p->i8042);
	on_a20(p, true);
	ports_reset(p->ports);
	acpi_pm_reset(p->pm);
	for (unsigned i = 0; i < CONFIG_SERIALS; i++)
		if (p->serial[i])
			serial_reset(p->serial[i]);
	pc_pci_reset(p->pci);
	pc_fw_reset(p->fw, p->rtc);
	if (!pc_firmware(m) && !m->config->no_acpi)
		place_acpi(p);
}

void pc_interrupts(struct machine *m, struct str *out)
{
	pic_show(m->pc->pic, out);
	ioapic_show(m->pc->ioapic, out);
}

struct pci *pc_bus(struct machine *m)
{
	return pc_pci_bus(m->pc->pci);
}

struct disk *pc_disk(const struct machine *m, unsigned n)
{
	return pc_disks_at(pc_pci_disks(m->pc->pci), n);
}

struct net *pc_net(const struct machine *m, unsigned n)
{
	return pc_pci_net(m->pc->pci, n);
}

struct pc_pci *pc_pci_of(const struct machine *m)
{
	return m->pc->pci;
}

bool pc_button(struct machine *m)
{
	return acpi_pm_button(m->pc->pm);
}

bool pc_key(struct machine *m, const uint8_t *codes, unsigned n)
{
	return i8042_key(m->pc->i8042, codes, n);
}

void pc_free(struct machine *m)
{
	struct pc *p = m->pc;

	for (unsigned i = 0; i < CONFIG_SERIALS; i++)
		serial_free(p->serial[i]);
	debugcon_free(p->debugcon);
	ports_free(p->ports);
	pc_pci_free(p->pci);
	pc_fw_free(p->fw);
	i8042_free(p->i8042);
	acpi_pm_free(p->pm);
	hpet_free(p->hpet);
	rtc_free(p->rtc);
	pit_free(p->pit);
	ioapic_free(p->ioapic);
	pic_free(p->pic);
	free(p);
	m->pc = NULL;
}
