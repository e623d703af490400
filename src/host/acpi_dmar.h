/* SPDX-License-Identifier: MIT */
/*
 * DMAR: Intel's IOMMUs.  "Intel Virtualization Technology for Directed I/O", chapter "BIOS
 * Considerations".
 */
#ifndef HOST_ACPI_DMAR_H
#define HOST_ACPI_DMAR_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dmar_scope_type {
	DMAR_SCOPE_ENDPOINT = 1,
	DMAR_SCOPE_BRIDGE = 2, /* and all below it */
	DMAR_SCOPE_IOAPIC = 3,
	DMAR_SCOPE_HPET = 4,
	DMAR_SCOPE_NAMESPACE = 5,
};

/* A way through bridges; longer ones do not exist in practice and are refused. */
#define DMAR_PATH_MAX 16

/* A device: on bus @bus the device path[0], behind it (a bridge) path[1] and so on. */
struct dmar_scope {
	uint8_t type; /* enum dmar_scope_type, or one unknown here */
	uint8_t enum_id;
	uint8_t bus;
	uint8_t depth;
	struct {
		uint8_t dev, fn;
	} path[DMAR_PATH_MAX];
};

enum dmar_kind { DMAR_DRHD, DMAR_RMRR, DMAR_ATSR, DMAR_RHSA, DMAR_ANDD, DMAR_SATC };

struct dmar_part {
	uint16_t kind; /* enum dmar_kind, or one unknown here */
	uint8_t flags; /* DRHD bit 0: all devices of the segment that no other unit has;
			* ATSR bit 0: all root ports */
	uint16_t segment;
	uint64_t base; /* DRHD: registers; RMRR: first byte; RHSA: registers */
	uint64_t end;  /* RMRR: last byte */
	uint32_t node; /* RHSA: proximity domain */
	struct dmar_scope *scopes;
	size_t n_scopes;
};

struct dmar {
	unsigned width;      /* bits of a DMA address */
	bool intr_remap;     /* interrupt remapping supported by the platform */
	bool x2apic_opt_out; /* firmware asks not to turn on x2APIC */
	bool dma_opt_in;     /* firmware asks for DMA protection against external devices */
	bool sum_ok;
	struct dmar_part *parts; /* in the order of the table */
	size_t n;
};

/* -EUCLEAN names offset and fault. */
int dmar_parse(const uint8_t *buf, size_t len, struct dmar *out, struct err *e) MUST_CHECK;
/* As acpi_read(). */
int dmar_read(const struct host *h, struct dmar *out, struct err *e) MUST_CHECK;
size_t dmar_count(const struct dmar *d, enum dmar_kind kind);
void dmar_free(struct dmar *d);

#endif
