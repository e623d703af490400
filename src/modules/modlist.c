/* SPDX-License-Identifier: MIT */
#include "modules/modlist.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int modlist_name(const char *path, size_t len, char out[MODULE_NAME_MAX + 1])
{
	size_t from = len, n = 0;

	while (from && path[from - 1] != '/')
		from--;
	/* the name ends at the first dot: ".ko", ".ko.gz" */
	while (from + n < len && path[from + n] != '.')
		n++;
	if (len - from - n < 3 || strncmp(path + from + n, ".ko", 3) || n > MODULE_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		out[i] = path[from + i] == '-' ? '_' : path[from + i];
	out[n] = '\0';
	return module_name(out, out, NULL);
}

static int by_name(const void *a, const void *b)
{
	const struct modlist_row *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	/* of two, the one that stands first in the list */
	return r ? r : x->path < y->path ? -1 : x->path > y->path;
}

/* Makes a row of the line [p, end), which ends with a zero byte. */
static bool row_of(char *p, char *end, struct modlist_row *row)
{
	char *colon;

	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	p += strspn(p, " \t");
	colon = strchr(p, ':');
	row->path = p;
	row->deps = "";
	if (colon) {
		*colon = '\0';
		row->deps = colon + 1 + strspn(colon + 1, " \t");
	}
	return modlist_name(p, strlen(p), row->name) == 0;
}

int modlist_parse(const char *text, size_t len, struct modlist *out, struct err *e)
{
	size_t lines = 1, n = 0;
	char *p, *end;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	out->text = mem_zalloc(len + 1, 1, e);
	out->v = mem_zalloc(lines, sizeof(*out->v), e);
	if (!out->text || !out->v) {
		modlist_free(out);
		return -ENOMEM;
	}
	if (len)
		memcpy(out->text, text, len);
	end = out->text + len;
	for (p = out->text; p < end;) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		char *stop = nl ? nl : end;

		*stop = '\0';
		n += row_of(p, p + strlen(p), &out->v[n]);
		p = stop + 1;
	}
	qsort(out->v, n, sizeof(*out->v), by_name);
	for (size_t i = 0; i < n; i++)
		if (!out->n || strcmp(out->v[out->n - 1].name, out->v[i].name))
			out->v[out->n++] = out->v[i];
	return 0;
}

void modlist_free(struct modlist *l)
{
	free(l->text);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static int to_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct modlist_row *)row)->name);
}

const struct modlist_row *modlist_find(const struct modlist *l, const char *name)
{
	return l->n ? bsearch(name, l->v, l->n, sizeof(*l->v), to_name) : NULL;
}
