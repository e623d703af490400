/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/vhdx.h"

const uint8_t vhdx_guid_bat[16] = { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
				    0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 };
const uint8_t vhdx_guid_meta[16] = { 0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
				     0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e };
const uint8_t vhdx_guid_items[VHDX_ITEMS][16] = {
	[ITEM_PARAMS] = { 0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33,
			  0xf0, 0xaa, 0x44, 0xe7, 0x6b },
	[ITEM_SIZE] = { 0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe,
			0xd8, 0x3b, 0xf4, 0xb8 },
	[ITEM_PAGE83] = { 0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3,
			  0x09, 0xe0, 0x00, 0xc7, 0x46 },
	[ITEM_SECTOR] = { 0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2,
			  0x33, 0xa8, 0xfa, 0xab, 0x5f },
	[ITEM_PHYSICAL] = { 0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9,
			    0x88, 0x52, 0x51, 0xc5, 0x56 },
	[ITEM_PARENT] = { 0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3,
			  0xd8, 0x48, 0x34, 0xab, 0x0c },
};

uint32_t vhdx_checksum(const uint8_t *p, size_t len, size_t skip)
{
	uint32_t table[16], crc = 0xffffffff;

	/* a table of half bytes: the program has no other, and 64 KiB are all there is to sum */
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t v = i;

		for (int k = 0; k < 4; k++)
			v = v & 1 ? v >> 1 ^ 0x82f63b78u : v >> 1;
		table[i] = v;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = i >= skip && i < skip + 4 ? 0 : p[i];

		crc = crc >> 4 ^ table[(crc ^ byte) & 15];
		crc = crc >> 4 ^ table[(crc ^ byte >> 4) & 15];
	}
	return ~crc;
}

static int check_block(const uint8_t *p, size_t len, const char *sig, const char *what,
		       struct err *e)
{
	if (memcmp(p, sig, 4))
		return err_set(e, -EUCLEAN, "VHDX %s has no signature", what);
	if (vhdx_checksum(p, len, 4) != load_le32(p + 4))
		return err_set(e, -EUCLEAN, "VHDX %s has a wrong checksum (%08x)", what,
			       load_le32(p + 4));
	return 0;
}

int vhdx_header_parse(struct vhdx_header *h, const uint8_t *p, struct err *e)
{
	int r = check_block(p, VHDX_SECTOR, "head", "header", e);

	if (r < 0)
		return r;
	if (load_le16(p + 66) != 1)
		return err_set(e, -ENOTSUP, "unsupported VHDX image (version %u)",
			       load_le16(p + 66));
	*h = (struct vhdx_header){
		.sequence = load_le64(p + 8),
		.log_version = load_le16(p + 64),
		.log_length = load_le32(p + 68),
		.log_off = load_le64(p + 72),
	};
	memcpy(h->log_guid, p + 48, 16);
	if (h->log_off % VHDX_MIB || h->log_length % VHDX_MIB || h->log_off < VHDX_MIB ||
	    h->log_off > INT64_MAX / 2)
		return err_set(e, -EUCLEAN,
			       "VHDX header: the log of %u bytes at offset %llu is not aligned",
			       h->log_length, (unsigned long long)h->log_off);
	return 0;
}

int vhdx_regions_parse(struct vhdx_regions *t, const uint8_t *p, struct err *e)
{
	uint32_t n = load_le32(p + 8);
	int r = check_block(p, VHDX_TABLE, "regi", "region table", e);

	if (r < 0)
		return r;
	if (n > 2047)
		return err_set(e, -EUCLEAN, "VHDX region table has %u entries", n);
	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *x = p + 16 + (size_t)i * 32;
		uint64_t off = load_le64(x + 16);
		uint32_t len = load_le32(x + 24);
		bool bat = !memcmp(x, vhdx_guid_bat, 16), meta = !memcmp(x, vhdx_guid_meta, 16);

		if (off % VHDX_MIB || len % VHDX_MIB || off < VHDX_MIB || off > INT64_MAX / 2)
			return err_set(e, -EUCLEAN,
				       "VHDX region %u of %u bytes at offset %llu is not "
				       "aligned",
				       i, len, (unsigned long long)off);
		if ((bat && t->bat_off) || (meta && t->meta_off))
			return err_set(e, -EUCLEAN, "VHDX region %u is there twice", i);
		if (bat) {
			t->bat_off = off;
			t->bat_length = len;
		} else if (meta) {
			t->meta_off = off;
			t->meta_length = len;
		} else if (load_le32(x + 28) & 1) {
			return err_set(e, -ENOTSUP,
				       "unsupported VHDX image (region %u is required and "
				       "unknown)",
				       i);
		}
	}
	if (!t->bat_off || !t->meta_off || t->meta_length < VHDX_TABLE)
		return err_set(e, -EUCLEAN, "VHDX image has no block table or no metadata");
	return 0;
}

int vhdx_items_parse(uint32_t items[VHDX_ITEMS], const uint8_t *p, uint32_t region,
		     struct err *e)
{
	static const uint32_t size[VHDX_ITEMS] = { 8, 8, 16, 4, 4, 20 };
	uint32_t n = load_le16(p + 10);

	memset(items, 0, VHDX_ITEMS * sizeof(*items));
	if (memcmp(p, "metadata", 8) || n > 2047)
		return err_set(e, -EUCLEAN, "VHDX metadata table is damaged (%u entries)", n);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *x = p + 32 + (size_t)i * 32;
		uint32_t off = load_le32(x + 16), len = load_le32(x + 20), k = 0;

		while (k < VHDX_ITEMS && memcmp(x, vhdx_guid_items[k], 16))
			k++;
		if (k == VHDX_ITEMS) {
			if (load_le32(x + 24) & 4)
				return err_set(e, -ENOTSUP,
					       "unsupported VHDX image (metadata item %u is "
					       "required and unknown)",
					       i);
			continue;
		}
		if (items[k] || len < size[k] || off < VHDX_TABLE || off > region ||
		    len > region - off)
			return err_set(e, -EUCLEAN,
				       "VHDX metadata item %u of %u bytes at %u is damaged", i,
				       len, off);
		items[k] = off;
	}
	for (uint32_t k = 0; k < ITEM_PARENT; k++)
		if (!items[k] && k != ITEM_PAGE83)
			return err_set(e, -EUCLEAN, "VHDX metadata item %u is missing", k);
	return 0;
}
