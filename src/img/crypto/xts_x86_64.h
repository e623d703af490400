/* SPDX-License-Identifier: MIT */
/* AES-XTS (IEEE 1619) with AES-NI, for keys of 128 and 256 bits. */
#ifndef IMG_CRYPTO_XTS_X86_64_H
#define IMG_CRYPTO_XTS_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XTS_X86_ROUND_KEYS = 15 };

/* Aligned to 16 bytes. */
struct xts_x86 {
	uint8_t enc[XTS_X86_ROUND_KEYS][16];
	uint8_t dec[XTS_X86_ROUND_KEYS][16]; /* for the equivalent inverse cipher */
	uint8_t tweak[XTS_X86_ROUND_KEYS][16];
	unsigned rounds; /* 10 or 14 */
};

/* True if this processor and a key of that size are of use here. */
bool xts_x86_can(size_t key_bytes);
/* @key: the data key and behind it the tweak key, of @key_bytes each. */
void xts_x86_set_keys(struct xts_x86 *x, const uint8_t *key, size_t key_bytes);
void xts_x86_run(const struct xts_x86 *x, bool encrypt, const uint8_t *iv, uint8_t *dst,
		 const uint8_t *src, size_t len);

#endif
