/* SPDX-License-Identifier: MIT */
#include "emu/boot/dsdt.h"

#include "base/bytes.h"
#include "emu/boot/acpi.h"
#include "emu/boot/aml.h"
#include "emu/dev/acpi_pm.h"
#include "emu/dev/hpet.h"
#include "emu/dev/pci_hotplug.h"

#define SLOTS      32u
#define MMCFG_SIZE (256u << 20)
#define GIB4       (UINT64_C(1) << 32)

static void hid(struct aml *a, const char *id)
{
	aml_object(a, "_HID");
	aml_eisa(a, id);
}

/* A window for BARs below 4 GiB, or one that is empty: its size in bytes shall not change. */
static void window(struct aml *a, uint64_t first, uint64_t end)
{
	if (first < end)
		aml_mem32(a, (uint32_t)first, (uint32_t)(end - 1));
	else
		aml_mem32_none(a);
}

static void windows(struct aml *a, const struct acpi_env *env)
{
	uint64_t low = max_u64(env->low_ram, UINT64_C(0x80000000));
	uint64_t high = round_up(GIB4 + env->high_ram, 1u << 30);
	uint64_t cut = env->mmcfg ? env->mmcfg : ACPI_LOW_END;
	size_t b;

	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_bus(a, 0, 255);
	aml_io(a, 0xcf8, 8);
	aml_ports(a, 0x0000, 0x0cf7);
	aml_ports(a, 0x0d00, 0xffff);
	aml_mem32(a, 0x000a0000, 0x000bffff);
	window(a, low, min_u64(cut, ACPI_LOW_END));
	window(a, max_u64(low, cut + MMCFG_SIZE), ACPI_LOW_END);
	aml_mem64(a, high, ACPI_HIGH + ACPI_HIGH_SIZE - 1);
	aml_buffer_end(a, b);
}

static void routing(struct aml *a)
{
	size_t all, one;

	aml_object(a, "_PRT");
	all = aml_package(a, SLOTS * 4);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		for (unsigned pin = 0; pin < 4; pin++) {
			one = aml_package(a, 4);
			aml_int(a, slot << 16 | 0xffff);
			aml_int(a, pin);
			aml_int(a, 0);
			aml_int(a, ACPI_PCI_GSI + (slot + pin) % 4);
			aml_end(a, one);
		}
	}
	aml_end(a, all);
}

static void serial(struct aml *a, unsigned n)
{
	char name[] = "COM1";
	size_t d, b;

	name[3] = (char)('1' + n);
	d = aml_device(a, name);
	hid(a, "PNP0501");
	aml_object(a, "_UID");
	aml_int(a, n + 1);
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, n ? 0x2f8 : 0x3f8, 8);
	aml_irq(a, n ? 3 : 4);
	aml_buffer_end(a, b);
	aml_end(a, d);
}

static void legacy(struct aml *a)
{
	size_t d, b;

	d = aml_device(a, "RTC");
	hid(a, "PNP0B00");
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, 0x70, 2);
	aml_irq(a, 8);
	aml_buffer_end(a, b);
	aml_end(a, d);

	d = aml_device(a, "KBD");
	hid(a, "PNP0303");
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, 0x60, 1);
	aml_io(a, 0x64, 1);
	aml_irq(a, 1);
	aml_buffer_end(a, b);
	aml_end(a, d);
}

/* Address space that belongs to nobody else: HPET, and the configuration space of q35. */
static void reserved(struct aml *a, const struct acpi_env *env)
{
	size_t d, b;

	if (!env->no_hpet) {
		d = aml_device(a, "HPET");
		hid(a, "PNP0103");
		aml_object(a, "_CRS");
		b = aml_buffer(a);
		aml_fixed32(a, HPET_BASE, 0x400);
		aml_buffer_end(a, b);
		aml_end(a, d);
	}
	d = aml_device(a, "FWCF");
	aml_object(a, "_HID");
	aml_string(a, "QEMU0002");
	aml_object(a, "_STA");
	aml_int(a, 0x0b);
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, 0x510, 12);
	aml_buffer_end(a, b);
	aml_end(a, d);
	if (!env->q35)
		return;
	d = aml_device(a, "MMCF");
	hid(a, "PNP0C02");
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_fixed32(a, (uint32_t)env->mmcfg, MMCFG_SIZE);
	aml_buffer_end(a, b);
	aml_end(a, d);
}

static void pvpanic(struct aml *a, uint16_t port)
{
	size_t d = aml_device(a, "PEVT"), b;

	aml_object(a, "_HID");
	aml_string(a, "QEMU0001");
	aml_object(a, "_STA");
	aml_int(a, 0x0f);
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, port, 1);
	aml_buffer_end(a, b);
	aml_end(a, d);
}

static void slot_name(char name[5], unsigned slot)
{
	static const char hex[] = "0123456789ABCDEF";

	name[0] = 'S';
	name[1] = hex[slot >> 4];
	name[2] = hex[slot & 15];
	name[3] = '_';
	name[4] = '\0';
}

/* Slots, their ejection, and the method that tells the guest which of them have news
 * (dev/pci_hotplug.h). */
static void slots(struct aml *a, uint32_t mask)
{
	static const char *const fields[] = { "PCIU", "PCID", "B0EJ", NULL };
	char name[5];
	size_t d, m, i;

	aml_port_fields(a, "PCST", PCI_HOTPLUG_PORT, 12, fields);
	for (unsigned s = 1; s < SLOTS; s++) {
		if (!(mask >> s & 1))
			continue;
		slot_name(name, s);
		d = aml_device(a, name);
		aml_object(a, "_ADR");
		aml_int(a, s << 16);
		aml_object(a, "_SUN");
		aml_int(a, s);
		m = aml_method(a, "_EJ0", 1);
		aml_store(a, "B0EJ", 1u << s);
		aml_end(a, m);
		aml_end(a, d);
	}
	m = aml_method(a, "DVNT", 2);
	for (unsigned s = 1; s < SLOTS; s++) {
		if (!(mask >> s & 1))
			continue;
		slot_name(name, s);
		i = aml_if(a);
		aml_arg_and(a, 0, 1u << s);
		aml_notify(a, name, 1);
		aml_end(a, i);
	}
	aml_end(a, m);
	m = aml_method(a, "PCNT", 0);
	aml_name(a, "DVNT");
	aml_name(a, "PCIU");
	aml_int(a, 1); /* look at the device */
	aml_name(a, "DVNT");
	aml_name(a, "PCID");
	aml_int(a, 3); /* it shall be ejected */
	aml_end(a, m);
}

static void hotplug_event(struct aml *a)
{
	size_t g = aml_scope(a, "\\_GPE"), m = aml_method(a, "_E01", 0);

	aml_in_pci0(a, "PCNT");
	aml_end(a, m);
	aml_end(a, g);
}

static void hotplug_ports(struct aml *a)
{
	size_t d = aml_device(a, "PHPR"), b;

	hid(a, "PNP0C02");
	aml_object(a, "_UID");
	aml_string(a, "PCI Hotplug");
	aml_object(a, "_CRS");
	b = aml_buffer(a);
	aml_io(a, PCI_HOTPLUG_PORT, PCI_HOTPLUG_PORTS);
	aml_buffer_end(a, b);
	aml_end(a, d);
}

void dsdt_write(struct aml *a, const struct acpi_env *env)
{
	size_t sb = aml_scope(a, "\\_SB"), pci, p;

	pci = aml_device(a, "PCI0");
	hid(a, env->q35 ? "PNP0A08" : "PNP0A03");
	if (env->q35) {
		aml_object(a, "_CID");
		aml_eisa(a, "PNP0A03");
	}
	aml_object(a, "_BBN");
	aml_int(a, 0);
	aml_object(a, "_UID");
	aml_int(a, 0);
	windows(a, env);
	routing(a);
	if (env->hotplug)
		slots(a, env->hotplug);
	aml_end(a, pci);
	for (unsigned i = 0; i < 2; i++)
		if (env->serials[i])
			serial(a, i);
	legacy(a);
	reserved(a, env);
	if (env->pvpanic)
		pvpanic(a, env->pvpanic);
	if (env->hotplug)
		hotplug_ports(a);
	aml_end(a, sb);
	if (env->hotplug)
		hotplug_event(a);

	aml_object(a, "\\_S5");
	p = aml_package(a, 4);
	aml_int(a, ACPI_S5);
	aml_int(a, 0);
	aml_int(a, 0);
	aml_int(a, 0);
	aml_end(a, p);
}
