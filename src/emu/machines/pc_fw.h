/* SPDX-License-Identifier: MIT */
/* What a PC has for its firmware, and for kernels that ask as firmware does: the ROM, fw_cfg with
 * its files, CMOS. */
#ifndef EMU_MACHINES_PC_FW_H
#define EMU_MACHINES_PC_FW_H

#include "emu/boot/acpi.h"
#include "emu/machine.h"

struct pc_fw;
struct rtc;

/* Whether firmware starts the machine, and not vemu itself. */
bool pc_fw_wanted(const struct machine_config *c);
/* Opens flash memory, or reads the ROM. */
int pc_fw_new(struct pc_fw **out, struct machine *m, struct err *e) MUST_CHECK;
void pc_fw_free(struct pc_fw *f);
struct pam *pc_fw_pam(struct pc_fw *f);
/* The files; once all devices are there.  @tables: what to call for ACPI's tables as the chipset is
 * now. */
int pc_fw_files(struct pc_fw *f, void (*acpi)(void *arg, struct acpi_env *env), void *arg,
		const char *bootorder, struct err *e) MUST_CHECK;
/* After everything else was reset. */
void pc_fw_reset(struct pc_fw *f, struct rtc *rtc);

#endif
