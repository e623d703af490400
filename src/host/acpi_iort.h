/* SPDX-License-Identifier: MIT */
/* IORT: SMMUs, root complexes and interrupt translation of an Arm machine.  Arm DEN 0049,
 * "IO Remapping Table". */
#ifndef HOST_ACPI_IORT_H
#define HOST_ACPI_IORT_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum iort_type {
	IORT_ITS,
	IORT_NAMED,
	IORT_ROOT_COMPLEX,
	IORT_SMMU, /* versions 1 and 2 */
	IORT_SMMU_V3,
	IORT_PMCG,
	IORT_RMR, /* memory that must stay mapped, what RMRR is for Intel */
};

struct iort_map {
	uint32_t in, count, out; /* ids in .. in + count - 1 become out .. */
	size_t node;             /* index of the node they go to */
	bool single;
};

struct iort_rmr {
	uint64_t base, length;
};

struct iort_node {
	uint8_t type; /* enum iort_type, or one unknown here */
	uint32_t id;  /* revision E and later */
	size_t offset;
	uint64_t base;    /* SMMU: registers */
	uint32_t flags;   /* SMMUv3, root complex (attributes of ATS), RMR */
	uint32_t model;   /* SMMU */
	uint32_t segment; /* root complex */
	uint32_t its;     /* ITS group: how many */
	struct iort_map *maps;
	size_t n_maps;
	struct iort_rmr *rmrs;
	size_t n_rmrs;
};

struct iort {
	bool sum_ok;
	struct iort_node *nodes;
	size_t n;
};

int iort_parse(const uint8_t *buf, size_t len, struct iort *out, struct err *e) MUST_CHECK;
int iort_read(const struct host *h, struct iort *out, struct err *e) MUST_CHECK;
size_t iort_count(const struct iort *t, enum iort_type type);
void iort_free(struct iort *t);

#endif
