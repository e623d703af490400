/* SPDX-License-Identifier: MIT */
#include "tune/kind.h"

#include <string.h>

const struct change_kind *const tune_kinds[] = {
	&kind_file,   &kind_attr,    &kind_node,   &kind_link,  &kind_dir,
	&kind_sysctl, &kind_sysfs,   &kind_module, &kind_mount, &kind_account,
	&kind_driver, &kind_package, &kind_regen,  NULL,
};

const struct change_kind *kind_find(const char *name)
{
	for (const struct change_kind *const *k = tune_kinds; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}
