/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "img/format/vdi.h"

enum { SECTOR = 512, PIECE = 1 << 20 };

/* The table: what has no place, or one block after the other. */
static int write_map(struct blk *file, const struct vdi_header *h, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(1, PIECE, e);
	uint32_t n = 0;
	uint64_t off = h->map_off;

	if (!buf)
		return -ENOMEM;
	while (n < h->blocks) {
		size_t len = 0;
		int r;

		memset(buf, 0, PIECE);
		for (; n < h->blocks && len < PIECE; n++, len += 4)
			store_le32(buf + len, h->type == VDI_STATIC ? n : VDI_FREE);
		len = round_up(len, SECTOR);
		r = blk_pwrite(file, buf, len, off, e);
		if (r < 0)
			return r;
		off += len;
	}
	return 0;
}

int vdi_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e)
{
	const uint64_t max = (uint64_t)VDI_BLOCKS_MAX * VDI_BLOCK;
	struct vdi_header h = { .type = VDI_DYNAMIC, .map_off = VDI_HEADER };
	uint8_t head[VDI_HEADER], uuids[32];
	bool fixed = false;
	int r = img_create_bool(c->own, "static", &fixed, e);

	if (r < 0)
		return r;
	if (c->size > max)
		return err_set(e, -ENOTSUP,
			       "Unsupported VDI image size (size is 0x%llx, max supported is "
			       "0x%llx)",
			       (unsigned long long)c->size, (unsigned long long)max);
	h.size = round_up(c->size, SECTOR);
	h.blocks = (uint32_t)div_up(h.size, VDI_BLOCK);
	h.data_off = (uint32_t)round_up(VDI_HEADER + (uint64_t)h.blocks * 4, SECTOR);
	if (fixed) {
		h.type = VDI_STATIC;
		h.allocated = h.blocks;
	}
	r = random_uuid(uuids, e);
	if (r == 0)
		r = random_uuid(uuids + 16, e);
	if (r < 0)
		return r;
	vdi_header_build(&h, uuids, head);
	if (file->size) /* what a device holds is no header of ours until the rest is there */
		r = blk_zero(file, 0, min_u64(file->size, VDI_HEADER), 0, e);
	if (r == 0)
		r = write_map(file, &h, e);
	if (r == 0 && fixed && !file->fixed)
		r = blk_resize(file, h.data_off + (uint64_t)h.blocks * VDI_BLOCK, PREALLOC_OFF,
			       e);
	if (r == 0)
		r = blk_flush(file, e);
	return r < 0 ? r : blk_pwrite(file, head, sizeof(head), 0, e);
}
