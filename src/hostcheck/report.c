/* SPDX-License-Identifier: MIT */
#include "hostcheck/report.h"

#include "base/mem.h"
#include "hostcheck/facts.h"
#include "hostcheck/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run: every check with what it found, asked or not. */
struct run {
	struct facts *facts;
	struct report_line *v;
	bool *done;
	size_t n;
};

static size_t count_checks(void)
{
	size_t n = 0;

	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++)
			n++;
	return n;
}

static void list_checks(struct run *run)
{
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++) {
			run->v[run->n].group = *g;
			run->v[run->n++].check = c;
		}
}

static int ask_one(struct run *run, size_t i)
{
	struct finding *f = &run->v[i].f;
	struct err mine = { 0 };
	int r = run->v[i].check->run(run->facts, f, &mine);

	if (r == -ENOMEM || f->failed)
		return -ENOMEM;
	if (r < 0 && found_unreadable(f, r, "not readable", &mine) == 0)
		snprintf(f->value, sizeof(f->value), "%.190s", mine.msg);
	finding_clean(f->value);
	return 0;
}

/* Asks check @i after those it needs.  Needs point backwards in no particular order, but
 * never in a circle (a unit test holds the tables to that). */
static int ask(struct run *run, size_t i)
{
	const char *needs = run->v[i].check->needs;
	int r;

	if (run->done[i])
		return 0;
	run->done[i] = true;
	for (size_t k = 0; needs && k < run->n; k++) {
		const struct report_line *l = &run->v[k];

		if (strcmp(l->check->id, needs))
			continue;
		r = ask(run, k);
		if (r < 0)
			return r;
		if (l->f.verdict == V_FAIL || l->f.verdict == V_SKIP)
			return found(&run->v[i].f, V_SKIP, "%s comes first", needs);
	}
	if (run->v[i].check->kernel && !host_has_kernel(run->facts->h))
		return found(&run->v[i].f, V_SKIP, "no kernel runs in an image");
	return ask_one(run, i);
}

/* Moves what was wanted into the report and drops the rest. */
static void collect(struct run *run, const struct pick *p, struct report *out)
{
	for (size_t i = 0; i < run->n; i++) {
		struct report_line *l = &run->v[i];

		if (!pick_wants(p, l->group, l->check)) {
			finding_free(&l->f);
			continue;
		}
		out->count[l->f.verdict]++;
		run->v[out->n++] = *l;
	}
	out->v = run->v;
	run->v = NULL;
}

int report_run(const struct host *h, const struct check_opts *o, const struct pick *p,
	       struct report *out, struct err *e)
{
	struct run run = { 0 };
	size_t n = count_checks();
	int r = facts_open(h, o, &run.facts, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	run.v = mem_zalloc(n, sizeof(*run.v), e);
	run.done = mem_zalloc(n, sizeof(*run.done), e);
	r = run.v && run.done ? 0 : -ENOMEM;
	if (r == 0)
		list_checks(&run);
	for (size_t i = 0; r == 0 && i < run.n; i++)
		if (pick_wants(p, run.v[i].group, run.v[i].check))
			r = ask(&run, i);
	if (r == 0) {
		out->kind = host_kind(h);
		out->root = host_root(h);
		snprintf(out->arch, sizeof(out->arch), "%s", host_arch(h));
		finding_clean(out->arch);
		out->user = o->user;
		snprintf(out->kernel, sizeof(out->kernel), "%s", facts_kernel(run.facts));
		finding_clean(out->kernel);
		collect(&run, p, out);
	} else {
		err_set(e, r, "out of memory");
	}
	for (size_t i = 0; run.v && i < run.n; i++)
		finding_free(&run.v[i].f);
	free(run.v);
	free(run.done);
	facts_close(run.facts);
	return r;
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		finding_free(&r->v[i].f);
	free(r->v);
	r->v = NULL;
	r->n = 0;
}

int report_exit(const struct report *r, bool strict)
{
	if (r->count[V_FAIL] || (strict && (r->count[V_WARN] || r->count[V_UNKNOWN])))
		return 3;
	return 0;
}
