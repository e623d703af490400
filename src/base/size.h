/* SPDX-License-Identifier: MIT */
/* Byte sizes as people write and read them. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include "base/err.h"

#include <stdint.h>

/*
 * Parses "1024", "4K", "1.5G", "0x10000": decimal with an optional fraction, or
 * hexadecimal without; suffix b k K M G T P E (powers of 1024), either case;
 * @unit is the suffix that a bare number has ('b' for bytes).
 * -EINVAL: not a size; -ERANGE: does not fit 63 bits.
 */
int size_parse(const char *text, char unit, uint64_t *out, struct err *e) MUST_CHECK;

/* Writes "64 KiB", "1.5 GiB", "512 B" the way qemu-img does: three significant
 * digits.  @out holds at least SIZE_TEXT bytes.  Returns @out. */
#define SIZE_TEXT 32
char *size_human(uint64_t bytes, char out[SIZE_TEXT]);

#endif
