/* SPDX-License-Identifier: MIT */
#include "host/modules_load.h"

#include "base/mem.h"
#include "host/confdir.h"
#include "host/lines.h"
#include "host/modprobe_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Each is looked up among those before it. */
#define ENTRIES_MAX 4096

static const char *const dirs[] = { "/etc/modules-load.d",           "/run/modules-load.d",
				    "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d",
				    "/lib/modules-load.d",           NULL };

#define CONFD "/etc/conf.d/modules"

const struct modules_load_entry *modules_load_find(const struct modules_load *m,
						   const char *module)
{
	for (size_t i = 0; i < m->n; i++)
		if (modprobe_same_name(m->v[i].name, module))
			return &m->v[i];
	return NULL;
}

static int keep_file(struct modules_load *m, const char *file, const char **kept, struct err *e)
{
	int r = mem_grow((void **)&m->files, m->n_files + 1, sizeof(*m->files), e);

	if (r < 0)
		return r;
	m->files[m->n_files] = mem_strdup(file, e);
	if (!m->files[m->n_files])
		return -ENOMEM;
	*kept = m->files[m->n_files++];
	return 0;
}

static int add(struct modules_load *m, const char *name, size_t name_len, const char *args,
	       size_t args_len, const char *file, unsigned line, struct err *e)
{
	struct modules_load_entry t = { .file = file, .line = line };
	int r;

	if (m->n >= ENTRIES_MAX)
		return err_set(e, -E2BIG, "%s: more than %d modules", file, ENTRIES_MAX);
	r = mem_grow((void **)&m->v, m->n + 1, sizeof(t), e);
	if (r < 0)
		return r;
	t.name = lines_copy(name, name_len, e);
	t.args = lines_copy(args, args_len, e);
	t.again = t.name && modules_load_find(m, t.name);
	if (!t.name || !t.args) {
		free(t.name);
		free(t.args);
		return -ENOMEM;
	}
	m->v[m->n++] = t;
	return 0;
}

/* The name in a line and what follows it; 0: a comment or an empty line. */
static size_t split(const char *s, size_t len, const char **name, const char **args,
		    size_t *args_len)
{
	const char *hash = len ? memchr(s, '#', len) : NULL;
	size_t pos = 0, n;

	if (hash)
		len = (size_t)(hash - s);
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	n = lines_word(s, len, &pos, name);
	if (!n || **name == ';')
		return 0;
	while (pos < len && (s[pos] == ' ' || s[pos] == '\t'))
		pos++;
	*args = s + pos;
	*args_len = len - pos;
	return n;
}

int modules_load_parse(struct modules_load *m, const char *file, const char *text, size_t len,
		       struct err *e)
{
	struct line l = { 0 };
	const char *kept;
	int r = keep_file(m, file, &kept, e);

	while (r == 0 && lines_next(text, len, &l)) {
		const char *name, *args;
		size_t args_len, n = split(text + l.off, l.len, &name, &args, &args_len);

		if (n)
			r = add(m, name, n, args, args_len, kept, l.nr, e);
	}
	return r;
}

static bool listed(const struct modules_load *m, const char *file)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (!strcmp(m->files[i], file))
			return true;
	return false;
}

/* Debian links one list to the other: /etc/modules-load.d/modules.conf -> ../modules. */
static bool same_as_etc_modules(const struct host *h, const struct modules_load *m,
				const char *file)
{
	char link[64];

	return !strncmp(file, "/etc/modules-load.d/", 20) && listed(m, MODULES_LOAD_FILE) &&
	       ((host_readlink(h, file, link, sizeof(link), NULL) == 0 &&
		 (!strcmp(link, "../modules") || !strcmp(link, MODULES_LOAD_FILE))) ||
		(host_readlink(h, MODULES_LOAD_FILE, link, sizeof(link), NULL) == 0 &&
		 (!strcmp(link, file) || !strcmp(link, file + 5))));
}

static int read_one(const struct host *h, struct modules_load *m, const char *file, bool confd,
		    struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	size_t len;
	int r;

	if (same_as_etc_modules(h, m, file))
		return 0;
	r = confdir_file(h, file, &text, &len, &mine);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	return confd ? modules_load_parse_confd(m, file, text, len, e)
		     : modules_load_parse(m, file, text, len, e);
}

int modules_load_read(const struct host *h, struct modules_load *out, struct err *e)
{
	struct confdir files = { 0 };
	int r;

	memset(out, 0, sizeof(*out));
	r = read_one(h, out, MODULES_LOAD_FILE, false, e);
	if (r == 0)
		r = confdir_list(h, dirs, ".conf", &files, e);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = read_one(h, out, files.path[i], false, e);
	confdir_free(&files);
	if (r == 0)
		r = read_one(h, out, CONFD, true, e);
	if (r < 0)
		modules_load_free(out);
	return r;
}

void modules_load_free(struct modules_load *m)
{
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i]);
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].args);
	}
	free(m->files);
	free(m->v);
	memset(m, 0, sizeof(*m));
}

/* ---- OpenRC's file ---- */

/* Is "modules" or "modules_6_1" set here? */
static bool names_modules(const char *s, size_t len)
{
	return len >= 7 && !memcmp(s, "modules", 7) &&
	       (len == 7 || (s[7] == '_' && len > 8 && isdigit((unsigned char)s[8])));
}

static int add_words(struct modules_load *m, const char *s, size_t len, const char *file,
		     unsigned line, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < len;) {
		size_t n = 0;

		while (i + n < len && !isspace((unsigned char)s[i + n]))
			n++;
		/* "$modules new": what was there before stays */
		if (n && s[i] != '$' && s[i] != '\\')
			r = add(m, s + i, n, "", 0, file, line, e);
		line += i + n < len && s[i + n] == '\n';
		i += n + 1;
	}
	return r;
}

int modules_load_parse_confd(struct modules_load *m, const char *file, const char *text,
			     size_t len, struct err *e)
{
	unsigned line = 1;
	const char *kept;
	int r = keep_file(m, file, &kept, e);

	for (size_t i = 0; r == 0 && i < len;) {
		size_t eol, eq, from, to;
		char quote;

		while (i < len && (text[i] == ' ' || text[i] == '\t'))
			i++;
		for (eol = i; eol < len && text[eol] != '\n'; eol++)
			;
		for (eq = i; eq < eol && (isalnum((unsigned char)text[eq]) || text[eq] == '_');
		     eq++)
			;
		from = eq + 1;
		to = eol;
		if (eq < eol && text[eq] == '=' && from < len &&
		    (text[from] == '"' || text[from] == '\'')) {
			/* a quoted value may hold newlines */
			quote = text[from++];
			for (to = from; to < len && text[to] != quote; to++)
				;
			for (eol = to; eol < len && text[eol] != '\n'; eol++)
				;
		} else if (eq < eol && text[eq] == '=') {
			for (to = from; to < eol && !isspace((unsigned char)text[to]); to++)
				;
		}
		if (eq < eol && text[eq] == '=' && names_modules(text + i, eq - i))
			r = add_words(m, text + from, to - from, kept, line, e);
		for (; i < eol; i++)
			line += text[i] == '\n';
		line++;
		i = eol + 1;
	}
	return r;
}

/* ---- editing ---- */

static int check_name(const char *module, struct err *e)
{
	if (!*module || strspn(module, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-") != strlen(module))
		return err_set(e, -EINVAL, "'%.64s' is no name of a module", module);
	return 0;
}

static bool is_line_of(const char *text, const struct line *l, const char *module,
		       struct err *e, int *r)
{
	const char *name, *args;
	size_t args_len, n = split(text + l->off, l->len, &name, &args, &args_len);
	AUTO_FREE char *copy = n ? lines_copy(name, n, e) : NULL;

	if (n && !copy)
		*r = -ENOMEM;
	return copy && modprobe_same_name(copy, module);
}

int modules_load_add(const char *text, size_t len, const char *module, char **out,
		     size_t *out_len, struct err *e)
{
	struct line l = { 0 };
	int r = check_name(module, e);

	*out = NULL;
	*out_len = 0;
	while (r == 0 && lines_next(text, len, &l))
		if (is_line_of(text, &l, module, e, &r))
			return 0;
	if (r == 0)
		r = lines_append(text, len, module, out, out_len, e);
	return r < 0 ? r : 1;
}

int modules_load_remove(const char *text, size_t len, const char *module, char **out,
			size_t *out_len, struct err *e)
{
	AUTO_FREE char *kept = mem_zalloc(len + 1, 1, e);
	struct line l = { 0 };
	size_t n = 0;
	int r = kept ? check_name(module, e) : -ENOMEM;

	*out = NULL;
	*out_len = 0;
	while (r == 0 && lines_next(text, len, &l)) {
		if (is_line_of(text, &l, module, e, &r))
			continue;
		memcpy(kept + n, text + l.off, l.full);
		n += l.full;
	}
	if (r < 0 || n == len)
		return r;
	*out = kept;
	*out_len = n;
	kept = NULL;
	return 1;
}
