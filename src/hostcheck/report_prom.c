/* SPDX-License-Identifier: MIT */
#include "hostcheck/report.h"

/* A label's value: only backslash, quote and newline are special. */
static void add_label(struct str *out, const char *name, const char *value)
{
	str_addf(out, "%s=\"", name);
	for (; *value; value++)
		if (*value == '\n')
			str_add(out, "\\n");
		else if (*value == '\\' || *value == '"')
			str_addf(out, "\\%c", *value);
		else
			str_addn(out, value, 1);
	str_add(out, "\"");
}

static void add_head(struct str *out, const char *name, const char *help)
{
	str_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void add_ids(struct str *out, const struct report_line *l)
{
	add_label(out, "id", l->check->id);
	str_add(out, ",");
	add_label(out, "group", l->group->id);
}

void report_prom(const struct report *r, struct str *out)
{
	add_head(out, "hostcheck_info", "The host that was looked at; always 1.");
	str_add(out, "hostcheck_info{");
	add_label(out, "arch", r->arch);
	str_add(out, ",");
	add_label(out, "kernel", r->kernel);
	str_add(out, ",");
	add_label(out, "root", r->root);
	str_add(out, ",");
	add_label(out, "version", VERSION);
	str_add(out, "} 1\n");

	add_head(out, "hostcheck_checks", "Checks by verdict.");
	for (int i = 0; i < V_COUNT; i++) {
		str_add(out, "hostcheck_checks{");
		add_label(out, "verdict", verdict_name((enum verdict)i));
		str_addf(out, "} %zu\n", r->count[i]);
	}

	add_head(out, "hostcheck_check_verdict",
		 "Verdict of a check: 0 ok, 1 info, 2 warn, 3 fail, 4 unknown, 5 skip.");
	for (size_t i = 0; i < r->n; i++) {
		str_add(out, "hostcheck_check_verdict{");
		add_ids(out, &r->v[i]);
		str_addf(out, "} %d\n", (int)r->v[i].f.verdict);
	}

	/* a value that changes by itself would make a new time series each time */
	add_head(
		out, "hostcheck_check_info",
		"What a check saw, in its labels; always 1. Left out where it moves by itself.");
	for (size_t i = 0; i < r->n; i++) {
		const struct report_line *l = &r->v[i];

		if (l->check->moving)
			continue;
		str_add(out, "hostcheck_check_info{");
		add_ids(out, l);
		str_add(out, ",");
		add_label(out, "value", l->f.value);
		str_add(out, ",");
		add_label(out, "fix", l->f.fix ? l->f.fix : "");
		str_add(out, "} 1\n");
	}
}
