/* SPDX-License-Identifier: MIT */
#include "emu/disk_filter.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/img.h"

#include <stdlib.h>
#include <string.h>

#define SCAN 64u /* bytes that are looked at first */

struct filter {
	struct blk blk; /* first */
	bool guard;
	enum disk_zeroes zeroes;
	pthread_mutex_t first; /* held around writes to the first bytes of what is guarded */
};

static struct filter *filter(struct blk *b)
{
	return (struct filter *)b;
}

static int filter_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return blk_pread(b->child, buf, len, off, e);
}

bool disk_all_zero(const uint8_t *p, size_t n)
{
	size_t head = n < SCAN ? n : SCAN;

	for (size_t i = 0; i < head; i++)
		if (p[i])
			return false;
	return !memcmp(p, p + head, n - head);
}

/* What the first bytes would be then is looked at in a copy, which is what is written: the guest
 * may change its own meanwhile. */
static int write_first(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct filter *f = filter(b);
	uint8_t head[IMG_PROBE_BYTES] = { 0 };
	size_t size = (size_t)min_u64(b->size, sizeof(head));
	const struct img_format *found;
	int r;

	pthread_mutex_lock(&f->first);
	r = blk_pread(b->child, head, size, 0, e);
	if (r == 0) {
		memcpy(head + off, buf, len);
		found = img_probe_bytes(head, size, b->filename);
		if (strcmp(found->name, "raw") != 0)
			r = err_set(e, -EPERM,
				    "%s: a write would make a %s image of it; say format=raw "
				    "where guests may do that",
				    b->filename, found->name);
	}
	if (r == 0)
		r = blk_pwrite(b->child, head + off, len, off, e);
	pthread_mutex_unlock(&f->first);
	return r;
}

static int filter_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off,
			 struct err *e)
{
	const struct filter *f = filter(b);
	const uint8_t *p = buf;

	if (f->guard && off < IMG_PROBE_BYTES) {
		size_t n = (size_t)min_u64(len, IMG_PROBE_BYTES - off);
		int r = write_first(b, p, n, off, e);

		p += n;
		off += n;
		len -= n;
		if (r < 0 || !len)
			return r;
	}
	if (f->zeroes != ZEROES_WRITE && disk_all_zero(p, len))
		return disk_write_zeroes(b, off, len, e);
	return blk_pwrite(b->child, p, len, off, e);
}

int disk_write_zeroes(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return blk_zero(b->child, off, len,
			filter(b)->zeroes == ZEROES_UNMAP ? BLK_MAY_UNMAP : 0, e);
}

static int filter_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	return blk_zero(b->child, off, len, flags, e);
}

static int filter_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return blk_discard(b->child, off, len, e);
}

static int filter_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
			 struct err *e)
{
	return blk_extent(b->child, off, max, out, e);
}

static int filter_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
			 const struct blk_watch *w, struct err *e)
{
	int r = blk_resize_watched(b->child, size, p, w, e);

	if (r == 0)
		b->size = b->child->size;
	return r;
}

static int filter_close(struct blk *b, struct err *e)
{
	pthread_mutex_destroy(&filter(b)->first);
	blk_fini(b);
	free(b);
	return 0;
}

static const struct blk_ops filter_ops = {
	.name = "filter",
	.parallel = true,
	.pread = filter_pread,
	.pwrite = filter_pwrite,
	.zero = filter_zero,
	.discard = filter_discard,
	.extent = filter_extent,
	.resize = filter_resize,
	.close = filter_close,
};

static int add(struct blk **b, bool guard, enum disk_zeroes zeroes, struct err *e)
{
	struct blk *image = *b;
	struct filter *f = mem_zalloc(1, sizeof(*f), e);
	int r;

	if (!f)
		return -ENOMEM;
	/* the image flushes after each write where that is wanted */
	r = blk_init(&f->blk, &filter_ops, image->filename,
		     image->flags & ~(unsigned)BLK_WRITETHROUGH, e);
	if (r < 0) {
		free(f);
		return r;
	}
	pthread_mutex_init(&f->first, NULL);
	f->guard = guard;
	f->zeroes = zeroes;
	f->blk.child = image;
	f->blk.size = image->size;
	f->blk.align = image->align;
	f->blk.cluster_size = image->cluster_size;
	f->blk.log = image->log;
	*b = &f->blk;
	return 0;
}

int disk_filter(struct blk **b, enum disk_zeroes zeroes, const char *file, struct err *e)
{
	struct blk *image = *b;
	bool writes = image->flags & BLK_WRITE;
	bool guard =
		writes && image->probed && image->format && !strcmp(image->format->name, "raw");
	int r = 0;

	if (zeroes == ZEROES_UNMAP && writes && !(image->flags & BLK_UNMAP))
		r = err_set(e, -EINVAL, "detect-zeroes=unmap needs discard=unmap");
	if (guard && r == 0)
		blk_warn(
			image,
			"%s: its format was not given and is raw by its first bytes; a guest's "
			"writes there that would make another format of it are refused "
			"(format=raw allows them)",
			file);
	if (r == 0 && (guard || (writes && zeroes != ZEROES_WRITE)))
		r = add(b, guard, zeroes, e);
	if (r < 0) {
		(void)blk_close(image, NULL);
		*b = NULL;
	}
	return r;
}

struct blk *disk_image(struct blk *b)
{
	return b && b->ops == &filter_ops ? b->child : b;
}

bool disk_finds_zeroes(const struct blk *b)
{
	return b->ops == &filter_ops && ((const struct filter *)b)->zeroes != ZEROES_WRITE;
}
