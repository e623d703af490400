/* SPDX-License-Identifier: MIT */
/* Bytes nobody can guess, from the kernel. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

int random_bytes(void *buf, size_t len, struct err *e) MUST_CHECK;
/* A random UUID (RFC 9562, version 4), its 16 bytes in the order in which it is written. */
int random_uuid(uint8_t uuid[16], struct err *e) MUST_CHECK;

#endif
