/* SPDX-License-Identifier: MIT */
/*
 * AES-XTS by the processor's own instructions, several blocks in flight.  Where it has none,
 * xts_aes_new() leaves *out NULL and cipher.c does it with nettle's AES.
 */
#ifndef IMG_CRYPTO_XTS_H
#define IMG_CRYPTO_XTS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XTS_BLOCK = 16 };

struct xts_aes;

/* @key: the data key and behind it the tweak key, of @key_bytes each. */
int xts_aes_new(const uint8_t *key, size_t key_bytes, struct xts_aes **out, struct err *e)
	MUST_CHECK;
void xts_aes_free(struct xts_aes *x);

/* @len is a multiple of XTS_BLOCK. */
void xts_aes_run(const struct xts_aes *x, bool encrypt, const uint8_t *iv, uint8_t *dst,
		 const uint8_t *src, size_t len);

#endif
