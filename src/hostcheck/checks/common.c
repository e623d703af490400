/* SPDX-License-Identifier: MIT */
#include "base/size.h"
#include "host/access.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

static int who_named(const struct users *u, const char *user, struct who *out, struct err *e)
{
	const struct user_row *row = users_name(u, user);

	if (!row && is_number(user))
		row = users_uid(u, (uint32_t)strtoul(user, NULL, 10));
	if (!row && !is_number(user))
		return err_set(e, -ESRCH, "there is no user '%.60s' in /etc/passwd", user);
	out->raw = user;
	out->root = row ? row->uid == 0 : !strcmp(user, "0");
	snprintf(out->name, sizeof(out->name), "%s%.50s", row ? "" : "uid ",
		 row ? row->name : user);
	return 0;
}

int who_read(struct facts *f, struct who *out, struct err *e)
{
	const struct process_ids *ids;
	const struct user_row *row;
	const struct users *u;
	int r = facts_users(f, &u, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	if (f->o->user)
		return who_named(u, f->o->user, out, e);
	r = facts_ids(f, &ids, e);
	if (r < 0)
		return r;
	row = users_uid(u, ids->uid);
	out->root = ids->uid == 0;
	if (row)
		snprintf(out->name, sizeof(out->name), "%.60s", row->name);
	else
		snprintf(out->name, sizeof(out->name), "uid %u", ids->uid);
	return 0;
}

int who_may(struct facts *f, const struct who *w, const char *path, unsigned want,
	    struct err *e)
{
	const struct process_ids *ids;
	const struct users *u;
	int r = facts_users(f, &u, e);

	if (r < 0)
		return r;
	if (w->raw)
		return access_node(f->h, u, path, w->raw, want, e);
	r = facts_ids(f, &ids, e);
	return r < 0 ? r : access_node_ids(f->h, u, path, ids, want, e);
}

bool who_must_relogin(struct facts *f, const struct who *w, const char *path, unsigned want)
{
	const struct users *u;

	return !w->raw && facts_users(f, &u, NULL) == 0 &&
	       who_may(f, w, path, want, NULL) == -EACCES &&
	       access_node(f->h, u, path, w->name, want, NULL) == 0;
}

bool who_is_member(struct facts *f, const struct who *w, const char *group)
{
	const struct users *u;

	return facts_users(f, &u, NULL) == 0 && users_is_member(u, w->name, group);
}

const char *bytes_text(uint64_t bytes, char out[BYTES_TEXT])
{
	_Static_assert(BYTES_TEXT >= SIZE_TEXT, "size_human() writes that much");
	return size_human(bytes, out);
}

const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

bool attr_u64(const struct facts *f, const char *path, uint64_t *out)
{
	return host_read_u64(f->h, path, out, NULL) == 0;
}

bool option_configured(struct facts *f, const char *module, const char *param, char *buf,
		       size_t size)
{
	struct modprobe_options o = { 0 };
	const struct modprobe_conf *c;
	bool hit = false;

	if (facts_modprobe(f, &c, NULL) < 0 || modprobe_options(c, module, &o, NULL) < 0)
		return false;
	for (size_t i = 0; i < o.n; i++)
		if (!strcmp(o.v[i].param, param) && o.v[i].final) {
			snprintf(buf, size, "%s", o.v[i].value ? o.v[i].value : "");
			hit = true;
		}
	modprobe_options_free(&o);
	return hit;
}

enum module_state module_state_of(struct facts *f, const char *name)
{
	struct modules *const *m;
	AUTO_MODULE struct module mod = { 0 };

	if (facts_modules(f, &m, NULL) < 0 || module_get(*m, name, &mod, NULL) < 0)
		return MODULE_UNKNOWN;
	return mod.state;
}

bool module_is_up(enum module_state s)
{
	return s == MODULE_LIVE || s == MODULE_BUILTIN;
}

bool vemu_translates(struct facts *f)
{
	const struct cpuinfo *c;

	return !strcmp(host_arch(f->h), "x86_64") && facts_cpuinfo(f, &c, NULL) == 0 &&
	       cpuinfo_has(c, "xsave") && cpuinfo_has(c, "bmi2");
}
