/* SPDX-License-Identifier: MIT */
#include "tune/steps/step.h"

#include <string.h>

/* In the order they are applied: accounts before what belongs to them, options before the
 * modules that read them, pages before their mount. */
const struct step *const tune_steps[] = {
	&step_packages,       &step_users_accounts,
	&step_users_members,  &step_modules_nested,
	&step_modules_vhost,  &step_modules_load,
	&step_nodes_vhost,    &step_bridge_conf,
	&step_bridge_helper,  &step_bridge_interface,
	&step_kernel_cmdline, &step_kernel_sysctl,
	&step_hugepages_pool, &step_hugepages_mount,
	&step_memory_ksm,     &step_memory_thp,
	&step_cpu_governor,   &step_vfio_bind,
	&step_limits_memlock, &step_services_boot,
	&step_host_diskless,  NULL,
};

const struct step *step_find(const char *id)
{
	for (const struct step *const *s = tune_steps; *s; s++)
		if (!strcmp((*s)->id, id))
			return *s;
	return NULL;
}
