/* SPDX-License-Identifier: MIT */
#include "tune/apply.h"

#include "base/mem.h"
#include "tune/drift.h"
#include "tune/journal_write.h"

#include <stdlib.h>
#include <string.h>

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
		[OUT_DONE] = "done",     [OUT_FOREIGN] = "foreign", [OUT_SKIPPED] = "skipped",
		[OUT_NOTED] = "noted",   [OUT_FAILED] = "failed",   [OUT_ALREADY] = "already",
		[OUT_MERGED] = "merged", [OUT_KEPT] = "kept",       [OUT_REFUSED] = "refused",
	};

	return names[o];
}

struct run_state {
	struct host *h;
	struct journal *j;
	const struct task_opts *o;
	struct task_result *out;
	const char *failed; /* step of the last failure, or NULL */
	unsigned *seqs;     /* numbers of the triggers, announced at the start */
	bool boot;
};

static void tell(struct run_state *s, const struct change *c, enum outcome o,
		 const struct err *e)
{
	s->out->count[o]++;
	if (s->o->told)
		s->o->told(s->o->ctx, c, o, e);
}

static bool stopping(struct run_state *s)
{
	if (s->o->stop && atomic_load(s->o->stop))
		s->out->stopped = true;
	return s->out->stopped;
}

/* After a failure: all the rest, or with keep_going the rest of that step. */
static bool passed_over(struct run_state *s, const struct change *c)
{
	if (stopping(s))
		return true;
	if (!s->failed)
		return false;
	return !s->o->keep_going || !strcmp(s->failed, c->step);
}

/* The target is still what the plan was made from.  1: it has the new value already. */
static int still_as_planned(struct run_state *s, struct change *c, struct err *e)
{
	AUTO_FREE char *now = NULL;
	int r = drift_current(s->h, c->kind, c->target, &now, e);

	if (r < 0)
		return r;
	if (c->kind->follows && !c->old_val && now) {
		c->old_val = now;
		now = NULL;
		return kind_same(c->kind, c->value, c->old_val);
	}
	if (kind_same(c->kind, c->old_val, now))
		return 0;
	return err_set(e, -ESTALE, "%s %s was changed while this was at work", c->kind->name,
		       c->target);
}

/* The journal has it already: a live value that the last boot forgot. */
static bool recorded(const struct run_state *s, const struct change *c)
{
	const struct journal_change *last = journal_last(s->j, c->kind, c->target);

	return s->boot && last && last->done && kind_same(c->kind, last->c.value, c->value);
}

/* 0, or an error of the journal. */
static int make(struct run_state *s, struct change *c, unsigned seq, struct err *e)
{
	struct err mine = { 0 };
	int r = still_as_planned(s, c, &mine), jr = 0;

	if (r == 0 && !seq && !recorded(s, c)) {
		jr = journal_change(s->j, s->out->apply, c, &seq, e);
		if (jr < 0)
			return jr;
	}
	if (r == 0)
		r = c->kind->apply(s->h, c, &mine);
	if (r < 0) {
		s->failed = c->step;
		tell(s, c, OUT_FAILED, &mine);
		return 0;
	}
	jr = seq ? journal_done(s->j, seq, e) : 0;
	if (jr == 0)
		tell(s, c, OUT_DONE, NULL);
	return jr;
}

/* In an image programs are run only where that was asked for. */
static bool by_hand(const struct run_state *s, const struct change *c)
{
	bool runs = c->kind->trigger || c->kind == &kind_package;

	return runs && !host_is_live(s->h) && !s->o->in_root;
}

static int one(struct run_state *s, struct change *c, unsigned seq, struct err *e)
{
	c->in_root = s->o->in_root;
	if (passed_over(s, c))
		tell(s, c, OUT_SKIPPED, NULL);
	else if (c->foreign && !s->o->force)
		tell(s, c, OUT_FOREIGN, NULL);
	else if (by_hand(s, c)) {
		tell(s, c, OUT_NOTED, NULL);
		return seq ? journal_done(s->j, seq, e) : 0;
	} else
		return make(s, c, seq, e);
	return 0;
}

/* A trigger stands in the journal before the first change that makes it needed: whatever
 * happens, it is known to be due. */
static int announce(struct run_state *s, const struct plan *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (p->v[i].kind->trigger)
			r = journal_change(s->j, s->out->apply, &p->v[i], &s->seqs[i], e);
	return r;
}

static int run(struct run_state *s, struct plan *p, bool triggers, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (p->v[i].kind->trigger == triggers)
			r = one(s, &p->v[i], s->seqs[i], e);
	return r;
}

/* It would get a record. */
static bool is_written(const struct run_state *s, const struct change *c)
{
	if (c->kind->trigger)
		return true;
	return !recorded(s, c) && !(c->foreign && !s->o->force) && !by_hand(s, c);
}

static int apply(struct run_state *s, struct plan *p, struct err *e)
{
	bool needs_apply = false;
	int r = 0;

	s->seqs = mem_zalloc(p->n, sizeof(*s->seqs), e);
	if (!s->seqs)
		return -ENOMEM;
	drift_sweep(s->h, s->j);
	for (size_t i = 0; i < p->n; i++)
		needs_apply = needs_apply || is_written(s, &p->v[i]);
	if (needs_apply)
		r = journal_begin(s->h, s->j, s->o->profile, &s->out->apply, e);
	if (r == 0)
		r = announce(s, p, e);
	if (r == 0)
		r = run(s, p, false, e);
	if (r == 0)
		r = run(s, p, true, e);
	free(s->seqs);
	return r;
}

int apply_plan(struct host *h, struct plan *p, struct journal *j, const struct task_opts *o,
	       struct task_result *out, struct err *e)
{
	struct run_state s = { .h = h, .j = j, .o = o, .out = out };

	*out = (struct task_result){ 0 };
	return apply(&s, p, e);
}

int apply_at_boot(struct host *h, struct plan *p, struct journal *j, const struct task_opts *o,
		  struct task_result *out, struct err *e)
{
	struct run_state s = { .h = h, .j = j, .o = o, .out = out, .boot = true };
	int r;

	*out = (struct task_result){ 0 };
	r = apply(&s, p, e);
	return r == 0 ? journal_boot(h, j, e) : r;
}
