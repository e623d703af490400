/* SPDX-License-Identifier: MIT */
/* Ciphers, sectors and key derivation against published vectors and against nettle. */
#include "img/crypto/kdf.h"
#include "img/crypto/sectors.h"
#include "img/crypto/xts.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <nettle/xts.h>
#include <string.h>

static void fill(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (uint8_t)(seed ^ seed >> 16);
	}
}

/* Whatever does it here, by instruction or not, does what nettle's own XTS does. */
static void xts_is_nettles(void **state)
{
	static const size_t lens[] = { 16, 32, 112, 128, 144, 512, 528, 4096 };
	uint8_t key[64], iv[16], in[4096], want[4096], got[4096];
	struct xts_aes256_key k256;
	struct xts_aes128_key k128;

	for (unsigned round = 0; round < 40; round++) {
		size_t len = lens[round % ARRAY_SIZE(lens)];
		const struct cipher_type *t = cipher_find(round & 1 ? "aes-128" : "aes-256");
		struct cipher *c = NULL;
		struct err e = { 0 };

		fill(key, sizeof(key), round);
		fill(iv, sizeof(iv), round + 1000);
		fill(in, sizeof(in), round + 2000);
		if (round & 1) {
			xts_aes128_set_encrypt_key(&k128, key);
			xts_aes128_encrypt_message(&k128, iv, len, want, in);
		} else {
			xts_aes256_set_encrypt_key(&k256, key);
			xts_aes256_encrypt_message(&k256, iv, len, want, in);
		}
		assert_int_equal(cipher_new(t, CIPHER_XTS, key, &c, &e), 0);
		cipher_encrypt(c, iv, got, in, len);
		assert_memory_equal(got, want, len);
		cipher_decrypt(c, iv, got, got, len);
		assert_memory_equal(got, in, len);
		cipher_free(c);
	}
}

static int make(const char *cipher, enum cipher_mode mode, enum sectors_ivgen ivgen,
		const char *hash, const uint8_t *key, struct sectors **out)
{
	const struct sectors_spec s = { .cipher = cipher_find(cipher),
					.mode = mode,
					.ivgen = ivgen,
					.iv_hash = kdf_hash(hash) };
	struct err e = { 0 };

	assert_non_null(s.cipher);
	return sectors_new(&s, key, out, &e);
}

static void every_mode_comes_back(void **state)
{
	static const char *const ciphers[] = { "aes-128",     "aes-192",     "aes-256",
					       "cast5-128",   "serpent-128", "serpent-192",
					       "serpent-256", "twofish-128", "twofish-192",
					       "twofish-256" };
	uint8_t key[64], in[1536], out[1536], again[1536];

	fill(key, sizeof(key), 1);
	fill(in, sizeof(in), 2);
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		for (enum cipher_mode m = CIPHER_ECB; m <= CIPHER_CTR; m++) {
			struct sectors *s = NULL;
			int r = make(ciphers[i], m, IVGEN_PLAIN64, "sha256", key, &s);

			if (m == CIPHER_XTS && !strcmp(ciphers[i], "cast5-128")) {
				assert_int_equal(r, -ENOTSUP);
				continue;
			}
			assert_int_equal(r, 0);
			sectors_encrypt(s, 7, out, in, sizeof(in));
			assert_memory_not_equal(out, in, 16);
			/* in two parts, in place */
			memcpy(again, out, sizeof(again));
			sectors_decrypt(s, 7, again, again, 512);
			sectors_decrypt(s, 8, again + 512, again + 512, 1024);
			assert_memory_equal(again, in, sizeof(in));
			sectors_free(s);
		}
	}
}

static void vectors_tell_sectors_apart(void **state)
{
	uint8_t key[64], zero[512] = { 0 }, a[512], b[512];
	struct sectors *s = NULL;

	fill(key, sizeof(key), 3);
	assert_int_equal(make("aes-256", CIPHER_CBC, IVGEN_PLAIN, "sha256", key, &s), 0);
	sectors_encrypt(s, 1, a, zero, 512);
	sectors_encrypt(s, (1ull << 32) + 1, b, zero, 512);
	assert_memory_equal(a, b, 512);
	sectors_free(s);
	assert_int_equal(make("aes-256", CIPHER_CBC, IVGEN_PLAIN64, "sha256", key, &s), 0);
	sectors_encrypt(s, (1ull << 32) + 1, b, zero, 512);
	assert_memory_not_equal(a, b, 16);
	sectors_free(s);
	assert_int_equal(make("aes-256", CIPHER_CBC, IVGEN_ESSIV, "sha256", key, &s), 0);
	sectors_encrypt(s, 1, b, zero, 512);
	assert_memory_not_equal(a, b, 16);
	sectors_free(s);
	assert_int_equal(make("aes-256", CIPHER_CBC, IVGEN_ESSIV, "sha1", key, &s), -ENOTSUP);
	assert_int_equal(make("cast5-128", CIPHER_CBC, IVGEN_ESSIV, "md5", key, &s), -ENOTSUP);
}

/* RFC 6070, and RFC 7914 section 11. */
static void pbkdf2_vectors(void **state)
{
	static const uint8_t sha1[] = { 0x4b, 0x00, 0x79, 0x01, 0xb7, 0x65, 0x48,
					0x9a, 0xbe, 0xad, 0x49, 0xd9, 0x26, 0xf7,
					0x21, 0xd0, 0x65, 0xa4, 0x29, 0xc1 };
	static const uint8_t sha256[] = { 0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f };
	uint8_t out[64];

	kdf_pbkdf2(kdf_hash("sha1"), "password", 8, (const uint8_t *)"salt", 4, 4096, out, 20);
	assert_memory_equal(out, sha1, sizeof(sha1));
	kdf_pbkdf2(kdf_hash("sha256"), "passwd", 6, (const uint8_t *)"salt", 4, 1, out, 64);
	assert_memory_equal(out, sha256, sizeof(sha256));
	assert_null(kdf_hash("sha3"));
	assert_true(kdf_pbkdf2_speed(kdf_hash("sha512"), 64) > 0);
}

static void split_keys_come_back(void **state)
{
	static const char *const hashes[] = { "md5",    "sha1",   "sha224",   "sha256",
					      "sha384", "sha512", "ripemd160" };
	uint8_t key[64], out[64 * 40], again[64];
	struct err e = { 0 };

	fill(key, sizeof(key), 5);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const struct nettle_hash *h = kdf_hash(hashes[i]);

		assert_int_equal(kdf_split(h, key, 64, 40, out, &e), 0);
		kdf_merge(h, out, 64, 40, again);
		assert_memory_equal(again, key, 64);
		out[100] ^= 1;
		kdf_merge(h, out, 64, 40, again);
		assert_memory_not_equal(again, key, 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xts_is_nettles),
		cmocka_unit_test(every_mode_comes_back),
		cmocka_unit_test(vectors_tell_sectors_apart),
		cmocka_unit_test(pbkdf2_vectors),
		cmocka_unit_test(split_keys_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
