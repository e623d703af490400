/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/vmdk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text at @off of @file, at most @room bytes. */
static int read_desc(struct vmdk *s, struct blk *file, uint64_t off, uint64_t room,
		     struct err *e)
{
	uint64_t len = off < file->size ? file->size - off : 0;
	AUTO_FREE char *text = NULL;
	int r;

	len = min_u64(min_u64(len, room), VMDK_DESC_MAX);
	text = mem_zalloc(1, (size_t)len + 1, e);
	r = text ? blk_pread(file, text, (size_t)len, off, e) : -ENOMEM;
	if (r == 0)
		r = vmdk_desc_parse(text, (size_t)len, &s->desc, e);
	s->desc_off = off;
	s->desc_room = room;
	return r;
}

/* A descriptor with its extents in other files. */
static int open_desc(struct vmdk *s, struct blk *file, uint64_t off, uint64_t room,
		     struct err *e)
{
	static const char *const types[] = {
		"monolithicFlat",
		"vmfs",
		"vmfsSparse",
		"seSparse",
		"twoGbMaxExtentSparse",
		"twoGbMaxExtentFlat",
		"vmfsThin",
	};
	int r = read_desc(s, file, off, room, e);
	bool known = false;

	if (r < 0)
		return r;
	if (!*s->desc.create_type)
		return err_set(e, -EINVAL, "invalid VMDK image descriptor");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known |= !strcmp(types[i], s->desc.create_type);
	if (!known)
		return err_set(e, -ENOTSUP, "Unsupported image type '%s'", s->desc.create_type);
	memcpy(s->create_type, s->desc.create_type, sizeof(s->create_type));
	return vmdk_extents_open(s, e);
}

/* One sparse extent that is the image's own file. */
static int open_single(struct vmdk *s, struct blk *file, struct err *e)
{
	struct vmdk_extent *x;
	int r;

	s->v = mem_zalloc(1, sizeof(*s->v), e);
	if (!s->v)
		return -ENOMEM;
	x = s->v;
	x->file = file;
	s->n = 1;
	r = vmdk_extent_sparse(s, x, VMDK_FLAT, e);
	if (r < 0)
		return r;
	if (x->kind == VMDK_HOSTED && x->h.desc_off) {
		if (x->h.desc_off > (uint64_t)INT64_MAX >> 10)
			return err_set(e, -EUCLEAN, "the descriptor is in sector %llu",
				       (unsigned long long)x->h.desc_off);
		r = read_desc(s, file, x->h.desc_off * VMDK_SECTOR,
			      min_u64(x->h.desc_len, VMDK_DESC_MAX) * VMDK_SECTOR, e);
	} else {
		s->desc.parent_cid = VMDK_NO_PARENT;
	}
	s->compressed = x->h.compressed;
	snprintf(s->create_type, sizeof(s->create_type), "%s",
		 s->compressed ? "streamOptimized" : "monolithicSparse");
	s->blk.size = x->size;
	return r;
}

/* Looks at the first bytes: a header, or text. */
static int open_any(struct vmdk *s, struct blk *file, struct err *e)
{
	uint8_t head[VMDK_SECTOR];
	struct vmdk_header h;
	int r;

	if (file->size < 4)
		return err_set(e, -EINVAL, "File is too small, not a valid image");
	r = blk_pread(file, head, sizeof(head), 0, e);
	if (r < 0)
		return r;
	if (vmdk_magic(head, sizeof(head)) == VMDK_NONE)
		return open_desc(s, file, 0, VMDK_DESC_MAX, e);
	if (vmdk_magic(head, sizeof(head)) == VMDK_KDMV) {
		r = vmdk_header_parse(head, &h, e);
		if (r < 0)
			return r;
		/* nothing in this file but the descriptor */
		if (!h.capacity && h.desc_off && h.desc_off <= UINT32_MAX)
			return open_desc(s, file, h.desc_off * VMDK_SECTOR,
					 min_u64(h.desc_len, VMDK_DESC_MAX) * VMDK_SECTOR, e);
	}
	return open_single(s, file, e);
}

const char *vmdk_why_readonly(const struct vmdk *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct vmdk_extent *x = &s->v[i];

		if (x->kind == VMDK_SE)
			return "No write support for seSparse images available";
		if (x->kind == VMDK_COW)
			return "COWD extents are read only";
		if (x->kind == VMDK_HOSTED && x->h.version == 3 && !x->h.compressed)
			return "VMDK version 3 must be read only";
	}
	return NULL;
}

static uint32_t common_grain(const struct vmdk *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == VMDK_FLAT || s->v[i].grain != s->v[0].grain)
			return 0;
	return (uint32_t)s->v[0].grain;
}

static int take_options(struct vmdk *s, struct optset *opts, struct err *e)
{
	const char *level = opts ? optset_get(opts, "compression-level") : NULL;

	if (level && strcmp(level, "fast") && strcmp(level, "small"))
		return err_set(e, -EINVAL, "compression-level is 'fast' or 'small', not '%s'",
			       level);
	s->level_small = level && !strcmp(level, "small");
	return codec_pool_new(CODEC_ZLIB, s->level_small ? CODEC_SMALL : CODEC_FAST, &s->codecs,
			      e);
}

static void release(struct vmdk *s, int *r, struct err *e)
{
	while (s->scratch) {
		void *p = s->scratch;

		memcpy(&s->scratch, p, sizeof(s->scratch));
		free(p);
	}
	for (size_t i = 0; i < s->n; i++)
		vmdk_extent_free(s, &s->v[i], r, e);
	free(s->v);
	vmdk_desc_free(&s->desc);
	codec_pool_free(s->codecs);
	pthread_mutex_destroy(&s->lock);
	blk_fini(&s->blk);
	free(s);
}

static const struct blk_ops vmdk_ops = {
	.name = "vmdk",
	.parallel = true,
	.pread = vmdk_pread,
	.pwrite = vmdk_pwrite,
	.pwrite_compressed = vmdk_pwrite_compressed,
	.zero = vmdk_zero,
	.extent = vmdk_extent,
	.flush = vmdk_flush,
	.close = vmdk_close,
};

static int check_write(struct vmdk *s, struct err *e)
{
	const char *why = vmdk_why_readonly(s);

	if (!(s->blk.flags & BLK_WRITE) || !why)
		return 0;
	if (!(s->blk.flags & BLK_AUTO_RDONLY))
		return err_set(e, -EACCES, "%s", why);
	s->blk.flags &= ~(unsigned)BLK_WRITE;
	return 0;
}

int vmdk_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
	      struct err *e)
{
	struct vmdk *s = mem_zalloc(1, sizeof(*s), e);
	int r;

	if (!s)
		return -ENOMEM;
	r = blk_init(&s->blk, &vmdk_ops, file->filename, flags, e);
	if (r < 0) {
		free(s);
		return r;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->blk.log = file->log;
	s->blk.format = &img_format_vmdk;
	s->blk.align = VMDK_SECTOR;
	r = take_options(s, opts, e);
	if (r == 0)
		r = open_any(s, file, e);
	if (r == 0)
		r = check_write(s, e);
	if (r < 0) {
		release(s, &r, NULL);
		return r;
	}
	s->blk.child = file;
	s->cid_opened = s->desc.cid;
	s->blk.cluster_size = common_grain(s);
	s->blk.compressed_only = s->compressed;
	*out = &s->blk;
	return 0;
}

int vmdk_close(struct blk *b, struct err *e)
{
	int r = 0;

	release(to_vmdk(b), &r, e);
	return r;
}
