/* SPDX-License-Identifier: MIT */
/*
 * As much of a shell as it takes to find assignments in a file that is sourced: comments,
 * quotes, continued lines, and whether a command stands inside of another.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/boot_field.h"

#include <ctype.h>
#include <string.h>

struct scan {
	const char *s;
	size_t len, pos;
	unsigned line;
	unsigned depth; /* of if, for, case, braces and their kin */
};

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char peek(const struct scan *sc)
{
	return sc->pos < sc->len ? sc->s[sc->pos] : '\0';
}

static void step(struct scan *sc)
{
	if (sc->pos < sc->len && sc->s[sc->pos++] == '\n')
		sc->line++;
}

static bool at_end(const struct scan *sc)
{
	return sc->pos >= sc->len;
}

/* Over a quoted piece; the position is at its first quote.  False if it does not end. */
static bool skip_quoted(struct scan *sc)
{
	char quote = peek(sc);

	step(sc);
	while (!at_end(sc) && peek(sc) != quote) {
		if (quote == '"' && peek(sc) == '\\')
			step(sc);
		step(sc);
	}
	if (at_end(sc))
		return false;
	step(sc);
	return true;
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' ||
	       c == '<' || c == '>' || c == '(' || c == ')';
}

/* A word of a command that is an assignment after all: "[ -f x ] && NAME=y", "then NAME=y". */
static int check_hidden(const struct scan *sc, const char *const *names, struct err *e)
{
	const char *s = sc->s + sc->pos;
	size_t left = sc->len - sc->pos;

	for (size_t i = 0; names[i]; i++) {
		size_t n = strlen(names[i]);

		if (left > n && !memcmp(s, names[i], n) &&
		    (s[n] == '=' || (s[n] == '+' && left > n + 1 && s[n + 1] == '=')))
			return err_set(e, -ENOTSUP, "line %u: %s is set inside of a command",
				       sc->line, names[i]);
	}
	return 0;
}

/* Over the rest of a command, to its newline or ';'. */
static int skip_command(struct scan *sc, const char *const *names, struct err *e)
{
	bool word = true; /* a '#' here begins a comment */

	while (!at_end(sc) && peek(sc) != '\n' && peek(sc) != ';') {
		char c = peek(sc);

		if (c == '#' && word) {
			while (!at_end(sc) && peek(sc) != '\n')
				step(sc);
			return 0;
		}
		if (word && check_hidden(sc, names, e) < 0)
			return -ENOTSUP;
		if (c == '<' && sc->pos + 1 < sc->len && sc->s[sc->pos + 1] == '<')
			return err_set(e, -ENOTSUP, "line %u: a here-document", sc->line);
		if (c == '"' || c == '\'') {
			unsigned line = sc->line;

			if (!skip_quoted(sc))
				return err_set(e, -ENOTSUP, "line %u: a quote without end",
					       line);
			word = false;
			continue;
		}
		if (c == '\\')
			step(sc);
		word = ends_word(c);
		step(sc);
	}
	return 0;
}

static bool is_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && !memcmp(s, word, n);
}

/* Words that put what follows inside of something, and their ends. */
static void count_depth(struct scan *sc, const char *s, size_t n)
{
	static const char *const opens[] = { "if", "for", "while", "until", "case", "{" };
	static const char *const ends[] = { "fi", "done", "esac", "}" };

	for (size_t i = 0; i < ARRAY_SIZE(opens); i++)
		sc->depth += is_word(s, n, opens[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (is_word(s, n, ends[i]) && sc->depth)
			sc->depth--;
}

/* The value behind '=': one bare or quoted piece. */
static int read_value(struct scan *sc, struct boot_field *f, const char *name, struct err *e)
{
	char c = peek(sc);

	f->line = sc->line;
	if (c == '"' || c == '\'') {
		f->quote = c;
		f->off = sc->pos + 1;
		if (!skip_quoted(sc))
			return err_set(e, -ENOTSUP, "line %u: a quote without end", f->line);
		f->len = sc->pos - 1 - f->off;
	} else {
		f->off = sc->pos;
		while (!at_end(sc) && !ends_word(peek(sc)) && peek(sc) != '\r') {
			if (strchr("\"'\\$`", peek(sc)))
				return err_set(
					e, -ENOTSUP,
					"line %u: the value of %s is made of several pieces",
					f->line, name);
			step(sc);
		}
		f->len = sc->pos - f->off;
	}
	if (!at_end(sc) && !ends_word(peek(sc)) && peek(sc) != '\r')
		return err_set(e, -ENOTSUP,
			       "line %u: the value of %s is made of several pieces", f->line,
			       name);
	if (f->quote && memchr(sc->s + f->off, '\0', f->len))
		return err_set(e, -ENOTSUP, "line %u: a zero byte", f->line);
	return 0;
}

/* Nothing but a comment may follow on the line: "X=1 command" sets X for the command alone. */
static int check_rest(struct scan *sc, const char *name, struct err *e)
{
	bool blank = false;

	while (peek(sc) == ' ' || peek(sc) == '\t' || peek(sc) == '\r') {
		blank = true;
		step(sc);
	}
	if (at_end(sc) || peek(sc) == '\n' || peek(sc) == ';' || (blank && peek(sc) == '#'))
		return 0;
	return err_set(e, -ENOTSUP, "line %u: something follows the value of %s", sc->line,
		       name);
}

/* At the beginning of a command.  1: an assignment to one of @names was read. */
static int read_command(struct scan *sc, const char *const *names, struct boot_field *f,
			struct err *e)
{
	size_t from = sc->pos, n;
	int r;

	while (name_char(peek(sc)))
		step(sc);
	n = sc->pos - from;
	if (n == 6 && !memcmp(sc->s + from, "export", 6) &&
	    (peek(sc) == ' ' || peek(sc) == '\t')) {
		while (peek(sc) == ' ' || peek(sc) == '\t')
			step(sc);
		for (from = sc->pos; name_char(peek(sc));)
			step(sc);
		n = sc->pos - from;
	}
	for (unsigned i = 0; n && names[i]; i++) {
		if (!is_word(sc->s + from, n, names[i]))
			continue;
		if (peek(sc) == '+')
			return err_set(e, -ENOTSUP, "line %u: += is not of every shell",
				       sc->line);
		if (peek(sc) != '=')
			break;
		if (sc->depth)
			return err_set(e, -ENOTSUP,
				       "line %u: %s is set inside of a condition, loop "
				       "or function",
				       sc->line, names[i]);
		step(sc);
		f->var = i;
		r = read_value(sc, f, names[i], e);
		if (r == 0)
			r = check_rest(sc, names[i], e);
		return r < 0 ? r : 1;
	}
	if (!n && (peek(sc) == '{' || peek(sc) == '}'))
		n = 1;
	count_depth(sc, sc->s + from, n);
	/* "name() {" */
	for (size_t i = sc->pos; i < sc->len && sc->s[i] != '\n'; i++)
		if (sc->s[i] == '{' && peek(sc) == '(') {
			sc->depth++;
			break;
		}
	return 0;
}

int boot_shell_fields(const char *text, size_t len, const char *const *names,
		      struct boot_fields *out, struct err *e)
{
	struct scan sc = { .s = text, .len = len, .line = 1 };
	int r = 0;

	memset(out, 0, sizeof(*out));
	while (r >= 0 && !at_end(&sc)) {
		struct boot_field f = { 0 };
		char c = peek(&sc);

		if (c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '\r') {
			step(&sc);
			continue;
		}
		r = read_command(&sc, names, &f, e);
		if (r == 1)
			r = boot_fields_add(out, &f, e);
		if (r >= 0)
			r = skip_command(&sc, names, e);
	}
	if (r < 0)
		boot_fields_free(out);
	return r < 0 ? r : 0;
}

/* "$NAME" or "${NAME}" at @s; its length, 0 if it is another. */
static size_t reference(const char *s, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len > n && !memcmp(s + 1, name, n) && (len == n + 1 || !name_char(s[n + 1])))
		return n + 1;
	if (len > n + 2 && s[1] == '{' && !memcmp(s + 2, name, n) && s[n + 2] == '}')
		return n + 3;
	return 0;
}

int boot_shell_value(const char *text, const struct boot_field *f, const char *name,
		     const char *value, char **out, struct err *e)
{
	const char *s = text + f->off;
	struct str v = STR_INIT;

	for (size_t i = 0; i < f->len;) {
		size_t left = f->len - i, n = 1;

		if (f->quote == '"' && s[i] == '\\' && left > 1 &&
		    strchr("$`\"\\\n", s[i + 1])) {
			if (s[i + 1] != '\n')
				str_addn(&v, s + i + 1, 1);
			n = 2;
		} else if (f->quote == '"' && (s[i] == '$' || s[i] == '`')) {
			n = s[i] == '$' ? reference(s + i, left, name) : 0;
			if (!n) {
				str_free(&v);
				return err_set(e, -ENOTSUP,
					       "line %u: the value of %s is made by '%.*s'",
					       f->line, name, (int)(left > 24 ? 24 : left),
					       s + i);
			}
			str_add(&v, value);
		} else {
			str_addn(&v, s + i, 1);
		}
		i += n;
	}
	*out = str_take(&v, e);
	return *out ? 0 : -ENOMEM;
}

bool boot_shell_plain(const char *word)
{
	return !strpbrk(word, "\"'\\$`!");
}
