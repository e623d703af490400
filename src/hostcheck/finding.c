/* SPDX-License-Identifier: MIT */
#include "hostcheck/finding.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void finding_clean(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void PRINTF(3, 0) fill(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (n < 0)
		buf[0] = '\0';
	else if ((size_t)n >= size)
		memcpy(buf + size - 4, "...", 4);
	finding_clean(buf);
}

int found(struct finding *f, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	f->verdict = v;
	va_start(ap, fmt);
	fill(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
	return 0;
}

int advise(struct finding *f, const char *fix, enum remedy r, const char *fmt, ...)
{
	va_list ap;

	f->fix = fix;
	f->remedy = r;
	va_start(ap, fmt);
	fill(f->advice, sizeof(f->advice), fmt, ap);
	va_end(ap);
	return 0;
}

void found_item(struct finding *f, enum verdict v, const char *name, const char *fmt, ...)
{
	struct item *i;
	va_list ap;

	if (mem_grow((void **)&f->items, f->n_items + 1, sizeof(*f->items), NULL) < 0) {
		f->failed = true;
		return;
	}
	i = &f->items[f->n_items++];
	i->verdict = v;
	snprintf(i->name, sizeof(i->name), "%s", name);
	finding_clean(i->name);
	va_start(ap, fmt);
	fill(i->text, sizeof(i->text), fmt, ap);
	va_end(ap);
}

int found_unreadable(struct finding *f, int code, const char *what, const struct err *e)
{
	found(f, V_UNKNOWN, "%s: %s", what, e->msg);
	if (code == -EACCES || code == -EPERM)
		return advise(f, NULL, R_ROOT, "Only root may read this: sudo hostcheck.");
	return advise(f, NULL, R_NONE, "This should be readable and is not.");
}

enum verdict verdict_worse(enum verdict a, enum verdict b)
{
	static const int rank[V_COUNT] = { [V_SKIP] = 0,    [V_OK] = 1,   [V_INFO] = 2,
					   [V_UNKNOWN] = 3, [V_WARN] = 4, [V_FAIL] = 5 };

	return rank[a] >= rank[b] ? a : b;
}

enum verdict finding_worst(const struct finding *f)
{
	enum verdict v = V_OK;

	for (size_t i = 0; i < f->n_items; i++)
		v = verdict_worse(v, f->items[i].verdict);
	return v;
}

void finding_free(struct finding *f)
{
	free(f->items);
	f->items = NULL;
	f->n_items = 0;
}
