/* SPDX-License-Identifier: MIT */
#include "modules/cmds.h"
#include "modules/initramfs.h"
#include "modules/load.h"
#include "modules/nested.h"
#include "modules/persist.h"

#include <stdio.h>
#include <string.h>

const struct cli_opt cmd_nested_opts[] = {
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

/* What was done, for both kinds of answer. */
struct outcome {
	struct nested_plan plan;
	struct cmd_edit edit;
	const char *wish; /* "on", "off", or NULL */
	bool dry, reloaded;
	bool pending; /* recorded, and not so yet */
	char why[ERR_MSG_SIZE];
	const char *initramfs; /* command to run, or NULL */
};

static int print_json(const struct outcome *o, int status)
{
	const struct nested_plan *p = &o->plan;

	return out_json(
		json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:b, s:b, s:o, s:o}",
			  "schema", "vmod-nested/1", "module", p->module, "nested",
			  kvm_nested_name(p->kvm.nested), "configured",
			  out_text(p->configured[0] ? p->configured : NULL), "configured_by",
			  out_text(p->from[0] ? p->from : NULL), "wish", out_text(o->wish),
			  "dry_run", o->dry, "edit",
			  o->edit.fresh ? cmd_edit_json(&o->edit) : json_null(), "reloaded",
			  o->reloaded, "pending", o->pending, "why",
			  out_text(o->why[0] ? o->why : NULL), "initramfs",
			  out_text(o->initramfs)),
		status);
}

static void print_status(const struct outcome *o)
{
	const struct nested_plan *p = &o->plan;

	switch (p->kvm.nested) {
	case NESTED_NONE:
		printf("%s has no parameter nested\n", p->module);
		break;
	case NESTED_UNKNOWN:
		printf("%s is %s, so nothing is nested now\n", p->module,
		       module_state_name(p->kvm.state));
		break;
	default:
		printf("Nested virtualization is %s (%s, nested=%s)\n",
		       kvm_nested_name(p->kvm.nested), p->module, p->kvm.nested_text);
	}
	if (p->configured[0])
		printf("%s sets nested=%s\n", p->from, p->configured);
}

static void print_change(const struct outcome *o)
{
	const struct nested_plan *p = &o->plan;

	if (!p->write && !p->reload) {
		printf("Nested virtualization is %s already (%s)\n", o->wish, p->module);
		return;
	}
	if (o->edit.fresh)
		printf("%s:\n", o->dry ? "would write" : "written");
	cmd_edit_print(&o->edit);
	if (o->dry && p->reload)
		printf("would reload %s\n", p->module);
	if (o->reloaded)
		printf("%s reloaded: nested virtualization is %s\n", p->module, o->wish);
	if (o->pending)
		printf("Not in effect yet: %s.\nIt will be when %s is next loaded: stop the "
		       "guests and say 'vmod nested %s' again, or reboot.\n",
		       o->why, p->module, o->wish);
	if (o->initramfs)
		printf("%s is loaded from the initramfs: run '%s'\n", p->module, o->initramfs);
}

static int write_option(const struct modules *m, struct outcome *o, bool on, struct err *e)
{
	const struct persist_option opt = { "nested", kvm_nested_value(on) };
	AUTO_MODULE struct module mod = { 0 };
	const struct initramfs_tool *tool;
	char path[PERSIST_PATH_MAX];
	int r;

	if (!o->plan.write)
		return 0;
	r = persist_options_path(o->plan.module, path, e);
	if (r == 0)
		r = cmd_edit_read(modules_host(m), path, &o->edit, e);
	if (r == 0)
		r = persist_options(o->edit.old, o->plan.module, &opt, 1, &o->edit.fresh, e);
	if (r >= 0)
		r = module_get(m, o->plan.module, &mod, e);
	tool = r == 0 ? initramfs_loads(modules_host(m), &mod) : NULL;
	o->initramfs = tool ? tool->command : NULL;
	return r < 0 || o->dry ? r : cmd_edit_write(modules_host(m), &o->edit, e);
}

/* Only while nobody uses it; what did not happen is pending. */
static int reload(const struct modules *m, struct outcome *o, bool on, struct err *e)
{
	const char *name = o->plan.module;
	struct err busy = { 0 };
	int r;

	if (!o->plan.reload)
		return 0;
	r = o->dry ? module_unused(m, name, &busy) : module_unload(m, name, &busy);
	if (r == -EBUSY) {
		o->pending = true;
		snprintf(o->why, sizeof(o->why), "%s", busy.msg);
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "%s", busy.msg);
	if (o->dry)
		return 0;
	r = module_load(m, name, e);
	if (r < 0)
		return r;
	r = kvm_vendor_get(m, &o->plan.kvm, e);
	if (r == 0 && o->plan.kvm.nested != (on ? NESTED_ON : NESTED_OFF))
		return err_set(e, -EIO, "%s was loaded anew and still shows nested=%s", name,
			       o->plan.kvm.nested_text);
	o->reloaded = r == 0;
	return r;
}

static int change(const struct modules *m, struct outcome *o, bool on, struct err *e)
{
	int r = nested_plan(m, on, &o->plan, e);

	if (r == 0)
		r = write_option(m, o, on, e);
	return r < 0 ? r : reload(m, o, on, e);
}

int cmd_nested(const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	AUTO_MODULES struct modules *m = NULL;
	struct outcome o = { 0 };
	struct err e = { 0 };
	const char *word;
	int n, r, status = tool_parse(c, argc, argv, &args, NULL, NULL, 0, 1, &n);

	if (status >= 0)
		return status;
	word = n ? argv[1] : "status";
	if (strcmp(word, "on") && strcmp(word, "off") && strcmp(word, "status"))
		return tool_usage("nested: '%s' is none of on, off and status", word);
	if (cmd_open(&args, &h, &m, &e) < 0)
		return tool_fail(&args, &e);
	o.dry = args.dry_run;
	if (!strcmp(word, "status")) {
		r = nested_look(m, &o.plan, &e);
		status = o.plan.kvm.nested == NESTED_ON ? TOOL_OK : TOOL_NEGATIVE;
	} else {
		o.wish = word;
		r = change(m, &o, !strcmp(word, "on"), &e);
		status = o.pending ? TOOL_NEGATIVE : TOOL_OK;
	}
	if (r < 0)
		status = tool_fail(&args, &e);
	else if (args.json)
		status = print_json(&o, status);
	else if (o.wish)
		print_change(&o);
	else
		print_status(&o);
	cmd_edit_free(&o.edit);
	return status;
}
