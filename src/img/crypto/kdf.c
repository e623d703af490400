/* SPDX-License-Identifier: MIT */
#include "img/crypto/kdf.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"

#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/pbkdf2.h>
#include <nettle/ripemd160.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>
#include <time.h>

const struct nettle_hash *kdf_hash(const char *name)
{
	static const struct nettle_hash *const known[] = {
		&nettle_md5,    &nettle_sha1,   &nettle_sha224,    &nettle_sha256,
		&nettle_sha384, &nettle_sha512, &nettle_ripemd160,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i]->name, name))
			return known[i];
	return NULL;
}

/* The state of any of them. */
union hash_ctx {
	struct md5_ctx md5;
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
	struct ripemd160_ctx ripemd160;
};

struct hmac {
	const struct nettle_hash *h;
	union hash_ctx outer, inner, state;
};

static void update(void *ctx, size_t len, const uint8_t *data)
{
	struct hmac *m = ctx;

	m->h->update(&m->state, len, data);
}

static void digest(void *ctx, size_t len, uint8_t *out)
{
	struct hmac *m = ctx;

	hmac_digest(&m->outer, &m->inner, &m->state, m->h, len, out);
}

void kdf_pbkdf2(const struct nettle_hash *h, const void *password, size_t password_len,
		const uint8_t *salt, size_t salt_len, uint32_t iterations, uint8_t *out,
		size_t len)
{
	struct hmac m = { .h = h };

	hmac_set_key(&m.outer, &m.inner, &m.state, h, password_len, password);
	pbkdf2(&m, update, digest, h->digest_size, iterations, salt_len, salt, len, out);
	mem_wipe(&m, sizeof(m));
}

static uint64_t cpu_ns(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t kdf_pbkdf2_speed(const struct nettle_hash *h, size_t len)
{
	enum { ENOUGH_NS = 60 * 1000 * 1000, TRIES_MAX = 24 };
	uint8_t out[64], salt[32] = { 0 };
	uint32_t n = 1024;
	uint64_t ns = 0;

	if (len > sizeof(out))
		len = sizeof(out);
	/* a clock that stands still must not keep us for ever */
	for (unsigned i = 0; i < TRIES_MAX && n < UINT32_MAX / 2; i++, n *= 2) {
		uint64_t begin = cpu_ns();

		kdf_pbkdf2(h, "password", 8, salt, sizeof(salt), n, out, len);
		ns = cpu_ns() - begin;
		if (ns >= ENOUGH_NS)
			break;
	}
	mem_wipe(out, sizeof(out));
	return (uint64_t)((double)n * 1e9 / (double)(ns ? ns : 1));
}

/* ---- the splitter ---- */

/* Each piece of the size of a digest becomes the digest of its number and itself. */
static void diffuse(const struct nettle_hash *h, uint8_t *d, size_t len)
{
	union hash_ctx ctx;
	uint8_t number[4];

	for (size_t at = 0, i = 0; at < len; at += h->digest_size, i++) {
		size_t n = len - at < h->digest_size ? len - at : h->digest_size;

		store_be32(number, (uint32_t)i);
		h->init(&ctx);
		h->update(&ctx, sizeof(number), number);
		h->update(&ctx, n, d + at);
		h->digest(&ctx, n, d + at);
	}
	mem_wipe(&ctx, sizeof(ctx));
}

static void xor_into(uint8_t *d, const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		d[i] ^= s[i];
}

int kdf_split(const struct nettle_hash *h, const uint8_t *key, size_t len, unsigned stripes,
	      uint8_t *out, struct err *e)
{
	uint8_t *last = out + len * (stripes - 1);
	int r = random_bytes(out, len * (stripes - 1), e);

	if (r < 0)
		return r;
	memset(last, 0, len);
	for (unsigned i = 0; i + 1 < stripes; i++) {
		xor_into(last, out + len * i, len);
		diffuse(h, last, len);
	}
	xor_into(last, key, len);
	return 0;
}

void kdf_merge(const struct nettle_hash *h, const uint8_t *in, size_t len, unsigned stripes,
	       uint8_t *key)
{
	memset(key, 0, len);
	for (unsigned i = 0; i + 1 < stripes; i++) {
		xor_into(key, in + len * i, len);
		diffuse(h, key, len);
	}
	xor_into(key, in + len * (stripes - 1), len);
}
