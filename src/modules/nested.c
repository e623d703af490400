/* SPDX-License-Identifier: MIT */
#include "modules/nested.h"

#include "host/modprobe_conf.h"
#include "modules/params.h"
#include "modules/persist.h"

#include <stdio.h>
#include <string.h>

/* What the last of all options lines gives. */
static int read_configured(const struct modules *m, struct nested_plan *p, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	struct modprobe_options o = { 0 };
	int r = modprobe_conf_read(modules_host(m), &conf, e);

	if (r == 0)
		r = modprobe_options(&conf, p->module, &o, e);
	for (size_t i = 0; r == 0 && i < o.n; i++) {
		if (!o.v[i].final || strcmp(o.v[i].param, "nested"))
			continue;
		/* alone, it is yes for a bool */
		snprintf(p->configured, sizeof(p->configured), "%.15s",
			 o.v[i].value ? o.v[i].value : "1");
		snprintf(p->from, sizeof(p->from), "%.100s", o.v[i].from->file);
		if (o.v[i].from->line && strcmp(p->from, "/proc/cmdline"))
			snprintf(p->from + strlen(p->from), sizeof(p->from) - strlen(p->from),
				 ", line %u", o.v[i].from->line);
	}
	modprobe_options_free(&o);
	modprobe_conf_free(&conf);
	return r;
}

int nested_look(const struct modules *m, struct nested_plan *out, struct err *e)
{
	const char *name;
	int r;

	memset(out, 0, sizeof(*out));
	r = kvm_vendor_get(m, &out->kvm, e);
	if (r < 0)
		return r;
	name = out->kvm.module ? out->kvm.module : out->kvm.live;
	if (!*name)
		return err_set(e, -ENODEV,
			       "there is no kvm module for this processor; 'hostcheck --only "
			       "kvm' says why");
	snprintf(out->module, sizeof(out->module), "%s", name);
	return read_configured(m, out, e);
}

/* As both types of the parameter read it: bool (kvm_intel) and int (kvm_amd). */
static bool means(const char *value, bool on)
{
	static const struct param boolean = { .type = PARAM_BOOL };

	return param_same(&boolean, value, kvm_nested_value(on));
}

static int check_file(const struct nested_plan *p, bool on, struct err *e)
{
	char ours[PERSIST_PATH_MAX];
	int r = persist_options_path(p->module, ours, e);

	if (r < 0 || !p->configured[0] || !strncmp(p->from, ours, strlen(ours)))
		return r;
	return err_set(e, -EEXIST, "%s sets nested=%s for %s: change it there to %s", p->from,
		       p->configured, p->module, kvm_nested_value(on));
}

int nested_plan(const struct modules *m, bool on, struct nested_plan *out, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	enum kvm_nested want = on ? NESTED_ON : NESTED_OFF;
	bool live_differs;
	int r = nested_look(m, out, e);

	if (r == 0)
		r = module_get(m, out->module, &mod, e);
	if (r < 0)
		return r;
	if (out->kvm.nested == NESTED_NONE)
		return err_set(e, -ENODEV,
			       "%s has no parameter nested: this kernel decides it by itself",
			       out->module);
	live_differs = out->kvm.nested != NESTED_UNKNOWN && out->kvm.nested != want;
	if (mod.state == MODULE_BUILTIN && live_differs)
		return err_set(e, -ENOTSUP,
			       "%s is part of the kernel: put %s.nested=%s on its command "
			       "line and reboot",
			       out->module, out->module, kvm_nested_value(on));
	/* an int that is given Y keeps the module from loading, so such a line is wrong
	 * whatever it means */
	out->write = out->configured[0]
			     ? !means(out->configured, on) || !strchr("01", out->configured[0])
			     : out->kvm.nested != want;
	if (mod.state == MODULE_BUILTIN)
		out->write = false;
	out->reload = live_differs;
	return out->write ? check_file(out, on, e) : 0;
}
