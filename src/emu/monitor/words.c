/* SPDX-License-Identifier: MIT */
/* Words of a command of a person's. */
#include "emu/monitor/ask.h"

#include <string.h>

int words_cut(const char *line, char *buf, const char **word, unsigned max)
{
	unsigned n = 0;

	for (;;) {
		bool quoted;

		line += strspn(line, " \t");
		if (!*line)
			return (int)n;
		if (n == max)
			return -EINVAL;
		quoted = *line == '"';
		line += quoted;
		word[n++] = buf;
		while (*line && (quoted ? *line != '"' : !strchr(" \t", *line))) {
			if (quoted && *line == '\\' && line[1])
				line++;
			*buf++ = *line++;
		}
		*buf++ = '\0';
		if (quoted && *line++ != '"')
			return -EINVAL;
	}
}
