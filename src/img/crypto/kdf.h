/* SPDX-License-Identifier: MIT */
/*
 * Keys from passwords: hashes by name, PBKDF2 (RFC 8018) with HMAC, and the splitter of LUKS1
 * (on-disk format 1.2.3, section 2.4), which blows a key up so that no part of it must be
 * left on the disk for it to be lost.
 */
#ifndef IMG_CRYPTO_KDF_H
#define IMG_CRYPTO_KDF_H

#include "base/err.h"

#include <nettle/nettle-meta.h>
#include <stddef.h>
#include <stdint.h>

/* "sha256" and so on, as LUKS headers and options have them; NULL: none of that name. */
const struct nettle_hash *kdf_hash(const char *name);

/* @iterations is at least 1. */
void kdf_pbkdf2(const struct nettle_hash *h, const void *password, size_t password_len,
		const uint8_t *salt, size_t salt_len, uint32_t iterations, uint8_t *out,
		size_t len);

/* How many iterations this processor does in a second for a key of @len bytes; takes a few
 * hundredths of one to find out. */
uint64_t kdf_pbkdf2_speed(const struct nettle_hash *h, size_t len);

/* @out has @len * @stripes bytes.  -EIO: no random numbers. */
int kdf_split(const struct nettle_hash *h, const uint8_t *key, size_t len, unsigned stripes,
	      uint8_t *out, struct err *e) MUST_CHECK;
void kdf_merge(const struct nettle_hash *h, const uint8_t *in, size_t len, unsigned stripes,
	       uint8_t *key);

#endif
