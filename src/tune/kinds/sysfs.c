/* SPDX-License-Identifier: MIT */
#include "tune/kinds/attribute.h"
#include "tune/kinds/paths.h"

#include <string.h>

static int check(const char *target, struct err *e)
{
	if (strncmp(target, "/sys/", 5) != 0)
		return err_set(e, -EINVAL, "'%s' is not below /sys", target);
	return paths_check(target, e);
}

static int sysfs_current(const struct host *h, const char *target, char **value, struct err *e)
{
	int r = check(target, e);

	return r < 0 ? r : attribute_read(h, target, value, e);
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	int r = check(target, e);

	if (r == 0 && !value)
		r = err_set(e, -EINVAL, "%s cannot be taken away", target);
	return r < 0 ? r : attribute_write(h, target, value, e);
}

static int sysfs_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, e);
}

static int sysfs_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->old_val, e);
}

const struct change_kind kind_sysfs = {
	.name = "sysfs",
	.live = true,
	.fleeting = true,
	.follows = true,
	.current = sysfs_current,
	.apply = sysfs_apply,
	.revert = sysfs_revert,
	.equal = attribute_equal,
	.partial = attribute_partial,
};
