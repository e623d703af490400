/* SPDX-License-Identifier: MIT */
/* Finding bytes that are zero, as fast as memory delivers them. */
#ifndef BASE_ZERO_H
#define BASE_ZERO_H

#include <stddef.h>
#include <stdint.h>

/* True if all @len bytes are zero. */
int zero_is(const void *buf, size_t len);
/* How many bytes at the start of @buf are zero. */
size_t zero_prefix(const void *buf, size_t len);
/*
 * Length in bytes of the run at the start of @buf that is all zero (*zero = 1) or not
 * (*zero = 0), in whole units of @unit bytes (the last may be cut by the end of @buf).
 * A data run ends where @min_zero bytes or more of zero units follow, or
 * nothing but zero units to the end of @buf; zero units between data that are fewer belong to
 * it.  A run of zeroes at the start is zero however short.  0 only when @len is 0.
 */
size_t zero_run(const uint8_t *buf, size_t len, size_t unit, size_t min_zero, int *zero);

#endif
