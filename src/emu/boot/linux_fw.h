/* SPDX-License-Identifier: MIT */
/* A Linux kernel that firmware starts: what it finds in fw_cfg. */
#ifndef EMU_BOOT_LINUX_FW_H
#define EMU_BOOT_LINUX_FW_H

#include "emu/boot/linux.h"

struct fw_cfg;

/* The descriptors of @b must live as long as @f. */
int linux_fw_items(struct fw_cfg *f, const struct linux_boot *b, struct err *e) MUST_CHECK;

#endif
