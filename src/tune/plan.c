/* SPDX-License-Identifier: MIT */
#include "tune/plan.h"

#include "base/mem.h"
#include "base/str.h"
#include "tune/kind.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kind_same(const struct change_kind *k, const char *a, const char *b)
{
	if (!a || !b)
		return !a && !b;
	return k->equal ? k->equal(a, b) : !strcmp(a, b);
}

static void change_free(struct change *c)
{
	free(c->target);
	free(c->old_val);
	free(c->value);
	free(c->old_meta);
	free(c->reason);
	free(c->ours);
}

void plan_cut(struct plan *p, size_t n)
{
	while (p->n > n)
		change_free(&p->v[--p->n]);
}

void plan_drop(struct plan *p, size_t at)
{
	change_free(&p->v[at]);
	memmove(&p->v[at], &p->v[at + 1], (--p->n - at) * sizeof(*p->v));
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		change_free(&p->v[i]);
	for (size_t i = 0; i < p->n_notes; i++)
		free(p->notes[i].text);
	free(p->v);
	free(p->notes);
	*p = (struct plan){ 0 };
}

const struct change *plan_find(const struct plan *p, const struct change_kind *kind,
			       const char *target)
{
	for (size_t i = p->n; i-- > 0;)
		if (p->v[i].kind == kind && !strcmp(p->v[i].target, target))
			return &p->v[i];
	return NULL;
}

/* kind->current() with "not there" made an absent value. */
static int current_value(const struct host *h, const struct change_kind *kind,
			 const char *target, char **value, struct err *e)
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

int plan_value(const struct plan *p, const struct host *h, const struct change_kind *kind,
	       const char *target, char **value, struct err *e)
{
	const struct change *c = plan_find(p, kind, target);

	*value = NULL;
	if (!c)
		return current_value(h, kind, target, value, e);
	if (!c->value)
		return 0;
	*value = mem_strdup(c->value, e);
	return *value ? 0 : -ENOMEM;
}

/* One change as the callers of put() have it. */
struct wanted {
	const struct change_kind *kind;
	const char *step, *target, *value, *reason;
	enum change_when when;
};

static int copy(char **to, const char *from, struct err *e)
{
	*to = from ? mem_strdup(from, e) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

/* Appends, taking over @old_val. */
static int append(struct plan *p, const struct host *h, const struct wanted *w, char *old_val,
		  struct err *e)
{
	struct change c = { .kind = w->kind, .step = w->step, .when = w->when };
	int r = mem_grow((void **)&p->v, p->n + 1, sizeof(*p->v), e);

	c.old_val = old_val;
	if (r == 0)
		r = copy(&c.target, w->target, e);
	if (r == 0)
		r = copy(&c.value, w->value, e);
	if (r == 0)
		r = copy(&c.reason, w->reason, e);
	if (r == 0 && w->kind->meta && old_val && !plan_find(p, w->kind, w->target))
		r = w->kind->meta(h, w->target, &c.old_meta, e);
	if (r < 0) {
		change_free(&c);
		return r;
	}
	p->v[p->n++] = c;
	return 1;
}

/* Adds the folders that are missing above @w's target. */
static int add_folders(struct plan *p, const struct host *h, const struct wanted *w,
		       struct err *e)
{
	AUTO_FREE char *at = mem_strdup(w->target, e);
	AUTO_FREE char *reason = str_printf(e, "holds %s", w->target);
	struct wanted dir = { &kind_dir, w->step, at, "dir", reason, WHEN_NOW };
	int r = 0;

	if (!at || !reason)
		return -ENOMEM;
	for (char *slash = at; r >= 0 && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (!host_exists(h, at) && !plan_find(p, &kind_dir, at))
			r = append(p, h, &dir, NULL, e);
		*slash = '/';
	}
	return r < 0 ? r : 0;
}

static int put(struct plan *p, const struct host *h, const struct wanted *w, bool amend,
	       struct err *e)
{
	const struct change *there = plan_find(p, w->kind, w->target);
	char *now = NULL;
	int r = 0;

	if (w->kind->live && !host_has_kernel(h))
		return 0;
	if (w->value && strlen(w->value) > KIND_VALUE_MAX)
		return err_set(e, -EFBIG, "%s %s: more than %u bytes", w->kind->name, w->target,
			       KIND_VALUE_MAX);
	if (there && kind_same(w->kind, w->value, there->value))
		return 0;
	if (there && !amend)
		return err_set(e, -EEXIST, "%s and %s want %s %s to be different things",
			       there->step, w->step, w->kind->name, w->target);
	if (w->kind->path && w->value)
		r = add_folders(p, h, w, e);
	if (r == 0)
		r = plan_value(p, h, w->kind, w->target, &now, e);
	if (r < 0)
		return err_wrap(e, r, "%s", w->step);
	if (!there && kind_same(w->kind, w->value, now)) {
		free(now);
		return 0;
	}
	return append(p, h, w, now, e);
}

static PRINTF(5, 0) int put_for(struct plan *p, const struct host *h, struct wanted *w,
				bool amend, const char *fmt, va_list ap, struct err *e)
{
	char reason[512];

	vsnprintf(reason, sizeof(reason), fmt, ap);
	w->reason = reason;
	return put(p, h, w, amend, e);
}

int plan_add(struct plan *p, const struct host *h, const struct change_kind *kind,
	     const char *step, const char *target, const char *value, enum change_when when,
	     struct err *e, const char *reason, ...)
{
	struct wanted w = { kind, step, target, value, NULL, when };
	va_list ap;
	int r;

	va_start(ap, reason);
	r = put_for(p, h, &w, false, reason, ap, e);
	va_end(ap);
	return r;
}

int plan_amend(struct plan *p, const struct host *h, const struct change_kind *kind,
	       const char *step, const char *target, const char *value, enum change_when when,
	       struct err *e, const char *reason, ...)
{
	struct wanted w = { kind, step, target, value, NULL, when };
	va_list ap;
	int r;

	va_start(ap, reason);
	r = put_for(p, h, &w, true, reason, ap, e);
	va_end(ap);
	return r;
}

int plan_note(struct plan *p, const char *step, bool blocks, struct err *e, const char *fmt,
	      ...)
{
	char text[1024];
	va_list ap;
	int r = mem_grow((void **)&p->notes, p->n_notes + 1, sizeof(*p->notes), e);
	char *copied;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r < 0)
		return r;
	copied = mem_strdup(text, e);
	if (!copied)
		return -ENOMEM;
	p->notes[p->n_notes++] = (struct note){ step, copied, blocks };
	return 0;
}
