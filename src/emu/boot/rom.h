/* SPDX-License-Identifier: MIT */
/* Files of firmware: given by name, or where distributions put them. */
#ifndef EMU_BOOT_ROM_H
#define EMU_BOOT_ROM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ROM_BIOS_MAX (16u << 20)

/* @name as a file, else below the folders of distributions.  @package is for the message when it is
 * nowhere.  *@out is freed with free(). */
int rom_read(const char *name, const char *package, size_t max, uint8_t **out, size_t *len,
	     struct err *e) MUST_CHECK;
/* A PC's BIOS: @name, or SeaBIOS where it is NULL.  Whole 64 KiB, at most 16 MiB. */
int rom_bios(const char *name, uint8_t **out, size_t *len, struct err *e) MUST_CHECK;

#endif
