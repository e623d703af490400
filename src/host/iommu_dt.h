/* SPDX-License-Identifier: MIT */
/* Parts of iommu.h: IOMMUs in a device tree, as Arm boards have it. */
#ifndef HOST_IOMMU_DT_H
#define HOST_IOMMU_DT_H

#include "host/host.h"

/* A node of /proc/device-tree that is not disabled is compatible with an IOMMU. */
bool iommu_dt_has(const struct host *h);
/* Does a "compatible" property, strings one after the other each with its zero byte, name
 * an IOMMU? */
bool iommu_dt_compatible(const char *prop, size_t len);

#endif
