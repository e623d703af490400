/* SPDX-License-Identifier: MIT */
/* Our own file of one module's options in modprobe.d. */
#include "base/mem.h"
#include "base/str.h"
#include "host/lines.h"
#include "host/modprobe_conf.h"
#include "host/words.h"
#include "modules/persist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int persist_options_path(const char *module, char out[PERSIST_PATH_MAX], struct err *e)
{
	char name[MODULE_NAME_MAX + 1];
	int r = module_name(module, name, e);

	if (r == 0)
		snprintf(out, PERSIST_PATH_MAX, "/etc/modprobe.d/hostkit-%s.conf", name);
	return r;
}

static int check_word(const char *what, const char *s, bool blanks, struct err *e)
{
	if (!*s)
		return err_set(e, -EINVAL, "%s of an option is empty", what);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f || strchr("\"'\\", c) || (c == ' ' && !blanks))
			return err_set(e, -EINVAL,
				       "%s of an option has a character that modprobe.d "
				       "cannot hold (0x%02x)",
				       what, c);
	}
	return 0;
}

/* The line of modprobe.d that begins at @l is an options line of @module.  *@l ends up
 * at the last of the lines that backslashes make one. */
static bool is_ours(const char *text, size_t len, struct line *l, const char *module)
{
	struct span s = { text + l->off, l->len }, word, name;
	const size_t end = modprobe_conf_end(text, len, l->off);
	const bool ours = span_word(&s, &word) && span_is(word, "options") &&
			  span_word(&s, &name) && modprobe_same_word(name.s, name.len, module);

	while (l->off + l->full <= end && lines_next(text, len, l))
		;
	return ours;
}

/* Ends a text so that the next line is one of its own. */
static void end_line(struct str *s)
{
	size_t n = s->len;

	if (n && s->s[n - 1] != '\n')
		str_add(s, s->s[n - 1] == '\\' ? "\n\n" : "\n");
	else if (n > 1 && s->s[n - 2] == '\\')
		str_add(s, "\n");
}

static void add_option(struct str *s, const char *name, const char *value)
{
	/* one spelling, so that a second writing is none */
	str_add(s, " ");
	for (; *name; name++)
		str_addn(s, *name == '-' ? "_" : name, 1);
	if (value)
		str_addf(s, strchr(value, ' ') && value[0] != '"' ? "=\"%s\"" : "=%s", value);
}

/* "options MODULE a=1 b=2": what @have says in the end, with @set. */
static void add_line(struct str *s, const char *module, const struct modprobe_options *have,
		     const struct persist_option *set, size_t n)
{
	struct str words = STR_INIT;

	for (size_t i = 0; i < have->n; i++) {
		const struct modprobe_option *o = &have->v[i];
		bool again = !o->final;

		for (size_t k = 0; k < n; k++)
			again |= modprobe_same_name(o->param, set[k].name);
		if (!again)
			add_option(&words, o->param, o->value);
	}
	for (size_t k = 0; k < n; k++)
		add_option(&words, set[k].name, set[k].value);
	if (words.len)
		str_addf(s, "options %s%s\n", module, words.s);
	s->failed |= words.failed;
	str_free(&words);
}

static int rewrite(const char *old, const char *module, const struct persist_option *set,
		   size_t n, char **fresh, struct err *e)
{
	struct modprobe_conf conf = { 0 };
	struct modprobe_options have = { 0 };
	struct str s = STR_INIT;
	size_t len = strlen(old);
	bool done = false;
	struct line l = { 0 };
	int r = modprobe_conf_parse(&conf, "", old, len, e);

	if (r == 0)
		r = modprobe_options(&conf, module, &have, e);
	if (r == 0 && !len)
		str_addf(&s, "# Options of %s, by hostkit.\n", module);
	while (r == 0 && lines_next(old, len, &l)) {
		size_t from = l.off;

		if (!is_ours(old, len, &l, module)) {
			str_addn(&s, old + from, l.off + l.full - from);
			continue;
		}
		if (!done)
			add_line(&s, module, &have, set, n);
		done = true;
	}
	if (r == 0 && !done) {
		end_line(&s);
		add_line(&s, module, &have, set, n);
	}
	if (r == 0) {
		*fresh = str_take(&s, e);
		r = *fresh ? 0 : -ENOMEM;
	}
	str_free(&s);
	modprobe_options_free(&have);
	modprobe_conf_free(&conf);
	return r;
}

/* Makes "nothing to do" of a text that is as it was. */
static int changed(const char *old, char **fresh)
{
	if (!old || strcmp(old, *fresh))
		return 1;
	free(*fresh);
	*fresh = NULL;
	return 0;
}

int persist_options(const char *old, const char *module, const struct persist_option *v,
		    size_t n, char **fresh, struct err *e)
{
	char name[MODULE_NAME_MAX + 1];
	int r = module_name(module, name, e);

	*fresh = NULL;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = check_word("the name", v[i].name, false, e);
		if (r == 0 && strchr(v[i].name, '='))
			r = err_set(e, -EINVAL, "'%.80s' is no name of an option", v[i].name);
		if (r == 0 && v[i].value)
			r = check_word("the value", v[i].value, true, e);
	}
	if (r == 0)
		r = rewrite(old ? old : "", name, v, n, fresh, e);
	return r < 0 ? r : changed(old, fresh);
}
