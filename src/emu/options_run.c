/* SPDX-License-Identifier: MIT */
/* Options that say how vemu itself runs, and those that ask for a text. */
#include "emu/options_int.h"

#include <string.h>

static int opt_display(struct parse *p, const char *v, struct err *e)
{
	(void)p;
	if (!strcmp(v, "none"))
		return 0;
	return err_set(
		e, -ENOTSUP,
		"-display %s: there is no display yet; -display none and -nographic work", v);
}

static int opt_vga(struct parse *p, const char *v, struct err *e)
{
	(void)p;
	if (!strcmp(v, "none"))
		return 0;
	return err_set(e, -ENOTSUP, "-vga %s: there is no graphics card yet; -vga none works",
		       v);
}

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

static int opt_sandbox(struct parse *p, const char *v, struct err *e)
{
	if (!strcmp(v, "on") || !strcmp(v, "off")) {
		p->c->no_sandbox = !strcmp(v, "off");
		return 0;
	}
	return err_set(e, -ENOTSUP, "-sandbox %s: on or off; the finer rules are always on", v);
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

static const struct option_row rows[] = {
	{ .name = "h", .fn = opt_help },
	{ .name = "help", .fn = opt_help },
	{ .name = "version", .fn = opt_version },
	{ .name = "list-options", .fn = opt_list },
	{ .name = "list-keys", .fn = opt_list_keys },
	{ .name = "display", .arg = "KIND", .fn = opt_display },
	{ .name = "vga", .arg = "KIND", .fn = opt_vga },
	{ .name = "no-reboot", .fn = opt_no_reboot },
	{ .name = "no-shutdown", .fn = opt_no_shutdown },
	{ .name = "snapshot", .fn = opt_snapshot },
	{ .name = "S", .fn = opt_stopped },
	{ .name = "runas", .arg = "USER", .fn = opt_runas },
	{ .name = "pidfile", .arg = "FILE", .fn = opt_pidfile },
	{ .name = "sandbox", .arg = "on|off", .fn = opt_sandbox },
	{ .name = "readconfig", .arg = "FILE", .fn = options_readconfig },
	{ .name = "no-user-config", .fn = opt_no_user_config },
	{ .name = NULL },
};

const struct option_group options_run = { "running", rows };
