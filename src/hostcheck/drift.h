/* SPDX-License-Identifier: MIT */
/*
 * What has changed since a report was saved, check by check.  A check counts as changed when
 * its verdict differs, or its value, unless that moves by itself (free memory).
 */
#ifndef HOSTCHECK_DRIFT_H
#define HOSTCHECK_DRIFT_H

#include "hostcheck/report.h"

/* A saved report, as far as it is compared. */
struct saved_check {
	char *id, *value;
	enum verdict verdict;
};

struct saved {
	struct saved_check *v;
	size_t n;
	char *kernel; /* "" where none was running */
};

/* Reads the JSON that report_json() wrote.  -EINVAL: not such a report, and where. */
int saved_parse(const char *text, size_t len, struct saved *out, struct err *e) MUST_CHECK;
void saved_free(struct saved *s);

enum drift_kind { DRIFT_VERDICT, DRIFT_VALUE, DRIFT_NEW, DRIFT_GONE };

struct drift_line {
	enum drift_kind kind;
	const char *id;                /* of the report's check or of the saved one */
	const struct saved_check *was; /* NULL: new */
	const struct report_line *is;  /* NULL: gone */
};

struct drift {
	struct drift_line *v;
	size_t n;
};

/* @p: the checks that were asked; others of @was are not missed.  The lines point into both. */
int drift_find(const struct saved *was, const struct report *is, const struct pick *p,
	       struct drift *out, struct err *e) MUST_CHECK;
void drift_free(struct drift *d);

void drift_text(const struct drift *d, bool color, struct str *out);
/* Schema "hostcheck-drift/1". */
int drift_json(const struct drift *d, struct str *out, struct err *e) MUST_CHECK;

#endif
