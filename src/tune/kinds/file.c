/* SPDX-License-Identifier: MIT */
/* Whole files, replaced in one step. */
#include "base/mem.h"
#include "tune/kind.h"
#include "tune/kinds/paths.h"

#include <stdlib.h>
#include <string.h>

static int file_current(const struct host *h, const char *target, char **value, struct err *e)
{
	struct host_stat st;
	size_t len;
	int r = paths_check(target, e);

	if (r == 0)
		r = host_stat(h, target, &st, e);
	if (r < 0)
		return r;
	if (st.node != NODE_FILE)
		return err_set(e, -EINVAL, "%s is there and is not a regular file", target);
	r = below_read(host_root_fd(h), target, KIND_VALUE_MAX, value, &len, e);
	if (r < 0)
		return r;
	if (strlen(*value) == len)
		return 0;
	free(*value);
	*value = NULL;
	return err_set(e, -EINVAL, "%s has zero bytes in it and is no text", target);
}

/* Makes @target hold @value, or go; one that was not there is as @fresh says. */
static int put(const struct host *h, const char *target, const char *value,
	       const struct below_new *fresh, struct err *e)
{
	AUTO_FREE char *have = NULL;
	int r;

	if (value)
		r = below_replace(host_root_fd(h), target, value, strlen(value), fresh, e);
	else
		r = below_remove_file(host_root_fd(h), target, e);
	if (r < 0)
		return r;
	r = file_current(h, target, &have, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!kind_same(&kind_file, value, r < 0 ? NULL : have))
		return err_set(e, -EIO, "%s does not hold what was written to it", target);
	return 0;
}

static int file_apply(struct host *h, const struct change *c, struct err *e)
{
	const struct below_new fresh = paths_fresh(0644);

	return put(h, c->target, c->value, &fresh, e);
}

static int file_revert(struct host *h, const struct change *c, struct err *e)
{
	struct below_new fresh = paths_fresh(0644);
	bool anew = c->old_val && !c->value && c->old_meta;
	int r = 0;

	/* what was removed is made anew, at no time more open than it was; what is there
	 * kept its own */
	if (anew)
		r = paths_meta_fresh(c->old_meta, &fresh, e);
	if (r == 0)
		r = put(h, c->target, c->old_val, &fresh, e);
	if (r == 0 && anew)
		r = paths_restore(h, c->target, c->old_meta, e);
	return r;
}

const struct change_kind kind_file = {
	.name = "file",
	.path = true,
	.current = file_current,
	.apply = file_apply,
	.revert = file_revert,
	.meta = paths_meta,
};
