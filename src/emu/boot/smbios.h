/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS tables (DSP0134, version 2.8): what the machine is called, its memory and processors, for
 * firmware to place.
 */
#ifndef EMU_BOOT_SMBIOS_H
#define EMU_BOOT_SMBIOS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"
#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"
#define SMBIOS_ANCHOR      31u

/* Texts that the command line may give; NULL: as it comes. */
enum smbios_text {
	SMBIOS_BIOS_VENDOR,
	SMBIOS_BIOS_VERSION,
	SMBIOS_BIOS_DATE,
	SMBIOS_SYS_VENDOR,
	SMBIOS_SYS_PRODUCT,
	SMBIOS_SYS_VERSION,
	SMBIOS_SYS_SERIAL,
	SMBIOS_SYS_SKU,
	SMBIOS_SYS_FAMILY,
	SMBIOS_BOARD_VENDOR,
	SMBIOS_BOARD_PRODUCT,
	SMBIOS_BOARD_VERSION,
	SMBIOS_BOARD_SERIAL,
	SMBIOS_BOARD_ASSET,
	SMBIOS_CASE_VENDOR,
	SMBIOS_CASE_VERSION,
	SMBIOS_CASE_SERIAL,
	SMBIOS_CASE_ASSET,
	SMBIOS_CASE_SKU,
	SMBIOS_TEXTS
};

struct smbios_env {
	char *const *text; /* SMBIOS_TEXTS of them */
	const char *machine;
	uint8_t uuid[16]; /* in the order of its text */
	uint64_t low_ram, high_ram;
	unsigned sockets, cores, threads; /* cores of a socket, threads of a core */
};

struct smbios {
	uint8_t anchor[SMBIOS_ANCHOR]; /* its address of the tables is 0: firmware knows it */
	uint8_t *tables;               /* freed with free() */
	size_t len;
};

int smbios_build(const struct smbios_env *env, struct smbios *out, struct err *e) MUST_CHECK;

#endif
