/* SPDX-License-Identifier: MIT */
#include "modules/load.h"

#include "modules/context.h"
#include "modules/load_why.h"
#include "modules/openers.h"

#include <stdio.h>
#include <string.h>

static int only_live(const struct modules *m, const char *verb, struct err *e)
{
	if (host_is_live(m->h))
		return 0;
	return err_set(e, -ENOTSUP, "modules can be %s on the running host alone, not below %s",
		       verb, host_root(m->h));
}

/* Instead of libkmod's own, which would hand the command to a shell. */
static int refuse_install(struct kmod_module *k, const char *cmd, void *data)
{
	char(*refused)[MODULE_NAME_MAX + 1] = data;

	snprintf(*refused, sizeof(*refused), "%s", kmod_module_get_name(k));
	return -ECANCELED;
}

static int insert(const struct modules *m, struct kmod_module *k, const struct module *mod,
		  struct err *e)
{
	char refused[MODULE_NAME_MAX + 1] = "";
	AUTO_MODULE struct module after = { 0 };
	int r = kmod_module_probe_insert_module(k, KMOD_PROBE_APPLY_BLACKLIST, NULL,
						refuse_install, refused, NULL);

	/* that of a soft dependency does not matter */
	if (r < 0 && refused[0])
		return load_why_config(m, MODPROBE_INSTALL, refused,
				       "has an install command, which only modprobe runs", e);
	if (r > 0)
		return load_why_config(m, MODPROBE_BLACKLIST, mod->name, "is on the blacklist",
				       e);
	if (r < 0 && r != -EEXIST)
		return load_why(m, mod, r, e);
	r = module_get(m, mod->name, &after, e);
	if (r < 0)
		return r;
	return module_runs(&after) ? 1 : load_why_not_there(m, mod->name, e);
}

/* What is asked for, and libkmod's idea of it. */
static int find_kmod(const struct modules *m, const char *name, struct kmod_ctx **ctx,
		     struct kmod_module **k, struct err *e)
{
	int r = modules_kmod(true, ctx, e);

	*k = NULL;
	if (r < 0)
		return r;
	r = kmod_module_new_from_name(*ctx, name, k);
	if (r < 0) {
		kmod_unref(*ctx);
		*ctx = NULL;
		return err_set(e, r, "%s: %s", name, strerror(-r));
	}
	return 0;
}

int module_load(const struct modules *m, const char *name, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	struct kmod_ctx *ctx;
	struct kmod_module *k;
	int r = only_live(m, "loaded", e);

	if (r == 0)
		r = module_get(m, name, &mod, e);
	if (r < 0)
		return r;
	if (module_runs(&mod))
		return 0;
	if (mod.state == MODULE_UNKNOWN)
		return load_why_unknown(m, name, e);
	r = find_kmod(m, mod.name, &ctx, &k, e);
	if (r < 0)
		return r;
	r = insert(m, k, &mod, e);
	kmod_module_unref(k);
	kmod_unref(ctx);
	return r;
}

static int say_busy(const struct modules *m, const struct module *mod, struct err *e)
{
	char who[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < mod->n_holders && used < sizeof(who); i++)
		used += (size_t)snprintf(who + used, sizeof(who) - used, "%s%s", i ? ", " : "",
					 mod->holders[i]);
	if (mod->n_holders)
		return err_set(e, -EBUSY, "%s is in use: %s stand%s on it", mod->name, who,
			       mod->n_holders == 1 ? "s" : "");
	if (openers_find(m->h, mod->name, who, sizeof(who)))
		return err_set(e, -EBUSY, "%s is in use by %s", mod->name, who);
	return err_set(e, -EBUSY, "%s is in use (%ld references)", mod->name, mod->refcnt);
}

/* 0: it is loaded and nobody uses it.  1: it is not loaded. */
static int unused(const struct modules *m, const struct module *mod, struct err *e)
{
	switch (mod->state) {
	case MODULE_BUILTIN:
		return err_set(e, -EINVAL, "%s is part of the kernel, it cannot be unloaded",
			       mod->name);
	case MODULE_LIVE:
		break;
	case MODULE_COMING:
	case MODULE_GOING:
		return err_set(e, -EBUSY, "%s is being %sloaded right now", mod->name,
			       mod->state == MODULE_GOING ? "un" : "");
	default:
		return 1;
	}
	if (mod->n_holders || mod->refcnt > 0)
		return say_busy(m, mod, e);
	if (mod->refcnt < 0)
		return err_set(e, -ENOTSUP, "this kernel cannot unload modules");
	return 0;
}

int module_unused(const struct modules *m, const char *name, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	int r = module_get(m, name, &mod, e);

	if (r == 0)
		r = unused(m, &mod, e);
	return r < 0 ? r : 0;
}

static int remove_it(const struct modules *m, struct kmod_module *k, const char *name,
		     struct err *e)
{
	AUTO_MODULE struct module after = { 0 };
	int r = kmod_module_remove_module(k, KMOD_REMOVE_NOWAIT), got;

	if (r == -EPERM || r == -EACCES)
		return load_why_rights(m, "unload", name, e);
	got = module_get(m, name, &after, e);
	if (got < 0)
		return got;
	if (r == -EAGAIN || r == -EBUSY)
		/* somebody was quicker */
		return say_busy(m, &after, e);
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "unload %s: %s", name, strerror(-r));
	if (module_runs(&after))
		return err_set(e, -EIO, "unload %s: the kernel reported no error, yet it runs",
			       name);
	return 1;
}

int module_unload(const struct modules *m, const char *name, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	struct kmod_ctx *ctx;
	struct kmod_module *k;
	int r = only_live(m, "unloaded", e);

	if (r == 0)
		r = module_get(m, name, &mod, e);
	if (r == 0)
		r = unused(m, &mod, e);
	if (r)
		return r < 0 ? r : 0;
	r = find_kmod(m, mod.name, &ctx, &k, e);
	if (r < 0)
		return r;
	r = remove_it(m, k, mod.name, e);
	kmod_module_unref(k);
	kmod_unref(ctx);
	return r;
}
