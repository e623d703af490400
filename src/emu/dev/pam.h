/* SPDX-License-Identifier: MIT */
/*
 * The first megabyte of a PC and the end of the first four GiB: which addresses are RAM, which the
 * BIOS's ROM, which a device's (440FX data sheet 3.2, "PAM" and "SMRAM"; Q35's registers mean the
 * same at other places).
 *
 * The firmware changes it while it starts; a guest may do so at any time.
 */
#ifndef EMU_DEV_PAM_H
#define EMU_DEV_PAM_H

#include "base/err.h"
#include "emu/bus.h"

#include <stddef.h>

#define PAM_REGS     7u
/* Bits of a half of a register, and of SMRAM. */
#define PAM_READ     1u
#define PAM_WRITE    2u
#define SMRAM_OPEN   0x40u
#define SMRAM_CLOSED 0x20u
#define SMRAM_LOCKED 0x10u
#define SMRAM_ENABLE 0x08u

struct pam;
struct mem;

struct pam_env {
	struct mem *mem;
	struct bus *bus;
	uint8_t *ram; /* of the guest, from address 0 on */
	/* The BIOS, whole 64 KiB, which stays the caller's; NULL: none. */
	const uint8_t *rom;
	size_t rom_size;
	bool flash; /* it maps itself below 4 GiB */
};

int pam_new(struct pam **out, const struct pam_env *env, struct err *e) MUST_CHECK;
void pam_free(struct pam *p);
/* As the registers say; @smm: a processor is in system management mode.  Called while no vCPU
 * runs guest code, or by the only one. */
void pam_set(struct pam *p, const uint8_t regs[PAM_REGS], uint8_t smram, bool smm);

#endif
