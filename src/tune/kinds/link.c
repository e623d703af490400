/* SPDX-License-Identifier: MIT */
/* Symbolic links, as an init system enables its services by. */
#include "base/mem.h"
#include "tune/kind.h"
#include "tune/kinds/paths.h"

#include <string.h>

static int link_current(const struct host *h, const char *target, char **value, struct err *e)
{
	char to[2048];
	int r = paths_check(target, e);

	if (r == 0)
		r = host_readlink(h, target, to, sizeof(to), e);
	if (r == -EINVAL)
		return err_set(e, -EEXIST, "%s is there and is not a symbolic link", target);
	if (r < 0)
		return r;
	*value = mem_strdup(to, e);
	return *value ? 0 : -ENOMEM;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	AUTO_FREE char *have = NULL;
	int r;

	if (value)
		r = below_symlink(host_root_fd(h), target, value, e);
	else
		r = below_remove(host_root_fd(h), target, 0, e);
	if (r < 0)
		return r;
	r = link_current(h, target, &have, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!kind_same(&kind_link, value, r < 0 ? NULL : have))
		return err_set(e, -EIO, "%s does not point where it was made to", target);
	return 0;
}

static int link_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, e);
}

static int link_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->old_val, e);
}

const struct change_kind kind_link = {
	.name = "link",
	.path = true,
	.current = link_current,
	.apply = link_apply,
	.revert = link_revert,
};
