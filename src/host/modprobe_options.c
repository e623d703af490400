/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "host/lines.h"
#include "host/modprobe_conf.h"

#include <stdlib.h>
#include <string.h>

/* Options are compared each with each; no configuration has near as many. */
#define OPTIONS_MAX 4096

static char plain(char c)
{
	return c == '-' ? '_' : c;
}

bool modprobe_same_word(const char *word, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] && plain(word[i]) == plain(name[i]))
		i++;
	return i == len && !name[i];
}

bool modprobe_same_name(const char *a, const char *b)
{
	return modprobe_same_word(a, strlen(a), b);
}

const struct modprobe_line *modprobe_conf_find(const struct modprobe_conf *c,
					       enum modprobe_cmd cmd, const char *module)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].cmd == cmd && modprobe_same_name(c->v[i].module, module))
			return &c->v[i];
	return NULL;
}

static int add(const struct modprobe_line *from, const char *s, size_t len,
	       struct modprobe_options *out, struct err *e)
{
	const char *eq = memchr(s, '=', len);
	size_t key = eq ? (size_t)(eq - s) : len;
	struct modprobe_option *o;
	int r;

	if (out->n >= OPTIONS_MAX)
		return err_set(e, -E2BIG, "%s: more than %d module options", from->file,
			       OPTIONS_MAX);
	r = mem_grow((void **)&out->v, out->n + 1, sizeof(*o), e);
	if (r < 0)
		return r;
	o = &out->v[out->n++];
	memset(o, 0, sizeof(*o));
	o->from = from;
	o->final = true;
	o->param = lines_copy(s, key, e);
	o->value = eq ? lines_copy(eq + 1, len - key - 1, e) : NULL;
	for (char *p = o->param; p && *p; p++)
		*p = plain(*p);
	return o->param && (!eq || o->value) ? 0 : -ENOMEM;
}

/* "a=1 b=\"x y\"": blanks inside double quotes do not part. */
static int add_words(const struct modprobe_line *from, struct modprobe_options *out,
		     struct err *e)
{
	const char *s = from->rest;
	int r = 0;

	while (r == 0 && *s) {
		size_t n = 0;
		bool quoted = false;

		for (; s[n] && (quoted || (s[n] != ' ' && s[n] != '\t')); n++)
			if (s[n] == '"')
				quoted = !quoted;
		if (n)
			r = add(from, s, n, out, e);
		s += n + (s[n] != '\0');
	}
	return r;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void compare(struct modprobe_options *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct modprobe_option *a = &o->v[i];

		for (size_t k = i + 1; k < o->n; k++) {
			struct modprobe_option *b = &o->v[k];

			if (strcmp(a->param, b->param) != 0 ||
			    strcmp(a->from->module, b->from->module) != 0)
				continue;
			a->final = false;
			if (!same(a->value, b->value))
				a->conflict = b->conflict = true;
		}
	}
}

int modprobe_options(const struct modprobe_conf *c, const char *module,
		     struct modprobe_options *out, struct err *e)
{
	int r = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (c->v[i].cmd == MODPROBE_OPTIONS &&
		    (!module || modprobe_same_name(c->v[i].module, module)))
			r = add_words(&c->v[i], out, e);
	if (r < 0)
		modprobe_options_free(out);
	else
		compare(out);
	return r;
}

void modprobe_options_free(struct modprobe_options *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].param);
		free(o->v[i].value);
	}
	free(o->v);
	memset(o, 0, sizeof(*o));
}
