/* SPDX-License-Identifier: MIT */
#include "tune/revert.h"

#include "base/mem.h"
#include "tune/diff.h"
#include "tune/drift.h"
#include "tune/journal_write.h"

#include <stdlib.h>
#include <string.h>

/* What a dry run has made of a target in thought. */
struct thought {
	const struct change *c;
	char *value;
};

struct walk {
	struct host *h;
	struct journal *j;
	const struct revert_opts *r;
	const struct task_opts *o;
	struct task_result *out;
	struct thought *thoughts; /* the last one of a target counts */
	size_t n_thoughts;
	char boot[JOURNAL_BOOT_SIZE];
};

static void tell(struct walk *w, const struct change *c, enum outcome o, const struct err *e)
{
	w->out->count[o]++;
	if (w->o->told)
		w->o->told(w->o->ctx, c, o, e);
}

static bool wanted(const struct walk *w, const struct journal_change *c)
{
	if (c->undone || c->apply <= w->r->to)
		return false;
	if (!w->r->only)
		return true;
	for (const char *const *s = w->r->only; *s; s++)
		if (!strcmp(*s, c->step))
			return true;
	return false;
}

/* What the target was before all that is taken back: the old value of the first. */
static const struct journal_change *first_of(const struct walk *w,
					     const struct journal_change *c)
{
	for (size_t i = 0; i < w->j->n; i++) {
		const struct journal_change *o = &w->j->v[i];

		if (wanted(w, o) && o->c.kind == c->c.kind && !strcmp(o->c.target, c->c.target))
			return o;
	}
	return c;
}

static int current(const struct walk *w, const struct change *c, char **value, struct err *e)
{
	for (size_t i = w->n_thoughts; i-- > 0;) {
		const struct thought *t = &w->thoughts[i];

		if (t->c->kind != c->kind || strcmp(t->c->target, c->target) != 0)
			continue;
		*value = t->value ? mem_strdup(t->value, e) : NULL;
		return t->value && !*value ? -ENOMEM : 0;
	}
	return drift_current(w->h, c->kind, c->target, value, e);
}

static int think(struct walk *w, const struct change *c, const char *value, struct err *e)
{
	int r = mem_grow((void **)&w->thoughts, w->n_thoughts + 1, sizeof(*w->thoughts), e);
	char *copy = value ? mem_strdup(value, e) : NULL;

	if (r < 0 || (value && !copy)) {
		free(copy);
		return -ENOMEM;
	}
	w->thoughts[w->n_thoughts++] = (struct thought){ c, copy };
	return 0;
}

/* The kernel that had the value is no longer the one that runs. */
static bool forgotten(const struct walk *w, const struct journal_change *c)
{
	return c->c.kind->fleeting && !journal_same_boot(w->j, c, w->boot);
}

enum finding { AS_BEFORE, OURS, THEIRS_TOO, THEIRS };

/* How the target stands to @c; *@merged is a file without our edit but with theirs. */
static int look(const struct walk *w, const struct journal_change *c, char **have,
		char **merged, struct err *e)
{
	const struct change *k = &c->c;
	int r;

	if (k->kind->fleeting && !host_has_kernel(w->h))
		return AS_BEFORE;
	r = current(w, k, have, e);
	if (r < 0)
		return r;
	if (kind_same(k->kind, k->old_val, *have))
		return AS_BEFORE;
	/* a module that was loaded anew runs as before, but with other options */
	if (k->kind != &kind_module && kind_same(k->kind, first_of(w, c)->c.old_val, *have))
		return AS_BEFORE;
	if (kind_same(k->kind, k->value, *have))
		return OURS;
	if (journal_in_flight(c) && k->kind->partial && k->kind->partial(k, *have))
		return OURS;
	if (forgotten(w, c))
		return AS_BEFORE;
	if (k->kind != &kind_file || !*have || !k->value)
		return THEIRS;
	r = diff_merge(k->value, k->old_val, *have, merged, e);
	return r < 0 ? r : r ? THEIRS_TOO : THEIRS;
}

static int undone(struct walk *w, const struct journal_change *c, enum outcome o,
		  const struct err *why, struct err *e)
{
	int r = w->r->dry_run ? 0 : journal_undone(w->j, c->seq, e);

	if (r == 0)
		tell(w, &c->c, o, why);
	return r;
}

/* Makes the target as @old says, NULL: as before. */
static int take_back(struct walk *w, const struct journal_change *c, char *merged,
		     struct err *e)
{
	struct change k = c->c;
	struct err mine = { 0 };
	unsigned seq = c->seq;
	bool nothing_left = merged && !*merged && !k.old_val;
	int r;

	if (merged && !nothing_left)
		k.old_val = merged;
	k.in_root = w->o->in_root;
	if (w->r->dry_run) {
		tell(w, &k, merged ? OUT_MERGED : OUT_DONE, NULL);
		return think(w, &c->c, k.old_val, e);
	}
	r = journal_undo(w->j, seq, e);
	if (r < 0)
		return r;
	r = k.kind->revert(w->h, &k, &mine);
	if (r == 0)
		return undone(w, c, merged ? OUT_MERGED : OUT_DONE, NULL, e);
	if (r != -EBUSY) {
		tell(w, &k, OUT_FAILED, &mine);
		return 0;
	}
	/* a folder that others filled is theirs; but not where it holds what stays of ours */
	if (k.kind == &kind_dir && !w->out->count[OUT_REFUSED] && !w->out->count[OUT_FAILED])
		return undone(w, c, OUT_KEPT, &mine, e);
	tell(w, &k, OUT_KEPT, &mine);
	return 0;
}

static int refuse(struct walk *w, const struct journal_change *c, const char *have)
{
	struct change k = c->c;
	struct err why = { 0 };
	char *found = have ? mem_strdup(have, NULL) : NULL;

	err_set(&why, -ESTALE,
		"%s %s was changed since by somebody else; --force takes it back "
		"all the same",
		k.kind->name, k.target);
	/* for who shows it: what was found, beside what vtune had made of it */
	k.ours = k.value;
	k.value = found;
	k.foreign = true;
	tell(w, &k, OUT_REFUSED, &why);
	free(found);
	return 0;
}

static int one(struct walk *w, const struct journal_change *c, struct err *e)
{
	AUTO_FREE char *have = NULL;
	AUTO_FREE char *merged = NULL;
	struct err mine = { 0 };
	int r = look(w, c, &have, &merged, &mine);

	if (r < 0) {
		tell(w, &c->c, OUT_FAILED, &mine);
		return 0;
	}
	/* made anew, and cut short before it got its attributes back */
	if (r == AS_BEFORE && c->undoing && !c->c.value && c->c.old_meta)
		r = OURS;
	if (r == AS_BEFORE)
		return undone(w, c, OUT_ALREADY, NULL, e);
	if (r == THEIRS && !w->o->force)
		return refuse(w, c, have);
	return take_back(w, c, r == THEIRS_TOO ? merged : NULL, e);
}

/* Once for each target, however many applies asked for it. */
static int trigger(struct walk *w, size_t at, struct err *e)
{
	const struct journal_change *c = &w->j->v[at];
	struct change k = c->c;
	struct err mine = { 0 };
	enum outcome o = OUT_DONE;
	int r = 0;

	for (size_t i = at + 1; i < w->j->n; i++)
		if (wanted(w, &w->j->v[i]) && w->j->v[i].c.kind == k.kind &&
		    !strcmp(w->j->v[i].c.target, k.target))
			return 0; /* the last one has its turn */
	k.in_root = w->o->in_root;
	if (!host_is_live(w->h) && !w->o->in_root)
		o = OUT_NOTED;
	else if (!w->r->dry_run)
		r = k.kind->revert(w->h, &k, &mine);
	if (r < 0)
		o = OUT_FAILED;
	tell(w, &k, o, r < 0 ? &mine : NULL);
	if (w->r->dry_run || (r < 0 && !w->o->force))
		return 0;
	for (size_t i = at + 1; i-- > 0;) {
		const struct journal_change *other = &w->j->v[i];

		if (!wanted(w, other) || other->c.kind != k.kind ||
		    strcmp(other->c.target, k.target) != 0)
			continue;
		r = journal_undone(w->j, other->seq, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool stopping(struct walk *w)
{
	if (w->o->stop && atomic_load(w->o->stop))
		w->out->stopped = true;
	return w->out->stopped;
}

/*
 * A module that was unloaded, to be loaded anew with an option, is loaded again when the option's
 * file is as before, whichever was changed first.  Commands come last: they read all of it.
 */
enum turn { TURN_FIRST, TURN_LOAD, TURN_TRIGGER };

static enum turn turn_of(const struct change *c)
{
	if (c->kind->trigger)
		return TURN_TRIGGER;
	return c->kind == &kind_module && !c->value ? TURN_LOAD : TURN_FIRST;
}

static int walk_back(struct walk *w, enum turn turn, struct err *e)
{
	int r = 0;

	for (size_t i = w->j->n; r == 0 && i-- > 0 && !stopping(w);) {
		const struct journal_change *c = &w->j->v[i];

		if (!wanted(w, c) || turn_of(&c->c) != turn)
			continue;
		r = turn == TURN_TRIGGER ? trigger(w, i, e) : one(w, c, e);
	}
	return r;
}

/* Nothing that was asked for is left; *@all: nothing at all is. */
static bool finished(const struct walk *w, bool *all)
{
	bool done = true;

	*all = true;
	for (size_t i = 0; i < w->j->n; i++) {
		const struct journal_change *c = &w->j->v[i];

		if (!c->undone)
			*all = false;
		if (!c->undone && c->apply > w->r->to)
			done = false;
	}
	return done;
}

int revert_run(struct host *h, struct journal *j, const struct revert_opts *opts,
	       const struct task_opts *o, struct task_result *out, struct err *e)
{
	struct walk w = { .h = h, .j = j, .r = opts, .o = o, .out = out };
	bool all;
	int r;

	*out = (struct task_result){ 0 };
	journal_boot_id(h, w.boot);
	if (!opts->dry_run)
		drift_sweep(h, j);
	r = walk_back(&w, TURN_FIRST, e);
	if (r == 0)
		r = walk_back(&w, TURN_LOAD, e);
	if (r == 0)
		r = walk_back(&w, TURN_TRIGGER, e);
	for (size_t i = 0; i < w.n_thoughts; i++)
		free(w.thoughts[i].value);
	free(w.thoughts);
	if (r < 0 || opts->dry_run)
		return r;
	out->finished = finished(&w, &all);
	if (opts->keep_journal || !out->finished)
		return 0;
	return all ? journal_remove(h, j, e) : journal_forget(j, opts->to, e);
}
