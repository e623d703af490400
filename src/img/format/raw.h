/* SPDX-License-Identifier: MIT */
/* Raw images: the file's bytes are the disk's, the last sector filled up with zeroes. */
#ifndef IMG_FORMAT_RAW_H
#define IMG_FORMAT_RAW_H

#include "img/img.h"

extern const struct img_format img_format_raw;

#endif
