/* SPDX-License-Identifier: MIT */
#include "modules/modinfo.h"

#include "base/io.h"
#include "base/mem.h"
#include "host/modprobe_conf.h"
#include "modules/context.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A module's file is read whole and unpacked by libkmod, which knows no limit. */
#define FILE_MAX  (64u << 20)
#define PAIRS_MAX 65536

static int add(struct modinfo *i, const char *key, size_t key_len, const char *value,
	       size_t value_len, struct err *e)
{
	struct modinfo_pair p = { 0 };
	int r;

	if (i->n >= PAIRS_MAX)
		return err_set(e, -EUCLEAN, "more than %d strings in .modinfo", PAIRS_MAX);
	r = mem_grow((void **)&i->v, i->n + 1, sizeof(*i->v), e);
	if (r < 0)
		return r;
	p.key = mem_zalloc(key_len + 1, 1, e);
	p.value = mem_zalloc(value_len + 1, 1, e);
	if (!p.key || !p.value) {
		free(p.key);
		free(p.value);
		return -ENOMEM;
	}
	memcpy(p.key, key, key_len);
	memcpy(p.value, value, value_len);
	i->v[i->n++] = p;
	return 0;
}

void modinfo_free(struct modinfo *i)
{
	for (size_t k = 0; k < i->n; k++) {
		free(i->v[k].key);
		free(i->v[k].value);
	}
	free(i->v);
	memset(i, 0, sizeof(*i));
}

int modinfo_parse_builtin(const char *text, size_t len, const char *name, struct modinfo *out,
			  struct err *e)
{
	const char *end = text + len;

	memset(out, 0, sizeof(*out));
	for (const char *p = text; p < end;) {
		const char *stop = memchr(p, '\0', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);
		const char *dot = memchr(p, '.', n), *eq = memchr(p, '=', n);
		char mine[MODULE_NAME_MAX + 1];

		if (dot && eq && dot < eq && dot - p <= MODULE_NAME_MAX) {
			memcpy(mine, p, (size_t)(dot - p));
			mine[dot - p] = '\0';
			if (modprobe_same_name(mine, name)) {
				int r = add(out, dot + 1, (size_t)(eq - dot - 1), eq + 1,
					    n - (size_t)(eq + 1 - p), e);

				if (r < 0) {
					modinfo_free(out);
					return r;
				}
			}
		}
		p += n + 1;
	}
	return 0;
}

static int read_builtin(const struct modules *m, const struct module *mod, struct modinfo *out,
			struct err *e)
{
	AUTO_FREE char *text = NULL;
	char dir[96], path[128];
	size_t len;
	int r;

	modules_dir(m, dir);
	snprintf(path, sizeof(path), "%s/modules.builtin.modinfo", dir);
	r = host_read(m->h, path, &text, &len, e);
	if (r == -ENOENT)
		return err_set(e, -ENODATA, "%s is built in, and %s is not there", mod->name,
			       path);
	return r < 0 ? r : modinfo_parse_builtin(text, len, mod->name, out, e);
}

static int from_kmod(struct kmod_module *k, const char *path, struct modinfo *out,
		     struct err *e)
{
	struct kmod_list *l = NULL, *at;
	int r = kmod_module_get_info(k, &l);

	if (r < 0)
		return err_set(e, r, "%s cannot be read as a module: %s", path, strerror(-r));
	r = 0;
	kmod_list_foreach(at, l)
	{
		const char *key = kmod_module_info_get_key(at);
		const char *value = kmod_module_info_get_value(at);

		if (r == 0 && key && value)
			r = add(out, key, strlen(key), value, strlen(value), e);
	}
	kmod_module_info_free_list(l);
	return r;
}

/* libkmod is given an open file, so that neither links in a foreign root nor a FIFO in a
 * module's place lead anywhere. */
static int read_file(const struct modules *m, const struct module *mod, struct modinfo *out,
		     struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct kmod_module *k = NULL;
	struct kmod_ctx *ctx;
	struct host_stat st;
	char path[32];
	int r = host_stat(m->h, mod->path, &st, e);

	if (r < 0)
		return r;
	if (st.node != NODE_FILE || st.size > FILE_MAX)
		return err_set(e, -EUCLEAN, "%s is no file of a module", mod->path);
	fd = host_openat(m->h, mod->path, O_RDONLY | O_NONBLOCK, 0, e);
	if (fd < 0)
		return fd;
	r = modules_kmod(false, &ctx, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = kmod_module_new_from_path(ctx, path, &k);
	if (r < 0)
		err_set(e, r, "%s: %s", mod->path, strerror(-r));
	else
		r = from_kmod(k, mod->path, out, e);
	kmod_module_unref(k);
	kmod_unref(ctx);
	return r;
}

int modinfo_read(const struct modules *m, const struct module *mod, struct modinfo *out,
		 struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	if (mod->path)
		r = read_file(m, mod, out, e);
	else if (mod->state == MODULE_BUILTIN && m->release[0])
		r = read_builtin(m, mod, out, e);
	else
		return err_set(e, -ENODATA, "%s has no file", mod->name);
	if (r < 0)
		modinfo_free(out);
	return r;
}
