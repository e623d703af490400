/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tune/cmds.h"
#include "tune/journal_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt cmd_apply_opts[] = {
	TOOL_OPT_ROOT,   CMD_OPT_PROFILE,
	CMD_OPT_ONLY,    TOOL_OPT_DRY,
	CMD_OPT_FORCE,   { "keep-going", 'k', NULL, OPT_KEEP_GOING },
	CMD_OPT_IN_ROOT, { "boot", 0, NULL, OPT_BOOT },
	CMD_OPT_WAIT,    TOOL_OPT_JSON,
	TOOL_OPT_END,
};

/* What is told while it goes on. */
struct telling {
	struct vtune *v;
	json_t *changes; /* with --json */
};

static void told_text(const struct change *c, enum outcome o, const struct err *e)
{
	AUTO_FREE char *what = show_sentence(c, false);
	const char *s = what ? what : c->target;

	switch (o) {
	case OUT_DONE:
		printf("  %sdone%s     %s\n", show_color("green"), show_color("off"), s);
		break;
	case OUT_FAILED:
		printf("  %sFAILED%s   %s\n", show_color("red"), show_color("off"), s);
		tool_error("%s: %s", c->step, e->msg);
		break;
	case OUT_FOREIGN:
		printf("  %skept%s     %s: somebody else changed it since\n",
		       show_color("yellow"), show_color("off"), s);
		break;
	case OUT_NOTED:
		printf("  by hand  %s, inside the image (or --run-in-root)\n", s);
		break;
	default:
		printf("  not done %s\n", s);
		break;
	}
	fflush(stdout);
}

static void told(void *ctx, const struct change *c, enum outcome o, const struct err *e)
{
	struct telling *t = ctx;
	json_t *j;

	if (!t->v->args.json) {
		told_text(c, o, e);
		return;
	}
	j = json_change(c);
	json_object_set_new(j, "outcome", json_string(outcome_name(o)));
	if (o == OUT_FAILED) {
		tool_error("%s: %s", c->step, e->msg);
		(void)journal_put_text(j, "error", e->msg);
	}
	json_array_append_new(t->changes, j);
}

static int exit_code(const struct vtune *v, const struct task_result *r)
{
	if (r->count[OUT_FAILED] || r->count[OUT_SKIPPED] || r->stopped || v->n_failed)
		return TOOL_FAILED;
	return r->count[OUT_FOREIGN] ? TOOL_NEGATIVE : TOOL_OK;
}

/* What was done and how to go on, or back. */
static void show_end(const struct vtune *v, const struct task_result *r)
{
	unsigned left = r->count[OUT_FAILED] + r->count[OUT_SKIPPED];
	char n[64], when[128];

	printf("\n%s made", show_count(n, sizeof(n), r->count[OUT_DONE], "change"));
	if (left)
		printf(", %u not", left);
	printf(".");
	show_when(&v->plan, when, sizeof(when));
	if (*when && r->count[OUT_DONE])
		printf(" Of the plan%s.", when + 1);
	printf("\n");
	if (r->stopped)
		printf("Stopped, as asked, after the change that was being made.\n");
	if (left && r->count[OUT_DONE])
		printf("'vtune revert --to %u' takes back what was made; 'vtune apply' goes on "
		       "where this ended.\n",
		       r->apply ? r->apply - 1 : 0);
	if (r->count[OUT_FOREIGN])
		printf("What somebody else changed since was left alone: 'vtune diff' shows it, "
		       "'vtune apply --force' overwrites it.\n");
	if (v->n_failed)
		show_notes(&v->plan, true);
}

static int show_json(struct vtune *v, json_t *changes, const struct task_result *r, int status)
{
	json_t *o = json_head(v, "vtune-apply/1");

	json_object_set_new(o, "dry_run", json_boolean(v->args.dry_run));
	json_object_set_new(o, "apply", r->apply ? json_integer(r->apply) : json_null());
	json_object_set_new(o, "changes", changes);
	json_object_set_new(o, "notes", json_notes(&v->plan));
	json_object_set_new(o, "stopped", json_boolean(r->stopped));
	return json_print(o) == TOOL_OK ? status : TOOL_FAILED;
}

/* What the journal calls the profile: later commands, from whatever folder, take it again. */
static char *name_of_profile(const struct vtune *v, struct err *e)
{
	char *full = strchr(v->profile_used, '/') ? realpath(v->profile_used, NULL) : NULL;

	return full ? full : mem_strdup(v->profile_used, e);
}

static int make(struct vtune *v, struct telling *t, struct task_result *out, struct err *e)
{
	AUTO_FREE char *profile = name_of_profile(v, e);
	struct task_opts o = {
		.force = v->force,
		.keep_going = v->keep_going || v->boot,
		.in_root = v->in_root,
		.profile = profile,
		.stop = vtune_stop_flag(),
		.told = told,
		.ctx = t,
	};
	int r = profile ? journal_open(v->h, &v->j, v->lock.made, v->lock.n_made, e) : -ENOMEM;

	if (r == 0)
		r = v->boot ? apply_at_boot(v->h, &v->plan, &v->j, &o, out, e)
			    : apply_plan(v->h, &v->plan, &v->j, &o, out, e);
	/* nothing came of it: no journal of nothing */
	if (r == 0 && !v->j.n)
		r = journal_remove(v->h, &v->j, e);
	return r;
}

static int nothing(struct vtune *v)
{
	const struct task_result none = { 0 };
	int status = v->n_failed ? TOOL_FAILED : TOOL_OK;
	char host[300];

	if (v->args.json)
		return show_json(v, json_array(), &none, status);
	if (!v->n_failed)
		printf("Nothing to do: %s is as profile %s wants it%s.\n",
		       vtune_host_name(v, host, sizeof(host)), v->p->name, show_but(&v->plan));
	if (!v->boot)
		show_notes(&v->plan, true);
	return status;
}

static int planned(struct vtune *v)
{
	const struct task_result none = { 0 };
	char count[64];

	if (v->args.json)
		return show_json(v, json_changes(&v->plan), &none, TOOL_OK);
	show_changes(&v->plan);
	show_notes(&v->plan, true);
	printf("\n%s would be made; nothing was touched.\n",
	       show_count(count, sizeof(count), v->plan.n, "change"));
	return v->n_failed ? TOOL_FAILED : TOOL_OK;
}

static int apply(struct vtune *v)
{
	struct telling t = { .v = v };
	struct task_result out = { 0 };
	struct err e = { 0 };
	int r = vtune_lock(v, &e);

	/* what another vtune did meanwhile counts */
	if (r == 0)
		r = vtune_plan(v, &e);
	if (r < 0)
		return tool_fail(&v->args, &e);
	if (!v->plan.n)
		return nothing(v);
	if (v->n_failed && !v->keep_going && !v->boot) {
		show_notes(&v->plan, true);
		tool_error("not all steps could be planned; --keep-going makes what could be");
		return TOOL_FAILED;
	}
	if (v->args.json)
		t.changes = json_array();
	r = make(v, &t, &out, &e);
	if (r < 0) {
		json_decref(t.changes);
		return tool_fail(&v->args, &e);
	}
	if (v->args.json)
		return show_json(v, t.changes, &out, exit_code(v, &out));
	show_end(v, &out);
	return exit_code(v, &out);
}

int cmd_apply(const struct tool_cmd *c, int argc, char **argv)
{
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status;

	if (r >= 0)
		return r;
	r = vtune_look(&v, &e);
	if (r < 0)
		return vtune_fail(&v, &e);
	/* without a lock yet: where there is nothing to do, nothing is touched */
	if (!v.plan.n)
		status = nothing(&v);
	else if (v.args.dry_run)
		status = planned(&v);
	else
		status = apply(&v);
	return vtune_end(&v, status);
}
