/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/vpc.h"

enum { SECTOR = 512 };

/* "One's complement of the sum of all bytes but the checksum's." */
static uint32_t checksum(const uint8_t *p, size_t len, size_t skip)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		if (i < skip || i >= skip + 4)
			sum += p[i];
	return ~sum;
}

/* Virtual PC goes by the geometry; these writers mean the size they wrote. */
static bool by_field(const uint8_t *app)
{
	return !memcmp(app, "win ", 4) || !memcmp(app, "qem2", 4) || !memcmp(app, "d2v ", 4) ||
	       !memcmp(app, "tap", 4) || !memcmp(app, "CTXS", 4);
}

int vpc_footer_parse(struct vpc_footer *f, const uint8_t *p, enum vpc_size by, struct err *e)
{
	uint64_t chs = (uint64_t)load_be16(p + 56) * p[58] * p[59], sectors = chs;

	if (memcmp(p, "conectix", 8))
		return err_set(e, -EINVAL, "invalid VPC image");
	if (checksum(p, VPC_FOOTER, 64) != load_be32(p + 64))
		return err_set(e, -EINVAL, "Incorrect header checksum");
	*f = (struct vpc_footer){
		.type = load_be32(p + 60),
		.header_off = load_be64(p + 16),
	};
	if (f->type == VPC_DIFFERENCING)
		return err_set(e, -ENOTSUP,
			       "unsupported VPC image (disk type 4, differencing: it needs its "
			       "parent)");
	if (f->type != VPC_FIXED && f->type != VPC_DYNAMIC)
		return err_set(e, -ENOTSUP, "unsupported VPC image (disk type %u)", f->type);
	/* a geometry that can say no more says nothing */
	if (by == VPC_SIZE_FIELD || chs == VPC_CHS_MAX ||
	    (by == VPC_SIZE_AUTO && by_field(p + 28)))
		sectors = load_be64(p + 48) / SECTOR;
	if (sectors > VPC_SECTORS_MAX)
		return err_set(e, -EFBIG, "VPC image is too large (%llu sectors, max is %llu)",
			       (unsigned long long)sectors,
			       (unsigned long long)VPC_SECTORS_MAX);
	f->size = sectors * SECTOR;
	return 0;
}

int vpc_header_parse(struct vpc_header *h, const uint8_t *p, uint64_t size, struct err *e)
{
	*h = (struct vpc_header){
		.map_off = load_be64(p + 16),
		.entries = load_be32(p + 28),
		.block_size = load_be32(p + 32),
	};
	if (memcmp(p, "cxsparse", 8))
		return err_set(e, -EINVAL, "Invalid header magic");
	if (h->block_size < SECTOR || h->block_size & (h->block_size - 1))
		return err_set(e, -EINVAL, "Invalid block size %u", h->block_size);
	if (h->entries > VPC_SECTORS_MAX * SECTOR / h->block_size)
		return err_set(e, -EINVAL, "Too many blocks (%u of %u bytes)", h->entries,
			       h->block_size);
	if (size > (uint64_t)h->entries * h->block_size)
		return err_set(e, -EINVAL, "Page table too small");
	if (h->map_off > INT64_MAX / 2 || h->map_off % SECTOR)
		return err_set(e, -EINVAL, "Invalid page table offset %llu",
			       (unsigned long long)h->map_off);
	return 0;
}

struct vpc_geometry vpc_geometry(uint64_t sectors)
{
	uint32_t per_track = 17, heads, tracks;

	sectors = min_u64(sectors, VPC_CHS_MAX);
	if (sectors >= 65535ull * 16 * 63) {
		per_track = 255;
		heads = 16;
		tracks = (uint32_t)(sectors / per_track);
	} else {
		tracks = (uint32_t)(sectors / per_track);
		heads = (tracks + 1023) / 1024;
		if (heads < 4)
			heads = 4;
		if (tracks >= heads * 1024 || heads > 16) {
			per_track = 31;
			heads = 16;
			tracks = (uint32_t)(sectors / per_track);
		}
		if (tracks >= heads * 1024) {
			per_track = 63;
			heads = 16;
			tracks = (uint32_t)(sectors / per_track);
		}
	}
	return (struct vpc_geometry){
		.cylinders = (uint16_t)(tracks / heads),
		.heads = (uint8_t)heads,
		.sectors = (uint8_t)per_track,
	};
}
