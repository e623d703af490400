/* SPDX-License-Identifier: MIT */
/* Lists of modules in files that a shell reads. */
#include "host/modprobe_conf.h"
#include "modules/initramfs.h"

#include <string.h>

struct text {
	const char *s;
	size_t len, at;
};

static bool more(const struct text *t)
{
	return t->at < t->len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void skip_line(struct text *t)
{
	while (more(t) && t->s[t->at] != '\n')
		t->at++;
}

/* mkinitcpio takes "name?" for one that may be missing. */
static bool is_module(const char *word, size_t len, const char *module)
{
	if (len && word[len - 1] == '?')
		len--;
	return modprobe_same_word(word, len, module);
}

/* Words up to the byte @end, which is taken too. */
static bool words(struct text *t, char end, const char *module)
{
	bool has = false;

	while (more(t) && t->s[t->at] != end) {
		size_t from = t->at;
		char c = t->s[from];

		if (is_blank(c) || c == '\n' || (c == '\\' && end != '\'')) {
			t->at++;
		} else if (end == ')' && c == '#') {
			skip_line(t);
		} else if (end == ')' && (c == '"' || c == '\'')) {
			t->at++;
			has |= words(t, c, module);
		} else {
			while (more(t) && t->s[t->at] != end && t->s[t->at] != '\n' &&
			       !is_blank(t->s[t->at]) && !strchr("\"'\\", t->s[t->at]))
				t->at++;
			/* a quote of the other kind */
			t->at += t->at == from;
			has |= is_module(t->s + from, t->at - from, module);
		}
	}
	t->at += more(t);
	return has;
}

/* What stands behind "NAME=". */
static bool value(struct text *t, const char *module)
{
	size_t from = t->at;

	if (!more(t))
		return false;
	if (t->s[from] == '(' || t->s[from] == '"' || t->s[from] == '\'') {
		t->at++;
		return words(t, t->s[from] == '(' ? ')' : t->s[from], module);
	}
	while (more(t) && !is_blank(t->s[t->at]) && t->s[t->at] != '\n' && t->s[t->at] != ';')
		t->at++;
	return is_module(t->s + from, t->at - from, module);
}

void initramfs_conf_read(const char *text, size_t len, const char *name, const char *module,
			 bool *has)
{
	struct text t = { text, len, 0 };

	while (more(&t)) {
		size_t from, n;
		bool mine, adds, here;

		while (more(&t) &&
		       (is_blank(t.s[t.at]) || t.s[t.at] == '\n' || t.s[t.at] == ';'))
			t.at++;
		for (from = t.at; more(&t) && in_name(t.s[t.at]);)
			t.at++;
		n = t.at - from;
		adds = more(&t) && t.s[t.at] == '+';
		t.at += adds;
		if (!n || !more(&t) || t.s[t.at] != '=') {
			skip_line(&t);
			continue;
		}
		t.at++;
		mine = n == strlen(name) && !memcmp(t.s + from, name, n);
		here = value(&t, module);
		if (mine)
			*has = here || (adds && *has);
	}
}
