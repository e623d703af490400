/* SPDX-License-Identifier: MIT */
#include "host/confdir.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Far more than any system has, few enough to compare all with all. */
#define FILES_MAX 4096

static int add(char ***v, size_t *n, const char *s, struct err *e)
{
	char *copy;
	int r = mem_grow((void **)v, *n + 1, sizeof(**v), e);

	if (r < 0)
		return r;
	copy = mem_strdup(s, e);
	if (!copy)
		return -ENOMEM;
	(*v)[(*n)++] = copy;
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has_name(const struct confdir *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(base_name(c->path[i]), name))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

static int add_file(const struct host *h, const char *dir, const char *name,
		    struct confdir *out, struct err *e)
{
	AUTO_FREE char *path = str_printf(e, "%s/%s", dir, name);
	struct host_stat st;

	if (!path)
		return -ENOMEM;
	/* the same name elsewhere; by /lib -> usr/lib it may be the same file */
	if (has_name(out, name))
		return add(&out->masked, &out->n_masked, path, e);
	if (host_stat(h, path, &st, NULL) == 0 && st.node == NODE_DIR)
		return 0;
	if (out->n >= FILES_MAX)
		return err_set(e, -E2BIG, "%s: more than %d files", dir, FILES_MAX);
	return add(&out->path, &out->n, path, e);
}

/* Is the folder one that came before under another name (/lib -> usr/lib)? */
static bool same_dir(const struct host *h, const char *const *dirs, size_t i)
{
	char first[128], link[128];
	size_t len;

	if (strncmp(dirs[i], "/lib/", 5))
		return false;
	len = 4;
	memcpy(first, dirs[i], len);
	first[len] = '\0';
	if (host_readlink(h, first, link, sizeof(link), NULL) < 0 ||
	    (strcmp(link, "usr/lib") && strcmp(link, "/usr/lib")))
		return false;
	for (size_t k = 0; k < i; k++)
		if (!strncmp(dirs[k], "/usr/lib/", 9) && !strcmp(dirs[k] + 9, dirs[i] + 5))
			return true;
	return false;
}

int confdir_list(const struct host *h, const char *const *dirs, const char *suffix,
		 struct confdir *out, struct err *e)
{
	struct err mine = { 0 };
	int r = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; r == 0 && dirs[i]; i++) {
		AUTO_LIST struct host_list l = { 0 };

		if (same_dir(h, dirs, i))
			continue;
		r = host_list(h, dirs[i], &l, &mine);
		if (r == -ENOENT || r == -ENOTDIR)
			r = 0;
		else if (r < 0)
			err_set(e, r, "%s", mine.msg);
		for (size_t k = 0; r == 0 && k < l.n; k++)
			if (l.v[k][0] != '.' && ends_with(l.v[k], suffix))
				r = add_file(h, dirs[i], l.v[k], out, e);
	}
	if (r < 0) {
		confdir_free(out);
		return r;
	}
	if (out->n)
		qsort(out->path, out->n, sizeof(*out->path), by_name);
	return 0;
}

/* A link to /dev/null as on a live host, where it reads as nothing; below another root it
 * may point to nothing at all. */
int confdir_file(const struct host *h, const char *path, char **text, size_t *len,
		 struct err *e)
{
	char link[64];

	if (host_readlink(h, path, link, sizeof(link), NULL) == 0 &&
	    !strcmp(link, "/dev/null")) {
		*len = 0;
		*text = mem_strdup("", e);
		return *text ? 0 : -ENOMEM;
	}
	return host_read(h, path, text, len, e);
}

void confdir_free(struct confdir *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->path[i]);
	for (size_t i = 0; i < c->n_masked; i++)
		free(c->masked[i]);
	free(c->path);
	free(c->masked);
	memset(c, 0, sizeof(*c));
}
