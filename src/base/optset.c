/* SPDX-License-Identifier: MIT */
#include "base/optset.h"

#include "base/mem.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

/* Takes over @key and @val, which may be NULL after a failed allocation. */
static int optset_push(struct optset *o, char *key, char *val, struct err *e)
{
	void *v = o->v;
	int r = key && val ? mem_grow(&v, o->n + 1, sizeof(*o->v), e) : -ENOMEM;

	if (r < 0) {
		free(key);
		free(val);
		return r;
	}
	o->v = v;
	o->v[o->n++] = (struct opt){ .key = key, .val = val };
	return 0;
}

int optset_set(struct optset *o, const char *key, const char *val, struct err *e)
{
	char *k = mem_strdup(key, e);

	return optset_push(o, k, k ? mem_strdup(val, e) : NULL, e);
}

static char *copy_n(const char *s, size_t n, struct err *e)
{
	char *p = mem_zalloc(n + 1, 1, e);

	if (p)
		memcpy(p, s, n);
	return p;
}

/* Copies the value at *p up to a single comma; ",," becomes ",". */
static char *copy_value(const char **p, struct err *e)
{
	const char *s = *p;
	char *val = mem_zalloc(strlen(s) + 1, 1, e);
	size_t n = 0;

	if (!val)
		return NULL;
	for (; *s && (*s != ',' || s[1] == ','); s++) {
		if (*s == ',')
			s++;
		val[n++] = *s;
	}
	*p = s;
	return val;
}

/* "foo" sets foo=on, "nofoo" sets foo=off. */
static int push_flag(struct optset *o, const char *name, size_t len, struct err *e)
{
	bool off = len >= 2 && name[0] == 'n' && name[1] == 'o';
	char *key = off ? copy_n(name + 2, len - 2, e) : copy_n(name, len, e);

	return optset_push(o, key, key ? mem_strdup(off ? "off" : "on", e) : NULL, e);
}

/* A list must not start with a single comma nor end with one that separates. */
static bool list_is_whole(const char *text)
{
	size_t len = strlen(text), commas = 0;

	if (!len || (text[0] == ',' && text[1] != ','))
		return false;
	while (commas < len && text[len - 1 - commas] == ',')
		commas++;
	return commas % 2 == 0;
}

int optset_parse(struct optset *o, const char *text, const char *first, struct err *e)
{
	const char *p = text;

	if (!list_is_whole(text))
		return err_set(e, -EINVAL, "invalid option list '%s'", text);
	while (*p) {
		size_t len = strcspn(p, "=,");
		int r;

		if (p[len] != '=' && first) {
			char *val = copy_value(&p, e);

			r = optset_push(o, val ? mem_strdup(first, e) : NULL, val, e);
		} else if (!len) {
			r = err_set(e, -EINVAL, "option without a name in '%s'", text);
		} else if (p[len] == '=') {
			char *key = copy_n(p, len, e);

			p += len + 1;
			r = optset_push(o, key, key ? copy_value(&p, e) : NULL, e);
		} else {
			r = push_flag(o, p, len, e);
			p += len;
		}
		if (r < 0)
			return r;
		first = NULL;
		if (*p == ',')
			p++;
	}
	return 0;
}

bool optset_wants_help(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "=,");

		if (text[len] != '=') {
			if ((len == 4 && !strncmp(text, "help", 4)) ||
			    (len == 1 && *text == '?'))
				return true;
			text += len;
		} else {
			for (text += len; *text && (*text != ',' || text[1] == ','); text++)
				if (*text == ',')
					text++;
		}
		if (*text == ',')
			text++;
	}
	return false;
}

const char *optset_get(struct optset *o, const char *key)
{
	const char *val = NULL;

	if (!o)
		return NULL;
	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(o->v[i].key, key))
			continue;
		o->v[i].used = true;
		val = o->v[i].val;
	}
	return val;
}

int optset_bool(struct optset *o, const char *key, bool *out, struct err *e)
{
	static const char words[][2][6] = {
		{ "on", "off" }, { "yes", "no" }, { "true", "false" }, { "y", "n" }
	};
	const char *val = optset_get(o, key);

	if (!val)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int no = 0; no < 2; no++) {
			if (strcmp(val, words[i][no]))
				continue;
			*out = !no;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "Parameter '%s' expects 'on' or 'off'", key);
}

int optset_size(struct optset *o, const char *key, uint64_t *out, struct err *e)
{
	const char *val = optset_get(o, key);
	int r = val ? size_parse(val, 'b', out, NULL) : 0;

	if (r == -ERANGE)
		return err_set(e, r, "Value '%s' is out of range for parameter '%s'", val, key);
	if (r < 0)
		return err_set(e, r,
			       "Parameter '%s' expects a non-negative number below 2^64\n"
			       "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, "
			       "tera-, peta-\nand exabytes, respectively.",
			       key);
	return 0;
}

int optset_u64(struct optset *o, const char *key, uint64_t *out, struct err *e)
{
	const char *val = optset_get(o, key);
	unsigned long long v;
	char *end;

	if (!val)
		return 0;
	errno = 0;
	v = strtoull(val, &end, 0);
	/* strtoull takes "-1" for its largest number */
	if (end == val || *end || errno || strchr(val, '-'))
		return err_set(e, -EINVAL, "Parameter '%s' expects a number", key);
	*out = v;
	return 0;
}

const char *optset_unused(const struct optset *o)
{
	if (!o)
		return NULL;
	for (size_t i = 0; i < o->n; i++)
		if (!o->v[i].used)
			return o->v[i].key;
	return NULL;
}

void optset_free(struct optset *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].key);
		free(o->v[i].val);
	}
	free(o->v);
	*o = (struct optset)OPTSET_INIT;
}
