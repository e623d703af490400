/* SPDX-License-Identifier: MIT */
/* The copying itself, once sources and destination are open.  Part of convert. */
#ifndef IMG_CONVERT_COPY_H
#define IMG_CONVERT_COPY_H

#include "img/convert.h"

/*
 * Copies all sources into @dst.  @zero_init: @dst reads as zeroes where nothing was
 * written.  @backing: what @dst has as backing image gives the bytes that the
 * topmost source image does not hold itself; its size is @backing_size.
 */
int convert_copy(struct img_convert *c, struct blk *dst, bool zero_init, bool backing,
		 uint64_t backing_size, struct err *e) MUST_CHECK;

#endif
