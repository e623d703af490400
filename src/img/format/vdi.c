/* SPDX-License-Identifier: MIT */
#include "img/format/vdi.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/file.h"

#include <stdlib.h>

static const struct vdi *to_vdi(const struct bat *t)
{
	return (const struct vdi *)t;
}

/* ---- the table ---- */

static int lookup(const struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	uint32_t v = load_le32(bat_entry(t, n));

	if (v >= VDI_DISCARDED)
		return BAT_HOLE;
	*off = to_vdi(t)->h.data_off + (uint64_t)v * VDI_BLOCK;
	return BAT_DATA;
}

static void enter(struct bat *t, uint64_t n, uint64_t off)
{
	const struct vdi *v = to_vdi(t);

	store_le32(bat_entry(t, n), (uint32_t)((off - v->h.data_off) / VDI_BLOCK));
	bat_mark(t, n);
}

/* The count goes first: one that is too large wastes space, one that is too small would let
 * the next writer use a block twice. */
static int store(struct bat *t, struct err *e)
{
	struct vdi *v = (struct vdi *)t;
	uint32_t n = (uint32_t)((t->end - v->h.data_off) / VDI_BLOCK);
	uint8_t raw[4];
	int r = 0;

	store_le32(raw, n);
	if (n != v->h.allocated)
		r = blk_pwrite(t->blk.child, raw, sizeof(raw), 0x184, e);
	if (r == 0)
		v->h.allocated = n;
	return r < 0 ? r : bat_write_map(t, e);
}

static const struct bat_kind dynamic = {
	.hole = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
	.entry = 4,
	.lookup = lookup,
	.enter = enter,
	.store = store,
};

/* Its blocks are in the table from the start, so the file knows which are zero. */
static const struct bat_kind fixed = {
	.hole = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
	.data = BLK_EXT_RECURSE,
	.entry = 4,
	.lookup = lookup,
	.enter = enter,
	.store = store,
};

/* ---- the node ---- */

static int vdi_close(struct blk *b, struct err *e)
{
	bat_fini((struct bat *)b);
	free(b);
	return 0;
}

static const struct blk_ops vdi_ops = {
	.name = "vdi",
	.parallel = true,
	.pread = bat_pread,
	.pwrite = bat_pwrite,
	.zero = bat_zero,
	.discard = bat_discard,
	.extent = bat_extent,
	.flush = bat_flush,
	.close = vdi_close,
};

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	return len >= VDI_HEADER && load_le32(head + 0x40) == 0xbeda107fu ? 100 : 0;
}

/* A new block goes behind those that are counted: none of these may lie there. */
static int check_writable(const struct vdi *v, struct err *e)
{
	for (uint64_t n = 0; n < v->h.blocks; n++) {
		uint32_t at = load_le32(bat_entry(&v->bat, n));

		if (at < VDI_DISCARDED && at >= v->h.allocated)
			return err_set(
				e, -EUCLEAN,
				"VDI image is damaged (block %llu has place %u, and only "
				"%u are counted); it can be read only",
				(unsigned long long)n, at, v->h.allocated);
	}
	return 0;
}

static int load(struct vdi *v, struct err *e)
{
	uint8_t head[VDI_HEADER];
	struct blk *file = v->bat.blk.child;
	int r = blk_pread(file, head, sizeof(head), 0, e);

	if (r < 0)
		return err_wrap(e, r, "reading the image header");
	r = vdi_header_parse(&v->h, head, e);
	if (r < 0)
		return r;
	v->bat.kind = v->h.type == VDI_STATIC ? &fixed : &dynamic;
	v->bat.blk.size = v->h.size;
	v->bat.blk.cluster_size = VDI_BLOCK;
	v->bat.block_size = VDI_BLOCK;
	v->bat.blocks = v->h.blocks;
	v->bat.end = v->h.data_off + (uint64_t)v->h.allocated * VDI_BLOCK;
	if (v->bat.blk.flags & BLK_NOIO && !(v->bat.blk.flags & BLK_WRITE))
		return 0;
	r = bat_load(&v->bat, v->h.map_off, (uint64_t)v->h.blocks * 4, e);
	if (r < 0 || !(v->bat.blk.flags & BLK_WRITE) || v->bat.blk.flags & BLK_CHECK)
		return r;
	return check_writable(v, e);
}

static int vdi_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		    struct err *e)
{
	struct vdi *v = mem_zalloc(1, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	r = bat_init(&v->bat, &vdi_ops, &dynamic, file, flags, e);
	if (r < 0) {
		free(v);
		return r;
	}
	v->bat.blk.format = &img_format_vdi;
	r = load(v, e);
	if (r < 0) {
		vdi_close(&v->bat.blk, NULL);
		return r;
	}
	*out = &v->bat.blk;
	return 0;
}

static int vdi_info(struct blk *b, struct img_info *out, struct err *e)
{
	out->format = "vdi";
	out->virtual_size = b->size;
	out->cluster_size = VDI_BLOCK;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

static const struct img_create_opt create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "static", "bool (on/off)", "All blocks have their place from the start", false,
	  "off" },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_vdi = {
	.name = "vdi",
	.probe = probe,
	.open = vdi_open,
	.create = vdi_create,
	.create_opts = create_opts,
	.info = vdi_info,
	.check = vdi_check,
};
