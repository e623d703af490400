/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "host/diskless.h"
#include "host/modprobe_conf.h"
#include "modules/cmds.h"
#include "modules/initramfs.h"
#include "modules/params.h"
#include "modules/persist.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_OPTION = 1 };

const struct cli_opt cmd_persist_opts[] = {
	{ "option", 'o', "P=V", OPT_OPTION },
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_ROOT,
	TOOL_OPT_END,
};

#define OPTIONS_MAX 32
#define NOTES_MAX   16

struct persist {
	struct tool_args args;
	const struct host *h;
	const struct modules *m;
	char *words[OPTIONS_MAX]; /* "P=V", cut in two */
	struct persist_option options[OPTIONS_MAX];
	size_t n_options;
	struct persist_place place;
	struct cmd_edit list, conf;
	char *notes[NOTES_MAX];
	size_t n_notes;
};

static int each(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct persist *p = ctx;
	char *word, *eq;

	if (p->n_options == OPTIONS_MAX)
		return err_set(e, -EINVAL, "more than %d options", OPTIONS_MAX);
	word = mem_strdup(value, e);
	if (!word)
		return -ENOMEM;
	p->words[p->n_options] = word;
	eq = strchr(word, '=');
	if (!eq || eq == word) {
		p->n_options++;
		return err_set(e, -EINVAL, "--option %s: it is written NAME=VALUE", value);
	}
	*eq = '\0';
	p->options[p->n_options++] = (struct persist_option){ word, eq + 1 };
	return 0;
}

static void PRINTF(2, 3) note(struct persist *p, const char *fmt, ...)
{
	va_list ap;
	char text[384];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->n_notes < NOTES_MAX)
		p->notes[p->n_notes] = mem_strdup(text, NULL);
	p->n_notes += p->n_notes < NOTES_MAX && p->notes[p->n_notes];
}

/* The module is one that can be loaded; in an image without kernel nobody knows. */
static int check_module(struct persist *p, const char *name, struct module *mod, struct err *e)
{
	int r = module_get(p->m, name, mod, e);

	if (r < 0)
		return r;
	if (mod->state == MODULE_UNKNOWN && modules_have_lists(p->m))
		return err_set(e, -ENOENT, "kernel %s has no module '%s'",
			       modules_release(p->m), name);
	if (mod->state == MODULE_UNKNOWN)
		note(p,
		     "%s: no kernel's modules are installed here, so the name could not be "
		     "checked",
		     mod->name);
	return 0;
}

static int add_to_list(struct persist *p, const struct module *mod,
		       const struct modprobe_conf *conf, struct err *e)
{
	const struct modprobe_line *black =
		modprobe_conf_find(conf, MODPROBE_BLACKLIST, mod->name);
	char *old = p->list.fresh ? p->list.fresh : p->list.old, *fresh = NULL;
	char path[96];
	int r;

	if (mod->state == MODULE_BUILTIN) {
		note(p, "%s is part of the kernel: there is nothing to load", mod->name);
		return 0;
	}
	if (black)
		note(p, "%s is on the blacklist (%s, line %u): boot may pass it over",
		     mod->name, black->file, black->line);
	r = persist_find(p->h, mod->name, path, sizeof(path), e);
	if (r > 0)
		note(p, "%s is loaded at boot already, by %s", mod->name, path);
	if (r)
		return r < 0 ? r : 0;
	r = persist_add(old, p->place.form, mod->name, &fresh, e);
	if (r > 0) {
		free(p->list.fresh);
		p->list.fresh = fresh;
	}
	return r < 0 ? r : 0;
}

/* A file that is not ours, and says something else, would be in a fight with ours. */
static int check_conflicts(const struct persist *p, const struct module *mod,
			   const struct params *params, const struct modprobe_conf *conf,
			   struct err *e)
{
	struct modprobe_options have = { 0 };
	int r = modprobe_options(conf, mod->name, &have, e);

	for (size_t k = 0; r == 0 && k < p->n_options; k++) {
		const struct persist_option *o = &p->options[k];
		const struct param *type = params_find(params, o->name);

		for (size_t i = 0; i < have.n && r == 0; i++) {
			const struct modprobe_option *v = &have.v[i];
			const char *given = v->value ? v->value : "1";

			if (!modprobe_same_name(v->param, o->name) ||
			    !strcmp(v->from->file, p->conf.path) ||
			    (type ? param_same(type, given, o->value)
				  : !strcmp(given, o->value)))
				continue;
			r = err_set(e, -EEXIST,
				    "%s, line %u, sets %s=%s for %s: change it there",
				    v->from->file, v->from->line, v->param, given, mod->name);
		}
	}
	modprobe_options_free(&have);
	return r;
}

static int set_options(struct persist *p, const struct module *mod,
		       const struct modprobe_conf *conf, struct err *e)
{
	AUTO_PARAMS struct params params = { 0 };
	const struct initramfs_tool *tool;
	char path[PERSIST_PATH_MAX];
	int r = 0;

	if (!p->n_options)
		return 0;
	if (mod->state == MODULE_BUILTIN)
		return err_set(e, -ENOTSUP,
			       "%s is part of the kernel: put %s.%s=%s on its command line",
			       mod->name, mod->name, p->options[0].name, p->options[0].value);
	if (mod->state != MODULE_UNKNOWN)
		r = params_get(p->m, mod->name, &params, e);
	for (size_t i = 0; i < p->n_options && r == 0; i++)
		r = params_check(&params, mod->name, p->options[i].name, p->options[i].value,
				 e);
	if (r == 0)
		r = persist_options_path(mod->name, path, e);
	if (r == 0)
		r = cmd_edit_read(p->h, path, &p->conf, e);
	if (r == 0)
		r = check_conflicts(p, mod, &params, conf, e);
	if (r == 0)
		r = persist_options(p->conf.old, mod->name, p->options, p->n_options,
				    &p->conf.fresh, e);
	if (r > 0 && mod->state == MODULE_LIVE)
		note(p, "%s runs with its old options until it is loaded anew", mod->name);
	tool = r > 0 ? initramfs_loads(p->h, mod) : NULL;
	if (tool)
		note(p, "%s is loaded from the initramfs: run '%s'", mod->name, tool->command);
	return r < 0 ? r : 0;
}

static int plan(struct persist *p, char **names, int n, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	int r = persist_place(p->h, &p->place, e);

	if (r == 0)
		r = cmd_edit_read(p->h, p->place.path, &p->list, e);
	if (r == 0)
		r = modprobe_conf_read(p->h, &conf, e);
	for (int i = 0; i < n && r == 0; i++) {
		AUTO_MODULE struct module mod = { 0 };

		r = check_module(p, names[i], &mod, e);
		if (r == 0)
			r = add_to_list(p, &mod, &conf, e);
		if (r == 0)
			r = set_options(p, &mod, &conf, e);
	}
	modprobe_conf_free(&conf);
	return r;
}

static int carry_out(struct persist *p, struct err *e)
{
	struct diskless d = { 0 };
	int r;

	if (!p->list.fresh && !p->conf.fresh)
		return 0;
	if (host_has_kernel(p->h) && diskless_read(p->h, &d, NULL) == 0 && d.has_lbu &&
	    d.root_in_memory == TRI_YES)
		note(p, "this system runs from memory: keep the change with 'lbu commit'");
	if (p->args.dry_run)
		return 0;
	/* options first: a list without them would load the module as it was */
	r = cmd_edit_write(p->h, &p->conf, e);
	return r < 0 ? r : cmd_edit_write(p->h, &p->list, e);
}

static int print(const struct persist *p)
{
	json_t *edits, *notes;

	if (!p->args.json) {
		if (!p->list.fresh && !p->conf.fresh)
			printf("nothing to do\n");
		else
			printf("%s:\n", p->args.dry_run ? "would write" : "written");
		cmd_edit_print(&p->conf);
		cmd_edit_print(&p->list);
		for (size_t i = 0; i < p->n_notes; i++)
			printf("note: %s\n", p->notes[i]);
		return TOOL_OK;
	}
	edits = json_array();
	notes = json_array();
	if (p->conf.fresh)
		json_array_append_new(edits, cmd_edit_json(&p->conf));
	if (p->list.fresh)
		json_array_append_new(edits, cmd_edit_json(&p->list));
	for (size_t i = 0; i < p->n_notes; i++)
		json_array_append_new(notes, out_text(p->notes[i]));
	return out_json(json_pack("{s:s, s:b, s:s, s:o, s:o}", "schema", "vmod-persist/1",
				  "dry_run", p->args.dry_run, "list", p->place.path, "edits",
				  edits, "notes", notes),
			TOOL_OK);
}

static void release(struct persist *p)
{
	for (size_t i = 0; i < p->n_options; i++)
		free(p->words[i]);
	for (size_t i = 0; i < p->n_notes; i++)
		free(p->notes[i]);
	cmd_edit_free(&p->list);
	cmd_edit_free(&p->conf);
}

int cmd_persist(const struct tool_cmd *c, int argc, char **argv)
{
	AUTO_HOST struct host *h = NULL;
	AUTO_MODULES struct modules *m = NULL;
	struct persist p = { 0 };
	struct err e = { 0 };
	int n, status = tool_parse(c, argc, argv, &p.args, each, &p, 1, -1, &n);

	if (status < 0 && p.n_options && n > 1)
		status = tool_usage("persist: --option goes with one module, not with %d", n);
	if (status < 0 && cmd_open(&p.args, &h, &m, &e) < 0)
		status = tool_fail(&p.args, &e);
	if (status < 0) {
		p.h = h;
		p.m = m;
		if (plan(&p, argv + 1, n, &e) < 0 || carry_out(&p, &e) < 0)
			status = tool_fail(&p.args, &e);
		else
			status = print(&p);
	}
	release(&p);
	return status;
}
