/* SPDX-License-Identifier: MIT */
/*
 * What a run found, as plain data, and the three ways to write it down.  The writers all read the
 * same struct, so they cannot disagree; they append to a string and print nothing.
 */
#ifndef HOSTCHECK_REPORT_H
#define HOSTCHECK_REPORT_H

#include "base/str.h"
#include "hostcheck/check.h"
#include "hostcheck/pick.h"

struct report_line {
	const struct check_group *group;
	const struct check *check;
	struct finding f;
};

struct report {
	enum host_kind kind;
	const char *root; /* the host's, which must outlive the report */
	char arch[32];
	char kernel[65];  /* its release; empty where none runs */
	const char *user; /* as in struct check_opts */
	struct report_line *v;
	size_t n;
	size_t count[V_COUNT];
};

/*
 * Asks what @p wants, each check after what it needs; a check whose need was not met is a skip that
 * says so.  A failing check is a finding, so only -ENOMEM comes back.
 */
int report_run(const struct host *h, const struct check_opts *o, const struct pick *p,
	       struct report *out, struct err *e) MUST_CHECK;
void report_free(struct report *r);

/* 0 fine, 3 something failed; @strict: or is a warning or unknown. */
int report_exit(const struct report *r, bool strict);

struct report_style {
	bool color;   /* terminal escapes */
	bool verbose; /* the items of each check, and hints of facts */
	bool quiet;  /* only what is warn, fail or unknown, and no summary when there is none */
	int columns; /* lines are cut to this; 0: not at all */
};

void report_text(const struct report *r, const struct report_style *s, struct str *out);
/* Schema "hostcheck/1"; ends with a newline. */
int report_json(const struct report *r, struct str *out, struct err *e) MUST_CHECK;
/* Text format 0.0.4, for a node exporter's textfile collector. */
void report_prom(const struct report *r, struct str *out);

/* Escape sequences of a verdict's colour, and what ends it; "" without @color. */
const char *report_paint(enum verdict v, bool color);
const char *report_unpaint(bool color);
/* Appends @text filled to @columns (0: 78) with @indent blanks before each line. */
void report_fill(struct str *out, const char *text, unsigned indent, int columns);

#endif
