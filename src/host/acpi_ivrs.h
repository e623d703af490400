/* SPDX-License-Identifier: MIT */
/* IVRS: AMD's IOMMUs.  "AMD I/O Virtualization Technology (IOMMU) Specification", chapter
 * "I/O Virtualization ACPI Table". */
#ifndef HOST_ACPI_IVRS_H
#define HOST_ACPI_IVRS_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IVHD: one IOMMU, told in three generations of block (0x10, 0x11, 0x40); firmware gives
 * the same unit in several and the kernel takes the newest. */
struct ivrs_unit {
	uint8_t type, flags;
	uint16_t device_id; /* bus << 8 | dev << 3 | fn of the IOMMU itself */
	uint16_t segment;
	uint64_t base;     /* registers */
	uint32_t features; /* as it stands; 0x11 and 0x40 mean attributes by it */
	uint64_t efr;      /* 0x11, 0x40: extended features */
	uint32_t entries;  /* of devices */
	uint16_t ioapics;  /* special devices: without them no interrupt remapping */
	uint16_t hpets;
};

/* IVMD: memory that a device must reach as it is, what RMRR is for Intel. */
struct ivrs_memory {
	uint8_t type;  /* 0x20 all devices, 0x21 one, 0x22 a range */
	uint8_t flags; /* bit 0 unity map, 3 exclusion range */
	uint16_t device_id, last_id;
	uint64_t start, length;
};

struct ivrs {
	uint8_t pa_bits, va_bits;
	bool dma_remap; /* IVinfo bit 1: firmware asks for DMA remapping before the system runs */
	bool sum_ok;
	struct ivrs_unit *units;
	size_t n_units;
	struct ivrs_memory *memory;
	size_t n_memory;
	size_t unknown; /* blocks of other types */
};

int ivrs_parse(const uint8_t *buf, size_t len, struct ivrs *out, struct err *e) MUST_CHECK;
int ivrs_read(const struct host *h, struct ivrs *out, struct err *e) MUST_CHECK;
/* Some unit lists an IOAPIC: the kernel then can remap interrupts. */
bool ivrs_intr_remap(const struct ivrs *v);
void ivrs_free(struct ivrs *v);

#endif
