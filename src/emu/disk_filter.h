/* SPDX-License-Identifier: MIT */
/*
 * A node before the image of a disk, where one is needed:
 *
 * - The image is raw because nothing else claimed its first bytes.  A guest that wrote the header
 *   of another format there would choose what the host opens next time, a backing file among it;
 *   such writes are refused (-EPERM).
 * - Writes of nothing but zeroes become requests to zero (detect-zeroes=).
 */
#ifndef EMU_DISK_FILTER_H
#define EMU_DISK_FILTER_H

#include "emu/config.h"
#include "img/blk.h"

/* Puts a filter before *@b, or none if it needs none; warns where writes may be refused.  Closes
 * *@b on failure. */
int disk_filter(struct blk **b, enum disk_zeroes zeroes, const char *file, struct err *e)
	MUST_CHECK;
/* The image itself.  The filter has no format, and shows its size and its flags. */
struct blk *disk_image(struct blk *b);

/* Whether writes of nothing but zeroes shall be disk_write_zeroes(); who has a write in pieces
 * looks at all of them, the filter at each write that it gets. */
bool disk_finds_zeroes(const struct blk *b);
bool disk_all_zero(const uint8_t *p, size_t n);
int disk_write_zeroes(struct blk *b, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;

#endif
