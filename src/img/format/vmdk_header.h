/* SPDX-License-Identifier: MIT */
/*
 * The headers of sparse extents: hosted ones ("KDMV"), those of old ESX servers ("COWD"), and
 * the SE sparse ones of newer ("seSparse").  Specification: "Virtual Disk Format 5.0", "Hosted
 * Sparse Extents" and "ESX Server Sparse Extents"; SE sparse is not documented, what is
 * known is that all numbers are what they always are.  Sectors are of 512 bytes.
 */
#ifndef IMG_FORMAT_VMDK_HEADER_H
#define IMG_FORMAT_VMDK_HEADER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VMDK_SECTOR = 512,
	VMDK_FLAG_NEWLINES = 1,   /* the header's line ends can be looked at */
	VMDK_FLAG_REDUNDANT = 2,  /* a second grain directory is there */
	VMDK_FLAG_ZERO_GRAIN = 4, /* table entries of 1 are zeroes */
	VMDK_FLAG_COMPRESSED = 1 << 16,
	VMDK_FLAG_MARKERS = 1 << 17,
	VMDK_GT_ENTRIES = 512,
	VMDK_GRAIN_SECTORS = 128, /* of the extents we make */
	VMDK_GD_MAX = 4 << 20,    /* entries of a grain directory */
	VMDK_GRAIN_BYTES_MAX = 2 << 20,
	VMDK_MARKER_EOS = 0,
	VMDK_MARKER_GT = 1,
	VMDK_MARKER_GD = 2,
	VMDK_MARKER_FOOTER = 3,
};

#define VMDK_GD_AT_END UINT64_MAX

enum vmdk_magic { VMDK_NONE, VMDK_KDMV, VMDK_COWD };

enum vmdk_magic vmdk_magic(const uint8_t *buf, size_t len);

/* What all of them boil down to. */
struct vmdk_header {
	uint32_t version, flags;
	uint64_t capacity;           /* sectors */
	uint64_t grain;              /* sectors, a power of two */
	uint64_t desc_off, desc_len; /* sectors; 0: no descriptor within */
	uint32_t gt_entries;         /* of one grain table */
	uint32_t entry_bytes;        /* 4, or 8 */
	uint64_t gd_off, rgd_off;    /* sectors; rgd 0: none; gd may be VMDK_GD_AT_END */
	uint64_t gd_entries;
	uint64_t overhead; /* sectors of metadata before the first grain */
	bool compressed;
	uint64_t gts_off, grains_off; /* SE sparse: what entries count from, in sectors */
	uint64_t volatile_off;        /* SE sparse: the other header */
};

/* @buf holds the first sector of the extent, or of its footer.  -EINVAL: not that kind;
 * -ENOTSUP, -EUCLEAN. */
int vmdk_header_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e) MUST_CHECK;
int vmdk_cowd_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e) MUST_CHECK;
int vmdk_se_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e) MUST_CHECK;
int vmdk_se_volatile_check(const uint8_t *buf, struct err *e) MUST_CHECK;
/* Three sectors: the footer's marker, the footer, the end of the stream.  -EINVAL. */
int vmdk_footer_parse(const uint8_t *buf, struct vmdk_header *h, struct err *e) MUST_CHECK;

/* Fills one sector; hosted extents. */
void vmdk_header_write(const struct vmdk_header *h, uint8_t *buf);
/* Fills one sector: @size 0 and one of VMDK_MARKER_*. */
void vmdk_marker_write(uint8_t *buf, uint64_t sectors, uint32_t type);

#endif
