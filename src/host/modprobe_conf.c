/* SPDX-License-Identifier: MIT */
#include "host/modprobe_conf.h"

#include "base/mem.h"
#include "host/confdir.h"
#include "host/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CMDLINE "/proc/cmdline"

static const char *const dirs[] = { "/etc/modprobe.d",           "/run/modprobe.d",
				    "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
				    "/lib/modprobe.d",           NULL };

static const struct {
	const char *name;
	enum modprobe_cmd cmd;
	bool args; /* something must follow the module's name */
} commands[] = {
	{ "options", MODPROBE_OPTIONS, true }, { "blacklist", MODPROBE_BLACKLIST, false },
	{ "alias", MODPROBE_ALIAS, true },     { "install", MODPROBE_INSTALL, true },
	{ "remove", MODPROBE_REMOVE, true },   { "softdep", MODPROBE_SOFTDEP, true },
	{ "weakdep", MODPROBE_WEAKDEP, true },
};

static int fault(struct modprobe_conf *c, const char *file, unsigned line, struct err *e,
		 const char *fmt, const char *arg)
{
	struct modprobe_fault *f;
	int r = mem_grow((void **)&c->faults, c->n_faults + 1, sizeof(*f), e);

	if (r < 0)
		return r;
	f = &c->faults[c->n_faults++];
	f->file = file;
	f->line = line;
	snprintf(f->text, sizeof(f->text), "%s '%.40s'", fmt, arg);
	return 0;
}

static int add_line(struct modprobe_conf *c, enum modprobe_cmd cmd, const char *module,
		    size_t module_len, const char *rest, size_t rest_len, const char *file,
		    unsigned line, struct err *e)
{
	struct modprobe_line *l;
	int r = mem_grow((void **)&c->v, c->n + 1, sizeof(*l), e);

	if (r < 0)
		return r;
	l = &c->v[c->n];
	l->cmd = cmd;
	l->file = file;
	l->line = line;
	l->module = lines_copy(module, module_len, e);
	l->rest = lines_copy(rest, rest_len, e);
	c->n++;
	if (!l->module || !l->rest)
		return -ENOMEM;
	for (char *s = l->module; *s && cmd != MODPROBE_ALIAS; s++)
		if (*s == '-')
			*s = '_';
	return 0;
}

static int parse_line(struct modprobe_conf *c, const char *file, unsigned nr, const char *s,
		      size_t len, struct err *e)
{
	const char *cmd, *module;
	size_t pos = 0, n, m;

	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
		len--;
	n = len && s[0] != '#' ? lines_word(s, len, &pos, &cmd) : 0;
	if (!n)
		return 0;
	m = lines_word(s, len, &pos, &module);
	while (pos < len && (s[pos] == ' ' || s[pos] == '\t'))
		pos++;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strlen(commands[i].name) != n || memcmp(commands[i].name, cmd, n))
			continue;
		if (!m || (commands[i].args && pos == len))
			return fault(c, file, nr, e, "something is missing behind",
				     commands[i].name);
		return add_line(c, commands[i].cmd, module, m, s + pos,
				commands[i].args ? len - pos : 0, file, nr, e);
	}
	AUTO_FREE char *word = lines_copy(cmd, n, e);
	return word ? fault(c, file, nr, e, "no such command:", word) : -ENOMEM;
}

/* The file's name is kept for as long as the lines that point to it. */
static int keep_file(struct modprobe_conf *c, const char *file, const char **kept,
		     struct err *e)
{
	int r = mem_grow((void **)&c->files, c->n_files + 1, sizeof(*c->files), e);

	if (r < 0)
		return r;
	c->files[c->n_files] = mem_strdup(file, e);
	if (!c->files[c->n_files])
		return -ENOMEM;
	*kept = c->files[c->n_files++];
	return 0;
}

/*
 * As modprobe's reader does it: a backslash before a newline joins the lines with nothing
 * in between, any other backslash is left out and the byte behind it taken as it is.
 */
int modprobe_conf_parse(struct modprobe_conf *c, const char *file, const char *text, size_t len,
			struct err *e)
{
	AUTO_FREE char *buf = lines_copy("", 0, e);
	const char *kept;
	unsigned nr = 1, first = 1;
	size_t n = 0;
	int r = buf ? keep_file(c, file, &kept, e) : -ENOMEM;

	if (r == 0)
		r = mem_grow((void **)&buf, len + 1, 1, e);
	for (size_t i = 0; r == 0 && i < len; i++) {
		char ch = text[i];

		if (ch == '\n') {
			r = parse_line(c, kept, first, buf, n, e);
			n = 0;
			first = ++nr;
			continue;
		}
		if (ch == '\\') {
			if (++i == len)
				break;
			ch = text[i];
			if (ch == '\n') {
				nr++;
				continue;
			}
		}
		buf[n++] = ch;
	}
	return r == 0 ? parse_line(c, kept, first, buf, n, e) : r;
}

size_t modprobe_conf_end(const char *text, size_t len, size_t at)
{
	for (; at < len && text[at] != '\n'; at++)
		if (text[at] == '\\')
			at++;
	return at < len ? at : len;
}

static int cmdline_word(struct modprobe_conf *c, const char *file, const char *s, size_t len,
			struct err *e)
{
	static const char *const lists[] = { "module_blacklist=", "modprobe.blacklist=" };
	const char *eq = memchr(s, '=', len);
	const char *dot = memchr(s, '.', eq ? (size_t)(eq - s) : len);
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		size_t pos = strlen(lists[i]);

		if (len < pos || memcmp(s, lists[i], pos))
			continue;
		while (r == 0 && pos < len) {
			const char *comma = memchr(s + pos, ',', len - pos);
			size_t n = comma ? (size_t)(comma - (s + pos)) : len - pos;

			if (n)
				r = add_line(c, MODPROBE_BLACKLIST, s + pos, n, "", 0, file, 1,
					     e);
			pos += n + 1;
		}
		return r;
	}
	if (!dot || dot == s || dot + 1 == s + len || dot + 1 == eq)
		return 0;
	return add_line(c, MODPROBE_OPTIONS, s, (size_t)(dot - s), dot + 1,
			len - (size_t)(dot + 1 - s), file, 1, e);
}

int modprobe_conf_cmdline(struct modprobe_conf *c, const char *text, size_t len, struct err *e)
{
	const char *kept;
	int r = keep_file(c, CMDLINE, &kept, e);

	for (size_t i = 0; r == 0 && i < len;) {
		size_t from = i;
		bool quoted = false;

		for (; i < len && (quoted || !isspace((unsigned char)text[i])); i++)
			if (text[i] == '"')
				quoted = !quoted;
		/* what follows "--" is for init */
		if (i - from == 2 && !memcmp(text + from, "--", 2))
			break;
		if (i > from)
			r = cmdline_word(c, kept, text + from, i - from, e);
		while (i < len && isspace((unsigned char)text[i]))
			i++;
	}
	return r;
}

static int read_files(const struct host *h, struct modprobe_conf *out, struct err *e)
{
	AUTO_FREE char *words = NULL;
	struct confdir files;
	size_t len;
	int r = confdir_list(h, dirs, ".conf", &files, e);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO_FREE char *text = NULL;
		struct err mine = { 0 };

		r = confdir_file(h, files.path[i], &text, &len, &mine);
		if (r == 0)
			r = modprobe_conf_parse(out, files.path[i], text, len, e);
		else if (r != -ENOMEM) /* as modprobe, which goes on without it */
			r = fault(out, "", 0, e, "cannot be read:", files.path[i]);
	}
	confdir_free(&files);
	if (r == 0 && host_has_kernel(h) && host_read(h, CMDLINE, &words, &len, NULL) == 0)
		r = modprobe_conf_cmdline(out, words, len, e);
	return r;
}

int modprobe_conf_read(const struct host *h, struct modprobe_conf *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	r = read_files(h, out, e);
	if (r < 0)
		modprobe_conf_free(out);
	return r;
}

void modprobe_conf_free(struct modprobe_conf *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].module);
		free(c->v[i].rest);
	}
	free(c->files);
	free(c->v);
	free(c->faults);
	memset(c, 0, sizeof(*c));
}
