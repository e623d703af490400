/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tune/cmds.h"
#include "tune/journal_write.h"
#include "tune/revert.h"

#include <stdio.h>
#include <stdlib.h>

const struct cli_opt cmd_revert_opts[] = {
	TOOL_OPT_ROOT,
	{ "to", 0, "N", OPT_TO },
	CMD_OPT_ONLY,
	TOOL_OPT_DRY,
	CMD_OPT_FORCE,
	CMD_OPT_IN_ROOT,
	{ "keep-journal", 0, NULL, OPT_KEEP_JOURNAL },
	CMD_OPT_WAIT,
	TOOL_OPT_JSON,
	TOOL_OPT_END,
};

struct telling {
	struct vtune *v;
	json_t *changes;
};

static void told_text(const struct change *c, enum outcome o, const struct err *e, bool dry)
{
	AUTO_FREE char *what = show_sentence(c, true);
	const char *s = what ? what : c->target;

	switch (o) {
	case OUT_DONE:
		printf("  %s%s%s  %s\n", show_color("green"), dry ? "would" : "done ",
		       show_color("off"), s);
		break;
	case OUT_MERGED:
		printf("  %s%s%s  take out of %s what vtune put there, and keep what others did\n",
		       show_color("green"), dry ? "would" : "done ", show_color("off"),
		       c->target);
		break;
	case OUT_ALREADY:
		printf("  as was %s\n", c->target);
		break;
	case OUT_KEPT:
		printf("  %skept%s   %s: %s\n", show_color("yellow"), show_color("off"),
		       c->target, e->msg);
		break;
	case OUT_REFUSED:
		printf("  %skept%s   %s: somebody else changed it since\n",
		       show_color("yellow"), show_color("off"), c->target);
		if (c->kind == &kind_file)
			show_diff("           ", c->target, c->ours, c->value, 24);
		else
			printf("           vtune left '%s', it is '%s'\n",
			       c->ours ? c->ours : "nothing", c->value ? c->value : "nothing");
		break;
	case OUT_NOTED:
		printf("  by hand %s, inside the image (or --run-in-root)\n", s);
		break;
	default:
		printf("  %sFAILED%s %s\n", show_color("red"), show_color("off"), s);
		break;
	}
	if (o == OUT_FAILED)
		tool_error("%s: %s", c->step, e->msg);
	fflush(stdout);
}

static void told(void *ctx, const struct change *c, enum outcome o, const struct err *e)
{
	struct telling *t = ctx;
	json_t *j;

	if (!t->v->args.json) {
		told_text(c, o, e, t->v->args.dry_run);
		return;
	}
	j = json_change(c);
	json_object_set_new(j, "outcome", json_string(outcome_name(o)));
	if (e)
		(void)journal_put_text(j, "error", e->msg);
	json_array_append_new(t->changes, j);
}

static int exit_code(const struct task_result *r)
{
	if (r->count[OUT_FAILED] || r->stopped)
		return TOOL_FAILED;
	return r->count[OUT_REFUSED] || (r->count[OUT_KEPT] && !r->finished) ? TOOL_NEGATIVE
									     : TOOL_OK;
}

static void show_end(const struct vtune *v, const struct task_result *r)
{
	if (v->args.dry_run)
		printf("\nNothing was touched.\n");
	else if (r->finished && r->count[OUT_KEPT])
		printf("\nWhat vtune did is taken back; what is kept above holds what others "
		       "did.\n");
	else if (r->finished && v->to)
		printf("\nAll is as apply %u left it.\n", v->to);
	else if (r->finished)
		printf("\nAll is as it was before vtune.\n");
	else if (r->stopped)
		printf("\nStopped, as asked. 'vtune revert' goes on.\n");
	else if (r->count[OUT_REFUSED])
		printf("\nWhat somebody else changed since was left alone; --force takes it back "
		       "all the same.\n");
	else if (r->count[OUT_KEPT])
		printf("\nWhat is in use stays; run 'vtune revert' again once it is free.\n");
}

static int show_json(const struct vtune *v, json_t *changes, const struct task_result *r)
{
	json_t *o = json_head(v, "vtune-revert/1");

	json_object_del(o, "profile");
	json_object_set_new(o, "dry_run", json_boolean(v->args.dry_run));
	json_object_set_new(o, "to", json_integer(v->to));
	json_object_set_new(o, "changes", changes);
	json_object_set_new(o, "stopped", json_boolean(r->stopped));
	json_object_set_new(o, "finished", json_boolean(r->finished));
	return json_print(o);
}

static int work(struct vtune *v, struct telling *t, struct task_result *out, struct err *e)
{
	const struct revert_opts how = {
		.to = v->to,
		.only = v->only,
		.keep_journal = v->keep_journal,
		.dry_run = v->args.dry_run,
	};
	const struct task_opts o = {
		.force = v->force,
		.in_root = v->in_root,
		.stop = vtune_stop_flag(),
		.told = told,
		.ctx = t,
	};
	int r = 0;

	if (!v->args.dry_run)
		r = vtune_lock(v, e);
	if (r < 0 || (!v->j.exists && v->args.dry_run))
		return r;
	/* an empty one was being made when its vtune was killed */
	if (!v->j.exists)
		return journal_remove(v->h, &v->j, e);
	if (!v->args.dry_run)
		r = journal_open(v->h, &v->j, NULL, 0, e);
	return r < 0 ? r : revert_run(v->h, &v->j, &how, &o, out, e);
}

int cmd_revert(const struct tool_cmd *c, int argc, char **argv)
{
	struct telling t = { 0 };
	struct task_result out = { 0 };
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status;

	if (r >= 0)
		return r;
	t.v = &v;
	t.changes = v.args.json ? json_array() : NULL;
	r = vtune_open(&v, &e);
	/* no journal, and nobody who is making one: nothing is touched */
	if (r == 0 && (v.j.exists || host_exists(v.h, JOURNAL_DIR)))
		r = work(&v, &t, &out, &e);
	if (r < 0) {
		json_decref(t.changes);
		return vtune_fail(&v, &e);
	}
	status = exit_code(&out);
	if (v.args.json) {
		if (show_json(&v, t.changes, &out) != TOOL_OK)
			status = TOOL_FAILED;
	} else if (!v.j.n) {
		printf("Nothing to take back.\n");
	} else {
		show_end(&v, &out);
	}
	return vtune_end(&v, status);
}
