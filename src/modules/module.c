/* SPDX-License-Identifier: MIT */
#include "modules/module.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/kernels.h"
#include "modules/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int module_name(const char *name, char out[MODULE_NAME_MAX + 1], struct err *e)
{
	size_t n = strlen(name);

	if (!n || n > MODULE_NAME_MAX)
		return err_set(e, -EINVAL, "'%.80s' is no name of a module: 1 to %d letters",
			       name, MODULE_NAME_MAX);
	for (size_t i = 0; i <= n; i++) {
		char c = name[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z');

		if (c && !word && c != '_' && c != '-')
			return err_set(e, -EINVAL,
				       "'%.80s' is no name of a module: letters, digits, "
				       "'_' and '-' only",
				       name);
		out[i] = c == '-' ? '_' : c;
	}
	return 0;
}

const char *module_state_name(enum module_state s)
{
	static const char *const names[] = { "unknown", "absent", "builtin",
					     "live",    "coming", "going" };

	return s < ARRAY_SIZE(names) ? names[s] : "unknown";
}

bool module_runs(const struct module *mod)
{
	return mod->state == MODULE_LIVE || mod->state == MODULE_BUILTIN;
}

static void PRINTF(6, 0) say_nothing(void *data, int priority, const char *file, int line,
				     const char *fn, const char *format, va_list args)
{
}

int modules_kmod(bool live, struct kmod_ctx **out, struct err *e)
{
	static const char *const no_config[] = { NULL };

	*out = live ? kmod_new(NULL, NULL) : kmod_new("/nonexistent", no_config);
	if (!*out)
		return err_set(e, -ENOMEM, "libkmod does not start");
	kmod_set_log_fn(*out, say_nothing, NULL);
	return 0;
}

void modules_dir(const struct modules *m, char out[96])
{
	snprintf(out, 96, "/lib/modules/%s", m->release);
}

static int read_list(struct modules *m, const char *file, struct modlist *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char dir[96], path[128];
	size_t len;
	int r;

	modules_dir(m, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	r = host_read(m->h, path, &text, &len, e);
	return r < 0 ? r : modlist_parse(text, len, out, e);
}

static int find_release(struct modules *m, struct err *e)
{
	struct kernels k = { 0 };
	const char *release;
	int r = kernels_read(m->h, &k, e);

	if (r < 0)
		return r;
	release = k.running[0] ? k.running : kernels_newest(&k);
	/* a release with a slash would be a path */
	if (release && !strchr(release, '/') && strcmp(release, ".."))
		snprintf(m->release, sizeof(m->release), "%s", release);
	kernels_free(&k);
	return 0;
}

int modules_open(const struct host *h, struct modules **out, struct err *e)
{
	struct modules *m = mem_zalloc(1, sizeof(*m), e);
	struct err mine = { 0 };
	int r;

	if (!m)
		return -ENOMEM;
	m->h = h;
	r = find_release(m, e);
	if (r == 0 && m->release[0]) {
		r = read_list(m, "modules.dep", &m->loadable, &mine);
		m->lists = r == 0;
		if (r == 0 || r == -ENOENT)
			r = read_list(m, "modules.builtin", &m->builtin, &mine);
		if (r == -ENOENT || r == -ENOTDIR)
			r = 0;
		if (r < 0)
			err_set(e, r, "%s", mine.msg);
	}
	if (r < 0) {
		modules_close(m);
		return r;
	}
	*out = m;
	return 0;
}

void modules_close(struct modules *m)
{
	if (!m)
		return;
	modlist_free(&m->loadable);
	modlist_free(&m->builtin);
	free(m);
}

void modules_closep(struct modules **m)
{
	modules_close(*m);
	*m = NULL;
}

const struct host *modules_host(const struct modules *m)
{
	return m->h;
}

const char *modules_release(const struct modules *m)
{
	return m->release;
}

bool modules_have_lists(const struct modules *m)
{
	return m->lists;
}

/* Adds the names behind the paths in @deps to mod->needs. */
static int add_needs(const char *deps, struct module *mod, struct err *e)
{
	while (*deps) {
		size_t n = strcspn(deps, " \t");
		char name[MODULE_NAME_MAX + 1];

		if (modlist_name(deps, n, name) == 0) {
			int r = mem_grow((void **)&mod->needs, mod->n_needs + 1,
					 sizeof(*mod->needs), e);

			if (r < 0)
				return r;
			mod->needs[mod->n_needs] = mem_strdup(name, e);
			if (!mod->needs[mod->n_needs])
				return -ENOMEM;
			mod->n_needs++;
		}
		deps += n;
		deps += strspn(deps, " \t");
	}
	return 0;
}

/* What the lists say: can it be loaded, is it built in. */
static int ask_lists(const struct modules *m, struct module *mod, struct err *e)
{
	const struct modlist_row *row = modlist_find(&m->loadable, mod->name);
	char dir[96];

	if (!row) {
		mod->state =
			modlist_find(&m->builtin, mod->name) ? MODULE_BUILTIN : MODULE_UNKNOWN;
		return 0;
	}
	mod->state = MODULE_ABSENT;
	modules_dir(m, dir);
	mod->path = row->path[0] == '/' ? mem_strdup(row->path, e)
					: str_printf(e, "%s/%s", dir, row->path);
	return mod->path ? add_needs(row->deps, mod, e) : -ENOMEM;
}

static int sys_path(const struct module *mod, const char *what, char *out, size_t size)
{
	return snprintf(out, size, "/sys/module/%s%s", mod->name, what);
}

static int ask_users(const struct host *h, struct module *mod, struct err *e)
{
	struct host_list l = { 0 };
	char path[128];
	uint64_t n;
	int r;

	sys_path(mod, "/refcnt", path, sizeof(path));
	/* "-1" while it goes; a kernel that cannot unload has no such file */
	if (host_read_u64(h, path, &n, NULL) == 0 && n <= INT32_MAX)
		mod->refcnt = (long)n;
	sys_path(mod, "/holders", path, sizeof(path));
	r = host_list(h, path, &l, e);
	if (r == -ENOENT)
		return 0;
	mod->holders = l.v;
	mod->n_holders = l.n;
	return r;
}

/* What the running kernel says, which counts for more. */
static int ask_kernel(const struct modules *m, struct module *mod, struct err *e)
{
	char path[128], state[16] = "";
	struct host_stat st;
	struct err mine = { 0 };
	int r;

	sys_path(mod, "/initstate", path, sizeof(path));
	r = host_read_line(m->h, path, state, sizeof(state), &mine);
	if (r == -ENOENT || r == -ENOTDIR) {
		sys_path(mod, "", path, sizeof(path));
		if (host_stat(m->h, path, &st, NULL) < 0 || st.node != NODE_DIR)
			return 0;
		/* built in modules have a folder for their parameters, and no state; a
		 * loadable one has its folder a moment before its state */
		mod->state = mod->state == MODULE_ABSENT ? MODULE_COMING : MODULE_BUILTIN;
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	mod->state = !strcmp(state, "live")    ? MODULE_LIVE
		     : !strcmp(state, "going") ? MODULE_GOING
					       : MODULE_COMING;
	return ask_users(m->h, mod, e);
}

static int get_named(const struct modules *m, struct module *mod, struct err *e)
{
	int r = ask_lists(m, mod, e);

	if (r == 0 && host_has_kernel(m->h))
		r = ask_kernel(m, mod, e);
	return r;
}

/* The name of the module behind an alias, by libkmod; leaves @mod alone if it is none. */
static int ask_alias(const char *name, struct module *mod, struct err *e)
{
	struct kmod_ctx *ctx;
	struct kmod_list *l = NULL;
	int r = modules_kmod(true, &ctx, e);

	if (r < 0)
		return r;
	if (kmod_module_new_from_lookup(ctx, name, &l) >= 0 && l) {
		struct kmod_module *k = kmod_module_get_module(l);

		r = module_name(kmod_module_get_name(k), mod->name, e);
		kmod_module_unref(k);
	}
	kmod_module_unref_list(l);
	kmod_unref(ctx);
	return r;
}

int module_get(const struct modules *m, const char *name, struct module *out, struct err *e)
{
	char asked[MODULE_NAME_MAX + 1];
	int r;

	memset(out, 0, sizeof(*out));
	out->refcnt = -1;
	r = module_name(name, out->name, e);
	if (r < 0)
		return r;
	r = get_named(m, out, e);
	if (r == 0 && out->state == MODULE_UNKNOWN && m->lists && host_is_live(m->h)) {
		snprintf(asked, sizeof(asked), "%s", out->name);
		r = ask_alias(name, out, e);
		if (r == 0 && strcmp(asked, out->name))
			r = get_named(m, out, e);
	}
	if (r < 0)
		module_free(out);
	return r;
}

void module_free(struct module *mod)
{
	for (size_t i = 0; i < mod->n_holders; i++)
		free(mod->holders[i]);
	for (size_t i = 0; i < mod->n_needs; i++)
		free(mod->needs[i]);
	free(mod->holders);
	free(mod->needs);
	free(mod->path);
	mod->holders = mod->needs = NULL;
	mod->n_holders = mod->n_needs = 0;
	mod->path = NULL;
}
