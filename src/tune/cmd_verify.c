/* SPDX-License-Identifier: MIT */
/* Whether the host is as the profile wants it, and as vtune left it. */
#include "base/mem.h"
#include "tune/cmds.h"

#include <stdio.h>

const struct cli_opt cmd_verify_opts[] = {
	TOOL_OPT_ROOT, CMD_OPT_PROFILE, CMD_OPT_ONLY, TOOL_OPT_JSON, TOOL_OPT_DRY, TOOL_OPT_END,
};

static size_t count_drift(const struct drifts *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += !d->v[i].harmless;
	return n;
}

static void show_drift(const struct drift *d)
{
	const struct change *c = &d->c->c;

	printf("  %s%s%s %s %s\n", show_color(d->harmless ? "cyan" : "yellow"),
	       d->harmless ? "-" : "!", show_color("off"), c->kind->name, c->target);
	if (d->error)
		printf("      cannot be read: %s\n", d->error);
	else if (d->harmless)
		printf("      has changes of somebody else too; those of vtune (apply %u, %s) "
		       "still stand\n",
		       d->c->apply, c->step);
	else
		printf("      is no longer as vtune left it (apply %u, %s)\n", d->c->apply,
		       c->step);
	if (c->kind == &kind_file && !d->error)
		show_diff("        ", c->target, c->value, d->have, 24);
	else if (!d->error)
		printf("        vtune left '%s', it is '%s'\n", c->value ? c->value : "nothing",
		       d->have ? d->have : "nothing");
}

static void show(const struct vtune *v, const struct drifts *d)
{
	size_t bad = v->plan.n + count_drift(d);
	char host[300], n[64];
	const char *name = vtune_host_name(v, host, sizeof(host));

	if (v->plan.n) {
		printf("Not as profile %s wants it:\n\n", v->p->name);
		show_changes(&v->plan);
	}
	for (size_t i = 0; i < d->n; i++) {
		if (!i)
			printf("%sChanged since by others:\n", v->plan.n ? "\n" : "");
		show_drift(&d->v[i]);
	}
	show_notes(&v->plan, v->plan.n || d->n);
	if (v->plan.n || d->n || v->plan.n_notes)
		printf("\n");
	if (!bad && !v->n_failed)
		printf("Clean: %s is as profile %s wants it%s.\n", name, v->p->name,
		       show_but(&v->plan));
	else if (bad)
		printf("%s from what is wanted.\n",
		       show_count(n, sizeof(n), bad, "difference"));
}

static int show_json(const struct vtune *v, const struct drifts *d)
{
	json_t *o = json_head(v, "vtune-verify/1"), *a = json_array();

	json_object_set_new(o, "clean",
			    json_boolean(!v->plan.n && !count_drift(d) && !v->n_failed));
	json_object_set_new(o, "changes", json_changes(&v->plan));
	for (size_t i = 0; i < d->n; i++) {
		const struct drift *f = &d->v[i];
		json_t *j = json_object();

		json_object_set_new(j, "apply", json_integer(f->c->apply));
		(void)journal_put_text(j, "step", f->c->step);
		(void)journal_put_text(j, "kind", f->c->c.kind->name);
		(void)journal_put_text(j, "target", f->c->c.target);
		(void)journal_put_text(j, "value", f->c->c.value);
		(void)journal_put_text(j, "have", f->have);
		(void)journal_put_text(j, "error", f->error);
		json_object_set_new(j, "harmless", json_boolean(f->harmless));
		json_array_append_new(a, j);
	}
	json_object_set_new(o, "drift", a);
	json_object_set_new(o, "notes", json_notes(&v->plan));
	return json_print(o);
}

/* With --only, what other steps did is left out. */
static void keep_only(const struct vtune *v, struct drifts *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		bool wanted = !v->n_only;

		for (size_t k = 0; k < v->n_only; k++)
			wanted = wanted || step_find(d->v[i].c->step) == step_find(v->only[k]);
		if (wanted) {
			d->v[n++] = d->v[i];
			continue;
		}
		mem_freep(&d->v[i].have);
		mem_freep(&d->v[i].error);
	}
	d->n = n;
}

int cmd_verify(const struct tool_cmd *c, int argc, char **argv)
{
	AUTO_DRIFTS struct drifts d = { 0 };
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status = TOOL_OK;

	if (r >= 0)
		return r;
	r = vtune_look(&v, &e);
	if (r == 0)
		r = drift_find(v.h, &v.j, &v.plan, &d, &e);
	if (r < 0)
		return vtune_fail(&v, &e);
	keep_only(&v, &d);
	if (v.args.json)
		status = show_json(&v, &d);
	else
		show(&v, &d);
	if (status == TOOL_OK && v.n_failed)
		status = TOOL_FAILED;
	else if (status == TOOL_OK && (v.plan.n || count_drift(&d)))
		status = TOOL_NEGATIVE;
	return vtune_end(&v, status);
}
