/* SPDX-License-Identifier: MIT */
#include "img/format/vpc.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/file.h"

#include <stdint.h>
#include <stdlib.h>

enum { SECTOR = 512 };

struct vpc {
	struct bat bat; /* first */
	struct vpc_footer f;
	uint8_t footer[VPC_FOOTER]; /* dynamic: as it is written behind the last block */
	uint64_t bitmap_size;       /* bytes in front of each block */
	_Atomic uint8_t *full;      /* for each block: its bitmap says that all is there */
};

static struct vpc *to_vpc(const struct bat *t)
{
	return (struct vpc *)(uintptr_t)t;
}

/* ---- the table of dynamic images ---- */

static int lookup(const struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	const struct vpc *v = to_vpc(t);
	uint32_t sector = load_be32(bat_entry(t, n));
	uint64_t at = (uint64_t)sector * SECTOR, end = at + v->bitmap_size + t->block_size;

	if (sector == VPC_FREE)
		return BAT_HOLE;
	if (at < VPC_FOOTER || (at < t->map_off + t->map_bytes && t->map_off < end))
		return err_set(e, -EUCLEAN,
			       "VPC image is damaged (block %llu lies at sector %u, where the "
			       "image has its headers)",
			       (unsigned long long)n, sector);
	*off = at + v->bitmap_size;
	return BAT_DATA;
}

static int write_bitmap(struct bat *t, uint64_t n, uint64_t off, struct err *e)
{
	struct vpc *v = to_vpc(t);
	AUTO_FREE uint8_t *ones = mem_zalloc(1, v->bitmap_size, e);
	int r;

	if (!ones)
		return -ENOMEM;
	memset(ones, 0xff, v->bitmap_size);
	r = blk_pwrite(t->blk.child, ones, v->bitmap_size, off, e);
	if (r == 0)
		v->full[n] = 1;
	return r;
}

/* The bitmap that tells which sectors were written goes in front; as QEMU does it says that all
 * were. */
static int place(struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	struct vpc *v = to_vpc(t);
	int r;

	if (*off / SECTOR >= VPC_FREE)
		return err_set(e, -EFBIG, "%s: no room for block %llu", t->blk.filename,
			       (unsigned long long)n);
	r = write_bitmap(t, n, *off, e);
	*off += v->bitmap_size;
	return r;
}

static void enter(struct bat *t, uint64_t n, uint64_t off)
{
	store_be32(bat_entry(t, n), (uint32_t)((off - to_vpc(t)->bitmap_size) / SECTOR));
	bat_mark(t, n);
}

static int touch(struct bat *t, uint64_t n, uint64_t off, struct err *e)
{
	struct vpc *v = to_vpc(t);

	return v->full[n] ? 0 : write_bitmap(t, n, off - v->bitmap_size, e);
}

/* New blocks lie where the footer was. */
static int store(struct bat *t, struct err *e)
{
	int r = blk_pwrite(t->blk.child, to_vpc(t)->footer, VPC_FOOTER, t->end, e);

	return r < 0 ? r : bat_write_map(t, e);
}

static const struct bat_kind kind = {
	.hole = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
	.entry = 4,
	.lookup = lookup,
	.place = place,
	.enter = enter,
	.touch = touch,
	.store = store,
};

/* ---- nodes ---- */

static int vpc_close(struct blk *b, struct err *e)
{
	free(((struct vpc *)b)->full);
	bat_fini((struct bat *)b);
	free(b);
	return 0;
}

static const struct blk_ops dynamic_ops = {
	.name = "vpc",
	.parallel = true,
	.pread = bat_pread,
	.pwrite = bat_pwrite,
	.zero = bat_zero,
	.discard = bat_discard,
	.extent = bat_extent,
	.flush = bat_flush,
	.close = vpc_close,
};

static int fixed_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return blk_pread(b->child, buf, len, off, e);
}

static int fixed_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	return blk_pwrite(b->child, buf, len, off, e);
}

static int fixed_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	return blk_zero(b->child, off, len, flags | BLK_NO_FALLBACK, e);
}

static int fixed_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return blk_discard(b->child, off, len, e);
}

static int fixed_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
			struct err *e)
{
	*out = (struct blk_extent){
		.len = max,
		.flags = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET | BLK_EXT_RECURSE,
		.file = b->child,
		.host_off = off,
	};
	return 0;
}

static const struct blk_ops fixed_ops = {
	.name = "vpc",
	.parallel = true,
	.pread = fixed_pread,
	.pwrite = fixed_pwrite,
	.zero = fixed_zero,
	.discard = fixed_discard,
	.extent = fixed_extent,
	.close = vpc_close,
};

/* ---- opening ---- */

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	return len >= 8 && !memcmp(head, "conectix", 8) ? 100 : 0;
}

/* A dynamic image begins with a copy of the footer, a fixed one with the disk. */
static int load_footer(struct vpc *v, enum vpc_size by, struct err *e)
{
	struct blk *file = v->bat.blk.child;
	uint64_t last = file->size < VPC_FOOTER ? 0 : file->size - VPC_FOOTER;
	int r = blk_pread(file, v->footer, VPC_FOOTER, 0, e);

	if (r < 0)
		return err_wrap(e, r, "reading the image header");
	if (!memcmp(v->footer, "conectix", 8) && load_be32(v->footer + 60) != VPC_FIXED)
		return vpc_footer_parse(&v->f, v->footer, by, e);
	r = blk_pread(file, v->footer, VPC_FOOTER, last, e);
	if (r < 0)
		return err_wrap(e, r, "reading the footer");
	r = vpc_footer_parse(&v->f, v->footer, by, e);
	if (r < 0)
		return r;
	if (v->f.type != VPC_FIXED)
		return err_set(e, -EINVAL,
			       "VPC image is damaged (disk type %u has no header at its start)",
			       v->f.type);
	/* else writing to the disk would write over the footer */
	if (v->f.size > last)
		return err_set(e, -EUCLEAN,
			       "VPC image is damaged (disk of %llu bytes in a file of %llu)",
			       (unsigned long long)v->f.size, (unsigned long long)file->size);
	return 0;
}

/* The first byte behind all blocks. */
static int find_end(struct vpc *v, struct err *e)
{
	struct bat *t = &v->bat;
	uint64_t size = t->blk.child->size;

	t->end = round_up(t->map_off + t->map_bytes, SECTOR);
	for (uint64_t n = 0; n < t->blocks; n++) {
		uint32_t sector = load_be32(bat_entry(t, n));
		uint64_t end = (uint64_t)sector * SECTOR + v->bitmap_size + t->block_size;

		if (sector != VPC_FREE)
			t->end = max_u64(t->end, end);
	}
	return t->end <= size ? 0
			      : err_set(e, -EINVAL,
					"block-vpc: free_data_block_offset points after the "
					"end of file. The image has been truncated.");
}

static int load_dynamic(struct vpc *v, struct err *e)
{
	uint8_t head[VPC_HEADER];
	struct vpc_header h;
	struct bat *t = &v->bat;
	int r;

	if (v->f.header_off > t->blk.child->size)
		return err_set(e, -EINVAL, "Invalid header magic");
	r = blk_pread(t->blk.child, head, sizeof(head), v->f.header_off, e);
	if (r < 0)
		return err_wrap(e, r, "reading the dynamic header");
	r = vpc_header_parse(&h, head, v->f.size, e);
	if (r < 0)
		return r;
	t->block_size = h.block_size;
	t->blocks = h.entries;
	t->blk.cluster_size = h.block_size;
	v->bitmap_size = round_up(div_up(h.block_size / SECTOR, 8), SECTOR);
	if (round_up(h.map_off + (uint64_t)h.entries * 4, SECTOR) > t->blk.child->size)
		return err_set(e, -EINVAL,
			       "block-vpc: free_data_block_offset points after the end of "
			       "file. The image has been truncated.");
	r = bat_load(t, h.map_off, (uint64_t)h.entries * 4, e);
	if (r == 0)
		r = find_end(v, e);
	if (r < 0)
		return r;
	v->full = mem_zalloc(h.entries ? h.entries : 1, 1, e);
	return v->full ? 0 : -ENOMEM;
}

static int parse_options(struct optset *opts, enum vpc_size *by, struct err *e)
{
	const char *mode = opts ? optset_get(opts, "force_size_calc") : NULL;

	if (mode && !strcmp(mode, "chs"))
		*by = VPC_SIZE_CHS;
	else if (mode && !strcmp(mode, "current_size"))
		*by = VPC_SIZE_FIELD;
	else if (mode)
		return err_set(e, -EINVAL, "Invalid size calculation mode: '%s'", mode);
	return 0;
}

static int load(struct vpc *v, struct optset *opts, struct err *e)
{
	enum vpc_size by = VPC_SIZE_AUTO;
	int r = parse_options(opts, &by, e);

	if (r == 0)
		r = load_footer(v, by, e);
	if (r == 0 && v->f.type == VPC_DYNAMIC)
		r = load_dynamic(v, e);
	v->bat.blk.size = v->f.size;
	if (v->f.type == VPC_FIXED)
		v->bat.blk.ops = &fixed_ops;
	return r;
}

static int vpc_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		    struct err *e)
{
	struct vpc *v = mem_zalloc(1, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	r = bat_init(&v->bat, &dynamic_ops, &kind, file, flags, e);
	if (r < 0) {
		free(v);
		return r;
	}
	v->bat.blk.format = &img_format_vpc;
	r = load(v, opts, e);
	if (r < 0) {
		vpc_close(&v->bat.blk, NULL);
		return r;
	}
	*out = &v->bat.blk;
	return 0;
}

static int vpc_info(struct blk *b, struct img_info *out, struct err *e)
{
	out->format = "vpc";
	out->virtual_size = b->size;
	out->cluster_size = b->cluster_size;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

static const struct img_create_opt create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "subformat", "str", "What the image is: dynamic (default) or fixed", false, NULL },
	{ "force_size", "bool (on/off)",
	  "The very size given, not the next one that has a geometry", false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_vpc = {
	.name = "vpc",
	.probe = probe,
	.open = vpc_open,
	.create = vpc_create,
	.create_opts = create_opts,
	.info = vpc_info,
};
