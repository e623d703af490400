/* SPDX-License-Identifier: MIT */
#include "hostcheck/checks/checks.h"

const struct check_group *const check_groups[] = {
	&checks_cpu,      &checks_kvm,         &checks_guest,
	&checks_modules,  &checks_net,         &checks_bridge,
	&checks_users,    &checks_hugepages,   &checks_memory,
	&checks_iommu,    &checks_passthrough, &checks_cgroup,
	&checks_kernel,   &checks_security,    &checks_storage,
	&checks_software, &checks_boot,        NULL,
};
