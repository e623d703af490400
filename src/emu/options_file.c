/* SPDX-License-Identifier: MIT */
#include "emu/options_file.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/optset.h"
#include "base/str.h"
#include "emu/options_int.h"

#include <stdlib.h>
#include <string.h>

#define LINE     1024u
#define WORD     64u
#define FILE_MAX (1u << 20)

struct reader {
	const struct options_file_user *u;
	unsigned line;
	bool open;       /* a group has begun */
	char name[WORD]; /* its option */
	struct optset set;
};

static int bad(const struct reader *r, const char *what, struct err *e)
{
	return err_set(e, -EINVAL, "line %u: %s", r->line, what);
}

/* Where a group has another name than the option of the command line. */
static const char *option_of(const char *group)
{
	static const char *const other[][2] = {
		{ "memory", "m" },
		{ "smp-opts", "smp" },
		{ "boot-opts", "boot" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		if (!strcmp(other[i][0], group))
			return other[i][1];
	return group;
}

static void add(struct str *s, const char *key, const char *value)
{
	str_addf(s, "%s%s%s", s->len ? "," : "", key, *key ? "=" : "");
	for (; *value; value++)
		str_addn(s, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
}

/* The group that ends here, if any. */
static int end(struct reader *r, struct err *e)
{
	const char *first = r->open ? r->u->first(r->u->arg, r->name) : NULL;
	const char *front = first ? optset_get(&r->set, first) : NULL;
	struct str s = STR_INIT;
	char *value;
	int code;

	if (!r->open)
		return 0;
	if (front)
		add(&s, "", front);
	for (size_t i = 0; i < r->set.n; i++)
		if (!r->set.v[i].used)
			add(&s, r->set.v[i].key, r->set.v[i].val);
	r->open = false;
	optset_free(&r->set);
	value = str_take(&s, e);
	code = value ? r->u->option(r->u->arg, r->name, value, e) : -ENOMEM;
	free(value);
	return code;
}

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

/* The word at *@p, which moves behind it; false: none, or one too long. */
static bool word(const char **p, char out[WORD])
{
	size_t n = 0;

	while (word_char((*p)[n]))
		n++;
	if (!n || n >= WORD)
		return false;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n;
	return true;
}

/* The text between quotes at *@p. */
static bool quoted(const char **p, char out[LINE])
{
	const char *from = *p + 1, *to = **p == '"' ? strchr(from, '"') : NULL;

	if (!to)
		return false;
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = '\0';
	*p = to + 1;
	return true;
}

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t\r");
}

static int group(struct reader *r, const char *p, struct err *e)
{
	char name[WORD], id[LINE];
	const char *opt;
	int code = end(r, e);

	if (code < 0)
		return code;
	p = blanks(p);
	if (!word(&p, name))
		return bad(r, "a group needs a name", e);
	opt = option_of(name);
	memcpy(r->name, opt, strlen(opt) + 1);
	p = blanks(p);
	r->open = true;
	if (*p == '"') {
		if (!quoted(&p, id))
			return bad(r, "a name without its end", e);
		code = optset_set(&r->set, "id", id, e);
	}
	p = blanks(p);
	if (code == 0 && (*p != ']' || *blanks(p + 1)))
		return bad(r, "a group is [NAME] or [NAME \"ID\"]", e);
	return code;
}

static int setting(struct reader *r, const char *p, struct err *e)
{
	char key[WORD], value[LINE];

	if (!r->open)
		return bad(r, "a key before the first group", e);
	if (!word(&p, key))
		return bad(r, "neither a group nor a key", e);
	p = blanks(p);
	if (*p++ != '=')
		return bad(r, "a key needs = and a value", e);
	p = blanks(p);
	if (!quoted(&p, value) || *blanks(p))
		return bad(r, "a value stands between quotes", e);
	return optset_set(&r->set, key, value, e);
}

int options_file_parse(const char *text, const struct options_file_user *u, struct err *e)
{
	struct reader r = { .u = u, .set = OPTSET_INIT };
	int code = 0;

	while (*text && code == 0) {
		size_t n = strcspn(text, "\n");
		char line[LINE];
		const char *p;

		r.line++;
		if (n >= LINE) {
			code = bad(&r, "too long", e);
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		text += n + (text[n] == '\n');
		p = blanks(line);
		if (*p == '[')
			code = group(&r, p + 1, e);
		else if (*p && *p != '#')
			code = setting(&r, p, e);
	}
	if (code == 0)
		code = end(&r, e);
	optset_free(&r.set);
	return code;
}

static const char *first_of(void *arg, const char *option)
{
	const struct option_row *o = options_find(option);

	(void)arg;
	return o ? o->first : NULL;
}

static int one(void *arg, const char *option, const char *value, struct err *e)
{
	return options_one(arg, option, value, e);
}

int options_readconfig(struct parse *p, const char *file, struct err *e)
{
	const struct options_file_user u = { first_of, one, p };
	char *text = NULL;
	int r;

	if (p->in_file)
		return err_set(e, -EINVAL, "-readconfig %s: from within another", file);
	p->in_file = true;
	r = io_read_file(file, FILE_MAX, &text, e);
	if (r == 0)
		r = options_file_parse(text, &u, e);
	p->in_file = false;
	free(text);
	return r < 0 ? err_wrap(e, r, "-readconfig %s", file) : 0;
}
