/* SPDX-License-Identifier: MIT */
/* Names and options as people write them, made into one plan for open.c. */
#include "base/mem.h"
#include "base/str.h"
#include "img/format/raw.h"
#include "img/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool open_has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

int open_local_path(const char *name, const char **path, struct err *e)
{
	const struct img_protocol *proto;
	int r = proto_of_name(name, &proto, path, e);

	if (r == 0 && proto)
		return err_set(e, -ENOTSUP, "'%s' is not a local file", name);
	return r;
}

int img_open_opts(const char *text, struct optset *out, struct err *e)
{
	return optset_parse(out, text, "file", e);
}

/* ---- the plan ---- */

/* Sorts options by the node they are for. */
static int split(struct open_plan *p, const struct optset *all, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		const char *key = all->v[i].key, *val = all->v[i].val;
		int r;

		if (!strncmp(key, "file.", 5)) {
			r = optset_set(&p->file, key + 5, val, e);
		} else if (!strncmp(key, "backing.", 8)) {
			r = optset_set(&p->backing, key + 8, val, e);
		} else if (!strcmp(key, "backing") && !*val) {
			p->no_backing = true;
			r = 0;
		} else if (!strcmp(key, "file") || !strcmp(key, "backing")) {
			/* A node made elsewhere: there are none in a tool. */
			r = err_set(e, -EINVAL, "Cannot find device='%s' nor node-name='%s'",
				    val, val);
		} else {
			r = optset_set(&p->own, key, val, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int gather(struct open_plan *p, const struct img_open *o, const char **name,
		  struct err *e)
{
	struct optset all = OPTSET_INIT;
	int r = 0;

	*name = o->filename;
	for (size_t i = 0; r == 0 && o->opts && i < o->opts->n; i++)
		r = optset_set(&all, o->opts->v[i].key, o->opts->v[i].val, e);
	if (r == 0 && *name && !strncmp(*name, "json:", 5)) {
		r = open_json_opts(*name + 5, &all, e);
		*name = NULL;
	}
	if (r == 0)
		r = split(p, &all, e);
	optset_free(&all);
	return r;
}

static int set_flag(struct open_plan *p, struct optset *o, const char *key, unsigned flag,
		    bool invert, struct err *e)
{
	bool on = !(p->flags & flag) == invert;
	int r = optset_bool(o, key, &on, e);

	if (r == 0)
		p->flags = on != invert ? p->flags | flag : p->flags & ~flag;
	return r;
}

static int plan_flags(struct open_plan *p, struct optset *o, struct err *e)
{
	bool ignored;
	const char *s;
	int r;

	r = set_flag(p, o, "cache.direct", BLK_DIRECT, false, e);
	if (r == 0)
		r = set_flag(p, o, "cache.no-flush", BLK_NOFLUSH, false, e);
	if (r == 0)
		r = set_flag(p, o, "force-share", BLK_SHARE, false, e);
	if (r == 0)
		r = set_flag(p, o, "auto-read-only", BLK_AUTO_RDONLY, false, e);
	if (r == 0 && p->flags & BLK_WRITE)
		r = set_flag(p, o, "read-only", BLK_WRITE, true, e);
	else if (r == 0)
		r = optset_bool(o, "read-only", &ignored, e);
	if (r < 0)
		return r;
	s = optset_get(o, "discard");
	if (s && (!strcmp(s, "unmap") || !strcmp(s, "on")))
		p->flags |= BLK_UNMAP;
	else if (s && (!strcmp(s, "ignore") || !strcmp(s, "off")))
		p->flags &= ~(unsigned)BLK_UNMAP;
	else if (s)
		return err_set(e, -EINVAL, "Invalid discard option");
	s = optset_get(o, "detect-zeroes");
	if (s && strcmp(s, "off"))
		return err_set(e, -ENOTSUP, "detect-zeroes=%s is not supported", s);
	(void)optset_get(o, "node-name");
	return 0;
}

/* A driver that is a protocol is a raw image whose options are the protocol's. */
static int driver_is_protocol(struct open_plan *p, const char *driver, struct err *e)
{
	int r = optset_set(&p->file, "driver", driver, e);

	for (size_t i = 0; r == 0 && i < p->own.n; i++) {
		struct opt *opt = &p->own.v[i];

		if (opt->used)
			continue;
		r = optset_set(&p->file, opt->key, opt->val, e);
		opt->used = true;
	}
	return r;
}

static bool is_local_driver(const char *driver)
{
	return !strcmp(driver, "file") || !strcmp(driver, "host_device");
}

static int plan_format(struct open_plan *p, const struct img_open *o, struct err *e)
{
	const char *driver = optset_get(&p->own, "driver");
	const char *format = optset_get(&p->own, "format");
	int r;

	if (driver && o->format && strcmp(driver, o->format))
		return err_set(e, -EINVAL, "Driver specified twice");
	if (!driver)
		driver = o->format ? o->format : format;
	if (!driver)
		return 0;
	if (is_local_driver(driver) || proto_find(driver, strlen(driver))) {
		r = driver_is_protocol(p, driver, e);
		if (r < 0)
			return r;
		driver = "raw";
	}
	p->format = img_format_find(driver);
	return p->format ? 0 : err_set(e, -EINVAL, "Unknown driver '%s'", driver);
}

/* The protocol that file.driver names, if it is one. */
static int plan_driver(struct open_plan *p, const char *driver, struct err *e)
{
	if (!driver || is_local_driver(driver))
		return 0;
	p->proto = proto_find(driver, strlen(driver));
	if (!p->proto)
		return err_set(e, -EINVAL,
			       img_format_find(driver) ? "file.driver '%s' is not supported"
						       : "Unknown driver '%s'",
			       driver);
	p->driver = mem_strdup(driver, e);
	return p->driver ? 0 : -ENOMEM;
}

static int plan_name(struct open_plan *p, const char *name, const char **path, struct err *e)
{
	const struct img_protocol *of_name;
	int r = proto_of_name(name, &of_name, path, e);

	if (r < 0 || !of_name)
		return r < 0 || !p->proto ? r
					  : err_set(e, -EINVAL, "'%s' is not a name for '%s'",
						    name, p->driver);
	if (p->proto && p->proto != of_name)
		return err_set(e, -EINVAL, "'%s' is not a name for '%s'", name, p->driver);
	p->proto = of_name;
	free(p->driver);
	p->driver = str_printf(e, "%.*s", (int)strcspn(name, ":"), name);
	return p->driver ? 0 : -ENOMEM;
}

static int plan_path(struct open_plan *p, const char *name, struct err *e)
{
	const char *driver = optset_get(&p->file, "driver");
	const char *file, *path;
	int r = plan_driver(p, driver, e);

	if (r < 0)
		return r;
	file = p->proto ? NULL : optset_get(&p->file, "filename");
	if (name && file)
		return err_set(e, -EINVAL, "The file name is given twice: '%s' and '%s'", name,
			       file);
	if (name) {
		r = plan_name(p, name, &path, e);
		if (r < 0)
			return r;
	} else if (p->proto) {
		return 0;
	} else if (file) {
		path = file;
	} else if (driver) {
		return err_set(e, -EINVAL, "The '%s' block driver requires a file name",
			       driver);
	} else if (p->format) {
		return err_set(e, -EINVAL, "A block device must be specified for \"file\"");
	} else {
		return err_set(e, -EINVAL, "Must specify either driver or file");
	}
	/* "file:a:b" without its prefix still has to be a path to who reads it */
	p->path = name && path != name && open_has_protocol(path) ? str_printf(e, "./%s", path)
								  : mem_strdup(path, e);
	return p->path ? 0 : -ENOMEM;
}

int open_plan_make(struct open_plan *p, const struct img_open *o, struct err *e)
{
	const char *name;
	int r;

	memset(p, 0, sizeof(*p));
	p->flags = o->flags;
	r = gather(p, o, &name, e);
	if (r == 0)
		r = plan_flags(p, &p->own, e);
	if (r == 0)
		r = plan_format(p, o, e);
	/* Given for the file they mean the same: the node above has no cache of data. */
	if (r == 0)
		r = plan_flags(p, &p->file, e);
	if (r == 0)
		r = plan_path(p, name, e);
	if (r == 0 && (p->flags & BLK_SHARE) && (p->flags & BLK_WRITE))
		r = err_set(e, -EINVAL,
			    "force-share=on can only be used with read-only images");
	if (r < 0)
		open_plan_free(p);
	return r;
}

void open_plan_free(struct open_plan *p)
{
	optset_free(&p->own);
	optset_free(&p->file);
	optset_free(&p->backing);
	mem_freep(&p->path);
	mem_freep(&p->driver);
}
