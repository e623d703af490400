/* SPDX-License-Identifier: MIT */
/*
 * Pieces of guest memory that one transfer of a disk goes through, and the transfer.  The guest
 * chose every address and length: pieces are checked when they are added, and all lie in
 * memory.
 */
#ifndef EMU_SG_H
#define EMU_SG_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SG_MAX    256        /* pieces at a time */
#define SG_BOUNCE (1u << 20) /* bytes of a buffer for small pieces */

struct blk;
struct mem;

struct sg_seg {
	uint8_t *host;
	uint64_t gpa;
	size_t len;
};

struct sg {
	unsigned n;
	size_t len; /* of all */
	struct sg_seg seg[SG_MAX];
};

/* A way through pieces. */
struct sg_cursor {
	struct sg_seg *seg;
	unsigned n;
	size_t skip; /* of the first */
};

/* Adds as much of [gpa, gpa + len) as there is room for: bytes added, or -EFAULT where a byte is
 * not memory (@write: that a device may write to). */
int64_t sg_add(struct sg *s, const struct mem *m, uint64_t gpa, uint64_t len, bool write)
	MUST_CHECK;

static inline void sg_start(struct sg_cursor *c, struct sg *s)
{
	*c = (struct sg_cursor){ s->seg, s->n, 0 };
}

/* Copies at most @len bytes on along the way, to the guest or from it; bytes copied. */
size_t sg_copy(struct sg_cursor *c, struct mem *m, void *buf, size_t len, bool to_guest);

/*
 * Moves @len bytes between the image at @off and the pieces.  Large pieces go by themselves,
 * small ones are gathered in *@bounce, which is allocated when it is first needed (the caller
 * frees it).  0, or a negative errno of the image's; -EINVAL: the pieces are shorter.
 */
int sg_transfer(struct sg_cursor *c, struct mem *m, struct blk *image, uint64_t off, size_t len,
		bool read, uint8_t **bounce) MUST_CHECK;

#endif
