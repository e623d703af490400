/* SPDX-License-Identifier: MIT */
#include "tune/kinds/commands.h"

int commands_where(const struct host *h, const struct change *c, struct run *out, struct err *e)
{
	*out = (struct run){ .root = -1 };
	if (host_is_live(h))
		return 0;
	if (host_kind(h) == HOST_RECORD)
		return err_set(e, -ENOTSUP, "%s %s: a recorded host runs nothing",
			       c->kind->name, c->target);
	if (!c->in_root || c->kind->live)
		return err_set(e, -ENOTSUP, "%s %s: not done inside an image%s", c->kind->name,
			       c->target, c->kind->live ? "" : " unless --run-in-root says so");
	out->root = host_root_fd(h);
	return 0;
}

int commands_run(const struct host *h, const struct change *c, const char *const argv[],
		 struct err *e)
{
	struct run how;
	int r = commands_where(h, c, &how, e);

	return r < 0 ? r : run_ok(&how, argv, e);
}

bool commands_have(const struct host *h, const char *program)
{
	return run_find(host_is_live(h) ? -1 : host_root_fd(h), program);
}
