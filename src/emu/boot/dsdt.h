/* SPDX-License-Identifier: MIT */
/* What the DSDT says of the machine: PCI's root, the devices that no bus names, how to switch
 * off. */
#ifndef EMU_BOOT_DSDT_H
#define EMU_BOOT_DSDT_H

struct aml;
struct acpi_env;

void dsdt_write(struct aml *a, const struct acpi_env *env);

#endif
