/* SPDX-License-Identifier: MIT */
/* The plan as a patch: each file once, however many steps edit it. */
#include "base/mem.h"
#include "tune/cmds.h"
#include "tune/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_diff_opts[] = {
	TOOL_OPT_ROOT, CMD_OPT_PROFILE, CMD_OPT_ONLY, { "exit-code", 0, NULL, OPT_EXIT_CODE },
	TOOL_OPT_JSON, TOOL_OPT_DRY,    TOOL_OPT_END,
};

/* The first change of its file in the plan, and what the last makes of it. */
static bool is_first(const struct plan *p, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (p->v[i].kind == p->v[at].kind && !strcmp(p->v[i].target, p->v[at].target))
			return false;
	return true;
}

static const char *end_of(const struct plan *p, const struct change *c)
{
	return plan_find(p, c->kind, c->target)->value;
}

static void show(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];

		if (c->kind == &kind_file && is_first(p, i))
			show_diff("", c->target, c->old_val, end_of(p, c), 0);
	}
	for (size_t i = 0; i < p->n; i++) {
		AUTO_FREE char *what = NULL;

		if (p->v[i].kind == &kind_file)
			continue;
		what = show_sentence(&p->v[i], false);
		/* patch(1) passes over lines like this */
		printf("# %s\n", what ? what : p->v[i].target);
	}
}

static int show_json(const struct vtune *v)
{
	json_t *o = json_head(v, "vtune-diff/1"), *files = json_array(), *others = json_array();
	const struct plan *p = &v->plan;

	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];
		char *diff = NULL;
		json_t *f;

		if (c->kind != &kind_file) {
			json_array_append_new(others, json_change(c));
			continue;
		}
		if (!is_first(p, i))
			continue;
		diff = diff_unified(c->target, c->old_val, end_of(p, c), NULL);
		f = json_object();
		(void)journal_put_text(f, "path", c->target);
		(void)journal_put_text(f, "diff", diff);
		json_array_append_new(files, f);
		free(diff);
	}
	json_object_set_new(o, "files", files);
	json_object_set_new(o, "others", others);
	return json_print(o);
}

int cmd_diff(const struct tool_cmd *c, int argc, char **argv)
{
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status = TOOL_OK;

	if (r >= 0)
		return r;
	r = vtune_look(&v, &e);
	if (r < 0)
		return vtune_fail(&v, &e);
	if (v.args.json)
		status = show_json(&v);
	else
		show(&v.plan);
	for (size_t i = 0; i < v.plan.n_notes && v.n_failed; i++)
		if (!strncmp(v.plan.notes[i].text, "could not be planned", 20))
			tool_error("%s %s", v.plan.notes[i].step, v.plan.notes[i].text);
	if (status == TOOL_OK && v.n_failed)
		status = TOOL_FAILED;
	if (status == TOOL_OK && v.exit_code && v.plan.n)
		status = TOOL_NEGATIVE;
	return vtune_end(&v, status);
}
