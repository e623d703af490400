/* SPDX-License-Identifier: MIT */
/* LUKS1 volumes as QEMU and cryptsetup make them: a header with key slots, then the disk,
 * each sector encrypted.  docs/formats/luks.md says what is taken. */
#ifndef IMG_FORMAT_LUKS_H
#define IMG_FORMAT_LUKS_H

#include "img/img.h"

extern const struct img_format img_format_luks;

#endif
