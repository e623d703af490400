/* SPDX-License-Identifier: MIT */
/* What to do about what guests do: -action and the options that are short for a part of it. */
#include "emu/devices.h"
#include "emu/machine.h"
#include "emu/options_int.h"

#include <string.h>

static int on_reboot(struct machine_config *c, const char *v)
{
	c->no_reboot = !strcmp(v, "shutdown");
	return c->no_reboot || !strcmp(v, "reset") ? 0 : -EINVAL;
}

static int on_shutdown(struct machine_config *c, const char *v)
{
	c->no_shutdown = !strcmp(v, "pause");
	return c->no_shutdown || !strcmp(v, "poweroff") ? 0 : -EINVAL;
}

static int on_panic(struct machine_config *c, const char *v)
{
	static const char *const names[] = { "shutdown", "pause", "exit-failure", "none" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], v) != 0)
			continue;
		c->panic = (enum panic_action)i;
		return 0;
	}
	return -EINVAL;
}

static int on_watchdog(struct machine_config *c, const char *v)
{
	const char *name;

	for (unsigned i = 0; (name = machine_watchdog_name((enum watchdog_action)i)); i++) {
		if (strcmp(name, v) != 0)
			continue;
		c->watchdog = (enum watchdog_action)i;
		return 0;
	}
	return -EINVAL;
}

static const struct {
	const char *name, *values;
	int (*fn)(struct machine_config *c, const char *v);
} kinds[] = {
	{ "reboot", "reset or shutdown", on_reboot },
	{ "shutdown", "poweroff or pause", on_shutdown },
	{ "panic", "shutdown, pause, exit-failure or none", on_panic },
	{ "watchdog", "reset, shutdown, poweroff, pause, debug, none or inject-nmi",
	  on_watchdog },
};

static int opt_action(struct parse *p, const char *value, struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r = optset_parse(&o, value, NULL, e);

	for (unsigned i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		const char *v = optset_get(&o, kinds[i].name);

		if (v && kinds[i].fn(p->c, v) < 0)
			r = err_set(e, -EINVAL, "-action %s=%s: %s", kinds[i].name, v,
				    kinds[i].values);
	}
	if (r == 0)
		r = options_all_used(&o, "-action", e);
	optset_free(&o);
	return r;
}

static int opt_watchdog_action(struct parse *p, const char *v, struct err *e)
{
	if (on_watchdog(p->c, v) == 0)
		return 0;
	return err_set(e, -EINVAL,
		       "-watchdog-action %s: reset, shutdown, poweroff, pause, debug, none or "
		       "inject-nmi",
		       v);
}

static int opt_watchdog(struct parse *p, const char *v, struct err *e)
{
	if (strcmp(v, "i6300esb") != 0)
		return err_set(e, -ENOTSUP, "-watchdog %s: there is i6300esb", v);
	return options_one(p, "device", v, e);
}

static const struct device_key action_keys[] = {
	{ "reboot", "what", "reset, or shutdown as -no-reboot" },
	{ "shutdown", "what", "poweroff, or pause as -no-shutdown" },
	{ "panic", "what", "shutdown, pause, exit-failure or none; heard of by pvpanic" },
	{ "watchdog", "what", "reset, shutdown, poweroff, pause, debug, none or inject-nmi" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "action", .arg = "OPTS", .fn = opt_action, .keys = action_keys },
	{ .name = "watchdog", .arg = "MODEL", .fn = opt_watchdog },
	{ .name = "watchdog-action", .arg = "WHAT", .fn = opt_watchdog_action },
	{ .name = NULL },
};

const struct option_group options_actions = { "what guests do", rows };
