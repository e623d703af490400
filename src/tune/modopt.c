/* SPDX-License-Identifier: MIT */
#include "tune/modopt.h"

#include "host/lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool same_name(const char *a, size_t len, const char *b)
{
	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]))
			return false;
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\';
}

/* The end of the command that begins at @at: past lines that end with a backslash. */
static size_t command_end(const char *text, size_t len, size_t at)
{
	for (; at < len && text[at] != '\n'; at++) {
		size_t next = at + 1;

		if (text[at] != '\\')
			continue;
		if (next < len && text[next] == '\r')
			next++;
		if (next < len && text[next] == '\n')
			at = next;
	}
	return at;
}

/* The first word "param=old" in [at, end) with another value than @value: where the old value
 * is, or false. */
static bool find(const char *text, size_t at, size_t end, const char *param, const char *value,
		 size_t *off, size_t *cut)
{
	while (at < end) {
		size_t word, eq;

		while (at < end && blank(text[at]))
			at++;
		word = at;
		while (at < end && !blank(text[at]))
			at++;
		for (eq = word; eq < at && text[eq] != '=';)
			eq++;
		if (!same_name(text + word, eq - word, param))
			continue;
		*off = eq < at ? eq + 1 : eq;
		*cut = at - *off;
		if (eq == at || *cut != strlen(value) || memcmp(text + *off, value, *cut))
			return true;
	}
	return false;
}

int modopt_set(const char *text, size_t len, unsigned line, const char *param,
	       const char *value, char **out, size_t *out_len, struct err *e)
{
	struct line l = { 0 };
	char *now = NULL;
	size_t off, cut;

	do
		if (!lines_next(text, len, &l))
			return err_set(e, -EINVAL, "there is no line %u", line);
	while (l.nr < line);
	*out = NULL;
	while (find(text, l.off, command_end(text, len, l.off), param, value, &off, &cut)) {
		/* a word without "=", which a bool takes for yes, gets it */
		bool bare = off && text[off - 1] != '=';
		char *fresh;
		size_t fresh_len;
		int r = 0;

		if (bare)
			r = lines_splice(text, len, off, 0, "=", 1, &fresh, &fresh_len, e);
		else
			r = lines_splice(text, len, off, cut, value, strlen(value), &fresh,
					 &fresh_len, e);
		free(now);
		if (r < 0)
			return r;
		text = now = fresh;
		len = fresh_len;
	}
	*out = now;
	*out_len = len;
	return now != NULL;
}
