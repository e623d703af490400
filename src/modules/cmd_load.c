/* SPDX-License-Identifier: MIT */
/* load and unload: the same words for both, each module on its own. */
#include "modules/cmds.h"
#include "modules/load.h"

#include <stdio.h>
#include <string.h>

const struct cli_opt cmd_load_opts[] = {
	TOOL_OPT_DRY,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

struct verb {
	const char *schema, *infinitive, *done, *nothing;
	int (*act)(const struct modules *m, const char *name, struct err *e);
	/* as act() for --dry-run: 1 if something would be done */
	int (*ask)(const struct modules *m, const char *name, struct err *e);
};

static int would_load(const struct modules *m, const char *name, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	int r = module_get(m, name, &mod, e);

	if (r < 0)
		return r;
	if (mod.state == MODULE_UNKNOWN)
		return err_set(e, -ENOENT, "load %s: kernel %s has no such module", name,
			       modules_release(m));
	return !module_runs(&mod);
}

static int would_unload(const struct modules *m, const char *name, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	int r = module_get(m, name, &mod, e);

	if (r == 0)
		r = module_unused(m, name, e);
	return r < 0 ? r : mod.state == MODULE_LIVE;
}

static const struct verb load = { "vmod-load/1",  "load",      "loaded",
				  "runs already", module_load, would_load };
static const struct verb unload = { "vmod-unload/1", "unload",      "unloaded",
				    "is not loaded", module_unload, would_unload };

/* What came of one module, in words for JSON. */
static const char *result_of(const struct verb *v, int r, bool dry)
{
	if (r < 0)
		return "failed";
	if (!r)
		return "unchanged";
	return dry ? "would-change" : v->done;
}

static void say(const struct verb *v, const char *name, int r, bool dry, const struct err *e)
{
	if (r < 0)
		tool_error("%s", e->msg);
	else if (!r)
		printf("%s %s\n", name, v->nothing);
	else if (dry)
		printf("would %s %s\n", v->infinitive, name);
	else
		printf("%s %s\n", name, v->done);
}

static int run(const struct verb *v, const struct tool_cmd *c, int argc, char **argv)
{
	struct tool_args args = { 0 };
	AUTO_HOST struct host *h = NULL;
	AUTO_MODULES struct modules *m = NULL;
	struct err e = { 0 };
	json_t *list;
	int n, status, bad = 0;

	status = tool_parse(c, argc, argv, &args, NULL, NULL, 1, -1, &n);
	if (status >= 0)
		return status;
	if (cmd_open(&args, &h, &m, &e) < 0)
		return tool_fail(&args, &e);
	list = json_array();
	for (int i = 1; i <= n; i++) {
		struct err mine = { 0 };
		int r = args.dry_run ? v->ask(m, argv[i], &mine) : v->act(m, argv[i], &mine);

		bad |= r < 0;
		if (args.json)
			json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "name",
							      out_text(argv[i]), "result",
							      result_of(v, r, args.dry_run),
							      "error", out_error(&mine)));
		else
			say(v, argv[i], r, args.dry_run, &mine);
	}
	status = bad ? TOOL_FAILED : TOOL_OK;
	if (args.json)
		return out_json(json_pack("{s:s, s:b, s:o}", "schema", v->schema, "dry_run",
					  args.dry_run, "modules", list),
				status);
	json_decref(list);
	return status;
}

int cmd_load(const struct tool_cmd *c, int argc, char **argv)
{
	return run(&load, c, argc, argv);
}

int cmd_unload(const struct tool_cmd *c, int argc, char **argv)
{
	return run(&unload, c, argc, argv);
}
