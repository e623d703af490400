/* SPDX-License-Identifier: MIT */
/* The keys of an option's value against those of its row: help, and what is not known. */
#include "base/str.h"
#include "emu/options_int.h"

#include <stdio.h>
#include <string.h>

static bool has(const struct device_key *k, const char *name)
{
	for (; k && k->name; k++)
		if (!strcmp(k->name, name))
			return true;
	return false;
}

static const struct option_kind *kind_of(const struct option_row *o, const char *name)
{
	for (const struct option_kind *k = o->kinds; k && k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static void add_keys(struct str *s, const struct device_key *k)
{
	for (; k && k->name; k++)
		str_addf(s, "%s%s", s->len ? ", " : "", k->name);
}

/* Names the key, and those that there are. */
static int unknown(const struct option_row *o, const struct option_kind *kind, const char *key,
		   struct err *e)
{
	struct str s = STR_INIT;
	int r;

	if (kind)
		add_keys(&s, kind->keys);
	add_keys(&s, o->keys);
	r = err_set(e, -EINVAL, "-%s%s%s has no '%s'; it has %s", o->name, kind ? " " : "",
		    kind ? kind->name : "", key, s.s && !s.failed ? s.s : "others");
	str_free(&s);
	return r;
}

static int no_kind(const struct option_row *o, const char *name, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	for (const struct option_kind *k = o->kinds; k->name; k++)
		str_addf(&s, "%s%s", s.len ? ", " : "", k->name);
	r = err_set(e, -ENOTSUP, "-%s: there is no '%s'; there are %s", o->name, name,
		    s.s && !s.failed ? s.s : "others");
	str_free(&s);
	return r;
}

static int ask_keys(struct parse *p, const struct option_row *o, const struct option_kind *kind,
		    enum options_ask ask)
{
	*p->ask = ask ? ask : OPTIONS_KEYS;
	*p->about = o->name;
	*p->kind = kind;
	return 0;
}

int options_check(struct parse *p, const struct option_row *o, const char *value, struct err *e)
{
	const struct option_kind *kind = NULL;
	struct optset set = OPTSET_INIT;
	const char *first;
	int r;

	if (!o->keys && !o->kinds)
		return 0;
	if (!strcmp(value, "help") || !strcmp(value, "?"))
		return ask_keys(p, o, NULL, o->help);
	r = optset_parse(&set, value, o->first, e);
	first = r == 0 && o->first ? optset_get(&set, o->first) : NULL;
	if (r == 0 && o->kinds) {
		kind = kind_of(o, first ? first : "");
		r = kind ? 0 : no_kind(o, first ? first : "", e);
	}
	if (r == 0 && optset_wants_help(value))
		r = ask_keys(p, o, kind, OPTIONS_RUN);
	else
		for (size_t i = 0; i < set.n && r == 0 && !o->open; i++)
			if (!has(o->keys, set.v[i].key) &&
			    !(kind && has(kind->keys, set.v[i].key)))
				r = unknown(o, kind, set.v[i].key, e);
	optset_free(&set);
	return r;
}
