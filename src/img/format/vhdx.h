/* SPDX-License-Identifier: MIT */
/*
 * Hyper-V disk images (VHDX), dynamic and fixed, without parents.  docs/formats/vhdx.md says how
 * they are laid out; the names are those of [MS-VHDX].
 */
#ifndef IMG_FORMAT_VHDX_H
#define IMG_FORMAT_VHDX_H

#include "img/format/bat.h"

#define VHDX_MIB      (1ull << 20)
#define VHDX_SIZE_MAX (64ull << 40)

enum {
	VHDX_SECTOR = 4096, /* of headers and log */
	VHDX_HEADER1 = 64 << 10,
	VHDX_HEADER2 = 128 << 10,
	VHDX_REGIONS1 = 192 << 10,
	VHDX_REGIONS2 = 256 << 10,
	VHDX_TABLE = 64 << 10, /* bytes of a region table and of the metadata table */
	VHDX_BLOCK_MAX = 256 << 20,
};

/* Low bits of an entry of the table. */
enum vhdx_state {
	VHDX_NOT_PRESENT = 0,
	VHDX_UNDEFINED = 1,
	VHDX_ZERO = 2,
	VHDX_UNMAPPED = 3,
	VHDX_FULLY_PRESENT = 6,
	VHDX_PARTIALLY_PRESENT = 7,
};

struct vhdx_header {
	uint64_t sequence;
	uint8_t log_guid[16]; /* zeroes: nothing to replay */
	uint16_t log_version;
	uint32_t log_length;
	uint64_t log_off;
};

struct vhdx_regions {
	uint64_t bat_off, meta_off;
	uint32_t bat_length, meta_length;
};

struct vhdx_meta {
	uint32_t block_size, sector_size, physical;
	bool fixed, parent;
	uint64_t size;
};

/* CRC-32C, as all checksums of the format: of @len bytes, those at @skip (4) taken as zero. */
uint32_t vhdx_checksum(const uint8_t *p, size_t len, size_t skip);

/* These take VHDX_SECTOR and VHDX_TABLE bytes.  -EUCLEAN: the signature, the checksum or a field
 * is wrong; -ENOTSUP: a version, region or item that we do not know and that must be known. */
int vhdx_header_parse(struct vhdx_header *h, const uint8_t *p, struct err *e) MUST_CHECK;
int vhdx_regions_parse(struct vhdx_regions *r, const uint8_t *p, struct err *e) MUST_CHECK;
/* Where in the metadata region the items are: @items[i] is their offset, 0 where absent. */
enum vhdx_item { ITEM_PARAMS, ITEM_SIZE, ITEM_PAGE83, ITEM_SECTOR, ITEM_PHYSICAL, ITEM_PARENT };
enum { VHDX_ITEMS = ITEM_PARENT + 1 };
int vhdx_items_parse(uint32_t items[VHDX_ITEMS], const uint8_t *p, uint32_t region,
		     struct err *e) MUST_CHECK;

/* GUIDs as they stand in the file. */
extern const uint8_t vhdx_guid_bat[16], vhdx_guid_meta[16];
extern const uint8_t vhdx_guid_items[VHDX_ITEMS][16];

/* Writes what the log of @h holds to its places in @file, which is open for writing (or dry).
 * *done: there was something.  -EUCLEAN: the log is damaged. */
int vhdx_log_replay(struct blk *file, const struct vhdx_header *h, bool *done, struct err *e)
	MUST_CHECK;

int vhdx_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *p, struct err *e) MUST_CHECK;

/* Blocks for which there is one bitmap block in the table. */
static inline uint64_t vhdx_chunk_ratio(uint32_t sector_size, uint32_t block_size)
{
	return ((uint64_t)sector_size << 23) / block_size;
}

extern const struct img_format img_format_vhdx;

#endif
