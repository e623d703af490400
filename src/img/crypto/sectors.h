/* SPDX-License-Identifier: MIT */
/*
 * Encrypted sectors of 512 bytes: a cipher, and how the number of a sector becomes the vector
 * it begins with.  Does not change once made; any number of threads may use it.
 */
#ifndef IMG_CRYPTO_SECTORS_H
#define IMG_CRYPTO_SECTORS_H

#include "img/crypto/cipher.h"

enum { SECTOR_BYTES = 512 };

enum sectors_ivgen {
	IVGEN_PLAIN,   /* the number's low 32 bits, little-endian, then zeroes */
	IVGEN_PLAIN64, /* 64 bits of it */
	IVGEN_ESSIV,   /* those encrypted with a hash of the key */
};

/* "plain", "plain64", "essiv", in the order of the enum; ends with NULL. */
extern const char *const sectors_ivgens[];

struct sectors_spec {
	const struct cipher_type *cipher;
	enum cipher_mode mode;
	enum sectors_ivgen ivgen;
	const struct nettle_hash *iv_hash; /* IVGEN_ESSIV; else NULL or of no effect */
};

/* Finds out whether there is such a combination.  -ENOTSUP says why not. */
int sectors_check(const struct sectors_spec *s, struct err *e) MUST_CHECK;

struct sectors;

/* @key has cipher_key_bytes() bytes. */
int sectors_new(const struct sectors_spec *s, const uint8_t *key, struct sectors **out,
		struct err *e) MUST_CHECK;
void sectors_free(struct sectors *s);

/* Whole sectors, the first of number @first; @dst is @src or does not overlap it. */
void sectors_encrypt(const struct sectors *s, uint64_t first, uint8_t *dst, const uint8_t *src,
		     size_t len);
void sectors_decrypt(const struct sectors *s, uint64_t first, uint8_t *dst, const uint8_t *src,
		     size_t len);

#endif
