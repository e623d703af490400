/* SPDX-License-Identifier: MIT */
/*
 * Block ciphers in the modes that disk encryption uses.  A cipher with its key does not change
 * once it is made: any number of threads may use it at once.  Keys are wiped when it is freed.
 */
#ifndef IMG_CRYPTO_CIPHER_H
#define IMG_CRYPTO_CIPHER_H

#include "base/err.h"

#include <nettle/nettle-meta.h>
#include <stddef.h>
#include <stdint.h>

enum { CIPHER_BLOCK_MAX = 16, CIPHER_KEY_MAX = 64 /* XTS has two keys */ };

enum cipher_mode { CIPHER_ECB, CIPHER_CBC, CIPHER_XTS, CIPHER_CTR };

struct cipher_type {
	const char *name; /* as options and info have it: "aes-256" */
	const char *luks; /* as LUKS headers have it: "aes" */
	const struct nettle_cipher *c;
};

struct cipher;

/* By option; NULL: no such cipher. */
const struct cipher_type *cipher_find(const char *name);
/* By the name in a LUKS header and the size of the key (of one, where there are two). */
const struct cipher_type *cipher_find_luks(const char *name, size_t key_bytes);
/* True if some cipher has that name in LUKS headers. */
int cipher_is_luks_name(const char *name);

/* "ecb", "cbc", "xts", "ctr", in the order of the enum; ends with NULL. */
extern const char *const cipher_modes[];

/* How many bytes a key has: XTS takes two. */
size_t cipher_key_bytes(const struct cipher_type *t, enum cipher_mode m);

/* @key has cipher_key_bytes() bytes.  -ENOTSUP: XTS needs blocks of 16 bytes. */
int cipher_new(const struct cipher_type *t, enum cipher_mode m, const uint8_t *key,
	       struct cipher **out, struct err *e) MUST_CHECK;
void cipher_free(struct cipher *c);

size_t cipher_block(const struct cipher *c);

/*
 * @len is a multiple of the block size; @dst is @src or does not overlap it.  @iv has
 * cipher_block() bytes and is not looked at by ECB.
 */
void cipher_encrypt(const struct cipher *c, const uint8_t *iv, uint8_t *dst, const uint8_t *src,
		    size_t len);
void cipher_decrypt(const struct cipher *c, const uint8_t *iv, uint8_t *dst, const uint8_t *src,
		    size_t len);

#endif
