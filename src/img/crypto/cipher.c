/* SPDX-License-Identifier: MIT */
#include "img/crypto/cipher.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/crypto/xts.h"

#include <nettle/aes.h>
#include <nettle/cast128.h>
#include <nettle/cbc.h>
#include <nettle/ctr.h>
#include <nettle/serpent.h>
#include <nettle/twofish.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct cipher_type types[] = {
	{ "aes-128", "aes", &nettle_aes128 },
	{ "aes-192", "aes", &nettle_aes192 },
	{ "aes-256", "aes", &nettle_aes256 },
	{ "cast5-128", "cast5", &nettle_cast128 },
	{ "serpent-128", "serpent", &nettle_serpent128 },
	{ "serpent-192", "serpent", &nettle_serpent192 },
	{ "serpent-256", "serpent", &nettle_serpent256 },
	{ "twofish-128", "twofish", &nettle_twofish128 },
	{ "twofish-192", "twofish", &nettle_twofish192 },
	{ "twofish-256", "twofish", &nettle_twofish256 },
};

const char *const cipher_modes[] = { "ecb", "cbc", "xts", "ctr", NULL };

const struct cipher_type *cipher_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

const struct cipher_type *cipher_find_luks(const char *name, size_t key_bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].luks, name) && types[i].c->key_size == key_bytes)
			return &types[i];
	return NULL;
}

int cipher_is_luks_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].luks, name))
			return 1;
	return 0;
}

size_t cipher_key_bytes(const struct cipher_type *t, enum cipher_mode m)
{
	return t->c->key_size * (m == CIPHER_XTS ? 2 : 1);
}

/* The schedules are allocated apart: their sizes are nettle's. */
struct cipher {
	const struct nettle_cipher *c;
	enum cipher_mode mode;
	void *enc, *dec, *tweak; /* tweak: XTS alone */
	struct xts_aes *fast;    /* where the processor has instructions for it, else NULL */
};

static int schedule(const struct nettle_cipher *c, nettle_set_key_func *set, const uint8_t *key,
		    void **out, struct err *e)
{
	*out = mem_aligned(16, c->context_size, e);
	if (!*out)
		return -ENOMEM;
	memset(*out, 0, c->context_size);
	set(*out, key);
	return 0;
}

int cipher_new(const struct cipher_type *t, enum cipher_mode m, const uint8_t *key,
	       struct cipher **out, struct err *e)
{
	struct cipher *c;
	int r;

	if (m == CIPHER_XTS && t->c->block_size != XTS_BLOCK)
		return err_set(e, -ENOTSUP, "Unsupported cipher mode %s", cipher_modes[m]);
	c = mem_zalloc(1, sizeof(*c), e);
	if (!c)
		return -ENOMEM;
	c->c = t->c;
	c->mode = m;
	r = schedule(t->c, t->c->set_encrypt_key, key, &c->enc, e);
	if (r == 0)
		r = schedule(t->c, t->c->set_decrypt_key, key, &c->dec, e);
	if (r == 0 && m == CIPHER_XTS)
		r = schedule(t->c, t->c->set_encrypt_key, key + t->c->key_size, &c->tweak, e);
	if (r == 0 && m == CIPHER_XTS && !strcmp(t->luks, "aes"))
		r = xts_aes_new(key, t->c->key_size, &c->fast, e);
	if (r < 0)
		cipher_free(c);
	else
		*out = c;
	return r;
}

static void drop(void *schedule, size_t len)
{
	if (schedule)
		mem_wipe(schedule, len);
	free(schedule);
}

void cipher_free(struct cipher *c)
{
	if (!c)
		return;
	drop(c->enc, c->c->context_size);
	drop(c->dec, c->c->context_size);
	drop(c->tweak, c->c->context_size);
	xts_aes_free(c->fast);
	free(c);
}

size_t cipher_block(const struct cipher *c)
{
	return c->c->block_size;
}

/* ---- XTS over any cipher ---- */

/* Times x in GF(2^128), bytes in order of significance. */
static void xts_double(uint64_t t[2])
{
	uint64_t carry = t[1] >> 63;

	t[1] = t[1] << 1 | t[0] >> 63;
	t[0] = t[0] << 1 ^ (carry * 0x87);
}

static void xor_words(uint8_t *dst, const uint8_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t v;

		memcpy(&v, a + 8 * i, sizeof(v));
		v ^= b[i];
		memcpy(dst + 8 * i, &v, sizeof(v));
	}
}

/* Many blocks are given to nettle at once: one after the other each would wait for the one
 * before to come out of the processor. */
static void xts(const struct cipher *c, bool encrypt, const uint8_t *iv, uint8_t *dst,
		const uint8_t *src, size_t len)
{
	enum { BATCH = 32 };
	nettle_cipher_func *fn = encrypt ? c->c->encrypt : c->c->decrypt;
	const void *ctx = encrypt ? c->enc : c->dec;
	uint8_t first[XTS_BLOCK];
	uint64_t tweaks[BATCH * 2], t[2];

	c->c->encrypt(c->tweak, XTS_BLOCK, first, iv);
	t[0] = load_le64(first);
	t[1] = load_le64(first + 8);
	while (len) {
		size_t n = len / XTS_BLOCK < BATCH ? len / XTS_BLOCK : BATCH;

		for (size_t i = 0; i < n; i++) {
			store_le64((uint8_t *)&tweaks[2 * i], t[0]);
			store_le64((uint8_t *)&tweaks[2 * i + 1], t[1]);
			xts_double(t);
		}
		xor_words(dst, src, tweaks, 2 * n);
		fn(ctx, n * XTS_BLOCK, dst, dst);
		xor_words(dst, dst, tweaks, 2 * n);
		dst += n * XTS_BLOCK;
		src += n * XTS_BLOCK;
		len -= n * XTS_BLOCK;
	}
}

/* ---- all modes ---- */

static void run(const struct cipher *c, bool encrypt, const uint8_t *iv, uint8_t *dst,
		const uint8_t *src, size_t len)
{
	nettle_cipher_func *fn = encrypt ? c->c->encrypt : c->c->decrypt;
	const void *ctx = encrypt ? c->enc : c->dec;
	uint8_t copy[CIPHER_BLOCK_MAX];

	if (c->mode != CIPHER_ECB)
		memcpy(copy, iv, c->c->block_size);
	switch (c->mode) {
	case CIPHER_ECB:
		fn(ctx, len, dst, src);
		break;
	case CIPHER_CBC:
		(encrypt ? cbc_encrypt : cbc_decrypt)(ctx, fn, c->c->block_size, copy, len, dst,
						      src);
		break;
	case CIPHER_CTR: /* its own inverse */
		ctr_crypt(c->enc, c->c->encrypt, c->c->block_size, copy, len, dst, src);
		break;
	case CIPHER_XTS:
		if (c->fast)
			xts_aes_run(c->fast, encrypt, iv, dst, src, len);
		else
			xts(c, encrypt, iv, dst, src, len);
		break;
	}
}

void cipher_encrypt(const struct cipher *c, const uint8_t *iv, uint8_t *dst, const uint8_t *src,
		    size_t len)
{
	run(c, true, iv, dst, src, len);
}

void cipher_decrypt(const struct cipher *c, const uint8_t *iv, uint8_t *dst, const uint8_t *src,
		    size_t len)
{
	run(c, false, iv, dst, src, len);
}
