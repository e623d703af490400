/* SPDX-License-Identifier: MIT */
#include "tune/drift.h"

#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"
#include "tune/diff.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int drift_current(const struct host *h, const struct change_kind *kind, const char *target,
		  char **value, struct err *e)
{
	struct err mine = { 0 };
	int r;

	*value = NULL;
	r = kind->current(h, target, value, &mine);
	if (r == -ENOENT) {
		*value = NULL;
		return 0;
	}
	return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
}

/* Somebody else had a hand in @c's target since @last, and @c would undo that. */
static int is_foreign(const struct journal *j, const struct journal_change *last,
		      const struct change *c, const char *boot, struct err *e)
{
	if (c->kind->fleeting && !journal_same_boot(j, last, boot))
		return 0;
	if (kind_same(c->kind, last->c.value, c->old_val))
		return 0;
	/* cut short: what it was before, or something in between */
	if (journal_in_flight(last) &&
	    (kind_same(c->kind, last->c.old_val, c->old_val) ||
	     (c->kind->partial && c->kind->partial(&last->c, c->old_val))))
		return 0;
	if (c->kind == &kind_file) {
		int r = diff_keeps(last->c.value, c->old_val, c->value, e);

		return r < 0 ? r : !r;
	}
	return 1;
}

int drift_mark(const struct host *h, const struct journal *j, struct plan *p, struct err *e)
{
	char boot[JOURNAL_BOOT_SIZE];

	journal_boot_id(h, boot);
	for (size_t i = 0; i < p->n; i++) {
		struct change *c = &p->v[i];
		const struct journal_change *last = journal_last(j, c->kind, c->target);
		int r = 0;

		if (c->kind->trigger || !last)
			continue;
		/* edits on top of another in the same plan share its fate */
		for (size_t k = 0; k < i; k++)
			if (p->v[k].kind == c->kind && !strcmp(p->v[k].target, c->target))
				r = p->v[k].foreign;
		if (!r)
			r = is_foreign(j, last, c, boot, e);
		if (r < 0)
			return r;
		c->foreign = r;
		if (r && last->c.value && !c->ours) {
			c->ours = mem_strdup(last->c.value, e);
			if (!c->ours)
				return -ENOMEM;
		}
	}
	return 0;
}

int drift_due(const struct host *h, const struct journal *j, struct plan *p, struct err *e)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct journal_change *c = &j->v[i];
		const struct step *s = step_find(c->step);
		int r;

		if (!c->c.kind->trigger || c->done || c->undone)
			continue;
		r = plan_add(p, h, c->c.kind, s ? s->id : "earlier", c->c.target, c->c.value,
			     c->c.when, e, "an earlier apply ended before it came to this");
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

/* ---- verify ---- */

static int add_drift(struct drifts *out, struct drift d, struct err *e)
{
	int r = mem_grow((void **)&out->v, out->n + 1, sizeof(*out->v), e);

	if (r == 0)
		out->v[out->n++] = d;
	return r;
}

/* Whether the edit that @c made could be taken out of @have: then it is still in it. */
static int still_in(const struct change *c, const char *have, struct err *e)
{
	AUTO_FREE char *without = NULL;

	if (c->kind != &kind_file || !have || !c->value)
		return 0;
	return diff_merge(c->value, c->old_val, have, &without, e);
}

static int look(const struct host *h, const struct journal_change *c, struct drifts *out,
		struct err *e)
{
	struct drift d = { .c = c };
	struct err mine = { 0 };
	int r = drift_current(h, c->c.kind, c->c.target, &d.have, &mine);

	if (r < 0) {
		d.error = mem_strdup(mine.msg, e);
		r = d.error ? add_drift(out, d, e) : -ENOMEM;
	} else if (!kind_same(c->c.kind, c->c.value, d.have)) {
		r = still_in(&c->c, d.have, e);
		d.harmless = r == 1;
		if (r >= 0)
			r = add_drift(out, d, e);
	} else {
		free(d.have);
		return 0;
	}
	if (r < 0) {
		free(d.have);
		free(d.error);
	}
	return r;
}

int drift_find(const struct host *h, const struct journal *j, const struct plan *p,
	       struct drifts *out, struct err *e)
{
	char boot[JOURNAL_BOOT_SIZE];
	int r = 0;

	*out = (struct drifts){ 0 };
	journal_boot_id(h, boot);
	for (size_t i = 0; r == 0 && i < j->n; i++) {
		const struct journal_change *c = &j->v[i];

		if (c->undone || c->c.kind->trigger ||
		    journal_last(j, c->c.kind, c->c.target) != c ||
		    plan_find(p, c->c.kind, c->c.target))
			continue;
		if (c->c.kind->fleeting && !journal_same_boot(j, c, boot))
			continue;
		r = look(h, c, out, e);
	}
	if (r < 0)
		drift_free(out);
	return r;
}

void drift_free(struct drifts *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].have);
		free(d->v[i].error);
	}
	free(d->v);
	*d = (struct drifts){ 0 };
}

/* ---- what a crash left ---- */

/* As base/below.c names them. */
static void sweep_in(int dir, long pid)
{
	char name[64];

	snprintf(name, sizeof(name), ".hostkit.%ld.tmp", pid);
	unlinkat(dir, name, 0);
	snprintf(name, sizeof(name), ".hostkit.%ld.lnk", pid);
	unlinkat(dir, name, 0);
}

void drift_sweep(const struct host *h, const struct journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct journal_change *c = &j->v[i];
		AUTO_FREE char *folder = NULL;
		char name[NAME_MAX + 1];
		AUTO_CLOSE int leads = -1;
		AUTO_CLOSE int holds = -1;

		if (!journal_in_flight(c) || !c->c.kind->path)
			continue;
		/* a file is replaced where its links lead to, a link where it is */
		leads = below_parent(host_root_fd(h), c->c.target, name, NULL);
		if (leads >= 0)
			sweep_in(leads, c->pid);
		folder = mem_strdup(c->c.target, NULL);
		if (!folder || !strrchr(folder, '/'))
			continue;
		*(strrchr(folder, '/') + 1) = '\0';
		holds = host_openat(h, folder, O_PATH | O_DIRECTORY, 0, NULL);
		if (holds >= 0)
			sweep_in(holds, c->pid);
	}
}
