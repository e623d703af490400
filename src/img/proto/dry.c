/* SPDX-License-Identifier: MIT */
#include "img/proto/dry.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BITS = 16, PAGE = 1 << PAGE_BITS, PAGES_MAX = DRY_MAX / PAGE };
enum { EXTENT_MAX = 64 << 20 }; /* bytes that one answer looks at for changed pages */

/* A piece of the file that was written to. */
struct page {
	uint64_t index;
	uint8_t *bytes; /* NULL: the slot is free */
};

struct dry {
	struct blk blk;
	uint64_t below; /* bytes of the file that still show */
	struct page *v; /* by hash; a power of two of slots */
	size_t slots, n;
};

static struct dry *to_dry(struct blk *b)
{
	return (struct dry *)b;
}

static struct page *slot(const struct dry *d, uint64_t index)
{
	size_t mask = d->slots - 1, i = (size_t)(index * 0x9e3779b97f4a7c15ull >> 32) & mask;

	while (d->v[i].bytes && d->v[i].index != index)
		i = (i + 1) & mask;
	return &d->v[i];
}

static int grow(struct dry *d, struct err *e)
{
	struct dry old = *d;

	d->slots = old.slots ? old.slots * 2 : 64;
	d->v = mem_zalloc(d->slots, sizeof(*d->v), e);
	if (!d->v) {
		d->v = old.v;
		d->slots = old.slots;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.slots; i++)
		if (old.v[i].bytes)
			*slot(d, old.v[i].index) = old.v[i];
	free(old.v);
	return 0;
}

/* What the file below has at @off; zeroes where it has nothing or was cut off. */
static int read_below(struct dry *d, uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	uint64_t size = min_u64(d->below, d->blk.child->size);
	size_t have = off < size ? (size_t)min_u64(len, size - off) : 0;

	memset(buf + have, 0, len - have);
	return have ? blk_pread(d->blk.child, buf, have, off, e) : 0;
}

/* The page, with what the file has in it. */
static int get_page(struct dry *d, uint64_t index, uint8_t **out, struct err *e)
{
	struct page *p = d->slots ? slot(d, index) : NULL;
	uint8_t *bytes;
	int r;

	if (p && p->bytes) {
		*out = p->bytes;
		return 0;
	}
	if (d->n == PAGES_MAX)
		return err_set(e, -ENOSPC,
			       "%s: a dry run of this would change more than %d MiB",
			       d->blk.filename, DRY_MAX >> 20);
	if (d->n * 2 >= d->slots) {
		r = grow(d, e);
		if (r < 0)
			return r;
	}
	bytes = mem_aligned(4096, PAGE, e);
	if (!bytes)
		return -ENOMEM;
	r = read_below(d, bytes, PAGE, index << PAGE_BITS, e);
	if (r < 0) {
		free(bytes);
		return r;
	}
	*slot(d, index) = (struct page){ index, bytes };
	d->n++;
	*out = bytes;
	return 0;
}

static int dry_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct dry *d = to_dry(b);
	uint8_t *to = buf;
	int r = 0;

	for (size_t n; r == 0 && len; len -= n, off += n, to += n) {
		uint64_t in = off & (PAGE - 1);
		struct page *p = d->slots ? slot(d, off >> PAGE_BITS) : NULL;

		n = (size_t)min_u64(len, PAGE - in);
		if (p && p->bytes)
			memcpy(to, p->bytes + in, n);
		else
			r = read_below(d, to, n, off, e);
	}
	return r;
}

/* @from NULL: zeroes. */
static int store(struct dry *d, const uint8_t *from, uint64_t len, uint64_t off, struct err *e)
{
	uint64_t end = off + len;

	for (uint64_t n; len; len -= n, off += n) {
		uint64_t in = off & (PAGE - 1);
		uint8_t *page;
		int r = get_page(d, off >> PAGE_BITS, &page, e);

		if (r < 0)
			return r;
		n = min_u64(len, PAGE - in);
		if (from) {
			memcpy(page + in, from, n);
			from += n;
		} else {
			memset(page + in, 0, n);
		}
	}
	if (end > d->blk.size)
		d->blk.size = end;
	return 0;
}

static int dry_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	return store(to_dry(b), buf, len, off, e);
}

static int dry_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	(void)flags;
	return store(to_dry(b), NULL, len, off, e);
}

/* What is cut off is gone, also when the file grows again. */
static int dry_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
		      const struct blk_watch *w, struct err *e)
{
	struct dry *d = to_dry(b);

	(void)p;
	(void)w;
	(void)e;
	d->below = min_u64(d->below, size);
	for (size_t i = 0; i < d->slots; i++) {
		uint64_t at = d->v[i].index << PAGE_BITS;

		if (!d->v[i].bytes || at + PAGE <= size)
			continue;
		if (at >= size)
			memset(d->v[i].bytes, 0, PAGE);
		else
			memset(d->v[i].bytes + (size - at), 0, PAGE - (size - at));
	}
	b->size = size;
	return 0;
}

/* As far as no page was changed, what the file says. */
static int dry_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		      struct err *e)
{
	struct dry *d = to_dry(b);
	uint64_t end = off + (d->n ? min_u64(max, EXTENT_MAX) : max), at = off;
	uint64_t below = min_u64(d->below, d->blk.child->size);
	int r;

	while (d->n && at < end) {
		const struct page *p = slot(d, at >> PAGE_BITS);

		if (p->bytes)
			break;
		at = round_down(at, PAGE) + PAGE;
	}
	end = d->n ? min_u64(at, end) : end;
	*out = (struct blk_extent){ .flags = BLK_EXT_DATA | BLK_EXT_ALLOCATED };
	if (end == off) { /* a changed page */
		out->len = PAGE - (off & (PAGE - 1));
		return 0;
	}
	if (off >= below) {
		out->flags |= BLK_EXT_ZERO;
		out->len = end - off;
		return 0;
	}
	r = blk_extent(d->blk.child, off, min_u64(end, below) - off, out, e);
	out->flags &= ~(unsigned)BLK_EXT_OFFSET;
	out->file = NULL;
	return r;
}

static int dry_flush(struct blk *b, struct err *e)
{
	(void)b;
	(void)e;
	return 0;
}

static int dry_close(struct blk *b, struct err *e)
{
	struct dry *d = to_dry(b);

	(void)e;
	for (size_t i = 0; i < d->slots; i++)
		free(d->v[i].bytes);
	free(d->v);
	blk_fini(b);
	free(d);
	return 0;
}

static const struct blk_ops dry_ops = {
	.name = "dry",
	.pread = dry_pread,
	.pwrite = dry_pwrite,
	.zero = dry_zero,
	.extent = dry_extent,
	.resize = dry_resize,
	.flush = dry_flush,
	.close = dry_close,
};

int dry_new(struct blk *file, struct blk **out, struct err *e)
{
	struct dry *d = mem_zalloc(1, sizeof(*d), e);
	int r;

	if (!d)
		return -ENOMEM;
	r = blk_init(&d->blk, &dry_ops, file->filename, file->flags | BLK_WRITE, e);
	if (r < 0) {
		free(d);
		return r;
	}
	d->blk.child = file;
	d->blk.size = d->below = file->size;
	d->blk.grows = true;
	d->blk.fixed = file->fixed;
	d->blk.log = file->log;
	d->blk.secrets = file->secrets;
	*out = &d->blk;
	return 0;
}
