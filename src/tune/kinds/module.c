/* SPDX-License-Identifier: MIT */
/* Kernel modules.  One that somebody uses is never unloaded. */
#include "base/mem.h"
#include "modules/load.h"
#include "tune/kind.h"

#include <string.h>

static int module_current(const struct host *h, const char *target, char **value, struct err *e)
{
	AUTO_MODULES struct modules *m = NULL;
	AUTO_MODULE struct module mod = { 0 };
	int r = modules_open(h, &m, e);

	if (r == 0)
		r = module_get(m, target, &mod, e);
	if (r < 0)
		return r;
	*value = module_runs(&mod) ? mem_strdup("loaded", e) : NULL;
	return *value || !module_runs(&mod) ? 0 : -ENOMEM;
}

static int put(const struct host *h, const char *target, const char *value, struct err *e)
{
	AUTO_MODULES struct modules *m = NULL;
	int r = modules_open(h, &m, e);

	if (r == 0)
		r = value ? module_load(m, target, e) : module_unload(m, target, e);
	return r < 0 ? r : 0;
}

static int module_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->value, e);
}

static int module_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c->target, c->old_val, e);
}

const struct change_kind kind_module = {
	.name = "module",
	.live = true,
	.fleeting = true,
	.current = module_current,
	.apply = module_apply,
	.revert = module_revert,
};
