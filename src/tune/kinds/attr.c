/* SPDX-License-Identifier: MIT */
/* Mode and owner of what is there: files, and nodes of devices. */
#include "base/mem.h"
#include "tune/kind.h"
#include "tune/kinds/paths.h"

#include <string.h>

static int attr_current(const struct host *h, const char *target, char **value, struct err *e)
{
	char text[PATHS_ATTR_SIZE];
	struct host_stat st;
	int r = paths_check(target, e);

	if (r == 0)
		r = host_stat(h, target, &st, e);
	if (r < 0)
		return r;
	paths_attr_print(text, st.mode, st.uid, st.gid);
	*value = mem_strdup(text, e);
	return *value ? 0 : -ENOMEM;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	AUTO_FREE char *have = NULL;
	struct below_new n;
	int r = paths_attr_parse(value, &n, e);

	if (r == 0)
		r = below_attr(host_root_fd(h), target, n.uid, n.gid, n.mode, e);
	if (r == 0)
		r = attr_current(h, target, &have, e);
	if (r == 0 && strcmp(have, value))
		r = err_set(e, -EIO, "%s: set to %s, it is %s", target, value, have);
	return r;
}

static int attr_apply(struct host *h, const struct change *c, struct err *e)
{
	if (!c->value)
		return err_set(e, -EINVAL, "%s: a mode cannot be absent", c->target);
	return put(h, c->target, c->value, e);
}

static int attr_revert(struct host *h, const struct change *c, struct err *e)
{
	/* the file was made after the plan: it goes by a change of its own */
	return c->old_val ? put(h, c->target, c->old_val, e) : 0;
}

/* Owner first, then mode, and a change of owner clears the set-ID bits. */
static bool attr_partial(const struct change *c, const char *have)
{
	struct below_new from, to, now;
	uint32_t mode;

	if (!have || !c->value || paths_attr_parse(c->value, &to, NULL) < 0 ||
	    paths_attr_parse(have, &now, NULL) < 0)
		return false;
	if (!c->old_val)
		return true; /* made in the same apply, with whatever mode */
	if (paths_attr_parse(c->old_val, &from, NULL) < 0)
		return false;
	mode = now.mode & 01777;
	return (now.uid == from.uid || now.uid == to.uid) &&
	       (now.gid == from.gid || now.gid == to.gid) &&
	       (mode == (from.mode & 01777) || mode == (to.mode & 01777));
}

const struct change_kind kind_attr = {
	.name = "attr",
	.follows = true,
	.current = attr_current,
	.apply = attr_apply,
	.revert = attr_revert,
	.partial = attr_partial,
};

/* The kernel makes device nodes anew at each boot, and when their module is loaded. */
const struct change_kind kind_node = {
	.name = "node",
	.live = true,
	.fleeting = true,
	.follows = true,
	.current = attr_current,
	.apply = attr_apply,
	.revert = attr_revert,
	.partial = attr_partial,
};
