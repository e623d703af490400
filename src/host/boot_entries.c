/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "host/boot_field.h"
#include "host/lines.h"
#include "host/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void boot_fields_free(struct boot_fields *f)
{
	free(f->v);
	f->v = NULL;
	f->n = 0;
}

int boot_fields_add(struct boot_fields *f, const struct boot_field *field, struct err *e)
{
	int r = mem_grow((void **)&f->v, f->n + 1, sizeof(*f->v), e);

	if (r == 0)
		f->v[f->n++] = *field;
	return r;
}

static bool same_letters(struct span s, const char *word)
{
	size_t n = strlen(word);

	if (s.len != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)s.s[i]) != word[i])
			return false;
	return true;
}

static bool contains(struct span s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.len; i++)
		if (same_letters((struct span){ s.s + i, n }, word))
			return true;
	return false;
}

/* Key and value of a line, parted by blanks or (limine) by ':' or '='. */
static bool key_value(enum boot_syntax syntax, struct span line, struct span *key,
		      struct span *value)
{
	size_t n = 0;

	line = span_trim(line);
	if (!line.len || line.s[0] == '#')
		return false;
	while (n < line.len && line.s[n] != ' ' && line.s[n] != '\t' &&
	       (syntax != BOOT_TEXT_LIMINE || (line.s[n] != ':' && line.s[n] != '=')))
		n++;
	*key = (struct span){ line.s, n };
	*value = (struct span){ line.s + n, line.len - n };
	if (syntax == BOOT_TEXT_LIMINE) {
		*value = span_trim(*value);
		if (!value->len || (value->s[0] != ':' && value->s[0] != '='))
			return false;
		value->s++;
		value->len--;
	}
	/* an empty value is a place behind the key all the same */
	*value = span_trim(*value);
	return n > 0;
}

struct entries {
	enum boot_syntax syntax;
	const char *text;
	struct boot_fields *out;
	struct span label, wanted; /* of this entry; what "default" names */
	struct boot_field field;   /* of this entry */
	bool has_field, skip;      /* skip: it boots no Linux */
	bool single;               /* a second one in the same entry would count too */
};

static bool is_cmdline_key(const struct entries *t, struct span key)
{
	switch (t->syntax) {
	case BOOT_TEXT_EXTLINUX:
		return same_letters(key, "append");
	case BOOT_TEXT_LIMINE:
		return same_letters(key, "cmdline") || same_letters(key, "kernel_cmdline");
	default:
		return same_letters(key, "options");
	}
}

static int end_entry(struct entries *t, struct err *e)
{
	int r = 0;

	if (t->has_field && !t->skip && !contains(t->label, "memtest")) {
		t->field.is_default = t->label.len && t->wanted.len == t->label.len &&
				      !memcmp(t->label.s, t->wanted.s, t->label.len);
		r = boot_fields_add(t->out, &t->field, e);
	}
	t->has_field = t->skip = false;
	t->label.len = 0;
	return r;
}

static int take_cmdline(struct entries *t, const struct line *l, struct span key,
			struct span value, struct err *e)
{
	struct boot_field f = { .line = l->nr, .len = value.len };

	if (t->has_field)
		return err_set(e, -ENOTSUP, "line %u: a second '%.*s' of one entry", l->nr,
			       (int)key.len, key.s);
	/* span_trim() keeps the place of what is empty, but not which one */
	f.off = value.len ? (size_t)(value.s - t->text) : (size_t)(key.s - t->text) + key.len;
	if (!value.len && t->syntax == BOOT_TEXT_LIMINE)
		f.off = l->off + l->len;
	t->field = f;
	t->has_field = true;
	/* syslinux: "append -" is none, whatever stands above the labels */
	if (t->syntax == BOOT_TEXT_EXTLINUX && span_is(value, "-"))
		t->skip = true;
	return 0;
}

/* Keys that say what an entry boots. */
static void take_kernel(struct entries *t, struct span key, struct span value)
{
	if (t->syntax == BOOT_TEXT_LIMINE) {
		if (same_letters(key, "protocol") && !same_letters(value, "linux"))
			t->skip = true;
		return;
	}
	if (same_letters(key, "com32") || same_letters(key, "efi") ||
	    ((same_letters(key, "kernel") || same_letters(key, "linux")) &&
	     (contains(value, ".c32") || contains(value, "memtest"))))
		t->skip = true;
}

static int take_line(struct entries *t, const struct line *l, struct err *e)
{
	struct span line = { t->text + l->off, l->len }, key, value;
	struct span trimmed = span_trim(line);
	int r;

	if (t->syntax == BOOT_TEXT_LIMINE && trimmed.len &&
	    (trimmed.s[0] == '/' || trimmed.s[0] == ':')) {
		r = end_entry(t, e);
		t->label = trimmed;
		return r;
	}
	if (!key_value(t->syntax, line, &key, &value))
		return 0;
	if (is_cmdline_key(t, key))
		return take_cmdline(t, l, key, value, e);
	if (t->syntax == BOOT_TEXT_EXTLINUX && same_letters(key, "label")) {
		r = end_entry(t, e);
		t->label = value;
		return r;
	}
	if (t->syntax == BOOT_TEXT_EXTLINUX &&
	    (same_letters(key, "default") || same_letters(key, "ontimeout")))
		t->wanted = same_letters(key, "default") ? value : t->wanted;
	take_kernel(t, key, value);
	return 0;
}

/* Which label is the default one may be said behind it. */
static struct span default_label(const char *text, size_t len)
{
	struct line l = { 0 };
	struct span key, value, found = { text, 0 };

	while (lines_next(text, len, &l))
		if (key_value(BOOT_TEXT_EXTLINUX, (struct span){ text + l.off, l.len }, &key,
			      &value) &&
		    same_letters(key, "default"))
			found = value;
	return found;
}

int boot_entry_fields(enum boot_syntax syntax, const char *text, size_t len,
		      struct boot_fields *out, struct err *e)
{
	struct entries t = { .syntax = syntax, .text = text, .out = out };
	struct line l = { 0 };
	int r = 0;

	memset(out, 0, sizeof(*out));
	t.label = t.wanted = (struct span){ text, 0 };
	if (syntax == BOOT_TEXT_EXTLINUX)
		t.wanted = default_label(text, len);
	while (r == 0 && lines_next(text, len, &l))
		r = take_line(&t, &l, e);
	if (r == 0)
		r = end_entry(&t, e);
	if (r < 0)
		boot_fields_free(out);
	return r;
}

int boot_plain_field(enum boot_syntax syntax, const char *text, size_t len,
		     struct boot_fields *out, struct err *e)
{
	struct boot_field f = { .line = 1, .is_default = true };
	struct line l = { 0 };

	memset(out, 0, sizeof(*out));
	f.len = len;
	if (syntax == BOOT_TEXT_LINE)
		f.len = lines_next(text, len, &l) ? l.len : 0;
	else
		for (size_t i = 0; i < len; i++)
			if (text[i] == '#' && (i == 0 || text[i - 1] == '\n'))
				return err_set(e, -ENOTSUP,
					       "a comment, which not every program knows here");
	while (f.len && isspace((unsigned char)text[f.len - 1]))
		f.len--;
	return boot_fields_add(out, &f, e);
}
