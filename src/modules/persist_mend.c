/* SPDX-License-Identifier: MIT */
/* One value of an option in somebody else's file of modprobe.d. */
#include "host/lines.h"
#include "host/modprobe_conf.h"
#include "modules/persist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\';
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
		if (!modprobe_same_word(text + word, eq - word, param))
			continue;
		*off = eq < at ? eq + 1 : eq;
		*cut = at - *off;
		if (eq == at || *cut != strlen(value) || memcmp(text + *off, value, *cut))
			return true;
	}
	return false;
}

int persist_mend(const char *old, unsigned line, const char *param, const char *value,
		 char **fresh, struct err *e)
{
	size_t off, cut, len = strlen(old);
	const char *text = old;
	struct line l = { 0 };
	int r = 0;

	*fresh = NULL;
	do
		if (!lines_next(text, len, &l))
			return err_set(e, -EINVAL, "there is no line %u", line);
	while (l.nr < line);
	while (r == 0 && find(text, l.off, modprobe_conf_end(text, len, l.off), param, value,
			      &off, &cut)) {
		/* a word without "=", which a bool takes for yes, gets it */
		const bool bare = off && text[off - 1] != '=';
		char *next = NULL;

		r = bare ? lines_splice(text, len, off, 0, "=", 1, &next, &len, e)
			 : lines_splice(text, len, off, cut, value, strlen(value), &next, &len,
					e);
		free(*fresh);
		text = *fresh = next;
	}
	return r < 0 ? r : *fresh != NULL;
}
