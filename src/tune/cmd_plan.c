/* SPDX-License-Identifier: MIT */
#include "tune/cmds.h"

#include <stdio.h>

const struct cli_opt cmd_plan_opts[] = {
	TOOL_OPT_ROOT, CMD_OPT_PROFILE, CMD_OPT_ONLY, { "exit-code", 0, NULL, OPT_EXIT_CODE },
	TOOL_OPT_JSON, TOOL_OPT_DRY,    TOOL_OPT_END,
};

static void show(const struct vtune *v)
{
	char host[300], when[128], count[64];
	const char *name = vtune_host_name(v, host, sizeof(host));

	if (!v->plan.n) {
		if (!v->n_failed)
			printf("Nothing to do: %s is as profile %s wants it%s.\n", name,
			       v->p->name, show_but(&v->plan));
		show_notes(&v->plan, !v->n_failed);
		return;
	}
	printf("Plan for %s, profile %s. Nothing is touched yet.\n\n", name, v->p->name);
	show_changes(&v->plan);
	show_notes(&v->plan, true);
	show_when(&v->plan, when, sizeof(when));
	printf("\n%s%s. 'vtune apply' makes %s, 'vtune revert' takes back what was made.\n",
	       show_count(count, sizeof(count), v->plan.n, "change"), when,
	       v->plan.n == 1 ? "it" : "them");
}

static int show_json(const struct vtune *v)
{
	json_t *o = json_head(v, "vtune-plan/1");

	json_object_set_new(o, "changes", json_changes(&v->plan));
	json_object_set_new(o, "notes", json_notes(&v->plan));
	json_object_set_new(o, "failed_steps", json_integer((json_int_t)v->n_failed));
	return json_print(o);
}

int cmd_plan(const struct tool_cmd *c, int argc, char **argv)
{
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status;

	if (r >= 0)
		return r;
	r = vtune_look(&v, &e);
	if (r < 0)
		return vtune_fail(&v, &e);
	if (v.args.json)
		status = show_json(&v);
	else {
		show(&v);
		status = TOOL_OK;
	}
	if (status == TOOL_OK && v.n_failed)
		status = TOOL_FAILED;
	if (status == TOOL_OK && v.exit_code && v.plan.n)
		status = TOOL_NEGATIVE;
	return vtune_end(&v, status);
}
