/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/str.h"
#include "tune/kind.h"
#include "tune/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_over(struct change *c, const char *value, enum change_when when,
		     const char *reason, struct err *e)
{
	AUTO_FREE char *v = value ? mem_strdup(value, e) : NULL;
	AUTO_FREE char *why = str_printf(e, "%s; %s", c->reason, reason);
	char *old = c->value;

	if (!why || (value && !v))
		return -ENOMEM;
	c->value = v;
	v = old;
	old = c->reason;
	c->reason = why;
	why = old;
	if (when > c->when)
		c->when = when;
	return 1;
}

int plan_amend(struct plan *p, const struct host *h, const struct change_kind *kind,
	       const char *step, const char *target, const char *value, enum change_when when,
	       struct err *e, const char *reason, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, reason);
	vsnprintf(text, sizeof(text), reason, ap);
	va_end(ap);
	for (size_t i = 0; i < p->n; i++) {
		struct change *c = &p->v[i];

		if (c->kind != kind || strcmp(c->target, target))
			continue;
		if (kind_same(kind, c->value, value))
			return 0;
		return take_over(c, value, when, text, e);
	}
	return plan_add(p, h, kind, step, target, value, when, e, "%s", text);
}
