/* SPDX-License-Identifier: MIT */
/*
 * Virtual PC and Hyper-V disk images (VHD), dynamic and fixed; differencing ones are refused.
 * docs/formats/vpc.md says how they are laid out.
 */
#ifndef IMG_FORMAT_VPC_H
#define IMG_FORMAT_VPC_H

#include "img/format/bat.h"

enum {
	VPC_FOOTER = 512, /* bytes; also the copy at the start of a dynamic image */
	VPC_HEADER = 1024,
	VPC_FIXED = 2,
	VPC_DYNAMIC = 3,
	VPC_DIFFERENCING = 4,
};
#define VPC_FREE        0xffffffffu
#define VPC_SECTORS_MAX 0xff000000ull         /* 2040 GiB */
#define VPC_CHS_MAX     (65535ull * 16 * 255) /* sectors: the geometry says no more than that */

struct vpc_footer {
	uint32_t type;
	uint64_t header_off; /* dynamic */
	uint64_t size;       /* bytes, a multiple of 512 */
};

/* By what the size is told: by the geometry or by the field for it. */
enum vpc_size { VPC_SIZE_AUTO, VPC_SIZE_CHS, VPC_SIZE_FIELD };

struct vpc_header {
	uint64_t map_off;
	uint32_t entries, block_size;
};

/* -EINVAL: no footer there, or its checksum is wrong; -ENOTSUP; -EFBIG. */
int vpc_footer_parse(struct vpc_footer *f, const uint8_t *p, enum vpc_size by, struct err *e)
	MUST_CHECK;
/* For a disk of @size bytes; @p has VPC_HEADER bytes. */
int vpc_header_parse(struct vpc_header *h, const uint8_t *p, uint64_t size, struct err *e)
	MUST_CHECK;

struct vpc_geometry {
	uint16_t cylinders;
	uint8_t heads, sectors;
};

/* The geometry of a disk of @sectors, by the rules of the specification. */
struct vpc_geometry vpc_geometry(uint64_t sectors);

int vpc_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e) MUST_CHECK;

extern const struct img_format img_format_vpc;

#endif
