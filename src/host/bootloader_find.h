/* SPDX-License-Identifier: MIT */
/* Parts of bootloader.h: which loader a host has, by the files it is configured with. */
#ifndef HOST_BOOTLOADER_FIND_H
#define HOST_BOOTLOADER_FIND_H

#include "host/bootloader.h"

/* Sets kind, regen, note, and the places without what they say. */
int bootloader_find(const struct host *h, struct bootloader *out, struct err *e) MUST_CHECK;
int bootloader_add(struct bootloader *b, const char *path, enum boot_syntax syntax, bool edit,
		   struct err *e) MUST_CHECK;

#endif
