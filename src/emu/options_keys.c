/* SPDX-License-Identifier: MIT */
/* The keys of an option's value against those of its row: help, and what is not known. */
#include "base/str.h"
#include "emu/known.h"
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

/* Of which rows of known.h a key without a form of its own is; -M, -nic and -net share some. */
static const char *row_name(const struct option_row *o, bool kind)
{
	if (!strcmp(o->name, "M"))
		return "machine";
	return kind && (!strcmp(o->name, "nic") || !strcmp(o->name, "net")) ? "netdev"
									    : o->name;
}

static int known(const struct option_row *o, const struct option_kind *kind,
		 const struct opt *key, struct err *e)
{
	char of[64];
	int r;

	snprintf(of, sizeof(of), "-%s", row_name(o, false));
	r = known_key(of, key->key, key->val, e);
	if (r || !kind)
		return r;
	snprintf(of, sizeof(of), "-%s %s", row_name(o, true), kind->name);
	r = known_key(of, key->key, key->val, e);
	if (r || !strchr(kind->name, '-'))
		return r;
	/* those of all objects of a sort */
	snprintf(of, sizeof(of), "-%s %.*s*", o->name, (int)strcspn(kind->name, "-") + 1,
		 kind->name);
	return known_key(of, key->key, key->val, e);
}

void options_append(struct str *s, const struct opt *o)
{
	str_addf(s, "%s%s=", s->len ? "," : "", o->key);
	for (const char *v = o->val; *v; v++)
		str_add(s, *v == ',' ? ",," : (char[]){ *v, '\0' });
}

/* What remains when keys that change nothing are left out goes to *@clean. */
static int check_keys(const struct option_row *o, const struct option_kind *kind,
		      const struct optset *set, char **clean, struct err *e)
{
	struct str left = STR_INIT;
	bool fewer = false;
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++) {
		const struct opt *k = &set->v[i];

		if (!has(o->keys, k->key) && !(kind && has(kind->keys, k->key))) {
			r = known(o, kind, k, e);
			if (r > 0) {
				fewer = true;
				r = 0;
				continue;
			}
			if (r == 0 && !o->open)
				r = unknown(o, kind, k->key, e);
		}
		options_append(&left, k);
	}
	if (r < 0 || !fewer) {
		str_free(&left);
		return r;
	}
	/* of nothing str_take() makes "" */
	*clean = str_take(&left, e);
	return *clean ? 0 : -ENOMEM;
}

static int find_kind(const struct option_row *o, const char *first,
		     const struct option_kind **kind, struct err *e)
{
	char of[64];
	int r;

	*kind = kind_of(o, first);
	if (*kind)
		return 0;
	snprintf(of, sizeof(of), "-%s %s=", row_name(o, true),
		 !strcmp(o->name, "chardev") || !strcmp(o->name, "object") ? o->first : "type");
	r = known_name(of, first, e);
	return r < 0 ? r : no_kind(o, first, e);
}

int options_check(struct parse *p, const struct option_row *o, const char *value, char **clean,
		  struct err *e)
{
	const struct option_kind *kind = NULL;
	struct optset set = OPTSET_INIT;
	const char *first;
	int r;

	if ((!o->keys && !o->kinds) || (o->own && (*value == '{' || !optset_wants_help(value))))
		return 0;
	if (!strcmp(value, "help") || !strcmp(value, "?"))
		return ask_keys(p, o, NULL, o->help);
	r = optset_parse(&set, value, o->first, e);
	first = r == 0 && o->first ? optset_get(&set, o->first) : NULL;
	if (r == 0 && o->kinds)
		r = find_kind(o, first ? first : "", &kind, e);
	if (r == 0 && optset_wants_help(value))
		r = ask_keys(p, o, kind, OPTIONS_RUN);
	else if (r == 0)
		r = check_keys(o, kind, &set, clean, e);
	optset_free(&set);
	return r;
}
