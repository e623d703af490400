/* SPDX-License-Identifier: MIT */
/*
 * A string that grows.  Failure to allocate is remembered and reported once,
 * by str_take(), so that a caller appends without checking each step.
 *
 *	struct str s = STR_INIT;
 *	str_addf(&s, "%s:%u", name, n);
 *	char *line = str_take(&s, e);     // NULL: -ENOMEM is in e
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct str {
	char *s; /* NUL-terminated once anything was added */
	size_t len, cap;
	bool failed;
};

#define STR_INIT                  \
	{                         \
		NULL, 0, 0, false \
	}

void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t len);
void str_addf(struct str *s, const char *fmt, ...) PRINTF(2, 3);
/* @text with what has a meaning in a URI written as %XX; '/' stays. */
void str_add_uri(struct str *s, const char *text);
/* Gives up ownership of the text (never NULL on success, "" when empty). */
char *str_take(struct str *s, struct err *e) MUST_CHECK;
void str_free(struct str *s);

/* A new formatted string; NULL and -ENOMEM in @e. */
char *str_printf(struct err *e, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;

#endif
