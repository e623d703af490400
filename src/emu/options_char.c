/* SPDX-License-Identifier: MIT */
/* Options of serial ports and monitors. */
#include "emu/options_int.h"

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

static const struct option_row rows[] = {
	{ .name = "serial", .arg = "WHERE", .fn = opt_serial },
	{ .name = "monitor", .arg = "WHERE", .fn = opt_monitor },
	{ .name = "qmp", .arg = "WHERE", .fn = opt_qmp },
	{ .name = "nographic", .fn = opt_nographic },
	{ .name = NULL },
};

const struct option_group options_char = { "characters", rows };
