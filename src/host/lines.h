/* SPDX-License-Identifier: MIT */
/*
 * Text files by lines, for editors that keep every byte they were not asked to change: the
 * line ends that are there (LF or CRLF), a last line without one, bytes that are no text.
 */
#ifndef HOST_LINES_H
#define HOST_LINES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct line {
	unsigned nr; /* from 1 */
	size_t off;  /* where it begins */
	size_t len;  /* without its end (LF or CRLF) */
	size_t full; /* with it */
};

/* The next line after *@l (zeroed before the first); false at the end of the text. */
bool lines_next(const char *text, size_t len, struct line *l);
/* How lines of this text end: "\r\n" if its first one does, else "\n". */
const char *lines_end(const char *text, size_t len);

/* The next word of [*pos, len): a run of bytes that are neither blank nor tab.  Its length,
 * 0 if there is none; *pos is then behind it. */
size_t lines_word(const char *s, size_t len, size_t *pos, const char **word);
/* A string of @len bytes of @s; free() it. */
char *lines_copy(const char *s, size_t len, struct err *e) MUST_CHECK;

/* Each of these makes a new text, NUL-terminated, to free(). */

/* [off, off + cut) is replaced by @with. */
int lines_splice(const char *text, size_t len, size_t off, size_t cut, const char *with,
		 size_t with_len, char **out, size_t *out_len, struct err *e) MUST_CHECK;
/* @line is added at the end, with an end of line of the text's kind; a last line without
 * one gets it first. */
int lines_append(const char *text, size_t len, const char *line, char **out, size_t *out_len,
		 struct err *e) MUST_CHECK;
/* Line @l goes, its end too.  If it was the last and had no end, the line before keeps its. */
int lines_drop(const char *text, size_t len, const struct line *l, char **out, size_t *out_len,
	       struct err *e) MUST_CHECK;

#endif
