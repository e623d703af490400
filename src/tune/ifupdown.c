/* SPDX-License-Identifier: MIT */
#include "tune/ifupdown.h"

#include "host/words.h"

#include <string.h>

bool ifupdown_has(const char *text, size_t len, const char *name)
{
	struct span rest = { text, len }, line, word;

	while (span_line(&rest, &line))
		if (span_word(&line, &word) && span_is(word, "iface") &&
		    span_word(&line, &word) && span_is(word, name))
			return true;
	return false;
}

bool ifupdown_sources(const char *text, size_t len, const char *folder)
{
	struct span rest = { text, len }, line, word;
	size_t n = strlen(folder);

	while (span_line(&rest, &line)) {
		bool dir;

		if (!span_word(&line, &word))
			continue;
		dir = span_is(word, "source-directory");
		if (!dir && !span_is(word, "source"))
			continue;
		if (!span_word(&line, &word) || word.len < n || memcmp(word.s, folder, n))
			continue;
		/* "source DIR/ *" takes our file's name, "source DIR/x.cfg" does not */
		if (dir ? word.len == n || (word.len == n + 1 && word.s[n] == '/')
			: word.len == n + 2 && !memcmp(word.s + n, "/*", 2))
			return true;
	}
	return false;
}
