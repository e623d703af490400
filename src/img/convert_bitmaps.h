/* SPDX-License-Identifier: MIT */
/* Persistent bitmaps go along with the bytes they speak of. */
#ifndef IMG_CONVERT_BITMAPS_H
#define IMG_CONVERT_BITMAPS_H

#include "img/convert.h"

/* Before anything is made: are there bitmaps that cannot be copied, and is the new image of
 * a kind that has any?  -EINVAL, -ENOTSUP, -EUCLEAN. */
int convert_bitmaps_check(const struct img_convert *c, struct err *e) MUST_CHECK;
/* After the bytes, so that these leave no marks. */
int convert_bitmaps(const struct img_convert *c, struct blk *dst, struct err *e) MUST_CHECK;

#endif
