/* SPDX-License-Identifier: MIT */
/* Base64, RFC 4648 section 4. */
#ifndef EMU_MONITOR_BASE64_H
#define EMU_MONITOR_BASE64_H

#include "base/str.h"

#include <stdint.h>

void base64_add(struct str *s, const uint8_t *p, size_t n);
/* @to has room for @len bytes.  -EINVAL: no base64, or padding that is not zero. */
int base64_decode(const char *text, size_t len, uint8_t *to, size_t *n, struct err *e)
	MUST_CHECK;

#endif
