/* SPDX-License-Identifier: MIT */
/* The questions of the group iommu. */
#ifndef HOSTCHECK_CHECKS_IOMMU_H
#define HOSTCHECK_CHECKS_IOMMU_H

#include "hostcheck/checks/checks.h"

int iommu_table(struct facts *f, struct finding *out, struct err *e);
int iommu_active(struct facts *f, struct finding *out, struct err *e);
int iommu_groups(struct facts *f, struct finding *out, struct err *e);
int iommu_remap(struct facts *f, struct finding *out, struct err *e);
int iommu_domain(struct facts *f, struct finding *out, struct err *e);
int iommu_reserved(struct facts *f, struct finding *out, struct err *e);

#endif
