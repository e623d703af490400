/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/bochs.h"

#include <string.h>

enum { VERSION_1 = 0x00010000, VERSION_2 = 0x00020000 };

static int refuse(struct err *e, int code, const char *name, const char *text, uint32_t value)
{
	return err_set(e, code, "%s: %s (%u)", name, text, value);
}

/* The NULs that end the three names belong to them. */
bool bochs_is_growing(const uint8_t *p)
{
	static const char magic[] = "Bochs Virtual HD Image", type[] = "Redolog";
	static const char subtype[] = "Growing";
	uint32_t version = load_le32(p + 64);

	return !memcmp(p, magic, sizeof(magic)) && !memcmp(p + 32, type, sizeof(type)) &&
	       !memcmp(p + 48, subtype, sizeof(subtype)) &&
	       (version == VERSION_1 || version == VERSION_2);
}

int bochs_header_parse(struct bochs_header *h, const uint8_t *p, const char *name,
		       struct err *e)
{
	uint32_t bitmap = load_le32(p + 76);
	uint64_t disk = load_le64(p + (load_le32(p + 64) == VERSION_1 ? 84 : 88));

	if (!bochs_is_growing(p))
		return err_set(e, -EINVAL, "Image not in Bochs format");
	*h = (struct bochs_header){
		.catalog_off = load_le32(p + 68),
		.catalog = load_le32(p + 72),
		.extent = load_le32(p + 80),
		.size = round_down(disk, BOCHS_SECTOR),
	};
	if (h->catalog_off < BOCHS_HEADER)
		return refuse(e, -EUCLEAN, name, "the catalog lies in the header",
			      h->catalog_off);
	if (h->catalog > BOCHS_CATALOG_MAX)
		return err_set(e, -EFBIG, "Catalog size is too large");
	if (h->extent < BOCHS_SECTOR)
		return err_set(e, -EINVAL, "Extent size must be at least %d", BOCHS_SECTOR);
	if (h->extent & (h->extent - 1))
		return err_set(e, -EINVAL, "Extent size %u is not a power of two", h->extent);
	if (h->extent > BOCHS_EXTENT_MAX)
		return err_set(e, -EINVAL, "Extent size %u is too large", h->extent);
	if (bitmap > BOCHS_EXTENT_MAX)
		return refuse(e, -EUCLEAN, name, "the bitmap of an extent is too large",
			      bitmap);
	h->bitmap = (uint32_t)round_up(bitmap, BOCHS_SECTOR);
	/* Bytes of the disk are not bits that say which of them are there. */
	if ((uint64_t)h->bitmap * 8 < h->extent / BOCHS_SECTOR)
		return refuse(e, -EUCLEAN, name, "the bitmap of an extent is too small",
			      bitmap);
	if (h->size / h->extent + (h->size % h->extent != 0) > h->catalog)
		return err_set(e, -EINVAL, "Catalog size is too small for this disk size");
	return 0;
}
