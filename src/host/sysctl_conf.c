/* SPDX-License-Identifier: MIT */
#include "host/sysctl_conf.h"

#include "base/mem.h"
#include "host/confdir.h"
#include "host/lines.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each line is compared with those after it. */
#define LINES_MAX 16384

#define SYSCTL_CONF "/etc/sysctl.conf"

static const char *const dirs[] = { "/etc/sysctl.d",           "/run/sysctl.d",
				    "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
				    "/lib/sysctl.d",           NULL };

char *sysctl_path(const char *key, struct err *e)
{
	char *out = mem_strdup(key, e);
	size_t first = strcspn(key, "./");

	if (!out || key[first] != '.')
		return out;
	for (char *s = out; *s; s++) {
		if (*s == '.')
			*s = '/';
		else if (*s == '/')
			*s = '.';
	}
	return out;
}

bool sysctl_same_value(const char *a, const char *b)
{
	for (;;) {
		bool blank_a = isspace((unsigned char)*a), blank_b = isspace((unsigned char)*b);

		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		/* blanks at the ends are nothing */
		if (!*a || !*b)
			return *a == *b;
		if (blank_a != blank_b || *a != *b)
			return false;
		a++, b++;
	}
}

static int keep_file(struct sysctl_conf *c, const char *file, const char **kept, struct err *e)
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

static int fault(struct sysctl_conf *c, const char *file, unsigned line, const char *text,
		 struct err *e)
{
	struct sysctl_fault *f;
	int r = mem_grow((void **)&c->faults, c->n_faults + 1, sizeof(*f), e);

	if (r < 0)
		return r;
	f = &c->faults[c->n_faults++];
	f->file = file;
	f->line = line;
	snprintf(f->text, sizeof(f->text), "%s", text);
	return 0;
}

static void trim(const char **s, size_t *len)
{
	while (*len && isspace((unsigned char)**s))
		(*s)++, (*len)--;
	while (*len && isspace((unsigned char)(*s)[*len - 1]))
		(*len)--;
}

static int parse_line(struct sysctl_conf *c, const char *file, unsigned nr, const char *s,
		      size_t len, struct err *e)
{
	struct sysctl_line t = { .file = file, .line = nr };
	const char *eq, *value;
	size_t value_len;
	int r;

	trim(&s, &len);
	if (!len || *s == '#' || *s == ';')
		return 0;
	t.ignore_errors = *s == '-';
	s += t.ignore_errors;
	len -= t.ignore_errors;
	eq = memchr(s, '=', len);
	value = eq ? eq + 1 : s + len;
	value_len = (size_t)(s + len - value);
	t.exclude = !eq && t.ignore_errors;
	if (eq)
		len = (size_t)(eq - s);
	trim(&s, &len);
	trim(&value, &value_len);
	if (!len || (!eq && !t.exclude))
		return fault(c, file, nr, "not of the form 'key = value'", e);
	if (c->n >= LINES_MAX)
		return err_set(e, -E2BIG, "%s: more than %d lines", file, LINES_MAX);
	r = mem_grow((void **)&c->v, c->n + 1, sizeof(t), e);
	if (r < 0)
		return r;
	AUTO_FREE char *key = lines_copy(s, len, e);
	t.key = key ? sysctl_path(key, e) : NULL;
	t.value = lines_copy(value, value_len, e);
	c->v[c->n++] = t;
	return t.key && t.value ? 0 : -ENOMEM;
}

static void mark_final(struct sysctl_conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct sysctl_line *t = &c->v[i];

		t->final = !t->exclude;
		for (size_t k = i + 1; k < c->n && t->final; k++)
			t->final = c->v[k].exclude || strcmp(c->v[k].key, t->key) != 0;
	}
}

static int parse(struct sysctl_conf *c, const char *file, const char *text, size_t len,
		 struct err *e)
{
	struct line l = { 0 };
	const char *kept;
	int r = keep_file(c, file, &kept, e);

	while (r == 0 && lines_next(text, len, &l))
		r = parse_line(c, kept, l.nr, text + l.off, l.len, e);
	return r;
}

int sysctl_conf_parse(struct sysctl_conf *c, const char *file, const char *text, size_t len,
		      struct err *e)
{
	int r = parse(c, file, text, len, e);

	if (r == 0)
		mark_final(c);
	return r;
}

static int read_one(const struct host *h, struct sysctl_conf *c, const char *file,
		    struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	size_t len;
	int r = confdir_file(h, file, &text, &len, &mine);

	/* Debian's 99-sysctl.conf may point to a file that is gone */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	return parse(c, file, text, len, e);
}

int sysctl_conf_read(const struct host *h, struct sysctl_conf *out, struct err *e)
{
	struct confdir files;
	int r;

	memset(out, 0, sizeof(*out));
	r = confdir_list(h, dirs, ".conf", &files, e);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = read_one(h, out, files.path[i], e);
	confdir_free(&files);
	if (r == 0)
		r = read_one(h, out, SYSCTL_CONF, e);
	if (r < 0)
		sysctl_conf_free(out);
	else
		mark_final(out);
	return r;
}

void sysctl_conf_free(struct sysctl_conf *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].key);
		free(c->v[i].value);
	}
	free(c->files);
	free(c->v);
	free(c->faults);
	memset(c, 0, sizeof(*c));
}

const struct sysctl_line *sysctl_conf_find(const struct sysctl_conf *c, const char *key)
{
	AUTO_FREE char *path = sysctl_path(key, NULL);
	const struct sysctl_line *glob = NULL;
	bool excluded = false;

	for (size_t i = c->n; path && i > 0; i--) {
		const struct sysctl_line *t = &c->v[i - 1];

		if (!strcmp(t->key, path)) {
			if (!t->exclude)
				return t;
			excluded = true;
		} else if (!t->exclude && !glob && strpbrk(t->key, "*?[") &&
			   !fnmatch(t->key, path, FNM_PATHNAME)) {
			glob = t;
		}
	}
	/* a wildcard yields to any line that names the key */
	return excluded ? NULL : glob;
}
