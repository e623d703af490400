/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "img/format/vhdx.h"

struct plan {
	bool fixed, zero;
	uint64_t size, log, bat_off, bat, meta_off, data_off;
	uint32_t block;
};

static uint32_t block_for(uint64_t size)
{
	return size > 32ull << 40    ? 64u << 20
	       : size > 100ull << 30 ? 32u << 20
	       : size > 1ull << 30   ? 16u << 20
				     : 8u << 20;
}

static int parse(struct plan *n, const struct img_create *c, struct err *e)
{
	static const char *const words[] = { "dynamic", "fixed", NULL };
	uint64_t block = 0;
	unsigned fixed = 0;
	int r = img_create_word(c->own, "subformat", "subformat", words, &fixed, e);

	n->log = VHDX_MIB;
	n->zero = true;
	if (r == 0)
		r = img_create_bool(c->own, "block_state_zero", &n->zero, e);
	if (r == 0 && c->own)
		r = optset_size(c->own, "log_size", &n->log, e);
	if (r == 0 && c->own)
		r = optset_size(c->own, "block_size", &block, e);
	if (r < 0)
		return r;
	n->fixed = fixed != 0;
	n->size = round_up(min_u64(c->size, INT64_MAX), 512);
	if (n->size > VHDX_SIZE_MAX)
		return err_set(e, -EINVAL, "Image size too large; max of 64TB");
	if (n->log >= 4ull << 30)
		return err_set(e, -EINVAL, "Log size must be smaller than 4 GB");
	n->log = max_u64(VHDX_MIB, round_up(n->log, VHDX_MIB));
	if (n->log >= 4ull << 30)
		return err_set(e, -EINVAL, "Log size must be smaller than 4 GB");
	if (block > VHDX_BLOCK_MAX)
		return err_set(e, -EINVAL, "Block size must be at most 256 MB");
	block = round_up(block, VHDX_MIB);
	if (block & (block - 1))
		return err_set(e, -EINVAL, "Block size must be a power of two");
	n->block = block ? (uint32_t)block : block_for(n->size);
	return 0;
}

static void place(struct plan *n)
{
	uint64_t blocks = div_up(n->size, n->block), ratio = vhdx_chunk_ratio(512, n->block);
	uint64_t entries = blocks ? blocks + (blocks - 1) / ratio : 0;

	n->bat_off = VHDX_MIB + n->log;
	n->bat = max_u64(round_up(entries * 8, VHDX_MIB), VHDX_MIB);
	n->meta_off = n->bat_off + n->bat;
	n->data_off = n->meta_off + VHDX_MIB;
}

static int write_header(struct blk *file, const struct plan *n, uint64_t at, uint64_t sequence,
			const uint8_t *guids, uint8_t *p, struct err *e)
{
	memset(p, 0, VHDX_SECTOR);
	memcpy(p, "head", 4);
	store_le64(p + 8, sequence);
	memcpy(p + 16, guids, 32);
	store_le16(p + 66, 1);
	store_le32(p + 68, (uint32_t)n->log);
	store_le64(p + 72, VHDX_MIB);
	store_le32(p + 4, vhdx_checksum(p, VHDX_SECTOR, 4));
	return blk_pwrite(file, p, VHDX_SECTOR, at, e);
}

static void put_region(uint8_t *p, const uint8_t *guid, uint64_t off, uint64_t len)
{
	memcpy(p, guid, 16);
	store_le64(p + 16, off);
	store_le32(p + 24, (uint32_t)len);
	store_le32(p + 28, 1);
}

static int write_regions(struct blk *file, const struct plan *n, uint8_t *p, struct err *e)
{
	int r;

	memset(p, 0, VHDX_TABLE);
	memcpy(p, "regi", 4);
	store_le32(p + 8, 2);
	put_region(p + 16, vhdx_guid_bat, n->bat_off, n->bat);
	put_region(p + 48, vhdx_guid_meta, n->meta_off, VHDX_MIB);
	store_le32(p + 4, vhdx_checksum(p, VHDX_TABLE, 4));
	r = blk_pwrite(file, p, VHDX_TABLE, VHDX_REGIONS1, e);
	return r < 0 ? r : blk_pwrite(file, p, VHDX_TABLE, VHDX_REGIONS2, e);
}

static int write_meta(struct blk *file, const struct plan *n, uint8_t *p, struct err *e)
{
	static const struct {
		uint32_t off, len, flags; /* flags: 2 of the virtual disk, 4 required */
	} item[] = { { 0, 8, 4 }, { 8, 8, 6 }, { 16, 16, 6 }, { 32, 4, 6 }, { 36, 4, 6 } };
	uint8_t values[64] = { 0 };
	int r;

	memset(p, 0, VHDX_TABLE);
	memcpy(p, "metadata", 8);
	store_le16(p + 10, 5);
	for (size_t i = 0; i < 5; i++) {
		uint8_t *x = p + 32 + i * 32;

		memcpy(x, vhdx_guid_items[i], 16);
		store_le32(x + 16, VHDX_TABLE + item[i].off);
		store_le32(x + 20, item[i].len);
		store_le32(x + 24, item[i].flags);
	}
	store_le32(values, n->block);
	store_le32(values + 4, n->fixed ? 1 : 0);
	store_le64(values + 8, n->size);
	r = random_uuid(values + 16, e);
	store_le32(values + 32, 512);
	store_le32(values + 36, 512);
	if (r == 0)
		r = blk_pwrite(file, p, VHDX_TABLE, n->meta_off, e);
	return r < 0 ? r
		     : blk_pwrite(file, values, sizeof(values), n->meta_off + VHDX_TABLE, e);
}

/* The table; a fixed image has all its blocks in order. */
static int write_table(struct blk *file, const struct plan *n, uint8_t *p, struct err *e)
{
	uint64_t blocks = div_up(n->size, n->block), ratio = vhdx_chunk_ratio(512, n->block);
	uint64_t at = 0, len = 0, off = n->bat_off;
	int r = 0;

	memset(p, 0, VHDX_TABLE);
	for (uint64_t i = 0; i < blocks && r == 0; i++) {
		uint64_t v = n->fixed ? (n->data_off + i * n->block) | VHDX_FULLY_PRESENT
				      : VHDX_ZERO;

		store_le64(p + len, v);
		at++;
		len += 8;
		/* behind each chunk the entry of its bitmap, which only differencing images have */
		for (int k = 0; k < 2 && r == 0; k++) {
			if (len == VHDX_TABLE || i == blocks - 1) {
				r = blk_pwrite(file, p, len, off, e);
				off += len;
				len = 0;
				memset(p, 0, VHDX_TABLE);
			}
			if ((i + 1) % ratio || i == blocks - 1 || k)
				break;
			len += 8;
		}
	}
	return r;
}

static int write_all(struct blk *file, const struct plan *n, struct err *e)
{
	static const uint16_t creator[] = { 'h', 'o', 's', 't', 'k', 'i', 't' };
	AUTO_FREE uint8_t *p = mem_zalloc(1, VHDX_TABLE, e);
	uint64_t end = n->data_off + (n->fixed ? round_up(n->size, n->block) : 0);
	uint8_t guids[32], id[64] = "vhdxfile";
	int r = p ? 0 : -ENOMEM;

	if (r == 0)
		r = random_uuid(guids, e);
	if (r == 0)
		r = random_uuid(guids + 16, e);
	if (r == 0 && file->size)
		r = blk_zero(file, 0, min_u64(file->size, n->data_off), 0, e);
	if (r == 0 && !file->fixed)
		r = blk_resize(file, end, PREALLOC_OFF, e);
	if (r == 0)
		r = write_regions(file, n, p, e);
	if (r == 0)
		r = write_meta(file, n, p, e);
	if (r == 0 && (n->fixed || n->zero))
		r = write_table(file, n, p, e);
	if (r == 0)
		r = write_header(file, n, VHDX_HEADER1, 1, guids, p, e);
	if (r == 0)
		r = write_header(file, n, VHDX_HEADER2, 2, guids, p, e);
	if (r == 0)
		r = blk_flush(file, e);
	for (size_t i = 0; i < ARRAY_SIZE(creator); i++)
		store_le16(id + 8 + 2 * i, creator[i]);
	return r < 0 ? r : blk_pwrite(file, id, sizeof(id), 0, e);
}

int vhdx_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *p, struct err *e)
{
	struct plan n = { 0 };
	int r = parse(&n, c, e);

	if (r < 0)
		return r;
	place(&n);
	if (n.fixed && file->fixed && n.data_off + round_up(n.size, n.block) > file->size)
		return err_set(e, -ENOSPC, "the device is too small for the image");
	return write_all(file, &n, e);
}
