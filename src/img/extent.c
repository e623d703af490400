/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/blk.h"

/* The node says DATA but its file may be sparse there: asks the file. */
static int recurse(struct blk_extent *x, struct err *e)
{
	struct blk *file = x->file;
	struct blk_extent below;
	int r;

	x->flags &= ~(unsigned)BLK_EXT_RECURSE;
	if (!(x->flags & BLK_EXT_DATA) || !(x->flags & BLK_EXT_OFFSET) || !file)
		return 0;
	if (x->host_off >= file->size) {
		x->flags |= BLK_EXT_ZERO;
		return 0;
	}
	r = blk_extent(file, x->host_off, x->len, &below, e);
	if (r < 0)
		return r;
	x->len = min_u64(x->len, below.len);
	x->flags |= below.flags & BLK_EXT_ZERO;
	return 0;
}

static int ask_node(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		    struct err *e)
{
	int r;

	if (!b->ops->extent) {
		out->flags = BLK_EXT_DATA | BLK_EXT_ALLOCATED;
		if (!b->child)
			out->flags |= BLK_EXT_OFFSET;
		out->file = b->child ? NULL : b;
		out->host_off = off;
		out->len = max;
		return 0;
	}
	if (!b->ops->parallel)
		pthread_mutex_lock(&b->serial);
	r = b->ops->extent(b, off, max, out, e);
	if (!b->ops->parallel)
		pthread_mutex_unlock(&b->serial);
	return r;
}

int blk_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out, struct err *e)
{
	struct blk_extent x = { 0 };
	uint64_t size = b->size;
	int r;

	if (off >= size || max == 0)
		return err_set(e, -EINVAL, "%s: offset %llu lies past the end at %llu",
			       b->filename, (unsigned long long)off, (unsigned long long)size);
	max = min_u64(max, size - off);
	r = ask_node(b, off, max, &x, e);
	if (r < 0)
		return r;
	if (x.len == 0)
		return err_set(e, -EIO, "%s: no answer for offset %llu", b->filename,
			       (unsigned long long)off);
	x.len = min_u64(x.len, max);
	if (x.flags & BLK_EXT_RECURSE) {
		r = recurse(&x, e);
		if (r < 0)
			return r;
	}
	if (!(x.flags & BLK_EXT_ALLOCATED)) {
		/* A place kept for bytes that are not there yet says nothing about
		 * them; map shows it where nobody below can have them.  Without its flag
		 * it stays in the answer for blk_extent_above(). */
		unsigned place = x.flags & BLK_EXT_OFFSET;

		if (!place)
			x.file = NULL;
		x.flags = b->backing ? 0 : BLK_EXT_ZERO | place;
	}
	*out = x;
	return 0;
}

int blk_extent_above(struct blk *b, const struct blk *base, uint64_t off, uint64_t max,
		     struct blk_extent *out, unsigned *depth, struct err *e)
{
	struct blk_extent x = { 0 };
	uint64_t len = max;
	unsigned d = 0;
	struct blk *n;

	for (n = b; n && n != base; n = n->backing) {
		int r;

		if (n != b && off >= n->size) {
			x.flags = BLK_EXT_ZERO | (x.file ? BLK_EXT_OFFSET : 0);
			x.len = len;
			d--;
			break;
		}
		r = blk_extent(n, off, len, &x, e);
		if (r < 0)
			return r;
		if (x.flags)
			break;
		len = x.len;
		d++;
	}
	*out = x;
	if (depth)
		*depth = d;
	return 0;
}
