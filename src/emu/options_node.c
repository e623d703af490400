/* SPDX-License-Identifier: MIT */
/*
 * -blockdev: nodes of an image.  A node that refers to another by its node-name gets that one's
 * options as its own ("file.filename"), so that what is opened in the end is one image.
 */
#include "base/mem.h"
#include "base/str.h"
#include "emu/known.h"
#include "emu/options_int.h"
#include "img/open.h"

#include <stdio.h>
#include <string.h>

/* The options of the node @name, or NULL. */
static const char *node_opts(struct parse *p, const char *name, struct drive **node)
{
	for (unsigned i = 0; i < p->n_drives; i++) {
		struct drive *d = &p->drives[i];

		if (d->node && d->disk.id && !strcmp(d->disk.id, name)) {
			*node = d;
			return d->disk.blk_opts ? d->disk.blk_opts : "";
		}
	}
	return NULL;
}

/* @key=@name refers to a node made before: its options come in, with "key." before each. */
static int refer(struct parse *p, struct optset *out, const char *key, const char *name,
		 struct err *e)
{
	struct optset in = OPTSET_INIT;
	struct drive *node = NULL;
	const char *text = node_opts(p, name, &node);
	int r;

	if (!text)
		return err_set(e, -EINVAL, "%s=%s: no -blockdev before it has that node-name",
			       key, name);
	if (node->disk.zeroes != ZEROES_WRITE)
		return err_set(e, -ENOTSUP,
			       "%s=%s: detect-zeroes= works on the node that a disk is made of",
			       key, name);
	r = optset_parse(&in, text, NULL, e);
	for (size_t i = 0; i < in.n && r == 0; i++) {
		AUTO_FREE char *full = str_printf(e, "%s.%s", key, in.v[i].key);

		r = full ? optset_set(out, full, in.v[i].val, e) : -ENOMEM;
	}
	optset_free(&in);
	/* it is part of another now */
	node->taken = true;
	return r;
}

static bool refers(const char *key)
{
	return !strcmp(key, "file") || !strcmp(key, "backing") || !strcmp(key, "data-file");
}

/* QEMU's keys that are refused, or 1: that change nothing. */
static int node_known(const struct optset *in, const struct opt *o, struct err *e)
{
	const char *driver = NULL;
	char of[64];

	for (size_t i = 0; i < in->n; i++)
		if (!strcmp(in->v[i].key, "driver"))
			driver = in->v[i].val;
	if (o->val == driver)
		return known_name("-blockdev driver=", driver, e);
	if (driver && !strcmp(driver, "host_device"))
		driver = "file";
	snprintf(of, sizeof(of), "-blockdev %s", driver ? driver : "");
	return known_key(of, o->key, o->val, e);
}

static int resolve(struct parse *p, const struct optset *in, struct optset *out, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++) {
		const struct opt *o = &in->v[i];

		r = node_known(in, o, e);
		if (r > 0) {
			r = 0;
			continue;
		}
		if (r < 0)
			return r;
		if (refers(o->key) && *o->val)
			r = refer(p, out, o->key, o->val, e);
		else
			r = optset_set(out, o->key, o->val, e);
	}
	return r;
}

static int node_keys(struct optset *o, struct drive *d, struct err *e)
{
	const char *driver = optset_get(o, "driver"), *name = optset_get(o, "node-name");
	const char *file = optset_get(o, "file.filename");
	int r;

	if (!driver)
		return err_set(e, -EINVAL, "it has no driver=");
	if (!name)
		return err_set(e, -EINVAL, "it has no node-name=");
	if (!file)
		file = optset_get(o, "filename");
	r = options_string(&d->disk.id, name, e);
	if (r == 0)
		r = options_string(&d->disk.file, file ? file : name, e);
	if (r == 0)
		r = optset_bool(o, "read-only", &d->disk.readonly, e);
	if (r == 0)
		r = options_zeroes(o, &d->disk, e);
	/* all of them are the image's: none was used */
	for (size_t i = 0; i < o->n; i++)
		o->v[i].used = !strcmp(o->v[i].key, "read-only") ||
			       !strcmp(o->v[i].key, "node-name") ||
			       !strcmp(o->v[i].key, "detect-zeroes");
	return r < 0 ? r : options_image(o, &d->disk, e);
}

int options_blockdev(struct parse *p, const char *value, struct err *e)
{
	struct optset in = OPTSET_INIT, all = OPTSET_INIT;
	struct drive *d;
	int r = *value == '{' ? open_json_opts(value, &in, e)
			      : optset_parse(&in, value, "driver", e);

	if (r == 0)
		r = resolve(p, &in, &all, e);
	if (r == 0)
		r = options_new_drive(p, &d, e);
	if (r == 0) {
		d->loose = d->node = d->disk.node = true;
		r = node_keys(&all, d, e);
	}
	optset_free(&in);
	optset_free(&all);
	return r < 0 ? err_wrap(e, r, "-blockdev %s", value) : 0;
}
