/* SPDX-License-Identifier: MIT */
#include "img/crypto/sectors.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdlib.h>

const char *const sectors_ivgens[] = { "plain", "plain64", "essiv", NULL };

struct sectors {
	struct cipher *cipher, *essiv;
	enum sectors_ivgen ivgen;
};

/* What encrypts the numbers: the same cipher with a key of the size of the digest. */
static const struct cipher_type *essiv_type(const struct sectors_spec *s)
{
	return cipher_find_luks(s->cipher->luks, s->iv_hash->digest_size);
}

int sectors_check(const struct sectors_spec *s, struct err *e)
{
	static const struct {
		const char *luks, *shown;
	} names[] = { { "aes", "AES" }, { "serpent", "Serpent" }, { "twofish", "Twofish" } };

	if (s->mode == CIPHER_XTS && s->cipher->c->block_size != CIPHER_BLOCK_MAX)
		return err_set(e, -ENOTSUP, "Unsupported cipher mode %s",
			       cipher_modes[s->mode]);
	if (s->ivgen != IVGEN_ESSIV)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].luks, s->cipher->luks))
			continue;
		return essiv_type(s)
			       ? 0
			       : err_set(e, -ENOTSUP, "No %s cipher with key size %u available",
					 names[i].shown, s->iv_hash->digest_size);
	}
	return err_set(e, -ENOTSUP, "Cipher %s not supported with essiv", s->cipher->name);
}

static int make_essiv(const struct sectors_spec *spec, const uint8_t *key, struct sectors *s,
		      struct err *e)
{
	const struct nettle_hash *h = spec->iv_hash;
	uint8_t salt[SHA512_DIGEST_SIZE];
	void *ctx = mem_zalloc(1, h->context_size, e);
	int r;

	if (!ctx)
		return -ENOMEM;
	h->init(ctx);
	h->update(ctx, cipher_key_bytes(spec->cipher, spec->mode), key);
	h->digest(ctx, h->digest_size, salt);
	mem_wipe(ctx, h->context_size);
	free(ctx);
	r = cipher_new(essiv_type(spec), CIPHER_ECB, salt, &s->essiv, e);
	mem_wipe(salt, sizeof(salt));
	return r;
}

int sectors_new(const struct sectors_spec *spec, const uint8_t *key, struct sectors **out,
		struct err *e)
{
	struct sectors *s;
	int r = sectors_check(spec, e);

	if (r < 0)
		return r;
	s = mem_zalloc(1, sizeof(*s), e);
	if (!s)
		return -ENOMEM;
	s->ivgen = spec->ivgen;
	r = cipher_new(spec->cipher, spec->mode, key, &s->cipher, e);
	if (r == 0 && spec->ivgen == IVGEN_ESSIV)
		r = make_essiv(spec, key, s, e);
	if (r < 0)
		sectors_free(s);
	else
		*out = s;
	return r;
}

void sectors_free(struct sectors *s)
{
	if (!s)
		return;
	cipher_free(s->cipher);
	cipher_free(s->essiv);
	free(s);
}

static void make_iv(const struct sectors *s, uint64_t number, uint8_t iv[CIPHER_BLOCK_MAX])
{
	memset(iv, 0, CIPHER_BLOCK_MAX);
	if (s->ivgen == IVGEN_PLAIN)
		store_le32(iv, (uint32_t)number);
	else
		store_le64(iv, number);
	if (s->ivgen == IVGEN_ESSIV)
		cipher_encrypt(s->essiv, NULL, iv, iv, cipher_block(s->essiv));
}

void sectors_encrypt(const struct sectors *s, uint64_t first, uint8_t *dst, const uint8_t *src,
		     size_t len)
{
	uint8_t iv[CIPHER_BLOCK_MAX];

	for (size_t at = 0; at < len; at += SECTOR_BYTES) {
		make_iv(s, first++, iv);
		cipher_encrypt(s->cipher, iv, dst + at, src + at, SECTOR_BYTES);
	}
}

void sectors_decrypt(const struct sectors *s, uint64_t first, uint8_t *dst, const uint8_t *src,
		     size_t len)
{
	uint8_t iv[CIPHER_BLOCK_MAX];

	for (size_t at = 0; at < len; at += SECTOR_BYTES) {
		make_iv(s, first++, iv);
		cipher_decrypt(s->cipher, iv, dst + at, src + at, SECTOR_BYTES);
	}
}
