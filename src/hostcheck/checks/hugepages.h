/* SPDX-License-Identifier: MIT */
/* The questions of the group hugepages. */
#ifndef HOSTCHECK_CHECKS_HUGEPAGES_H
#define HOSTCHECK_CHECKS_HUGEPAGES_H

#include "hostcheck/checks/checks.h"

int hugepages_sizes(struct facts *f, struct finding *out, struct err *e);
int hugepages_pool(struct facts *f, struct finding *out, struct err *e);
int hugepages_nodes(struct facts *f, struct finding *out, struct err *e);
int hugepages_mount(struct facts *f, struct finding *out, struct err *e);
int hugepages_fstab(struct facts *f, struct finding *out, struct err *e);

#endif
