/* SPDX-License-Identifier: MIT */
/* Emulators and firmware files that are installed, by the paths of Alpine and Debian. */
#ifndef HOST_EMULATORS_H
#define HOST_EMULATORS_H

#include "host/host.h"

#include <stdbool.h>

/* An emulator that could run guests. */
struct emulator {
	char arch[24]; /* guest's: "x86_64", "aarch64" */
	char path[128];
	bool vemu; /* else QEMU */
};

struct emulators {
	struct emulator *v; /* free() it */
	size_t n;
};

/* qemu-system-* of the root's program folders, by arch, then vemu where it runs (x86_64); none
 * found is n 0. */
int emulators_read(const struct host *h, struct emulators *out, struct err *e) MUST_CHECK;

enum firmware_kind { FIRMWARE_BIOS, FIRMWARE_UEFI, FIRMWARE_UEFI_SECURE, FIRMWARE_UEFI_VARS };

struct firmware {
	const char *path; /* constant */
	const char *arch; /* "x86_64", "aarch64", "riscv64" */
	enum firmware_kind kind;
	const char *package_alpine, *package_debian; /* what brings it */
};

/* The next firmware that exists, from @*pos on, which starts at 0; NULL: no more. */
const struct firmware *firmware_next(const struct host *h, size_t *pos);
/* The table row that would serve @arch best, to name packages where nothing is there. */
const struct firmware *firmware_wanted(const char *arch, enum firmware_kind kind);

#endif
