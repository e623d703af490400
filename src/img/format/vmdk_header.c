/* SPDX-License-Identifier: MIT */
#include "img/format/vmdk_header.h"

#include "base/bytes.h"
#include "base/zero.h"

#include <string.h>

enum vmdk_magic vmdk_magic(const uint8_t *buf, size_t len)
{
	if (len >= 4 && !memcmp(buf, "KDMV", 4))
		return VMDK_KDMV;
	return len >= 4 && !memcmp(buf, "COWD", 4) ? VMDK_COWD : VMDK_NONE;
}

/* What no header may claim.  The directory's length follows from the rest. */
static int check_shape(struct vmdk_header *h, struct err *e)
{
	uint64_t grains;

	if (h->capacity > (uint64_t)INT64_MAX >> 9)
		return err_set(e, -EUCLEAN, "a capacity of %llu sectors",
			       (unsigned long long)h->capacity);
	if (!h->grain || h->grain & (h->grain - 1) ||
	    h->grain > VMDK_GRAIN_BYTES_MAX / VMDK_SECTOR)
		return err_set(e, -EUCLEAN,
			       "Invalid granularity, image may be corrupt: grains of %llu "
			       "sectors",
			       (unsigned long long)h->grain);
	grains = div_up(h->capacity, h->grain);
	h->gd_entries = div_up(grains, h->gt_entries);
	if (h->gd_entries > VMDK_GD_MAX)
		return err_set(e, -EFBIG, "L1 size too big: %llu grain tables",
			       (unsigned long long)h->gd_entries);
	return 0;
}

int vmdk_header_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e)
{
	*h = (struct vmdk_header){
		.version = load_le32(buf + 4),
		.flags = load_le32(buf + 8),
		.capacity = load_le64(buf + 12),
		.grain = load_le64(buf + 20),
		.desc_off = load_le64(buf + 28),
		.desc_len = load_le64(buf + 36),
		.gt_entries = load_le32(buf + 44),
		.entry_bytes = 4,
		.rgd_off = load_le64(buf + 48),
		.gd_off = load_le64(buf + 56),
		.overhead = load_le64(buf + 64),
		.compressed = load_le16(buf + 77) == 1,
	};
	if (vmdk_magic(buf, 4) != VMDK_KDMV)
		return err_set(e, -EINVAL, "Image not in VMDK format");
	if (h->version > 3)
		return err_set(e, -ENOTSUP, "Unsupported VMDK version %u", h->version);
	if (load_le16(buf + 77) > 1)
		return err_set(e, -ENOTSUP, "unknown compression %u", load_le16(buf + 77));
	/* 0a 20 0d 0a: a transfer as text changes them */
	if (h->flags & VMDK_FLAG_NEWLINES && memcmp(buf + 73, "\n \r\n", 4))
		return err_set(e, -EUCLEAN,
			       "the header's line ends were changed: the file "
			       "was copied as text");
	if (!h->gt_entries || h->gt_entries > VMDK_GT_ENTRIES)
		return err_set(e, -EUCLEAN, "%s: %u entries",
			       h->gt_entries ? "L2 table size too big"
					     : "L1 entry size is invalid",
			       h->gt_entries);
	if (!(h->flags & VMDK_FLAG_REDUNDANT))
		h->rgd_off = 0;
	return check_shape(h, e);
}

int vmdk_cowd_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e)
{
	uint32_t entries = load_le32(buf + 24);
	int r;

	*h = (struct vmdk_header){
		.version = load_le32(buf + 4),
		.flags = load_le32(buf + 8),
		.capacity = load_le32(buf + 12),
		.grain = load_le32(buf + 16),
		.gd_off = load_le32(buf + 20),
		.gt_entries = 4096,
		.entry_bytes = 4,
	};
	if (vmdk_magic(buf, 4) != VMDK_COWD)
		return err_set(e, -EINVAL, "Image not in VMDK format");
	if (h->version != 1)
		return err_set(e, -ENOTSUP, "Unsupported COWD version %u", h->version);
	r = check_shape(h, e);
	if (r == 0 && entries < h->gd_entries)
		r = err_set(e, -EUCLEAN,
			    "a grain directory of %u entries where the disk needs %llu",
			    entries, (unsigned long long)h->gd_entries);
	return r;
}

#define SE_MAGIC   UINT64_C(0xcafebabe)
#define SE_VMAGIC  UINT64_C(0xcafecafe)
#define SE_VERSION UINT64_C(0x200000001)

static int se_fixed(const uint8_t *buf, size_t at, const char *what, uint64_t want,
		    struct err *e)
{
	uint64_t v = load_le64(buf + at);

	if (v == want)
		return 0;
	return err_set(e, -ENOTSUP, "Unsupported %s: %#llx", what, (unsigned long long)v);
}

int vmdk_se_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e)
{
	uint64_t entries = load_le64(buf + 136);
	int r;

	*h = (struct vmdk_header){
		.capacity = load_le64(buf + 16),
		.grain = 8,
		.gt_entries = 4096,
		.entry_bytes = 8,
		.volatile_off = load_le64(buf + 80),
		.gd_off = load_le64(buf + 128),
		.gts_off = load_le64(buf + 144),
		.grains_off = load_le64(buf + 192),
	};
	if (load_le64(buf) != SE_MAGIC)
		return err_set(e, -EINVAL, "Bad const header magic: %#llx",
			       (unsigned long long)load_le64(buf));
	r = se_fixed(buf, 8, "version", SE_VERSION, e);
	if (r == 0)
		r = se_fixed(buf, 24, "grain size", 8, e);
	if (r == 0)
		r = se_fixed(buf, 32, "grain table size", 64, e);
	if (r == 0)
		r = se_fixed(buf, 40, "flags", 0, e);
	if (r == 0 && !zero_is(buf + 48, 32))
		r = err_set(e, -ENOTSUP, "Unsupported reserved bits");
	if (r == 0 && !zero_is(buf + 208, VMDK_SECTOR - 208))
		r = err_set(e, -ENOTSUP, "Unsupported non-zero const header padding");
	if (r == 0 && (h->gts_off > UINT32_MAX || h->grains_off >> 50 || h->gd_off >> 50 ||
		       h->volatile_off >> 50))
		r = err_set(e, -EUCLEAN, "a table lies past the end of any file");
	if (r == 0)
		r = check_shape(h, e);
	/* the size is in sectors of 64 entries */
	if (r == 0 && (entries > VMDK_GD_MAX || entries * 64 < h->gd_entries))
		r = err_set(e, -EUCLEAN,
			    "a grain directory of %llu sectors where the disk needs %llu "
			    "entries",
			    (unsigned long long)entries, (unsigned long long)h->gd_entries);
	return r;
}

int vmdk_se_volatile_check(const uint8_t *buf, struct err *e)
{
	if (load_le64(buf) != SE_VMAGIC)
		return err_set(e, -EINVAL, "Bad volatile header magic: %#llx",
			       (unsigned long long)load_le64(buf));
	if (load_le64(buf + 24))
		return err_set(e, -ENOTSUP, "Image is dirty, Replaying journal not supported");
	if (!zero_is(buf + 32, VMDK_SECTOR - 32))
		return err_set(e, -ENOTSUP, "Unsupported non-zero volatile header padding");
	return 0;
}

int vmdk_footer_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e)
{
	const uint8_t *footer = buf + VMDK_SECTOR, *eos = footer + VMDK_SECTOR;

	if (load_le32(buf + 8) || load_le32(buf + 12) != VMDK_MARKER_FOOTER || load_le64(eos) ||
	    load_le32(eos + 8) || load_le32(eos + 12) != VMDK_MARKER_EOS ||
	    vmdk_magic(footer, 4) != VMDK_KDMV)
		return err_set(e, -EUCLEAN,
			       "Invalid footer: the stream has been cut, or was not ended");
	return vmdk_header_parse(footer, h, e);
}

void vmdk_header_write(const struct vmdk_header *h, uint8_t *buf)
{
	memset(buf, 0, VMDK_SECTOR);
	memcpy(buf, "KDMV", 4);
	store_le32(buf + 4, h->version);
	store_le32(buf + 8, h->flags);
	store_le64(buf + 12, h->capacity);
	store_le64(buf + 20, h->grain);
	store_le64(buf + 28, h->desc_off);
	store_le64(buf + 36, h->desc_len);
	store_le32(buf + 44, h->gt_entries);
	store_le64(buf + 48, h->rgd_off);
	store_le64(buf + 56, h->gd_off);
	store_le64(buf + 64, h->overhead);
	memcpy(buf + 73, "\n \r\n", 4);
	store_le16(buf + 77, h->compressed);
}

void vmdk_marker_write(uint8_t *buf, uint64_t sectors, uint32_t type)
{
	memset(buf, 0, VMDK_SECTOR);
	store_le64(buf, sectors);
	store_le32(buf + 12, type);
}
