/* SPDX-License-Identifier: MIT */
/*
 * Growing disk images of Bochs (redologs), versions 1 and 2, for reading.  docs/formats/bochs.md
 * says how they are laid out.
 */
#ifndef IMG_FORMAT_BOCHS_H
#define IMG_FORMAT_BOCHS_H

#include "img/img.h"

enum {
	BOCHS_HEADER = 512,
	BOCHS_SECTOR = 512,
	BOCHS_CATALOG_MAX = 0x100000, /* entries */
	BOCHS_EXTENT_MAX = 0x800000,  /* bytes, and those of an extent's bitmap at most: */
	BOCHS_BITMAP_MAX = BOCHS_EXTENT_MAX / BOCHS_SECTOR / 8,
};

/* In a catalog: an extent that was never written. */
#define BOCHS_FREE 0xffffffffu

struct bochs_header {
	uint32_t catalog_off; /* bytes from the file's start */
	uint32_t catalog;     /* entries */
	uint32_t bitmap;      /* bytes that precede an extent in the file, whole sectors */
	uint32_t extent;      /* bytes, a power of two */
	uint64_t size;        /* bytes, a multiple of 512 */
};

/* Do the BOCHS_HEADER bytes at @p say that they are those of such an image? */
bool bochs_is_growing(const uint8_t *p);
/* Checks every field of the first BOCHS_HEADER bytes of an image; @name is the file's, for
 * messages.  -EINVAL: not Bochs, or no such disk; -EFBIG; -EUCLEAN.  Any thread. */
int bochs_header_parse(struct bochs_header *h, const uint8_t *p, const char *name,
		       struct err *e) MUST_CHECK;

extern const struct img_format img_format_bochs;

#endif
