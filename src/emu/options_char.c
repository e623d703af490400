/* SPDX-License-Identifier: MIT */
/* Options of serial ports and monitors. */
#include "base/str.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

static int opt_serial(struct parse *p, const char *v, struct err *e)
{
	p->serial_given = true;
	if (p->serials == CONFIG_SERIALS)
		return err_set(e, -EINVAL, "a machine has %d serial ports", CONFIG_SERIALS);
	if (!strcmp(v, "none")) {
		p->serials++;
		return 0;
	}
	return options_string(&p->c->serial[p->serials++], v, e);
}

static int opt_monitor(struct parse *p, const char *v, struct err *e)
{
	p->monitor_given = true;
	return options_string(&p->c->monitor, v, e);
}

static int opt_qmp(struct parse *p, const char *v, struct err *e)
{
	return options_string(&p->c->qmp, v, e);
}

static int opt_nographic(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->nographic = true;
	return 0;
}

/* A server that waits for nobody; without a host, on this machine only. */
static int opt_gdb(struct parse *p, const char *v, struct err *e)
{
	bool here = !strncmp(v, "tcp::", 5);
	char *spec;

	if (!strcmp(v, "none")) {
		free(p->c->gdb);
		p->c->gdb = NULL;
		return 0;
	}
	if (strncmp(v, "tcp:", 4) != 0 && strncmp(v, "unix:", 5) != 0)
		return err_set(e, -ENOTSUP,
			       "-gdb %s: tcp:[HOST]:PORT and unix:PATH are supported", v);
	spec = str_printf(e, "%s%s,server=on,wait=off", here ? "tcp:localhost:" : v,
			  here ? v + 5 : "");
	free(p->c->gdb);
	p->c->gdb = spec;
	return spec ? 0 : -ENOMEM;
}

static int opt_s(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	return opt_gdb(p, "tcp::1234", e);
}

static const struct option_row rows[] = {
	{ .name = "serial", .arg = "WHERE", .fn = opt_serial },
	{ .name = "monitor", .arg = "WHERE", .fn = opt_monitor },
	{ .name = "qmp", .arg = "WHERE", .fn = opt_qmp },
	{ .name = "nographic", .fn = opt_nographic },
	{ .name = "gdb", .arg = "WHERE", .fn = opt_gdb },
	{ .name = "s", .fn = opt_s },
	{ .name = NULL },
};

const struct option_group options_char = { "characters", rows };
