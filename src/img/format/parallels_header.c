/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/parallels.h"

enum { SECTOR = 512 };

int parallels_header_parse(struct parallels_header *h, const uint8_t *p, struct err *e)
{
	bool old = !memcmp(p, "WithoutFreeSpace", 16), ext = !memcmp(p, "WithouFreSpacExt", 16);
	uint64_t size;

	if ((!old && !ext) || load_le32(p + 16) != 2)
		return err_set(e, -EINVAL, "Image not in Parallels format");
	*h = (struct parallels_header){
		.ext = ext,
		.tracks = load_le32(p + 28),
		.entries = load_le32(p + 32),
		.sectors = ext ? load_le64(p + 36) : load_le32(p + 36),
		.in_use = load_le32(p + 44),
		.data_off = load_le32(p + 48),
		.extension = load_le64(p + 56),
	};
	if (!h->tracks)
		return err_set(e, -EFBIG, "Invalid image: Zero sectors per track");
	if (h->tracks > INT32_MAX / 513)
		return err_set(e, -EFBIG, "Invalid image: Too big cluster");
	if (h->entries > INT32_MAX / 4)
		return err_set(e, -EFBIG, "Catalog too large");
	size = (uint64_t)h->entries * h->tracks;
	if (h->sectors > size || h->sectors > INT64_MAX / SECTOR)
		return err_set(
			e, -EUCLEAN,
			"Parallels image is damaged (disk of %llu sectors, and clusters for "
			"%llu)",
			(unsigned long long)h->sectors, (unsigned long long)size);
	return 0;
}
