/* SPDX-License-Identifier: MIT */
/* VIOT: virtio-iommu, which a guest has.  ACPI specification, "Virtual I/O Translation
 * Table". */
#ifndef HOST_ACPI_VIOT_H
#define HOST_ACPI_VIOT_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum viot_type { VIOT_PCI_RANGE = 1, VIOT_MMIO = 2, VIOT_IOMMU_PCI = 3, VIOT_IOMMU_MMIO = 4 };

struct viot_node {
	uint8_t type; /* enum viot_type, or one unknown here */
	size_t offset;
	uint32_t endpoint;              /* first endpoint id */
	uint16_t segment, last_segment; /* PCI range, IOMMU on PCI */
	uint16_t bdf, last_bdf;
	uint64_t base; /* MMIO */
	size_t iommu;  /* index of the IOMMU's node that translates for an endpoint */
};

struct viot {
	bool sum_ok;
	struct viot_node *nodes;
	size_t n;
};

int viot_parse(const uint8_t *buf, size_t len, struct viot *out, struct err *e) MUST_CHECK;
int viot_read(const struct host *h, struct viot *out, struct err *e) MUST_CHECK;
void viot_free(struct viot *v);

#endif
