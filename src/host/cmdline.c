/* SPDX-License-Identifier: MIT */
#include "host/cmdline.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* Length of the word at @s: blanks within double quotes do not end it. */
static size_t raw_len(const char *s, size_t len)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && (quoted || !is_space(s[i])); i++)
		if (s[i] == '"')
			quoted = !quoted;
	return i;
}

/* One quote in front and one at the end go, as next_arg() does it. */
static struct span unquote(struct span s, bool *was)
{
	*was = s.len && s.s[0] == '"';
	if (!*was)
		return s;
	s.s++;
	s.len--;
	if (s.len && s.s[s.len - 1] == '"')
		s.len--;
	return s;
}

static void split(struct cmdline_word *w)
{
	bool quoted;
	struct span all = unquote(w->raw, &quoted);
	/* a '=' in front of everything parts nothing */
	const char *eq = all.len > 1 ? memchr(all.s + 1, '=', all.len - 1) : NULL;

	w->has_value = eq != NULL;
	w->name = all;
	w->value = (struct span){ all.s + all.len, 0 };
	if (!eq)
		return;
	w->name.len = (size_t)(eq - all.s);
	w->value = (struct span){ eq + 1, all.len - w->name.len - 1 };
	if (w->value.len && w->value.s[0] == '"') {
		w->value.s++;
		w->value.len--;
		/* the last quote of a word goes once */
		if (!quoted && w->value.len && w->value.s[w->value.len - 1] == '"')
			w->value.len--;
	}
}

bool cmdline_next(struct span *text, struct cmdline_word *w)
{
	size_t i = 0;

	while (i < text->len && is_space(text->s[i]))
		i++;
	w->raw = (struct span){ text->s + i, raw_len(text->s + i, text->len - i) };
	if (!w->raw.len || span_is(w->raw, "--"))
		return false;
	text->s += i + w->raw.len;
	text->len -= i + w->raw.len;
	split(w);
	return true;
}

int cmdline_read(const struct host *h, char **text, struct err *e)
{
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "no kernel runs in an image");
	return host_read(h, "/proc/cmdline", text, NULL, e);
}

/* As the kernel's parameq(). */
static bool same_name(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if ((a.s[i] == '-' ? '_' : a.s[i]) != (b.s[i] == '-' ? '_' : b.s[i]))
			return false;
	return true;
}

static bool same_value(struct span a, struct span b)
{
	return a.len == b.len && (!a.len || !memcmp(a.s, b.s, a.len));
}

static bool same(const struct cmdline_word *a, const struct cmdline_word *b)
{
	return a->has_value == b->has_value && same_name(a->name, b->name) &&
	       same_value(a->value, b->value);
}

/* The one word that @text is: -EINVAL if it is none, or more, or would swallow the next. */
static int one_word(const char *text, struct cmdline_word *w, struct err *e)
{
	struct span s = { text, strlen(text) };
	bool open = false;

	for (const char *p = text; *p; p++)
		open ^= *p == '"';
	if (open || strpbrk(text, "\n\r") || !cmdline_next(&s, w) || w->raw.s != text || s.len)
		return err_set(e, -EINVAL, "'%s' is not one word of a kernel command line",
			       text);
	return 0;
}

bool cmdline_has(const char *text, const char *word)
{
	struct span s = { text, strlen(text) };
	struct cmdline_word want, w;

	if (one_word(word, &want, NULL) < 0)
		return false;
	while (cmdline_next(&s, &w))
		if (same(&w, &want))
			return true;
	return false;
}

static bool find_last(const char *text, struct span name, struct cmdline_word *out)
{
	struct span s = { text, strlen(text) };
	struct cmdline_word w;
	bool found = false;

	while (cmdline_next(&s, &w)) {
		if (!same_name(w.name, name))
			continue;
		*out = w;
		found = true;
	}
	return found;
}

int cmdline_get(const char *text, const char *name, char *buf, size_t size)
{
	struct cmdline_word w;

	if (!find_last(text, (struct span){ name, strlen(name) }, &w))
		return -ENOENT;
	if (w.value.len >= size)
		return -ERANGE;
	if (w.value.len)
		memcpy(buf, w.value.s, w.value.len);
	buf[w.value.len] = '\0';
	return 0;
}

bool cmdline_effective(const char *text, const char *word)
{
	struct cmdline_word want, w;

	return one_word(word, &want, NULL) == 0 && find_last(text, want.name, &w) &&
	       same(&w, &want);
}

int cmdline_param(const char *text, const char *module, const char *param, char *buf,
		  size_t size)
{
	char *name = str_printf(NULL, "%s.%s", module, param);
	int r = name ? cmdline_get(text, name, buf, size) : -ENOMEM;

	mem_freep(&name);
	return r;
}

/* Where new words go: before "--" with the blanks in front of it, or behind the last word. */
static size_t end_of_words(const char *text)
{
	struct span s = { text, strlen(text) };
	struct cmdline_word w;
	size_t end = 0;

	while (cmdline_next(&s, &w))
		end = (size_t)(w.raw.s - text) + w.raw.len;
	return end;
}

static char *insert(const char *text, const char *word, struct err *e)
{
	size_t at = end_of_words(text);
	const char *rest = text + at;
	bool blank = *rest == '\0' || is_space(*rest);

	return str_printf(e, "%.*s%s%s%s%s", (int)at, text, at ? " " : "", word,
			  blank ? "" : " ", rest);
}

/* A text that ends inside quotes takes no further words. */
static int made(char *text, const char *word, char **out, struct err *e)
{
	if (!text)
		return -ENOMEM;
	if (!cmdline_effective(text, word) && !cmdline_has(text, word)) {
		mem_freep(&text);
		return err_set(e, -EINVAL, "the command line has a quote that is not closed");
	}
	*out = text;
	return 0;
}

int cmdline_add(const char *text, const char *word, char **out, struct err *e)
{
	struct cmdline_word w;
	int r = one_word(word, &w, e);

	if (r < 0)
		return r;
	return made(cmdline_has(text, word) ? mem_strdup(text, e) : insert(text, word, e), word,
		    out, e);
}

int cmdline_set(const char *text, const char *word, char **out, struct err *e)
{
	struct cmdline_word want, w;
	char *new;
	int r = one_word(word, &want, e);

	if (r < 0)
		return r;
	if (!find_last(text, want.name, &w))
		new = insert(text, word, e);
	else if (same(&w, &want))
		new = mem_strdup(text, e);
	else
		new = str_printf(e, "%.*s%s%s", (int)(w.raw.s - text), text, word,
				 w.raw.s + w.raw.len);
	return made(new, word, out, e);
}

/* Appends @text without the words that @drop picks; each takes the blanks before it along,
 * the first one those behind. */
typedef bool drop_word(const struct cmdline_word *w, void *ctx);

static int without(const char *text, drop_word *drop, void *ctx, char **out, struct err *e)
{
	struct span s = { text, strlen(text) };
	struct cmdline_word w;
	struct str kept = STR_INIT;
	const char *from = text;

	while (cmdline_next(&s, &w)) {
		const char *end = w.raw.s + w.raw.len;

		if (drop(&w, ctx)) {
			if (!kept.len)
				while (is_space(*end) && *end != '\n')
					end++;
			from = end;
			s.len -= (size_t)(end - s.s);
			s.s = end;
			continue;
		}
		str_addn(&kept, from, (size_t)(end - from));
		from = end;
	}
	str_add(&kept, from);
	*out = str_take(&kept, e);
	return *out ? 0 : -ENOMEM;
}

static bool drop_same(const struct cmdline_word *w, void *ctx)
{
	const struct cmdline_word *want = ctx;

	return want->has_value ? same(w, want) : same_name(w->name, want->name);
}

int cmdline_remove(const char *text, const char *word, char **out, struct err *e)
{
	struct cmdline_word want;
	int r = one_word(word, &want, e);

	return r < 0 ? r : without(text, drop_same, &want, out, e);
}
