/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for @more bytes and the NUL; false (and failed) when it cannot. */
static bool str_room(struct str *s, size_t more)
{
	size_t need, cap;

	if (s->failed)
		return false;
	if (__builtin_add_overflow(s->len, more, &need) || need >= PTRDIFF_MAX) {
		s->failed = true;
		return false;
	}
	need++;
	if (need <= s->cap)
		return true;
	cap = s->cap ? s->cap : 64;
	while (cap < need)
		cap = cap > PTRDIFF_MAX / 2 ? need : cap * 2;
	void *p = s->s;
	if (mem_grow(&p, cap, 1, NULL) < 0) {
		s->failed = true;
		return false;
	}
	s->s = p;
	s->cap = cap;
	return true;
}

void str_addn(struct str *s, const char *text, size_t len)
{
	if (!str_room(s, len))
		return;
	memcpy(s->s + s->len, text, len);
	s->len += len;
	s->s[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

PRINTF(2, 0) static void str_addv(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		s->failed = true;
	else if (str_room(s, (size_t)n)) {
		vsnprintf(s->s + s->len, (size_t)n + 1, fmt, ap);
		s->len += (size_t)n;
	}
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_addv(s, fmt, ap);
	va_end(ap);
}

void str_add_uri(struct str *s, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";

	for (; *text; text++) {
		if (strchr(plain, *text))
			str_addn(s, text, 1);
		else
			str_addf(s, "%%%02X", (unsigned char)*text);
	}
}

char *str_take(struct str *s, struct err *e)
{
	char *text;

	str_addn(s, "", 0);
	if (s->failed) {
		str_free(s);
		err_set(e, -ENOMEM, "out of memory for text");
		return NULL;
	}
	text = s->s;
	*s = (struct str)STR_INIT;
	return text;
}

void str_free(struct str *s)
{
	free(s->s);
	*s = (struct str)STR_INIT;
}

char *str_printf(struct err *e, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addv(&s, fmt, ap);
	va_end(ap);
	return str_take(&s, e);
}
