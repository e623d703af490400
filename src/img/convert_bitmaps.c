/* SPDX-License-Identifier: MIT */
#include "img/convert_bitmaps.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int convert_bitmaps_check(const struct img_convert *c, struct err *e)
{
	const struct img_format *f = img_format_find(c->dst_format);
	struct blk *src = c->src[0];
	struct img_info i = { 0 };
	int r;

	if (c->src_n > 1)
		return err_set(e, -EINVAL, "Copying bitmaps only possible with single source");
	if (!src->format->bitmap)
		return err_set(e, -ENOTSUP, "Source lacks bitmap support");
	if (!f->bitmap || (!c->no_create && c->create.compat == 2))
		return err_set(e, -ENOTSUP, "Format driver '%s' does not support bitmaps",
			       f->name);
	r = src->format->info(src, &i, e);
	if (r < 0)
		return r;
	for (size_t k = 0; r == 0 && k < i.bitmaps_n && !c->skip_bitmaps; k++)
		if (i.bitmaps[k].in_use)
			r = err_set(e, -EUCLEAN,
				    "Cannot copy inconsistent bitmap '%s'; "
				    "--skip-broken-bitmaps leaves it out, 'bitmap --remove' "
				    "deletes it",
				    i.bitmaps[k].name);
	img_info_free(&i);
	return r;
}

static void say_skipped(const struct img_convert *c, const char *name)
{
	const struct blk said = { .log = c->log };

	blk_warn(&said, "warning: Skipping inconsistent bitmap '%s'", name);
}

/* Each bitmap is made and then filled: two operations. */
static size_t plan(const struct img_convert *c, const struct img_info *i,
		   struct img_bitmap_op *ops)
{
	size_t n = 0;

	for (size_t k = 0; k < i->bitmaps_n; k++) {
		const struct img_bitmap *b = &i->bitmaps[k];

		if (b->in_use) {
			say_skipped(c, b->name);
			continue;
		}
		ops[n++] = (struct img_bitmap_op){
			.verb = BITMAP_ADD,
			.name = b->name,
			.granularity = b->granularity,
			.disabled = !b->automatic,
		};
		ops[n++] = (struct img_bitmap_op){
			.verb = BITMAP_MERGE,
			.name = b->name,
			.src_name = b->name,
			.src = c->src[0],
		};
	}
	return n;
}

int convert_bitmaps(const struct img_convert *c, struct blk *dst, struct err *e)
{
	struct img_bitmap_op *ops = NULL;
	struct img_info i = { 0 };
	size_t n = 0, at = 0;
	int r = c->src[0]->format->info(c->src[0], &i, e);

	if (r < 0 || !i.bitmaps_n)
		goto out;
	ops = mem_zalloc(i.bitmaps_n * 2, sizeof(*ops), e);
	r = ops ? 0 : -ENOMEM;
	if (r == 0)
		n = plan(c, &i, ops);
	if (n)
		r = dst->format->bitmap(dst, ops, n, &at, e);
	if (r < 0 && at < n)
		err_wrap(e, r, "Failed to %s bitmap %s",
			 ops[at].verb == BITMAP_ADD ? "create" : "populate", ops[at].name);
	free(ops);
out:
	img_info_free(&i);
	return r;
}
