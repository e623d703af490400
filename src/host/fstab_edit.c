/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/str.h"
#include "host/fstab.h"
#include "host/lines.h"

#include <string.h>

/* A field as fstab has it: blanks and backslashes as octal, '#' where it would make the
 * line a comment. */
static int add_field(struct str *s, const char *what, const char *value, struct err *e)
{
	if (!value || !*value)
		return err_set(e, -EINVAL, "an fstab line needs a %s", what);
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' && *c != '\t')
			return err_set(e, -EINVAL, "the %s has a control character", what);
		if (*c == ' ' || *c == '\t' || *c == '\\' || (*c == '#' && c == value))
			str_addf(s, "\\%03o", (unsigned)*c);
		else
			str_addn(s, c, 1);
	}
	return 0;
}

static int check_options(const char *options, struct err *e)
{
	if (!options || !*options)
		return err_set(e, -EINVAL, "an fstab line needs options ('defaults' at least)");
	for (const char *c = options; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '\\' || *c == '"')
			return err_set(e, -EINVAL, "'%s' cannot stand in fstab as options",
				       options);
	return 0;
}

static int new_line(const struct fstab_want *w, char **out, struct err *e)
{
	struct str s = STR_INIT;
	int r = add_field(&s, "device", w->source, e);

	str_add(&s, " ");
	if (r == 0)
		r = add_field(&s, "folder", w->target, e);
	str_add(&s, " ");
	if (r == 0)
		r = add_field(&s, "type", w->type, e);
	str_addf(&s, " %s %u %u", w->options, w->freq, w->pass);
	if (r < 0) {
		str_free(&s);
		return r;
	}
	*out = str_take(&s, e);
	return *out ? 0 : -ENOMEM;
}

/* The word of @want that sets the key at @key, or NULL; it is the last one. */
static const char *wanted(const char *want, const char *key, size_t key_len, size_t *len)
{
	const char *found = NULL;

	for (const char *s = want; *s;) {
		size_t word = strcspn(s, ",");

		if (strcspn(s, ",=") == key_len && !memcmp(s, key, key_len)) {
			found = s;
			*len = word;
		}
		s += word + (s[word] == ',');
	}
	return found;
}

static void add_word(struct str *s, const char *word, size_t len)
{
	if (s->len)
		str_add(s, ",");
	str_addn(s, word, len);
}

static bool is_defaults(const char *s, size_t len)
{
	return len == 8 && !memcmp(s, "defaults", 8);
}

/* The entry's own options in their order, those that @want sets with its values, then what
 * is new. */
static char *merged(const char *have, const char *want, struct err *e)
{
	struct str s = STR_INIT;

	for (const char *p = have; *p;) {
		size_t word = strcspn(p, ","), key = strcspn(p, ",="), len;
		const char *w = wanted(want, p, key, &len);

		if (w)
			add_word(&s, w, len);
		else if (word && !is_defaults(p, word))
			add_word(&s, p, word);
		p += word + (p[word] == ',');
	}
	for (const char *p = want; *p;) {
		size_t word = strcspn(p, ","), key = strcspn(p, ",="), len;

		if (word && !is_defaults(p, word) && wanted(want, p, key, &len) == p &&
		    !wanted(have, p, key, &len))
			add_word(&s, p, word);
		p += word + (p[word] == ',');
	}
	return str_take(&s, e);
}

static int replace_options(const char *text, size_t len, const struct fstab_entry *t,
			   const char *want, char **out, size_t *out_len, struct err *e)
{
	AUTO_FREE char *raw = lines_copy(text + t->opts_off, t->opts_len, e);
	AUTO_FREE char *opts = raw ? merged(raw, want, e) : NULL;
	AUTO_FREE char *with =
		opts ? str_printf(e, "%s%s", t->opts_len ? "" : " ", opts) : NULL;

	if (!with)
		return -ENOMEM;
	return lines_splice(text, len, t->opts_off, t->opts_len, with, strlen(with), out,
			    out_len, e);
}

int fstab_set(const char *text, size_t len, const struct fstab_want *want, char **out,
	      size_t *out_len, struct err *e)
{
	struct fstab f;
	const struct fstab_entry *t;
	AUTO_FREE char *line = NULL;
	int r = check_options(want->options, e);

	*out = NULL;
	*out_len = 0;
	if (r == 0)
		r = new_line(want, &line, e);
	if (r == 0)
		r = fstab_parse(text, len, &f, e);
	if (r < 0)
		return r;
	t = fstab_find(&f, want->target, want->type);
	if (t && fstab_has_options(want->type, t->options, want->options))
		r = 0;
	else if (t)
		r = replace_options(text, len, t, want->options, out, out_len, e);
	else if ((t = fstab_find(&f, want->target, NULL)))
		r = err_set(e, -EEXIST, "line %u has %s of type %s already", t->line,
			    want->target, t->type);
	else
		r = lines_append(text, len, line, out, out_len, e);
	fstab_free(&f);
	return r < 0 ? r : *out != NULL;
}

int fstab_remove(const char *text, size_t len, const char *target, const char *type, char **out,
		 size_t *out_len, struct err *e)
{
	AUTO_FREE char *now = NULL;
	size_t now_len = len;
	bool again = true;
	int r = 0;

	*out = NULL;
	*out_len = 0;
	while (r == 0 && again) {
		const char *from = now ? now : text;
		const struct fstab_entry *t;
		struct fstab f;

		r = fstab_parse(from, now_len, &f, e);
		if (r < 0)
			return r;
		t = fstab_find(&f, target, type);
		again = t != NULL;
		if (t) {
			struct line l = { 0 };
			char *next;

			while (lines_next(from, now_len, &l) && l.nr != t->line)
				;
			r = lines_drop(from, now_len, &l, &next, &now_len, e);
			if (r == 0) {
				mem_freep(&now);
				now = next;
			}
		}
		fstab_free(&f);
	}
	if (r < 0 || !now)
		return r;
	*out = now;
	*out_len = now_len;
	now = NULL;
	return 1;
}
