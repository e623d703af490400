/* SPDX-License-Identifier: MIT */
/* Options of serial ports and monitors. */
#include "base/mem.h"
#include "base/str.h"
#include "emu/options_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int opt_serial(struct parse *p, const char *v, struct err *e)
{
	char id[16];

	p->serial_given = true;
	if (p->serials == CONFIG_SERIALS)
		return err_set(e, -EINVAL, "a machine has %d serial ports", CONFIG_SERIALS);
	snprintf(id, sizeof(id), "serial%u", p->serials++);
	return strcmp(v, "none") ? options_place(p, id, v, &p->c->serial[p->serials - 1], e)
				 : 0;
}

int options_monitor(struct parse *p, const char *chardev, bool qmp, bool pretty, struct err *e)
{
	struct config_monitor *m = &p->c->monitor[p->c->monitors];

	if (p->c->monitors == CONFIG_MONITORS)
		return err_set(e, -EINVAL, "more than %d monitors", CONFIG_MONITORS);
	p->c->monitors++;
	m->qmp = qmp;
	m->pretty = pretty;
	return options_string(&m->chardev, chardev, e);
}

/* A monitor at a place of -monitor or -qmp. */
static int monitor_at(struct parse *p, const char *v, bool qmp, bool pretty, struct err *e)
{
	AUTO_FREE char *chardev = NULL;
	char id[32];
	int r;

	p->monitor_given = true;
	if (!strcmp(v, "none"))
		return 0;
	if (!strncmp(v, "mon:", 4))
		return err_set(e, -EINVAL, "'%s': a monitor has no monitor behind it", v);
	snprintf(id, sizeof(id), "compat_monitor%u", p->places++);
	r = options_place(p, id, v, &chardev, e);
	return r < 0 ? r : options_monitor(p, chardev, qmp, pretty, e);
}

static int opt_monitor(struct parse *p, const char *v, struct err *e)
{
	return monitor_at(p, v, false, false, e);
}

static int opt_qmp(struct parse *p, const char *v, struct err *e)
{
	return monitor_at(p, v, true, false, e);
}

static int opt_qmp_pretty(struct parse *p, const char *v, struct err *e)
{
	return monitor_at(p, v, true, true, e);
}

static int opt_mon(struct parse *p, const char *v, struct err *e)
{
	struct optset o = OPTSET_INIT;
	const char *chardev, *mode;
	bool pretty = false, qmp = false;
	int r = optset_parse(&o, v, "chardev", e);

	p->monitor_given = true;
	if (r < 0)
		goto out;
	chardev = optset_get(&o, "chardev");
	mode = optset_get(&o, "mode");
	qmp = mode && !strcmp(mode, "control");
	if (!chardev)
		r = err_set(e, -EINVAL, "-mon %s has no chardev=", v);
	else if (mode && !qmp && strcmp(mode, "readline") != 0)
		r = err_set(e, -EINVAL, "-mon mode=%s: readline or control", mode);
	if (r == 0)
		r = optset_bool(&o, "pretty", &pretty, e);
	if (r == 0 && optset_get(&o, "pretty") && !qmp)
		r = err_set(e, -EINVAL, "-mon pretty= is for mode=control");
	if (r == 0)
		r = options_monitor(p, chardev, qmp, pretty, e);
out:
	optset_free(&o);
	return r;
}

static int opt_nographic(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	(void)e;
	p->nographic = true;
	return 0;
}

/* The key before keys of a mux, as its code. */
static int opt_echr(struct parse *p, const char *v, struct err *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 0);

	if (end == v || *end || !n || n > 255)
		return err_set(e, -EINVAL, "-echr %s: a key's code from 1 (C-a) to 255", v);
	p->c->escape = (uint8_t)n;
	return 0;
}

int options_char_defaults(struct parse *p, struct err *e)
{
	struct machine_config *c = p->c;
	bool serial = !p->serial_given && !p->nodefaults;
	bool monitor = !p->monitor_given && !p->nodefaults;
	int r = 0;

	c->nographic = p->nographic;
	if (!p->nographic)
		return serial ? options_place(p, "serial0", "null", &c->serial[0], e) : 0;
	if (serial && monitor)
		return options_place(p, "serial0", "mon:stdio", &c->serial[0], e);
	if (serial)
		r = options_place(p, "serial0", "stdio", &c->serial[0], e);
	return r == 0 && monitor ? monitor_at(p, "stdio", false, false, e) : r;
}

/* A server that waits for nobody; without a host, on this machine only. */
static int opt_gdb(struct parse *p, const char *v, struct err *e)
{
	bool here = !strncmp(v, "tcp::", 5);
	AUTO_FREE char *spec = NULL;

	if (p->c->gdb)
		return err_set(e, -EINVAL, "-gdb %s: there is one already", v);
	if (!strcmp(v, "none"))
		return 0;
	if (!strncmp(v, "chardev:", 8))
		return options_string(&p->c->gdb, v + 8, e);
	if (strncmp(v, "tcp:", 4) != 0 && strncmp(v, "unix:", 5) != 0)
		return err_set(
			e, -ENOTSUP,
			"-gdb %s: tcp:[HOST]:PORT, unix:PATH and chardev:ID are supported", v);
	spec = str_printf(e, "%s%s,server=on,wait=off", here ? "tcp:localhost:" : v,
			  here ? v + 5 : "");
	return spec ? options_place(p, "gdb", spec, &p->c->gdb, e) : -ENOMEM;
}

static int opt_s(struct parse *p, const char *v, struct err *e)
{
	(void)v;
	return opt_gdb(p, "tcp::1234", e);
}

static const struct device_key mon_keys[] = {
	{ "chardev", "name", "the id= of a -chardev" },
	{ "mode", "name", "readline for people, control for programs (QMP)" },
	{ "pretty", "on|off", "QMP in lines that people can read" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "serial", .arg = "WHERE", .fn = opt_serial },
	{ .name = "monitor", .arg = "WHERE", .fn = opt_monitor },
	{ .name = "mon", .arg = "OPTS", .fn = opt_mon, .first = "chardev", .keys = mon_keys },
	{ .name = "qmp", .arg = "WHERE", .fn = opt_qmp },
	{ .name = "qmp-pretty", .arg = "WHERE", .fn = opt_qmp_pretty },
	{ .name = "nographic", .fn = opt_nographic },
	{ .name = "echr", .arg = "CODE", .fn = opt_echr },
	{ .name = "gdb", .arg = "WHERE", .fn = opt_gdb },
	{ .name = "s", .fn = opt_s },
	{ .name = NULL },
};

const struct option_group options_char = { "characters", rows };
