/* SPDX-License-Identifier: MIT */
/* Which devices sit where: the machines pc (i440FX, PIIX3) and q35 (Q35, ICH9). */
#include "base/mem.h"
#include "emu/boot/acpi.h"
#include "emu/bus.h"
#include "emu/chardev/chardev.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/hpet.h"
#include "emu/dev/i8042.h"
#include "emu/dev/ioapic.h"
#include "emu/dev/lapic.h"
#include "emu/dev/pc_testdev.h"
#include "emu/dev/pic.h"
#include "emu/dev/pit.h"
#include "emu/dev/ports.h"
#include "emu/dev/rtc.h"
#include "emu/dev/serial_16550.h"
#include "emu/machine.h"
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
	struct acpi_pm *pm;
	struct pc_pci *pci;
	struct pc_testdev *testdev; /* or NULL */
	struct chardev *chars[CONFIG_SERIALS];
	struct serial *serial[CONFIG_SERIALS];
};

/* An ISA interrupt goes to both controllers; the PIT's is input 2 of the I/O APIC. */
static void isa_irq(void *arg, unsigned pin, int level)
{
	struct pc *p = arg;

	pic_set(p->pic, pin, level);
	ioapic_set(p->ioapic, pin ? pin : 2, level);
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
		r = hpet_new(&p->hpet, m->bus, m->clock, &env, e);
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
		char id[16] = "serial0";
		int r;

		if (!m->config->serial[i])
			continue;
		id[6] = (char)('0' + i);
		r = chardev_open(m->loop, id, m->config->serial[i], &p->chars[i], e);
		if (r == 0)
			r = serial_new(&p->serial[i], m->bus, at[i].port, isa(p, at[i].irq),
				       p->chars[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_testdev(struct pc *p, struct err *e)
{
	struct machine_config *c = p->m->config;
	struct irq line[PC_TESTDEV_LINES];

	for (unsigned i = 0; i < PC_TESTDEV_LINES; i++)
		line[i] = i < 16 ? isa(p, i) : (struct irq){ ioapic_set, p->ioapic, i };
	for (unsigned i = 0; i < c->devices; i++)
		if (!strcmp(c->device[i].name, "pc-testdev") && !p->testdev) {
			int r = pc_testdev_new(&p->testdev, p->m->bus, line, e);

			if (r < 0)
				return r;
		}
	return 0;
}

/* Where the pins of PCI devices go. */
static struct irq pci_lines(struct pc *p)
{
	return (struct irq){ ioapic_set, p->ioapic, ACPI_PCI_GSI };
}

int pc_new(struct machine *m, struct err *e)
{
	struct pc *p = mem_zalloc(1, sizeof(*p), e);
	struct ports_env ports = { on_reset,
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
	r = pic_new(&p->pic, m->bus, (struct irq){ apics_extint, m->apics, 0 }, e);
	if (r == 0)
		r = ioapic_new(&p->ioapic, m->bus, (struct msi_sink){ apics_msi, m->apics }, e);
	if (r < 0)
		return r;
	apics_on_eoi(m->apics, ioapic_eoi, p->ioapic);
	r = make_timers(p, e);
	if (r == 0)
		r = i8042_new(&p->i8042, m->bus, isa(p, 1), on_reset, p, e);
	/* before the single ports: one of them lies inside the address register */
	if (r == 0)
		r = pc_pci_new(&p->pci, m, pci_lines(p), isa(p, 0), e);
	if (r == 0)
		r = ports_new(&p->ports, m->bus, &ports, e);
	if (r == 0)
		r = make_serials(p, e);
	return r < 0 ? r : make_testdev(p, e);
}

void pc_reset(struct machine *m)
{
	struct pc *p = m->pc;
	uint8_t apic_id[CONFIG_VCPUS];
	const struct acpi_env acpi = { .mem = m->mem,
				       .vcpus = m->vcpus,
				       .apic_id = apic_id,
				       .low_ram = m->low_ram,
				       .q35 = m->config->kind == MACHINE_Q35,
				       .serials = { p->serial[0] != NULL,
						    p->serial[1] != NULL } };

	for (unsigned i = 0; i < m->vcpus; i++)
		apic_id[i] = (uint8_t)m->vcpu[i].x86->index;
	pic_reset(p->pic);
	ioapic_reset(p->ioapic);
	pit_reset(p->pit);
	rtc_reset(p->rtc);
	hpet_reset(p->hpet);
	i8042_reset(p->i8042);
	ports_reset(p->ports);
	acpi_pm_reset(p->pm);
	for (unsigned i = 0; i < CONFIG_SERIALS; i++)
		if (p->serial[i])
			serial_reset(p->serial[i]);
	if (p->testdev)
		pc_testdev_reset(p->testdev);
	pc_pci_reset(p->pci);
	acpi_place(&acpi);
}

bool pc_button(struct machine *m)
{
	return acpi_pm_button(m->pc->pm);
}

struct chardev *pc_serial(struct machine *m, unsigned n)
{
	return m->pc->chars[n];
}

void pc_free(struct machine *m)
{
	struct pc *p = m->pc;

	for (unsigned i = 0; i < CONFIG_SERIALS; i++) {
		serial_free(p->serial[i]);
		chardev_close(p->chars[i]);
	}
	pc_testdev_free(p->testdev);
	ports_free(p->ports);
	pc_pci_free(p->pci);
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
