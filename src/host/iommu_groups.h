/* SPDX-License-Identifier: MIT */
/* Parts of iommu.h: /sys/kernel/iommu_groups. */
#ifndef HOST_IOMMU_GROUPS_H
#define HOST_IOMMU_GROUPS_H

#include "host/iommu.h"

/* None is no error. */
int iommu_groups_read(const struct host *h, struct iommu_group **out, size_t *n, struct err *e)
	MUST_CHECK;
void iommu_groups_free(struct iommu_group *v, size_t n);

#endif
