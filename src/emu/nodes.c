/* SPDX-License-Identifier: MIT */
#include "emu/nodes.h"

#include "emu/disk.h"
#include "emu/options_int.h"
#include "img/blk.h"

#include <string.h>

struct node *nodes_find(struct nodes *n, const char *id)
{
	for (unsigned i = 0; i < 2 * CONFIG_DEVICES; i++)
		if (n->v[i].c.id && !strcmp(n->v[i].c.id, id))
			return &n->v[i];
	return NULL;
}

int nodes_adopt(struct nodes *n, struct config_disk *c, struct blk *image, struct node **out,
		struct err *e)
{
	for (unsigned i = 0; i < 2 * CONFIG_DEVICES; i++) {
		if (n->v[i].c.id)
			continue;
		n->v[i] = (struct node){ .c = *c, .image = image };
		*c = (struct config_disk){ 0 };
		if (out)
			*out = &n->v[i];
		return 0;
	}
	return err_set(e, -ENOSPC, "more than %d images", 2 * CONFIG_DEVICES);
}

int nodes_open(struct nodes *n, struct config_disk *c, struct node **out, struct err *e)
{
	struct blk *image = NULL;
	int r;

	if (nodes_find(n, c->id))
		return err_set(e, -EEXIST, "there is a node '%s' already", c->id);
	r = c->file ? disk_open(c, n->log, &image, e) : 0;
	if (r == 0)
		r = nodes_adopt(n, c, image, out, e);
	if (r < 0 && image)
		(void)blk_close(image, NULL);
	return r;
}

int nodes_sleep(struct node *v, struct err *e)
{
	struct blk *image = v->image;

	v->image = NULL;
	return blk_close(image, e);
}

int nodes_wake(struct nodes *n, struct node *v, struct err *e)
{
	return v->c.file ? disk_open(&v->c, n->log, &v->image, e) : 0;
}

int nodes_close(struct nodes *n, struct node *v, struct err *e)
{
	int r;

	if (v->used)
		return err_set(e, -EBUSY, "node '%s' is in use", v->c.id);
	r = blk_close(v->image, e);
	for (unsigned i = 0; i < 2 * CONFIG_DEVICES; i++) {
		if (n->v[i].parent != v)
			continue;
		n->v[i].parent = NULL;
		n->v[i].used = false;
	}
	options_free_disk(&v->c);
	*v = (struct node){ .image = NULL };
	return r;
}

int nodes_end(struct nodes *n, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < 2 * CONFIG_DEVICES; i++) {
		struct node *v = &n->v[i];
		int one;

		if (!v->c.id)
			continue;
		v->used = false;
		one = nodes_close(n, v, r < 0 ? NULL : e);
		r = r < 0 ? r : one;
	}
	return r;
}
