/* SPDX-License-Identifier: MIT */
/* Folders.  One that is no longer empty is somebody's and stays. */
#include "base/mem.h"
#include "tune/kind.h"
#include "tune/kinds/paths.h"

#include <string.h>

static int dir_current(const struct host *h, const char *target, char **value, struct err *e)
{
	struct host_stat st;
	int r = paths_check(target, e);

	if (r == 0)
		r = host_stat(h, target, &st, e);
	if (r < 0)
		return r;
	if (st.node != NODE_DIR)
		return err_set(e, -ENOTDIR, "%s is there and is not a folder", target);
	*value = mem_strdup("dir", e);
	return *value ? 0 : -ENOMEM;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	int r;

	if (!value) {
		r = below_remove(host_root_fd(h), target, 1, e);
		return r == -ENOTEMPTY || r == -EEXIST
			       ? err_set(e, -EBUSY, "%s is not empty", target)
			       : r;
	}
	if (strcmp(value, "dir"))
		return err_set(e, -EINVAL, "%s: a folder is 'dir', not '%s'", target, value);
	return below_mkdirs(host_root_fd(h), target, e);
}

static int dir_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, e);
}

static int dir_revert(struct host *h, const struct change *c, struct err *e)
{
	int r = put(h, c->target, c->old_val, e);

	if (r == 0 && c->old_val && c->old_meta)
		r = paths_restore(h, c->target, c->old_meta, e);
	return r;
}

const struct change_kind kind_dir = {
	.name = "dir",
	.path = true,
	.current = dir_current,
	.apply = dir_apply,
	.revert = dir_revert,
	.meta = paths_meta,
};
