/* SPDX-License-Identifier: MIT */
/*
 * Lines of a text and words of a line, and sets of words.  A word is compared whole: "vmx"
 * is not in "vmx_flags".
 */
#ifndef HOST_WORDS_H
#define HOST_WORDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A piece of somebody else's text, not NUL-terminated. */
struct span {
	const char *s;
	size_t len;
};

/* Takes the first line off @text, without its newline; false at the end. */
bool span_line(struct span *text, struct span *line);
/* Takes the first word off @text; blanks, tabs, CR and newlines part words. */
bool span_word(struct span *text, struct span *word);
/* Splits at the first @sep: what is before it, without blanks at its ends; @text keeps
 * what is behind.  False if there is no @sep: @text is as it was. */
bool span_cut(struct span *text, char sep, struct span *before);
struct span span_trim(struct span s);
bool span_is(struct span s, const char *word);
/* Decimal digits only, all of them, up to @max. */
bool span_u64(struct span s, unsigned long long max, unsigned long long *out);
/* Copies, cut at @size - 1 bytes; bytes that are not printable ASCII become '?' unless they
 * are part of UTF-8.  Returns @buf. */
char *span_copy(struct span s, char *buf, size_t size);

/* Sorted, each once; owns its words. */
struct words {
	char **v;
	size_t n;
};

/* All words of @text as a set.  -ENOMEM. */
int words_parse(struct span text, struct words *out, struct err *e) MUST_CHECK;
bool words_has(const struct words *w, const char *word);
/* Those of @a that are in @b too (@both) or are not. */
int words_filter(const struct words *a, const struct words *b, bool both, struct words *out,
		 struct err *e) MUST_CHECK;
/* Adds a copy of @word unless it is there. */
int words_add(struct words *w, struct span word, struct err *e) MUST_CHECK;
void words_free(struct words *w);

#endif
