/* SPDX-License-Identifier: MIT */
#include "img/crypto/xts_x86_64.h"

#include "base/compiler.h"

#include <immintrin.h>

#define AESNI __attribute__((target("aes,sse4.1")))

/* An AES instruction takes several cycles but a new one can start each cycle. */
enum { LANES = 8 };

bool xts_x86_can(size_t key_bytes)
{
	return (key_bytes == 16 || key_bytes == 32) && __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("sse4.1");
}

/* ---- key schedules (FIPS 197, 5.2) ---- */

/* Each word becomes the sum of itself and those before it. */
static AESNI __m128i spread(__m128i k)
{
	k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
	return _mm_xor_si128(k, _mm_slli_si128(k, 8));
}

/* SubWord and RotWord of the last word of @k, with the round constant, in all four words. */
static AESNI __m128i rotated(__m128i k, unsigned rcon)
{
	/* the instruction wants its constant fixed; it is only added to words 1 and 3 */
	__m128i g = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k, 0), 0xff);

	return _mm_xor_si128(g, _mm_set1_epi32((int)rcon));
}

static AESNI void expand(uint8_t keys[][16], const uint8_t *key, size_t key_bytes)
{
	__m128i *k = (__m128i *)(void *)keys;
	unsigned rcon = 1;

	k[0] = _mm_loadu_si128((const __m128i *)(const void *)key);
	if (key_bytes == 16) {
		for (unsigned i = 1; i <= 10; i++) {
			k[i] = _mm_xor_si128(spread(k[i - 1]), rotated(k[i - 1], rcon));
			rcon = rcon << 1 ^ (rcon >> 7) * 0x11b;
		}
		return;
	}
	k[1] = _mm_loadu_si128((const __m128i *)(const void *)(key + 16));
	for (unsigned i = 2; i <= 14; i++) {
		__m128i g;

		if (i % 2 == 0) {
			g = rotated(k[i - 1], rcon);
			rcon <<= 1;
		} else { /* SubWord alone */
			g = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k[i - 1], 0), 0xaa);
		}
		k[i] = _mm_xor_si128(spread(k[i - 2]), g);
	}
}

static AESNI void invert(uint8_t dec[][16], const uint8_t enc[][16], unsigned rounds)
{
	const __m128i *k = (const __m128i *)(const void *)enc;
	__m128i *d = (__m128i *)(void *)dec;

	d[0] = k[rounds];
	for (unsigned i = 1; i < rounds; i++)
		d[i] = _mm_aesimc_si128(k[rounds - i]);
	d[rounds] = k[0];
}

void xts_x86_set_keys(struct xts_x86 *x, const uint8_t *key, size_t key_bytes)
{
	x->rounds = key_bytes == 16 ? 10 : 14;
	expand(x->enc, key, key_bytes);
	invert(x->dec, (const uint8_t(*)[16])x->enc, x->rounds);
	expand(x->tweak, key + key_bytes, key_bytes);
}

/* ---- blocks ---- */

/* Times x in GF(2^128). */
static inline AESNI __m128i next_tweak(__m128i t)
{
	const __m128i poly = _mm_set_epi32(1, 1, 1, 0x87);
	/* the top bit of each word goes into the next one, that of the last comes back as 0x87 */
	__m128i carry = _mm_shuffle_epi32(_mm_srai_epi32(t, 31), 0x93);

	return _mm_xor_si128(_mm_slli_epi32(t, 1), _mm_and_si128(carry, poly));
}

static inline AESNI __m128i encrypt_one(const __m128i *k, unsigned rounds, __m128i b)
{
	b = _mm_xor_si128(b, k[0]);
	for (unsigned i = 1; i < rounds; i++)
		b = _mm_aesenc_si128(b, k[i]);
	return _mm_aesenclast_si128(b, k[rounds]);
}

static inline AESNI __m128i decrypt_one(const __m128i *k, unsigned rounds, __m128i b)
{
	b = _mm_xor_si128(b, k[0]);
	for (unsigned i = 1; i < rounds; i++)
		b = _mm_aesdec_si128(b, k[i]);
	return _mm_aesdeclast_si128(b, k[rounds]);
}

static inline AESNI __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline AESNI void store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)(void *)p, v);
}

/* Written out, for the blocks to be in registers at any level of optimization. */
#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)

#define TAKE(i)                                                                      \
	__m128i w##i = *t,                                                           \
		b##i = _mm_xor_si128(_mm_xor_si128(load(src + 16 * i), w##i), k[0]); \
	*t = next_tweak(*t);
#define ENC(i)     b##i = _mm_aesenc_si128(b##i, key);
#define DEC(i)     b##i = _mm_aesdec_si128(b##i, key);
#define ENC_PUT(i) store(dst + 16 * i, _mm_xor_si128(_mm_aesenclast_si128(b##i, key), w##i));
#define DEC_PUT(i) store(dst + 16 * i, _mm_xor_si128(_mm_aesdeclast_si128(b##i, key), w##i));

/* LANES blocks; @t: their first tweak, then the one behind them. */
static inline AESNI void encrypt_lanes(const __m128i *k, unsigned rounds, __m128i *t,
				       uint8_t *dst, const uint8_t *src)
{
	__m128i key;

	EACH(TAKE)
	for (unsigned r = 1; r < rounds; r++) {
		key = k[r];
		EACH(ENC)
	}
	key = k[rounds];
	EACH(ENC_PUT)
}

static inline AESNI void decrypt_lanes(const __m128i *k, unsigned rounds, __m128i *t,
				       uint8_t *dst, const uint8_t *src)
{
	__m128i key;

	EACH(TAKE)
	for (unsigned r = 1; r < rounds; r++) {
		key = k[r];
		EACH(DEC)
	}
	key = k[rounds];
	EACH(DEC_PUT)
}

AESNI void xts_x86_run(const struct xts_x86 *x, bool encrypt, const uint8_t *iv, uint8_t *dst,
		       const uint8_t *src, size_t len)
{
	const __m128i *k = (const __m128i *)(const void *)(encrypt ? x->enc : x->dec);
	__m128i t = encrypt_one((const __m128i *)(const void *)x->tweak, x->rounds, load(iv));

	for (; len >= LANES * 16; len -= LANES * 16, dst += LANES * 16, src += LANES * 16) {
		if (encrypt)
			encrypt_lanes(k, x->rounds, &t, dst, src);
		else
			decrypt_lanes(k, x->rounds, &t, dst, src);
	}
	for (; len; len -= 16, dst += 16, src += 16, t = next_tweak(t)) {
		__m128i b = _mm_xor_si128(load(src), t);

		b = encrypt ? encrypt_one(k, x->rounds, b) : decrypt_one(k, x->rounds, b);
		store(dst, _mm_xor_si128(b, t));
	}
}
