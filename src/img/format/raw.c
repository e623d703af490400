/* SPDX-License-Identifier: MIT */
#include "img/format/raw.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/compact.h"
#include "img/proto/file.h"

#include <stdlib.h>

enum { SECTOR = 512 };

struct raw {
	struct blk blk;  /* first */
	uint64_t offset; /* of the disk's first byte in the file */
	bool cut;        /* size was given: the disk may end before the file */
};

static uint64_t raw_offset(const struct blk *b)
{
	return ((const struct raw *)b)->offset;
}

static int raw_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return blk_pread(b->child, buf, len, off + raw_offset(b), e);
}

static int raw_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	return blk_pwrite(b->child, buf, len, off + raw_offset(b), e);
}

static int raw_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	return blk_zero(b->child, off + raw_offset(b), len, flags | BLK_NO_FALLBACK, e);
}

static int raw_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return blk_discard(b->child, off + raw_offset(b), len, e);
}

static int raw_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		      struct err *e)
{
	uint64_t host = off + raw_offset(b);

	if (host < b->child->size)
		return blk_extent(b->child, host, max, out, e);
	out->len = max; /* the last sector, past the end of the file */
	out->flags = BLK_EXT_ZERO | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET;
	out->file = b->child;
	out->host_off = host;
	return 0;
}

static int raw_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src,
		     uint64_t src_off, bool reflink_only, struct err *e)
{
	return blk_clone(b->child, off + raw_offset(b), len, src, src_off, reflink_only, e);
}

static int raw_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
		      const struct blk_watch *w, struct err *e)
{
	int r;

	if (((struct raw *)b)->cut)
		return err_set(e, -ENOTSUP, "Cannot resize fixed-size raw disks");
	if (size > INT64_MAX - raw_offset(b) - SECTOR)
		return err_set(e, -EFBIG, "Disk size too large for the chosen offset");
	r = blk_resize_watched(b->child, size + raw_offset(b), p, w, e);
	if (r == 0)
		b->size = round_up(size, SECTOR);
	return r;
}

static int raw_close(struct blk *b, struct err *e)
{
	blk_fini(b);
	free(b);
	return 0;
}

static const struct blk_ops raw_ops = {
	.name = "raw",
	.parallel = true,
	.pread = raw_pread,
	.pwrite = raw_pwrite,
	.zero = raw_zero,
	.discard = raw_discard,
	.extent = raw_extent,
	.clone = raw_clone,
	.resize = raw_resize,
	.close = raw_close,
};

/* Anything can be raw, so every other format goes before it. */
static int raw_probe(const uint8_t *head, size_t len, const char *filename)
{
	return 1;
}

static int place(struct raw *raw, struct blk *file, struct optset *opts, struct err *e)
{
	uint64_t end = round_up(file->size, SECTOR), size = UINT64_MAX;
	int r = 0;

	if (opts) {
		r = optset_size(opts, "offset", &raw->offset, e);
		if (r == 0)
			r = optset_size(opts, "size", &size, e);
		if (r < 0)
			return r;
	}
	raw->cut = size != UINT64_MAX;
	if (raw->offset > end)
		return err_set(e, -EINVAL,
			       "Offset (%llu) cannot be greater than size of the containing "
			       "file (%llu)",
			       (unsigned long long)raw->offset, (unsigned long long)end);
	/* with the two spaces that qemu-img has there */
	if (raw->cut && size > end - raw->offset)
		return err_set(e, -EINVAL,
			       "The sum of offset (%llu) and size (%llu) has to be "
			       "smaller or equal to the  actual size of the containing file "
			       "(%llu)",
			       (unsigned long long)raw->offset, (unsigned long long)size,
			       (unsigned long long)end);
	if (raw->cut && size % SECTOR)
		return err_set(e, -EINVAL, "Specified size is not multiple of %d", SECTOR);
	raw->blk.size = raw->cut ? size : round_up(end - raw->offset, SECTOR);
	return 0;
}

static int raw_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		    struct err *e)
{
	struct raw *raw = mem_zalloc(1, sizeof(*raw), e);
	int r;

	if (!raw)
		return -ENOMEM;
	r = place(raw, file, opts, e);
	if (r == 0)
		r = blk_init(&raw->blk, &raw_ops, file->filename, flags, e);
	if (r < 0) {
		free(raw);
		return r;
	}
	raw->blk.format = &img_format_raw;
	raw->blk.child = file;
	raw->blk.log = file->log;
	/* A copy less: requests arrive as the file wants them. */
	if (raw->offset % file->align == 0)
		raw->blk.align = file->align;
	*out = &raw->blk;
	return 0;
}

static int raw_create(struct blk *file, struct blk *data, const struct img_create *c,
		      struct progress *p, struct err *e)
{
	const struct blk_watch w = { .progress = p };

	if (!file->fixed)
		return blk_resize_watched(file, round_up(c->size, SECTOR), c->prealloc, &w, e);
	if (c->prealloc != PREALLOC_OFF)
		return err_set(e, -ENOTSUP, "Unsupported preallocation mode for devices");
	if (c->size > file->size)
		return err_set(e, -ENOSPC, "Cannot grow device files");
	/* What was there before must not be taken for an image of its format. */
	return blk_zero(file, 0, min_u64(file->size, SECTOR), 0, e);
}

static int raw_info(struct blk *b, struct img_info *out, struct err *e)
{
	out->format = "raw";
	out->virtual_size = b->size;
	out->actual_size = UINT64_MAX;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

static int raw_measure(const struct img_create *c, struct blk *src, struct img_measure *out,
		       struct err *e)
{
	uint64_t size = src ? (uint64_t)src->size : c->size;

	out->required = out->fully_allocated = round_up(size, SECTOR);
	out->bitmaps = UINT64_MAX;
	return 0;
}

static int raw_compact(struct blk *b, struct img_compact *c, struct err *e)
{
	progress_total(c->progress, b->size);
	return compact_holes(b, c, e);
}

static const struct img_create_opt raw_create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_raw = {
	.name = "raw",
	.probe = raw_probe,
	.open = raw_open,
	.create = raw_create,
	.create_opts = raw_create_opts,
	.info = raw_info,
	.measure = raw_measure,
	.compact = raw_compact,
};
