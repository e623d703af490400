/* SPDX-License-Identifier: MIT */
#include "host/choice.h"

#include "host/words.h"

#include <stdlib.h>
#include <string.h>

/* Appends @word behind a blank; false if it does not fit. */
static bool append(struct choice *c, struct span word)
{
	size_t n = strlen(c->all);

	if (n + word.len + 2 > sizeof(c->all))
		return false;
	if (n)
		c->all[n++] = ' ';
	span_copy(word, c->all + n, sizeof(c->all) - n);
	return true;
}

int choice_parse(const char *text, size_t len, struct choice *out, struct err *e)
{
	struct span rest = { text, len }, word;

	memset(out, 0, sizeof(*out));
	while (span_word(&rest, &word)) {
		bool marked = word.len >= 2 && word.s[0] == '[' && word.s[word.len - 1] == ']';

		if (marked) {
			word.s++;
			word.len -= 2;
			if (out->active[0])
				return err_set(e, -EINVAL, "more than one word is marked");
			if (!word.len || word.len >= sizeof(out->active))
				return err_set(e, -EINVAL, "the marked word is no word");
			span_copy(word, out->active, sizeof(out->active));
		}
		if (!append(out, word))
			return err_set(e, -EINVAL, "too many words to choose from");
	}
	return out->all[0] ? 0 : err_set(e, -EINVAL, "no words to choose from");
}

int choice_read(const struct host *h, const char *path, struct choice *out, struct err *e)
{
	char *text;
	size_t len;
	int r = host_read(h, path, &text, &len, e);

	if (r < 0)
		return r;
	r = choice_parse(text, len, out, e);
	free(text);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

bool choice_offers(const struct choice *c, const char *word)
{
	struct span rest = { c->all, strlen(c->all) }, w;

	while (span_word(&rest, &w))
		if (span_is(w, word))
			return true;
	return false;
}
