/* SPDX-License-Identifier: MIT */
/*
 * ACPI's tables: RSDP, RSDT, XSDT, FADT, FACS, DSDT, MADT, HPET and, on q35, MCFG.  Without firmware
 * they lie from 0xe0000 on, where a kernel looks; with firmware they are files that it places by
 * the commands of a third file (QEMU's "table loader").
 */
#ifndef EMU_BOOT_ACPI_H
#define EMU_BOOT_ACPI_H

#include "base/err.h"
#include "emu/config.h"

#include <stdbool.h>
#include <stddef.h>
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

/* Names of the files. */
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP   "etc/acpi/rsdp"
#define ACPI_FILE_LOADER "etc/table-loader"

struct mem;

struct acpi_env {
	unsigned vcpus;
	uint8_t apic_id[CONFIG_VCPUS]; /* of each */
	uint64_t low_ram, high_ram;    /* windows for BARs lie above them */
	uint16_t pm_base;              /* ports of the power management */
	uint64_t mmcfg;                /* configuration space in memory; 0: none */
	uint16_t pvpanic;              /* its port; 0: it is not there */
	bool q35, vga, no_hpet;
	bool serials[2];
	uint32_t hotplug; /* slots of the PCI bus where devices come and go; 0: no hotplug */
};

#define ACPI_TABLES 8u
#define ACPI_REFS   24u
#define ACPI_RSDP   36u

/* All tables but the RSDP, as one piece that can lie anywhere at a multiple of 64: what it says of
 * addresses is relative to its start until it is placed. */
struct acpi {
	uint8_t *data; /* freed with free() */
	size_t len;
	uint8_t rsdp[ACPI_RSDP];
	struct {
		uint32_t at;
		uint8_t size;
	} ref[ACPI_REFS]; /* addresses within it */
	unsigned refs;
	struct {
		uint32_t at, len;
	} table[ACPI_TABLES]; /* what has a checksum in byte 9 */
	unsigned tables;
};

/* The same environment but for pm_base and mmcfg gives the same length. */
int acpi_build(const struct acpi_env *env, struct acpi *out, struct err *e) MUST_CHECK;
/* Puts it at ACPI_AT.  False: it does not fit, or there is no memory. */
bool acpi_place(struct mem *m, const struct acpi *a);
/* The commands by which firmware places it: *@out is freed with free(). */
int acpi_loader(const struct acpi *a, uint8_t **out, size_t *len, struct err *e) MUST_CHECK;

#endif
