/* SPDX-License-Identifier: MIT */
/* How info describes an image: one struct, printed as text or turned into JSON. */
#ifndef IMG_CMD_INFO_H
#define IMG_CMD_INFO_H

#include "img/img.h"

#include <jansson.h>

/* NULL: out of memory. */
json_t *info_json(const char *filename, const struct img_info *i);
void info_print(const char *filename, const struct img_info *i);
/* The table of "snapshot -l": heading and one line each. */
void info_print_snapshots(const struct img_snapshot *v, size_t n);

#endif
