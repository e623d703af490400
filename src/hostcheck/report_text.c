/* SPDX-License-Identifier: MIT */
#include "hostcheck/report.h"

#include <stdio.h>
#include <string.h>

#define INDENT 10 /* where texts below a check begin */

const char *report_paint(enum verdict v, bool color)
{
	static const char *const paint[V_COUNT] = {
		[V_OK] = "\033[32m",     [V_INFO] = "\033[36m",    [V_WARN] = "\033[33m",
		[V_FAIL] = "\033[1;31m", [V_UNKNOWN] = "\033[35m", [V_SKIP] = "\033[2m",
	};

	return color ? paint[v] : "";
}

const char *report_unpaint(bool color)
{
	return color ? "\033[0m" : "";
}

void report_fill(struct str *out, const char *text, unsigned indent, int columns)
{
	size_t width = columns > 20 ? (size_t)columns : 78, at = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (at && at + 1 + word > width) {
			str_add(out, "\n");
			at = 0;
		}
		if (!at) {
			str_addf(out, "%*s", (int)indent, "");
			at = indent;
		} else {
			str_add(out, " ");
			at++;
		}
		str_addn(out, text, word);
		at += word;
		text += word;
		text += strspn(text, " ");
	}
	if (at)
		str_add(out, "\n");
}

/* "@text", cut to what is left of the line after @used columns. */
static void add_cut(struct str *out, const char *text, size_t used, int columns)
{
	size_t len = strlen(text), room = (size_t)columns;

	if (columns > 0 && used + len > room && room > used + 4) {
		str_addn(out, text, room - used - 3);
		str_add(out, "...\n");
		return;
	}
	str_addf(out, "%s\n", text);
}

static bool is_bad(enum verdict v)
{
	return v == V_WARN || v == V_FAIL || v == V_UNKNOWN;
}

static bool is_shown(const struct report_line *l, const struct report_style *s)
{
	return !s->quiet || is_bad(l->f.verdict);
}

static void add_items(const struct finding *f, const struct report_style *s, struct str *out)
{
	size_t width = 0;

	for (size_t i = 0; i < f->n_items; i++)
		if (strlen(f->items[i].name) > width)
			width = strlen(f->items[i].name);
	for (size_t i = 0; i < f->n_items; i++) {
		const struct item *t = &f->items[i];

		str_addf(out, "%*s%s%-7s%s  %-*s  ", INDENT, "",
			 report_paint(t->verdict, s->color), verdict_name(t->verdict),
			 report_unpaint(s->color), (int)width, t->name);
		add_cut(out, t->text, INDENT + 11 + width, s->columns);
	}
}

static void add_checks(const struct report *r, const struct report_style *s, struct str *out)
{
	const struct check_group *group = NULL;
	size_t width = 0;

	for (size_t i = 0; i < r->n; i++)
		if (strlen(r->v[i].check->id) > width)
			width = strlen(r->v[i].check->id);
	for (size_t i = 0; i < r->n; i++) {
		const struct report_line *l = &r->v[i];

		if (!is_shown(l, s))
			continue;
		if (l->group != group && !s->quiet)
			str_addf(out, "%s%s\n", group ? "\n" : "", l->group->title);
		group = l->group;
		str_addf(out, "  %s%-7s%s  %-*s  ", report_paint(l->f.verdict, s->color),
			 verdict_name(l->f.verdict), report_unpaint(s->color), (int)width,
			 l->check->id);
		add_cut(out, l->f.value, 13 + width, s->columns);
		if (s->verbose)
			add_items(&l->f, s, out);
	}
}

/* What to do about one finding, and what that takes. */
static void add_advice(const struct report_line *l, const struct report_style *s,
		       struct str *out)
{
	const char *takes = remedy_text(l->f.remedy);
	char line[640];

	str_addf(out, "  %s%-7s%s  %s: %s\n", report_paint(l->f.verdict, s->color),
		 verdict_name(l->f.verdict), report_unpaint(s->color), l->check->id,
		 l->check->title);
	report_fill(out, l->f.advice, INDENT + 1, s->columns);
	if (l->f.fix)
		snprintf(line, sizeof(line), "Step of vtune: %s%s%s%s", l->f.fix,
			 takes ? " (" : "", takes ? takes : "", takes ? ")" : "");
	else if (takes && l->f.remedy != R_NOW)
		snprintf(line, sizeof(line), "This %s.", takes);
	else
		return;
	report_fill(out, line, INDENT + 1, s->columns);
}

static void add_todo(const struct report *r, const struct report_style *s, struct str *out)
{
	static const enum verdict order[] = { V_FAIL, V_WARN, V_UNKNOWN, V_INFO };
	bool first = true;

	for (size_t k = 0; k < ARRAY_SIZE(order); k++)
		for (size_t i = 0; i < r->n; i++) {
			const struct report_line *l = &r->v[i];

			if (l->f.verdict != order[k] || !l->f.advice[0] || !is_shown(l, s))
				continue;
			/* a fact needs no doing: its hint is for those who want to know */
			if (order[k] == V_INFO && !s->verbose)
				continue;
			if (first)
				str_add(out, "\nWhat to do\n");
			first = false;
			add_advice(l, s, out);
		}
}

static void add_summary(const struct report *r, const struct report_style *s, struct str *out)
{
	static const struct {
		enum verdict v;
		const char *one, *many;
	} words[] = {
		{ V_FAIL, "failure", "failures" },
		{ V_WARN, "warning", "warnings" },
		{ V_UNKNOWN, "unknown", "unknown" },
		{ V_OK, "ok", "ok" },
		{ V_INFO, "for information", "for information" },
		{ V_SKIP, "skipped", "skipped" },
	};
	bool first = true;

	str_addf(out, "\n%zu check%s: ", r->n, r->n == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = r->count[words[i].v];

		if (!n)
			continue;
		str_addf(out, "%s%s%zu %s%s", first ? "" : ", ",
			 report_paint(words[i].v, s->color), n,
			 n == 1 ? words[i].one : words[i].many, report_unpaint(s->color));
		first = false;
	}
	str_add(out, "\n");
}

void report_text(const struct report *r, const struct report_style *s, struct str *out)
{
	add_checks(r, s, out);
	add_todo(r, s, out);
	if (!s->quiet)
		add_summary(r, s, out);
}
