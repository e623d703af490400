/* SPDX-License-Identifier: MIT */
/* MADT (signature "APIC"): which interrupt controller an Arm machine has, and how many
 * processors are told of.  ACPI specification, "Multiple APIC Description Table". */
#ifndef HOST_ACPI_MADT_H
#define HOST_ACPI_MADT_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct madt {
	bool sum_ok;
	unsigned entries;
	unsigned apics;       /* local APICs and x2APICs that are enabled or may be */
	unsigned gic_cpus;    /* GICC */
	unsigned gic_version; /* of the distributor; 0: not told (before ACPI 6.0 and none) */
	bool gicd;
	uint64_t gicd_base;
	unsigned redistributors, its, msi_frames;
	bool gicc_redist; /* version 3 told by the processors' own redistributors */
	bool gicc_vgic;   /* each GICC has the virtual CPU interface of GICv2 (GICV, GICH) */
};

int madt_parse(const uint8_t *buf, size_t len, struct madt *out, struct err *e) MUST_CHECK;
int madt_read(const struct host *h, struct madt *out, struct err *e) MUST_CHECK;
/* 2, 3 or 4; 0: no GIC. */
unsigned madt_gic(const struct madt *m);

#endif
