/* SPDX-License-Identifier: MIT */
#include "host/boot_text.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/boot_field.h"
#include "host/cmdline.h"
#include "host/lines.h"

#include <stdlib.h>
#include <string.h>

/* Variables of shell files.  New words go into the first, of the others they are only taken
 * away. */
static const char *const grub_names[] = { "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_LINUX",
					  NULL };
static const char *const syslinux_names[] = { "default_kernel_opts", NULL };
static const char *const uboot_names[] = { "U_BOOT_PARAMETERS", NULL };

static const char *const *shell_names(enum boot_syntax syntax)
{
	switch (syntax) {
	case BOOT_TEXT_GRUB:
		return grub_names;
	case BOOT_TEXT_SYSLINUX:
		return syslinux_names;
	case BOOT_TEXT_UBOOT:
		return uboot_names;
	default:
		return NULL;
	}
}

static int find(enum boot_syntax syntax, const char *text, size_t len, struct boot_fields *out,
		struct err *e)
{
	const char *const *names = shell_names(syntax);

	if (len && memchr(text, '\0', len))
		return err_set(e, -EINVAL, "this has a zero byte and is no text");
	if (names)
		return boot_shell_fields(text, len, names, out, e);
	if (syntax == BOOT_TEXT_LINE || syntax == BOOT_TEXT_WORDS)
		return boot_plain_field(syntax, text, len, out, e);
	return boot_entry_fields(syntax, text, len, out, e);
}

/* ---- reading ---- */

static char *single_blanks(const char *s, struct err *e)
{
	struct span rest = { s, strlen(s) }, word;
	struct str out = STR_INIT;

	while (span_word(&rest, &word)) {
		if (out.len)
			str_add(&out, " ");
		str_addn(&out, word.s, word.len);
	}
	return str_take(&out, e);
}

/* Values of each variable, one assignment after the other. */
static int add_values(enum boot_syntax syntax, const char *text, const struct boot_fields *f,
		      char *v[2], struct err *e)
{
	const char *const *names = shell_names(syntax);
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		unsigned var = f->v[i].var;
		char *next;

		r = boot_shell_value(text, &f->v[i], names[var], v[var] ? v[var] : "", &next,
				     e);
		if (r == 0) {
			free(v[var]);
			v[var] = next;
		}
	}
	return r;
}

/* GRUB puts the variable for all entries first. */
static int join_values(char *v[2], char **words, struct err *e)
{
	AUTO_FREE char *both = str_printf(e, "%s %s", v[1] ? v[1] : "", v[0] ? v[0] : "");

	*words = both ? single_blanks(both, e) : NULL;
	free(v[0]);
	free(v[1]);
	return *words ? 0 : -ENOMEM;
}

static int shell_cmdline(enum boot_syntax syntax, const char *text, const struct boot_fields *f,
			 char **words, struct err *e)
{
	char *v[2] = { NULL, NULL };
	int r = add_values(syntax, text, f, v, e);

	if (r == 0)
		return join_values(v, words, e);
	free(v[0]);
	free(v[1]);
	return r;
}

int boot_cmdline_of_all(enum boot_syntax syntax, const struct boot_source *src, size_t n,
			char **words, struct err *e)
{
	char *v[2] = { NULL, NULL };
	int r = 0;

	*words = NULL;
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct boot_fields f;

		r = find(syntax, src[i].text, src[i].len, &f, e);
		if (r < 0)
			break;
		r = add_values(syntax, src[i].text, &f, v, e);
		boot_fields_free(&f);
	}
	if (r == 0)
		return join_values(v, words, e);
	free(v[0]);
	free(v[1]);
	return r;
}

int boot_cmdline(enum boot_syntax syntax, const char *text, size_t len, char **words,
		 struct err *e)
{
	struct boot_fields f;
	size_t which = 0;
	int r = find(syntax, text, len, &f, e);

	*words = NULL;
	if (r < 0)
		return r;
	if (!f.n) {
		r = err_set(e, -ENODATA, "no kernel command line is in it");
	} else if (shell_names(syntax)) {
		r = shell_cmdline(syntax, text, &f, words, e);
	} else {
		for (size_t i = f.n; i > 0; i--)
			if (f.v[i - 1].is_default)
				which = i - 1;
		AUTO_FREE char *raw = lines_copy(text + f.v[which].off, f.v[which].len, e);

		*words = raw ? single_blanks(raw, e) : NULL;
		r = *words ? 0 : -ENOMEM;
	}
	boot_fields_free(&f);
	return r;
}

/* ---- editing ---- */

static int edit_once(const char *words, const struct boot_edit *t, bool only_drop, char **out,
		     struct err *e)
{
	if (only_drop && t->verb != BOOT_DROP && !(t->verb == BOOT_POOL && !t->word)) {
		*out = mem_strdup(words, e);
		return *out ? 0 : -ENOMEM;
	}
	switch (t->verb) {
	case BOOT_SET:
		return cmdline_set(words, t->word, out, e);
	case BOOT_ADD:
		return cmdline_add(words, t->word, out, e);
	case BOOT_DROP:
		return cmdline_remove(words, t->word, out, e);
	case BOOT_POOL:
		return cmdline_set_pool(words, t->size, t->word, out, e);
	}
	return err_set(e, -EINVAL, "no such change of a command line");
}

/* All edits; the result replaces *words. */
static int edit_words(char **words, const struct boot_edit *edits, size_t n, bool only_drop,
		      struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		char *next = NULL;
		int r = edit_once(*words, &edits[i], only_drop, &next, e);

		if (r < 0)
			return r;
		free(*words);
		*words = next;
	}
	return 0;
}

/* A continued line is a blank to the kernel's words.  It goes as two bytes that are blanks
 * too and come back as they were. */
static int hide_continued(char *s, unsigned line, struct err *e)
{
	for (char *p = s; (p = strstr(p, "\\\n")); p += 2) {
		if (p > s && !strchr(" \t\f", p[-1]) && p[2] && !strchr(" \t\\", p[2]))
			return err_set(e, -ENOTSUP,
				       "line %u: a word is continued on the next line", line);
		p[0] = '\v';
		p[1] = '\f';
	}
	return 0;
}

static void show_continued(char *s)
{
	for (char *p = s; (p = strstr(p, "\v\f")); p += 2)
		memcpy(p, "\\\n", 2);
}

/* A substitution may hold anything, also words that look like ours. */
static int check_shell(const char *s, unsigned line, struct err *e)
{
	const char *bad = strstr(s, "$(");

	if (!bad)
		bad = strchr(s, '`');
	return bad ? err_set(e, -ENOTSUP, "line %u: the value is made by a command", line) : 0;
}

/* To the kernel an open quote goes on to the end, over all that is put behind it. */
static int check_quotes(const char *s, unsigned line, struct err *e)
{
	bool open = false;

	for (; *s; s++)
		open ^= *s == '"';
	return open ? err_set(e, -ENOTSUP, "line %u: a quote of the command line has no end",
			      line)
		    : 0;
}

/* The new words of field @f, or NULL in *@out if they are as they were. */
static int edit_field(const char *text, const struct boot_field *f, bool shell, bool only_drop,
		      const struct boot_edit *edits, size_t n, char **out, struct err *e)
{
	AUTO_FREE char *old = lines_copy(text + f->off, f->len, e);
	AUTO_FREE char *words = NULL;
	int r = old ? 0 : -ENOMEM;

	*out = NULL;
	if (r == 0)
		r = check_quotes(old, f->line, e);
	if (r == 0 && shell && strpbrk(old, "\v\f"))
		r = err_set(e, -ENOTSUP, "line %u: a control character", f->line);
	if (r == 0 && shell && f->quote == '"')
		r = check_shell(old, f->line, e);
	if (r == 0 && shell && f->quote == '"')
		r = hide_continued(old, f->line, e);
	if (r == 0) {
		words = mem_strdup(old, e);
		r = words ? edit_words(&words, edits, n, only_drop, e) : -ENOMEM;
	}
	if (r < 0 || !strcmp(old, words))
		return r;
	if (shell && f->quote == '"')
		show_continued(words);
	*out = f->quote || !shell ? str_printf(e, "%s", words) : str_printf(e, "\"%s\"", words);
	return *out ? 0 : -ENOMEM;
}

static int splice(char **text, size_t *len, const struct boot_field *f, const char *with,
		  bool blank, struct err *e)
{
	AUTO_FREE char *all = str_printf(e, "%s%s", blank ? " " : "", with);
	char *next;
	size_t next_len;
	int r = all ? lines_splice(*text, *len, f->off, f->len, all, strlen(all), &next,
				   &next_len, e)
		    : -ENOMEM;

	if (r < 0)
		return r;
	free(*text);
	*text = next;
	*len = next_len;
	return 0;
}

/* The last field of the variable @var, or NULL. */
static const struct boot_field *last_of(const struct boot_fields *f, unsigned var)
{
	for (size_t i = f->n; i > 0; i--)
		if (f->v[i - 1].var == var)
			return &f->v[i - 1];
	return NULL;
}

/* A new line at the end is an assignment only where a command could begin: not behind a
 * backslash, nor in a function without end. */
static int check_added(enum boot_syntax syntax, const char *text, size_t len, struct err *e)
{
	struct boot_fields f;
	bool there;

	if (find(syntax, text, len, &f, NULL) < 0)
		return err_set(e, -ENOTSUP, "the end of the file is inside of something");
	there = last_of(&f, 0) != NULL;
	boot_fields_free(&f);
	return there ? 0 : err_set(e, -ENOTSUP, "the last line of the file goes on");
}

static int add_variable(enum boot_syntax syntax, const struct boot_edit *edits, size_t n,
			char **text, size_t *len, struct err *e)
{
	const char *name = shell_names(syntax)[0];
	AUTO_FREE char *words = mem_strdup("", e), *line = NULL, *next = NULL;
	size_t next_len;
	int r = words ? edit_words(&words, edits, n, false, e) : -ENOMEM;

	if (r < 0 || !*words)
		return r;
	line = str_printf(e, "%s=\"%s\"", name, words);
	r = line ? lines_append(*text, *len, line, &next, &next_len, e) : -ENOMEM;
	if (r == 0)
		r = check_added(syntax, next, next_len, e);
	if (r < 0)
		return r;
	free(*text);
	*text = next;
	*len = next_len;
	next = NULL;
	return 1;
}

/* Do the edits hold already?  A word may stand in another variable.  1 or 0; -ENODATA: not
 * known, for a variable of another name is in it. */
static int holds(enum boot_syntax syntax, const char *text, const struct boot_fields *f,
		 const struct boot_edit *edits, size_t n)
{
	AUTO_FREE char *words = NULL, *after = NULL;

	if (shell_cmdline(syntax, text, f, &words, NULL) < 0)
		return -ENODATA;
	after = mem_strdup(words, NULL);
	if (!after || edit_words(&after, edits, n, false, NULL) < 0)
		return -ENODATA;
	return !strcmp(after, words);
}

/* What was written may be without effect: behind "--" of the variable before it, or in front
 * of a reference to another setting of the same. */
static int check_effect(enum boot_syntax syntax, const char *text, size_t len,
			const struct boot_edit *edits, size_t n, struct err *e)
{
	struct boot_fields f;
	int r = find(syntax, text, len, &f, e);

	if (r < 0)
		return r;
	r = holds(syntax, text, &f, edits, n);
	boot_fields_free(&f);
	return r ? 0 : err_set(e, -ENOTSUP, "words would have no effect where they can be put");
}

static int edit_shell(enum boot_syntax syntax, const struct boot_fields *f,
		      const struct boot_edit *edits, size_t n, char **text, size_t *len,
		      struct err *e)
{
	const struct boot_field *main = last_of(f, 0);
	bool changed = false;
	int r = 0;

	if (holds(syntax, *text, f, edits, n) == 1)
		return 0;
	for (size_t i = f->n; r == 0 && i > 0; i--) {
		const struct boot_field *t = &f->v[i - 1];
		AUTO_FREE char *with = NULL;

		r = edit_field(*text, t, true, t != main, edits, n, &with, e);
		if (r == 0 && with) {
			r = splice(text, len, t, with, false, e);
			changed = true;
		}
	}
	if (r == 0 && !main) {
		r = add_variable(syntax, edits, n, text, len, e);
		changed = changed || r > 0;
	}
	if (r >= 0)
		r = check_effect(syntax, *text, *len, edits, n, e);
	return r < 0 ? r : changed;
}

static int edit_entries(const struct boot_fields *f, const struct boot_edit *edits, size_t n,
			char **text, size_t *len, struct err *e)
{
	bool changed = false;
	int r = 0;

	if (!f->n)
		return err_set(e, -ENODATA, "no entry has a kernel command line");
	/* from the end, so that places before stay where they are */
	for (size_t i = f->n; r == 0 && i > 0; i--) {
		const struct boot_field *t = &f->v[i - 1];
		AUTO_FREE char *with = NULL;
		bool blank;

		r = edit_field(*text, t, false, false, edits, n, &with, e);
		if (r < 0 || !with)
			continue;
		/* "append" alone: its words need a blank before them */
		blank = !t->len && t->off && !strchr(" \t\n", (*text)[t->off - 1]);
		r = splice(text, len, t, with, blank, e);
		changed = true;
	}
	return r < 0 ? r : changed;
}

static int check_edits(enum boot_syntax syntax, const struct boot_edit *edits, size_t n,
		       struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *w = edits[i].word;

		if (!w && edits[i].verb != BOOT_POOL)
			return err_set(e, -EINVAL, "a change of a command line without a word");
		for (const char *s = w; s && *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				return err_set(e, -EINVAL, "a control character in '%s'", w);
		if (w && shell_names(syntax) && !boot_shell_plain(w))
			return err_set(e, -EINVAL,
				       "'%s' has characters that a shell takes apart", w);
	}
	return 0;
}

int boot_edit(enum boot_syntax syntax, const char *text, size_t len,
	      const struct boot_edit *edits, size_t n, char **out, size_t *out_len,
	      struct err *e)
{
	AUTO_FREE char *work = NULL;
	size_t work_len = len;
	struct boot_fields f;
	int r = check_edits(syntax, edits, n, e);

	*out = NULL;
	*out_len = 0;
	if (r == 0)
		r = find(syntax, text, len, &f, e);
	if (r < 0)
		return r;
	work = lines_copy(text, len, e);
	if (!work)
		r = -ENOMEM;
	else if (shell_names(syntax))
		r = edit_shell(syntax, &f, edits, n, &work, &work_len, e);
	else
		r = edit_entries(&f, edits, n, &work, &work_len, e);
	boot_fields_free(&f);
	if (r <= 0)
		return r;
	*out = work;
	*out_len = work_len;
	work = NULL;
	return 1;
}
