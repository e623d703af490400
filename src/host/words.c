/* SPDX-License-Identifier: MIT */
#include "host/words.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool span_line(struct span *text, struct span *line)
{
	const char *nl;

	if (!text->len)
		return false;
	nl = memchr(text->s, '\n', text->len);
	line->s = text->s;
	line->len = nl ? (size_t)(nl - text->s) : text->len;
	text->s += line->len + (nl ? 1 : 0);
	text->len -= line->len + (nl ? 1 : 0);
	return true;
}

bool span_word(struct span *text, struct span *word)
{
	size_t i = 0, start;

	while (i < text->len && is_blank(text->s[i]))
		i++;
	start = i;
	while (i < text->len && !is_blank(text->s[i]))
		i++;
	word->s = text->s + start;
	word->len = i - start;
	text->s += i;
	text->len -= i;
	return word->len > 0;
}

struct span span_trim(struct span s)
{
	while (s.len && is_blank(s.s[0]))
		s.s++, s.len--;
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

bool span_cut(struct span *text, char sep, struct span *before)
{
	const char *at = text->len ? memchr(text->s, sep, text->len) : NULL;

	if (!at)
		return false;
	*before = span_trim((struct span){ text->s, (size_t)(at - text->s) });
	text->len -= (size_t)(at - text->s) + 1;
	text->s = at + 1;
	return true;
}

bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.len && (!s.len || !memcmp(s.s, word, s.len));
}

bool span_u64(struct span s, unsigned long long max, unsigned long long *out)
{
	unsigned long long v = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (unsigned)(s.s[i] - '0'), &v) || v > max)
			return false;
	}
	if (!s.len)
		return false;
	*out = v;
	return true;
}

/* Bytes of the UTF-8 character at @s, 0 if there is none that is whole and right. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	size_t n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	if (!n || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, past U+10FFFF; and C1 controls */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
	    (s[0] == 0xc2 && s[1] < 0xa0))
		return 0;
	return n;
}

char *span_copy(struct span s, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < size;) {
		unsigned char c = (unsigned char)s.s[i];
		size_t u = c < 0x80 ? 0 : utf8_len((const unsigned char *)s.s + i, s.len - i);

		if (u && n + u >= size)
			break;
		if (u) {
			memcpy(buf + n, s.s + i, u);
			n += u;
			i += u;
			continue;
		}
		buf[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
		i++;
	}
	buf[n] = '\0';
	return buf;
}

/* Where @word is, or belongs. */
static size_t place(const struct words *w, const char *word, size_t len, bool *found)
{
	size_t lo = 0, hi = w->n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strncmp(w->v[mid], word, len);

		if (c == 0 && w->v[mid][len])
			c = 1;
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int words_add(struct words *w, struct span word, struct err *e)
{
	size_t len = word.len ? strnlen(word.s, word.len) : 0;
	bool found;
	size_t at;
	char *copy;
	int r;

	if (!len)
		return 0;
	at = place(w, word.s, len, &found);
	if (found)
		return 0;
	r = mem_grow((void **)&w->v, w->n + 1, sizeof(*w->v), e);
	if (r < 0)
		return r;
	copy = mem_zalloc(len + 1, 1, e);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, word.s, len);
	memmove(w->v + at + 1, w->v + at, (w->n - at) * sizeof(*w->v));
	w->v[at] = copy;
	w->n++;
	return 0;
}

int words_parse(struct span text, struct words *out, struct err *e)
{
	struct span word;

	out->v = NULL;
	out->n = 0;
	while (span_word(&text, &word)) {
		int r = words_add(out, word, e);

		if (r < 0) {
			words_free(out);
			return r;
		}
	}
	return 0;
}

bool words_has(const struct words *w, const char *word)
{
	bool found;

	place(w, word, strlen(word), &found);
	return found;
}

int words_filter(const struct words *a, const struct words *b, bool both, struct words *out,
		 struct err *e)
{
	out->v = NULL;
	out->n = 0;
	for (size_t i = 0; i < a->n; i++) {
		int r = 0;

		if (words_has(b, a->v[i]) == both)
			r = words_add(out, (struct span){ a->v[i], strlen(a->v[i]) }, e);
		if (r < 0) {
			words_free(out);
			return r;
		}
	}
	return 0;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	w->v = NULL;
	w->n = 0;
}
