/* SPDX-License-Identifier: MIT */
#include "host/bridge_conf.h"

#include "base/mem.h"
#include "host/lines.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The helper's buffer, its zero byte included. */
#define LINE_MAX_BYTES 4096
/* The helper has no limits but its stack and its descriptors. */
#define DEPTH_MAX      16
#define FILES_MAX      128
#define RULES_MAX      16384

struct reader {
	struct bridge_conf *c;
	bridge_include *include;
	void *arg;
	size_t stack[DEPTH_MAX]; /* files being read */
	unsigned depth;
};

enum outcome { GO_ON = 0, STOP = 1 }; /* or a negative errno */

static int read_text(struct reader *rd, const char *name, const char *text, size_t len,
		     bool *stopped, struct err *e);

PRINTF(6, 7)
static int lint(struct reader *rd, size_t file, unsigned line, bool fatal, struct err *e,
		const char *fmt, ...)
{
	struct bridge_conf *c = rd->c;
	struct bridge_lint *t;
	va_list ap;
	int r;

	if (c->n_lints >= RULES_MAX)
		return 0;
	r = mem_grow((void **)&c->lints, c->n_lints + 1, sizeof(*t), e);
	if (r < 0)
		return r;
	t = &c->lints[c->n_lints++];
	t->file = file;
	t->line = line;
	t->fatal = fatal;
	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
	return 0;
}

static int add_rule(struct reader *rd, enum bridge_rule_kind one, const char *name, size_t file,
		    unsigned line, struct err *e)
{
	struct bridge_conf *c = rd->c;
	struct bridge_rule *t;
	int r;

	if (c->n_rules >= RULES_MAX)
		return err_set(e, -E2BIG, "%s: more than %d rules", c->files[0], RULES_MAX);
	r = mem_grow((void **)&c->rules, c->n_rules + 1, sizeof(*t), e);
	if (r < 0)
		return r;
	t = &c->rules[c->n_rules++];
	memset(t, 0, sizeof(*t));
	t->kind = one;
	t->file = file;
	t->line = line;
	if (!strcmp(name, "all")) {
		t->kind = one == BRIDGE_ALLOW ? BRIDGE_ALLOW_ALL : BRIDGE_DENY_ALL;
		return 0;
	}
	snprintf(t->bridge, sizeof(t->bridge), "%s", name);
	if (!*name)
		return lint(rd, file, line, false, e, "no name of a bridge: without effect");
	if (strpbrk(name, " \t"))
		return lint(rd, file, line, false, e,
			    "'%.60s' is read as one name: nothing may follow it, not even a "
			    "comment",
			    name);
	if (strlen(name) > BRIDGE_NAME_MAX)
		return lint(rd, file, line, false, e, "'%.60s' is cut to '%s', %d bytes", name,
			    t->bridge, BRIDGE_NAME_MAX);
	return 0;
}

static bool in_progress(const struct reader *rd, const char *path)
{
	for (unsigned i = 0; i < rd->depth; i++)
		if (!strcmp(rd->c->files[rd->stack[i]], path))
			return true;
	return false;
}

static int read_include(struct reader *rd, const char *path, size_t file, unsigned line,
			struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	bool stopped = false;
	int r;

	if (in_progress(rd, path))
		return lint(rd, file, line, false, e, "'%.80s' is being read already", path);
	if (rd->depth >= DEPTH_MAX || rd->c->n_files >= FILES_MAX)
		return err_set(e, -ELOOP, "%s: too many included files", rd->c->files[0]);
	if (path[0] != '/')
		return lint(
			rd, file, line, false, e,
			"'%.60s' is looked for where QEMU was started, not beside this file",
			path);
	if (!rd->include)
		return 0;
	r = rd->include(rd->arg, path, &text, &len);
	if (r == -ENOMEM)
		return err_set(e, r, "out of memory for %s", path);
	if (r < 0)
		return lint(rd, file, line, false, e, "'%.80s' cannot be read: %s", path,
			    strerror(-r));
	/* a fault in there ends that file alone, and its lint says so */
	return read_text(rd, path, text, len, &stopped, e);
}

/* What the helper makes of the bytes at @s, a string it may write to. */
static int parse_line(struct reader *rd, char *s, size_t file, unsigned line, struct err *e)
{
	char *cmd, *arg, *end;
	bool tab = false;
	int r;

	while (isspace((unsigned char)*s))
		s++;
	if (!*s || *s == '#')
		return GO_ON;
	cmd = s;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	arg = strchr(s, ' ');
	if (!arg) {
		arg = strchr(s, '\t');
	} else {
		tab = memchr(s, '\t', (size_t)(arg - s)) != NULL;
	}
	if (!arg) {
		r = lint(rd, file, line, true, e, "'%.*s': nothing follows the command",
			 (int)(end - s > 60 ? 60 : end - s), cmd);
		return r < 0 ? r : STOP;
	}
	*arg++ = '\0';
	while (isspace((unsigned char)*arg))
		arg++;
	if (end > arg)
		*end = '\0';
	else
		*arg = '\0';
	if (!strcmp(cmd, "allow"))
		return add_rule(rd, BRIDGE_ALLOW, arg, file, line, e);
	if (!strcmp(cmd, "deny"))
		return add_rule(rd, BRIDGE_DENY, arg, file, line, e);
	if (!strcmp(cmd, "include"))
		return read_include(rd, arg, file, line, e);
	r = lint(rd, file, line, true, e, "unknown command '%.60s'%s", cmd,
		 tab ? ": a blank later in the line makes the tab a part of it" : "");
	return r < 0 ? r : STOP;
}

static int keep_file(struct bridge_conf *c, const char *name, struct err *e)
{
	int r = mem_grow((void **)&c->files, c->n_files + 1, sizeof(*c->files), e);

	if (r < 0)
		return r;
	c->files[c->n_files] = mem_strdup(name, e);
	return c->files[c->n_files] ? (int)c->n_files++ : -ENOMEM;
}

static int read_lines(struct reader *rd, const char *text, size_t len, size_t file, char *buf,
		      struct err *e)
{
	unsigned line = 1;

	for (size_t pos = 0; pos < len;) {
		size_t room = len - pos < LINE_MAX_BYTES - 1 ? len - pos : LINE_MAX_BYTES - 1;
		const char *nl = memchr(text + pos, '\n', room);
		size_t n = nl ? (size_t)(nl + 1 - (text + pos)) : room;
		int r = 0;

		if (!nl && pos + n < len)
			r = lint(rd, file, line, false, e,
				 "longer than %d bytes: the rest is read as another line",
				 LINE_MAX_BYTES - 1);
		memcpy(buf, text + pos, n);
		buf[n] = '\0';
		if (r == 0)
			r = parse_line(rd, buf, file, line, e);
		if (r != GO_ON)
			return r;
		pos += n;
		line += nl != NULL;
	}
	return GO_ON;
}

static int read_text(struct reader *rd, const char *name, const char *text, size_t len,
		     bool *stopped, struct err *e)
{
	AUTO_FREE char *buf = mem_zalloc(LINE_MAX_BYTES, 1, e);
	int file = buf ? keep_file(rd->c, name, e) : -ENOMEM;
	int r;

	if (file < 0)
		return file;
	rd->stack[rd->depth++] = (size_t)file;
	r = read_lines(rd, text, len, (size_t)file, buf, e);
	rd->depth--;
	*stopped = r == STOP;
	return r < 0 ? r : 0;
}

int bridge_conf_parse(const char *name, const char *text, size_t len, bridge_include *include,
		      void *arg, struct bridge_conf *out, struct err *e)
{
	struct reader rd = { .c = out, .include = include, .arg = arg };
	int r;

	memset(out, 0, sizeof(*out));
	r = read_text(&rd, name, text, len, &out->refused, e);
	if (r < 0)
		bridge_conf_free(out);
	return r;
}

static int include_below(void *arg, const char *path, char **text, size_t *len)
{
	return host_read(arg, path, text, len, NULL);
}

/* The callback takes what is only read as a plain pointer. */
static void *as_arg(const struct host *h)
{
	void *p;

	memcpy(&p, &h, sizeof(p));
	return p;
}

int bridge_conf_read(const struct host *h, const char *path, struct bridge_conf *out,
		     struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	if (!path)
		path = BRIDGE_CONF;
	r = host_read(h, path, &text, &len, e);
	return r < 0 ? r : bridge_conf_parse(path, text, len, include_below, as_arg(h), out, e);
}

void bridge_conf_free(struct bridge_conf *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->files);
	free(c->rules);
	free(c->lints);
	memset(c, 0, sizeof(*c));
}

enum bridge_answer bridge_conf_ask(const struct bridge_conf *c, const char *bridge,
				   const struct bridge_rule **rule)
{
	const struct bridge_rule *allow = NULL, *deny = NULL;

	for (size_t i = 0; i < c->n_rules; i++) {
		const struct bridge_rule *t = &c->rules[i];
		bool all = t->kind == BRIDGE_ALLOW_ALL || t->kind == BRIDGE_DENY_ALL;
		bool denies = t->kind == BRIDGE_DENY || t->kind == BRIDGE_DENY_ALL;

		if (!all && strcmp(t->bridge, bridge) != 0)
			continue;
		if (denies && !deny)
			deny = t;
		else if (!denies && !allow)
			allow = t;
	}
	if (rule)
		*rule = c->refused ? NULL : deny ? deny : allow;
	if (c->refused)
		return BRIDGE_REFUSED;
	if (deny)
		return BRIDGE_DENIED;
	return allow ? BRIDGE_ALLOWED : BRIDGE_NO_RULE;
}

static int check_name(const char *bridge, struct err *e)
{
	size_t n = strlen(bridge);

	for (const char *s = bridge; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '/' || *s == ':')
			n = 0;
	if (!n || n > BRIDGE_NAME_MAX || !strcmp(bridge, ".") || !strcmp(bridge, ".."))
		return err_set(e, -EINVAL, "'%.64s' is no name of a bridge", bridge);
	if (!strcmp(bridge, "all"))
		return err_set(e, -EINVAL, "'all' would allow every bridge");
	return 0;
}

static int refusal(const struct bridge_conf *c, struct err *e)
{
	for (size_t i = 0; i < c->n_lints; i++)
		if (c->lints[i].fatal && c->lints[i].file == 0)
			return err_set(e, -EUCLEAN, "%s:%u: %s", c->files[0], c->lints[i].line,
				       c->lints[i].text);
	return err_set(e, -EUCLEAN, "%s: a line is not understood", c->files[0]);
}

int bridge_conf_allow(const char *text, size_t len, const char *bridge, bridge_include *include,
		      void *arg, char **out, size_t *out_len, struct err *e)
{
	const struct bridge_rule *rule;
	struct bridge_conf c;
	char line[BRIDGE_NAME_MAX + 8];
	int r = check_name(bridge, e);

	*out = NULL;
	*out_len = 0;
	if (r == 0)
		r = bridge_conf_parse(BRIDGE_CONF, text, len, include, arg, &c, e);
	if (r < 0)
		return r;
	switch (bridge_conf_ask(&c, bridge, &rule)) {
	case BRIDGE_ALLOWED:
		break;
	case BRIDGE_DENIED:
		r = err_set(e, -EPERM, "%s:%u denies %s", c.files[rule->file], rule->line,
			    bridge);
		break;
	case BRIDGE_REFUSED:
		r = refusal(&c, e);
		break;
	case BRIDGE_NO_RULE:
		snprintf(line, sizeof(line), "allow %s", bridge);
		r = lines_append(text, len, line, out, out_len, e);
		break;
	}
	bridge_conf_free(&c);
	return r < 0 ? r : *out != NULL;
}

int bridge_conf_allow_on(const struct host *h, const char *text, size_t len, const char *bridge,
			 char **out, size_t *out_len, struct err *e)
{
	return bridge_conf_allow(text, len, bridge, include_below, as_arg(h), out, out_len, e);
}
