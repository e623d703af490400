/* SPDX-License-Identifier: MIT */
/*
 * Kernel command lines and their editors.  The first byte says where the text ends and the word
 * begins.  What was added or set is there and effective, once more it changes nothing;
 * what was removed is gone; no word of another name is lost or moved.
 */
#include "host/cmdline.h"

#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

static size_t count(const char *text)
{
	struct span s = { text, strlen(text) };
	struct cmdline_word w;
	size_t n = 0;

	while (cmdline_next(&s, &w)) {
		must(w.raw.len && w.raw.s >= text &&
		     w.raw.s + w.raw.len <= text + strlen(text));
		must(w.name.len + w.value.len <= w.raw.len);
		n++;
	}
	return n;
}

static void edit(const char *text, const char *word)
{
	char *one = NULL, *two = NULL, *none = NULL;
	size_t n = count(text);

	if (cmdline_add(text, word, &one, NULL) == 0) {
		must(cmdline_has(one, word) && count(one) == n + !cmdline_has(text, word));
		must(cmdline_add(one, word, &two, NULL) == 0 && !strcmp(one, two));
		free(two);
		two = NULL;
		must(cmdline_remove(one, word, &none, NULL) == 0);
		must(!cmdline_has(none, word) && count(none) < count(one));
		free(none);
		free(one);
		one = NULL;
	}
	if (cmdline_set(text, word, &one, NULL) == 0) {
		must(cmdline_effective(one, word) && (count(one) == n || count(one) == n + 1));
		must(cmdline_set(one, word, &two, NULL) == 0 && !strcmp(one, two));
		free(two);
		free(one);
	}
}

static void pools(const char *text)
{
	static const uint64_t sizes[] = { 0, 2u << 20, 1u << 30 };
	struct cmdline_pools p, q;
	char *out = NULL;

	if (cmdline_pools(text, &p, NULL) < 0)
		return;
	must(p.n <= 8);
	for (size_t i = 0; i < p.n; i++)
		must(p.v[i].bad || !(p.v[i].size & (p.v[i].size - 1)));
	for (size_t i = 0; i < 3; i++) {
		uint64_t size = sizes[i] ? sizes[i] : p.default_size;
		bool found = false;

		/* a quote left open swallows what is added */
		if (cmdline_set_pool(text, sizes[i], "7", &out, NULL) < 0)
			continue;
		if (cmdline_pools(out, &q, NULL) == 0) {
			for (size_t k = 0; k < q.n; k++)
				found |=
					!q.v[k].bad && q.v[k].size == size && q.v[k].count == 7;
			must(found);
		}
		free(out);
		out = NULL;
		must(cmdline_set_pool(text, sizes[i], NULL, &out, NULL) == 0);
		must(cmdline_pools(out, &q, NULL) == 0);
		for (size_t k = 0; k < q.n; k++)
			must(q.v[k].bad || q.v[k].size != size);
		free(out);
		out = NULL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t at = len ? data[0] : 0;
	char *text, *word;

	if (!len)
		return 0;
	data++;
	len--;
	at = at < len ? at : len;
	text = calloc(1, at + 1);
	word = calloc(1, len - at + 1);
	must(text && word);
	memcpy(text, data, at);
	memcpy(word, data + at, len - at);
	count(text);
	edit(text, word);
	pools(text);
	free(text);
	free(word);
	return 0;
}
