/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/vdi.h"

enum { SIGNATURE = (int)0xbeda107f, VDI_1_1 = 0x00010001, HEADER_SIZE = 0x180, SECTOR = 512 };

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

static int refuse(struct err *e, const char *what, uint32_t value)
{
	return err_set(e, -ENOTSUP, "unsupported VDI image (%s %u)", what, value);
}

static int check_kind(const uint8_t *p, struct err *e)
{
	uint32_t version = load_le32(p + 0x44), sector = load_le32(p + 0x168);
	uint32_t block = load_le32(p + 0x178);

	if (load_le32(p + 0x40) != (uint32_t)SIGNATURE)
		return err_set(e, -EINVAL, "Image not in VDI format (bad signature %08x)",
			       load_le32(p + 0x40));
	if (version != VDI_1_1)
		return err_set(e, -ENOTSUP, "unsupported VDI image (version %u.%u)",
			       version >> 16, version & 0xffff);
	if (load_le32(p + 0x4c) != VDI_DYNAMIC && load_le32(p + 0x4c) != VDI_STATIC)
		return refuse(e, "type", load_le32(p + 0x4c));
	if (sector != SECTOR)
		return err_set(e, -ENOTSUP, "unsupported VDI image (sector size %u is not %d)",
			       sector, SECTOR);
	if (block != VDI_BLOCK)
		return err_set(e, -ENOTSUP, "unsupported VDI image (block size %u is not %d)",
			       block, VDI_BLOCK);
	if (!is_zero(p + 0x1a8, 16))
		return err_set(e, -ENOTSUP, "unsupported VDI image (non-NULL link UUID)");
	if (!is_zero(p + 0x1b8, 16))
		return err_set(e, -ENOTSUP, "unsupported VDI image (non-NULL parent UUID)");
	return 0;
}

int vdi_header_parse(struct vdi_header *h, const uint8_t *p, struct err *e)
{
	uint64_t size = load_le64(p + 0x170), max = (uint64_t)VDI_BLOCKS_MAX * VDI_BLOCK;
	int r = check_kind(p, e);

	if (r < 0)
		return r;
	*h = (struct vdi_header){
		.type = load_le32(p + 0x4c),
		.map_off = load_le32(p + 0x154),
		.data_off = load_le32(p + 0x158),
		.blocks = load_le32(p + 0x180),
		.allocated = load_le32(p + 0x184),
	};
	if (size > max)
		return err_set(e, -ENOTSUP,
			       "Unsupported VDI image size (size is 0x%llx, max supported is "
			       "0x%llx)",
			       (unsigned long long)size, (unsigned long long)max);
	h->size = round_up(size, SECTOR); /* some writers did not round it */
	if (h->map_off % SECTOR || h->map_off < VDI_HEADER)
		return err_set(e, -ENOTSUP,
			       "unsupported VDI image (unaligned block map offset 0x%x)",
			       h->map_off);
	if (h->data_off % SECTOR)
		return err_set(e, -ENOTSUP,
			       "unsupported VDI image (unaligned data offset 0x%x)",
			       h->data_off);
	if (h->blocks > VDI_BLOCKS_MAX)
		return err_set(e, -ENOTSUP,
			       "unsupported VDI image (too many blocks %u, max is %u)",
			       h->blocks, VDI_BLOCKS_MAX);
	if (h->size > (uint64_t)h->blocks * VDI_BLOCK)
		return err_set(e, -ENOTSUP,
			       "unsupported VDI image (disk size %llu, image bitmap has room "
			       "for %llu)",
			       (unsigned long long)h->size,
			       (unsigned long long)h->blocks * VDI_BLOCK);
	/* A table that bytes of the disk are written over is none. */
	if (h->data_off < (uint64_t)h->map_off + (uint64_t)h->blocks * 4)
		return err_set(
			e, -EUCLEAN,
			"VDI image is damaged (data offset 0x%x lies in the block map of "
			"%u blocks at 0x%x)",
			h->data_off, h->blocks, h->map_off);
	return 0;
}

void vdi_header_build(const struct vdi_header *h, const uint8_t *uuids, uint8_t *p)
{
	static const char text[] = "<<< QEMU VM Virtual Disk Image >>>\n";

	memset(p, 0, VDI_HEADER);
	memcpy(p, text, sizeof(text) - 1);
	store_le32(p + 0x40, (uint32_t)SIGNATURE);
	store_le32(p + 0x44, VDI_1_1);
	store_le32(p + 0x48, HEADER_SIZE);
	store_le32(p + 0x4c, h->type);
	store_le32(p + 0x154, h->map_off);
	store_le32(p + 0x158, h->data_off);
	store_le32(p + 0x168, SECTOR);
	store_le64(p + 0x170, h->size);
	store_le32(p + 0x178, VDI_BLOCK);
	store_le32(p + 0x180, h->blocks);
	store_le32(p + 0x184, h->allocated);
	memcpy(p + 0x188, uuids, 32); /* of the image, of its last snapshot */
}
