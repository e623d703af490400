/* SPDX-License-Identifier: MIT */
#include "host/lines.h"

#include "base/mem.h"

#include <string.h>

bool lines_next(const char *text, size_t len, struct line *l)
{
	size_t off = l->off + l->full;
	const char *nl;

	if (off >= len)
		return false;
	nl = memchr(text + off, '\n', len - off);
	l->nr++;
	l->off = off;
	l->full = nl ? (size_t)(nl + 1 - (text + off)) : len - off;
	l->len = l->full - (nl != NULL);
	if (nl && l->len && text[off + l->len - 1] == '\r')
		l->len--;
	return true;
}

const char *lines_end(const char *text, size_t len)
{
	const char *nl = len ? memchr(text, '\n', len) : NULL;

	return nl && nl > text && nl[-1] == '\r' ? "\r\n" : "\n";
}

size_t lines_word(const char *s, size_t len, size_t *pos, const char **word)
{
	size_t i = *pos, n = 0;

	while (i < len && (s[i] == ' ' || s[i] == '\t'))
		i++;
	while (i + n < len && s[i + n] != ' ' && s[i + n] != '\t')
		n++;
	*word = s + i;
	*pos = i + n;
	return n;
}

char *lines_copy(const char *s, size_t len, struct err *e)
{
	char *out = mem_zalloc(len + 1, 1, e);

	if (out && len)
		memcpy(out, s, len);
	return out;
}

int lines_splice(const char *text, size_t len, size_t off, size_t cut, const char *with,
		 size_t with_len, char **out, size_t *out_len, struct err *e)
{
	size_t n;
	char *t;

	if (off > len || cut > len - off)
		return err_set(e, -EINVAL, "bytes %zu to %zu of a text of %zu", off, off + cut,
			       len);
	if (__builtin_add_overflow(len - cut, with_len, &n) || n + 1 == 0)
		return err_set(e, -ENOMEM, "a text of more than %zu bytes", len);
	t = mem_zalloc(n + 1, 1, e);
	if (!t)
		return -ENOMEM;
	if (off)
		memcpy(t, text, off);
	if (with_len)
		memcpy(t + off, with, with_len);
	if (len - off - cut)
		memcpy(t + off + with_len, text + off + cut, len - off - cut);
	*out = t;
	*out_len = n;
	return 0;
}

int lines_append(const char *text, size_t len, const char *line, char **out, size_t *out_len,
		 struct err *e)
{
	const char *end = lines_end(text, len);
	size_t n = strlen(line), ends = strlen(end);
	size_t first = len && text[len - 1] != '\n' ? ends : 0;
	char *with = mem_zalloc(first + n + ends + 1, 1, e);
	int r;

	if (!with)
		return -ENOMEM;
	memcpy(with, end, first);
	memcpy(with + first, line, n);
	memcpy(with + first + n, end, ends);
	r = lines_splice(text, len, len, 0, with, first + n + ends, out, out_len, e);
	mem_freep(&with);
	return r;
}

int lines_drop(const char *text, size_t len, const struct line *l, char **out, size_t *out_len,
	       struct err *e)
{
	return lines_splice(text, len, l->off, l->full, NULL, 0, out, out_len, e);
}
