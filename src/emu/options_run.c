/* SPDX-License-Identifier: MIT */
/* Options that say how vemu itself runs, and those that ask for a text. */
#include "emu/log.h"
#include "emu/options_int.h"

#include <string.h>

static int opt_no_reboot(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_reboot = true;
	return 0;
}

static int opt_no_shutdown(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->no_shutdown = true;
	return 0;
}

static int opt_stopped(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->stopped = true;
	return 0;
}

static int opt_snapshot(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->snapshot = true;
	return 0;
}

static int opt_runas(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->runas, v, e);
}

static int opt_pidfile(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->pidfile, v, e);
}

/* allow or deny */
static int rule(struct optset *o, const char *key, bool *allow, struct err *e)
{
	const char *v = optset_get(o, key);

	if (!v)
		return 0;
	*allow = !strcmp(v, "allow");
	/* children: only they may have no more rights, which is so for all here */
	if (*allow || !strcmp(v, "deny") ||
	    (!strcmp(key, "elevateprivileges") && !strcmp(v, "children")))
		return 0;
	return err_set(e, -EINVAL, "-sandbox %s=%s: allow or deny", key, v);
}

static int opt_sandbox(struct parse *p, const char *v, struct err *e)
{
	struct config_sandbox *s = &p->c->sandbox;
	struct optset o = OPTSET_INIT;
	bool on = true, resources = true;
	int r = optset_parse(&o, v, "enable", e);

	*s = (struct config_sandbox){ 0 };
	if (r == 0)
		r = optset_bool(&o, "enable", &on, e);
	if (r == 0)
		r = rule(&o, "obsolete", &s->obsolete, e);
	if (r == 0)
		r = rule(&o, "elevateprivileges", &s->rights, e);
	if (r == 0)
		r = rule(&o, "spawn", &s->spawn, e);
	if (r == 0)
		r = rule(&o, "resourcecontrol", &resources, e);
	if (r == 0 && !on && o.n > 1)
		r = err_set(e, -EINVAL, "-sandbox %s: rules are for on", v);
	s->off = !on;
	s->no_resources = !resources;
	optset_free(&o);
	return r;
}

static int opt_chroot(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->chroot, v, e);
}

static int opt_daemonize(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->c->daemonize = true;
	return 0;
}

static int opt_nodefaults(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->nodefaults = true;
	return 0;
}

static int opt_log(struct parse *p, const char *v, struct err *e)
{
	if (!strcmp(v, "help") || !strcmp(v, "?")) {
		*p->ask = OPTIONS_LOGS;
		return 0;
	}
	return log_parse(v, &p->c->log_items, e);
}

static int opt_log_file(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->log_file, v, e);
}

static int opt_msg(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r = optset_parse(&o, v, NULL, e);

	if (r == 0)
		r = optset_bool(&o, "timestamp", &p->c->msg_time, e);
	if (r == 0)
		r = optset_bool(&o, "guest-name", &p->c->msg_name, e);
	optset_free(&o);
	return r;
}

static int ask_for(struct parse *p, enum options_ask what)
{
	*p->ask = what;
	return 0;
}

static int opt_help(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_HELP);
}

static int opt_version(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_VERSION);
}

static int opt_list(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_LIST);
}

/* There is none that is read unasked. */
static int opt_no_user_config(struct parse *p, const char *v, struct err *e)
{
	(void)p;
	(void)v;
	(void)e;
	return 0;
}

static int opt_list_keys(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_LIST_KEYS);
}

static int opt_list_states(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	return ask_for(p, OPTIONS_LIST_STATES);
}

static const struct device_key sandbox_keys[] = {
	{ "enable", "on|off", "the filter of system calls" },
	{ "obsolete", "allow|deny", "old and rare system calls; deny if not given" },
	{ "elevateprivileges", "allow|deny|children", "getting rights; deny if not given" },
	{ "spawn", "allow|deny", "starting programs; deny if not given" },
	{ "resourcecontrol", "allow|deny", "priorities and processors; allow if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key msg_keys[] = {
	{ "timestamp", "on|off", "messages begin with the time" },
	{ "guest-name", "on|off", "messages begin with the name of -name" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "h", .fn = opt_help },
	{ .name = "help", .fn = opt_help },
	{ .name = "version", .fn = opt_version },
	{ .name = "list-options", .fn = opt_list },
	{ .name = "list-keys", .fn = opt_list_keys },
	{ .name = "list-states", .fn = opt_list_states },
	{ .name = "no-reboot", .fn = opt_no_reboot },
	{ .name = "no-shutdown", .fn = opt_no_shutdown },
	{ .name = "snapshot", .fn = opt_snapshot },
	{ .name = "S", .fn = opt_stopped },
	{ .name = "runas", .arg = "USER", .fn = opt_runas },
	{ .name = "pidfile", .arg = "FILE", .fn = opt_pidfile },
	{ .name = "chroot", .arg = "DIR", .fn = opt_chroot },
	{ .name = "sandbox",
	  .arg = "on|off",
	  .fn = opt_sandbox,
	  .first = "enable",
	  .keys = sandbox_keys },
	{ .name = "daemonize", .fn = opt_daemonize },
	{ .name = "nodefaults", .fn = opt_nodefaults },
	{ .name = "d", .arg = "ITEMS", .fn = opt_log },
	{ .name = "D", .arg = "FILE", .fn = opt_log_file },
	{ .name = "msg", .arg = "OPTS", .fn = opt_msg, .keys = msg_keys },
	{ .name = "readconfig", .arg = "FILE", .fn = options_readconfig },
	{ .name = "no-user-config", .fn = opt_no_user_config },
	{ .name = NULL },
};

const struct option_group options_run = { "running", rows };
