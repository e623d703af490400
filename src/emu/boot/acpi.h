/* SPDX-License-Identifier: MIT */
/*
 * ACPI's tables for a guest without firmware: RSDP, XSDT, FADT, FACS, DSDT, MADT, HPET and, on
 * q35, MCFG.  They lie from 0xe0000 on, where a kernel looks.
 */
#ifndef EMU_BOOT_ACPI_H
#define EMU_BOOT_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#define ACPI_AT        0xe0000u
#define ACPI_ROOM      0x20000u
#define ACPI_MMCFG     0xb0000000u
/* The window for 64-bit BARs. */
#define ACPI_HIGH      (UINT64_C(1) << 38)
#define ACPI_HIGH_SIZE (UINT64_C(1) << 37)
/* Interrupts of PCI devices: pin p of slot s is this plus (s + p) modulo 4. */
#define ACPI_PCI_GSI   16u

/* The window for other BARs, above RAM, the configuration space of q35 and a fixed border. */
static inline uint64_t acpi_low_window(uint64_t low_ram, bool q35)
{
	uint64_t at = low_ram > UINT64_C(0xc0000000) ? low_ram : UINT64_C(0xc0000000);

	return q35 && at < ACPI_MMCFG + 0x10000000 ? ACPI_MMCFG + 0x10000000 : at;
}
#define ACPI_LOW_END UINT64_C(0xfec00000)

struct mem;

struct acpi_env {
	struct mem *mem;
	unsigned vcpus;
	const uint8_t *apic_id; /* of each */
	uint64_t low_ram; /* where the window for 32-bit BARs begins at the earliest */
	bool q35;
	bool serials[2];
};

/* False: they do not fit, or there is no memory. */
bool acpi_place(const struct acpi_env *env);

#endif
