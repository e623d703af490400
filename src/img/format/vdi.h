/* SPDX-License-Identifier: MIT */
/*
 * VirtualBox disk images, dynamic and fixed ("static"), version 1.1 with blocks of 1 MiB and without
 * parents: what QEMU reads.  docs/formats/vdi.md says how they are laid out.
 */
#ifndef IMG_FORMAT_VDI_H
#define IMG_FORMAT_VDI_H

#include "img/format/bat.h"

enum {
	VDI_HEADER = 512,
	VDI_BLOCK = 1 << 20,
	VDI_DYNAMIC = 1,
	VDI_STATIC = 2,
	VDI_BLOCKS_MAX = 0x1fffff80, /* a table that QEMU reads */
};

/* In a table: never written; given back. */
#define VDI_FREE      0xffffffffu
#define VDI_DISCARDED 0xfffffffeu

struct vdi_header {
	uint32_t type;
	uint32_t map_off, data_off;
	uint32_t blocks, allocated;
	uint64_t size; /* bytes, a multiple of 512 */
};

/* Checks every field of the first VDI_HEADER bytes of an image.  -EINVAL: not VDI; -ENOTSUP;
 * -EUCLEAN. */
int vdi_header_parse(struct vdi_header *h, const uint8_t *p, struct err *e) MUST_CHECK;
/* The header of a new image, with @uuids, 32 random bytes. */
void vdi_header_build(const struct vdi_header *h, const uint8_t *uuids, uint8_t *p);

int vdi_create(struct blk *file, struct blk *data, const struct img_create *c,
	       struct progress *p, struct err *e) MUST_CHECK;
int vdi_check(struct blk *b, struct img_check *c, struct err *e) MUST_CHECK;

struct vdi {
	struct bat bat; /* first */
	struct vdi_header h;
};

extern const struct img_format img_format_vdi;

#endif
