/* SPDX-License-Identifier: MIT */
/* Header extensions: the part of qcow2_header.h that is a list of type, length, bytes. */
#ifndef IMG_FORMAT_QCOW2_EXT_H
#define IMG_FORMAT_QCOW2_EXT_H

#include "img/format/qcow2_header.h"

enum { QCOW2_FEATURE_NAME = 46 }; /* bytes of a name in the feature table, maybe without NUL */

/* The name that the feature table in @buf, whose extensions start at @pos, gives to bit @bit
 * of kind 0 (incompatible), 1 (compatible) or 2 (autoclear).  False: none. */
bool qcow2_ext_feature_name(const uint8_t *buf, size_t pos, size_t len, unsigned kind,
			    unsigned bit, char name[QCOW2_FEATURE_NAME + 1]);
/* Writes all extensions of @h and the end mark at *pos, and moves it past them.
 * -ENOSPC: they do not fit below @end. */
int qcow2_ext_write(const struct qcow2_header *h, uint8_t *buf, size_t *pos, size_t end,
		    struct err *e) MUST_CHECK;

#endif
