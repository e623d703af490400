/* SPDX-License-Identifier: MIT */
#include "tune/mdev.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/lines.h"
#include "host/words.h"

#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Each quantifier may double what a matcher makes of the expression: those that would keep it
 * busy for long are no names of devices, and are passed over. */
#define REGEX_MAX   64
#define REGEX_LOOPS 6

static bool modest(const char *re)
{
	unsigned loops = 0;

	for (const char *c = re; *c; c++)
		loops += strchr("*+?{", *c) != NULL;
	return strlen(re) <= REGEX_MAX && loops <= REGEX_LOOPS;
}

static bool matches(struct span word, const char *node)
{
	AUTO_FREE char *text = str_printf(NULL, "%.*s", (int)word.len, word.s);
	regmatch_t m;
	regex_t re;
	bool whole;

	if (!text || !modest(text) || strpbrk(text, "{}\\"))
		return false;
	if (regcomp(&re, text, REG_EXTENDED))
		return false;
	whole = !regexec(&re, node, 1, &m, 0) && m.rm_so == 0 &&
		(size_t)m.rm_eo == strlen(node);
	regfree(&re);
	return whole;
}

static unsigned long octal(struct span s)
{
	char text[8];

	return s.len && s.len < sizeof(text)
		       ? strtoul(span_copy(s, text, sizeof(text)), NULL, 8)
		       : ~0ul;
}

/* Whether the line decides about the node, and if so, as the rule does. */
static bool decides(const char *text, const struct line *l, const struct mdev_rule *rule,
		    bool *same)
{
	struct span rest = { text + l->off, l->len }, word, owner, mode;

	if (!span_word(&rest, &word) || strchr("#-@$", word.s[0]) || !matches(word, rule->node))
		return false;
	*same = span_word(&rest, &owner) && span_word(&rest, &mode) &&
		span_is(owner, rule->owner) && octal(mode) == strtoul(rule->mode, NULL, 8);
	return true;
}

int mdev_set(const char *text, size_t len, const struct mdev_rule *rule, char **out,
	     size_t *out_len, struct err *e)
{
	AUTO_FREE char *line = str_printf(e, "%s\t%s %s", rule->node, rule->owner, rule->mode);
	struct line l = { 0 };
	bool same = false;

	*out = NULL;
	if (!line)
		return -ENOMEM;
	while (lines_next(text, len, &l)) {
		AUTO_FREE char *with = NULL;
		int r;

		if (!decides(text, &l, rule, &same))
			continue;
		if (same)
			return 0;
		with = str_printf(e, "%s%s", line, lines_end(text, len));
		r = with ? lines_splice(text, len, l.off, 0, with, strlen(with), out, out_len,
					e)
			 : -ENOMEM;
		return r < 0 ? r : 1;
	}
	int r = lines_append(text, len, line, out, out_len, e);
	return r < 0 ? r : 1;
}
