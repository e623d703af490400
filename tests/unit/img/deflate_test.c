/* SPDX-License-Identifier: MIT */
#define ZLIB_CONST
#include "base/mem.h"
#include "img/codec/codec.h"
#include "tests/unit/img/samples.h"
#include "tests/unit/img/strict_inflate.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <zlib.h>

enum { BIG = 2 << 20, GUARD = 64 };

struct bench {
	struct codec *codec[2];
	uint8_t *in, *out, *back;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->in = malloc(BIG);
	b->out = malloc(BIG + 2 * GUARD);
	b->back = malloc(BIG);
	*state = b;
	return codec_new(CODEC_DEFLATE, CODEC_FAST, &b->codec[0], NULL) ||
	       codec_new(CODEC_DEFLATE, CODEC_SMALL, &b->codec[1], NULL);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	codec_free(b->codec[0]);
	codec_free(b->codec[1]);
	free(b->in);
	free(b->out);
	free(b->back);
	free(b);
	return 0;
}

static void check_with_zlib(struct bench *b, size_t len, size_t n)
{
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, -12), Z_OK);
	z.next_in = b->out;
	z.avail_in = (uInt)n;
	z.next_out = b->back;
	z.avail_out = (uInt)len;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_out, 0);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	assert_memory_equal(b->back, b->in, len);
}

static void check_strictly(struct bench *b, size_t len, size_t n)
{
	struct strict s = { .in = b->out, .in_len = n, .out = b->back, .out_len = len };

	strict_inflate(&s);
	if (s.why)
		fail_msg("%s", s.why);
	assert_int_equal(s.n, len);
	assert_int_equal((s.bit + 7) / 8, n);
	assert_memory_equal(b->back, b->in, len);
}

/* Compresses the @len bytes of b->in; the length, 0 if they do not shrink. */
static size_t squeeze(struct bench *b, unsigned level, size_t len, size_t room)
{
	long n;

	memset(b->out + room, 0xA5, GUARD);
	n = codec_compress(b->codec[level], b->out, room, b->in, len, NULL);
	for (int i = 0; i < GUARD; i++)
		assert_int_equal(b->out[room + (size_t)i], 0xA5);
	if (n == -ENOSPC)
		return 0;
	assert_true(n > 0 && (size_t)n <= room);
	return (size_t)n;
}

static void any_data_comes_back(void **state)
{
	struct bench *b = *state;

	for (size_t len = 512; len <= BIG; len *= 2) {
		for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
			sample_fill(b->in, len, kind, len);
			for (unsigned level = 0; level < 2; level++) {
				size_t n = squeeze(b, level, len, len - 1);

				if (!n)
					continue;
				check_with_zlib(b, len, n);
				check_strictly(b, len, n);
				memset(b->back, 0xEE, len);
				/* padding to a sector is ignored */
				memset(b->out + n, 0xFF, GUARD);
				assert_int_equal(codec_expand(b->codec[level], b->back, len,
							      b->out, n + GUARD, NULL),
						 0);
				assert_memory_equal(b->back, b->in, len);
			}
		}
	}
}

/* What is known of the first segment must not be taken for the next one's. */
static void segments_may_differ(void **state)
{
	struct bench *b = *state;

	for (unsigned seed = 0; seed < 10; seed++) {
		sample_fill(b->in, BIG, SAMPLE_MIX, seed);
		for (unsigned level = 0; level < 2; level++) {
			size_t n = squeeze(b, level, BIG, BIG - 1);

			assert_true(n > 0);
			check_with_zlib(b, BIG, n);
			check_strictly(b, BIG, n);
		}
	}
}

static void any_length_works(void **state)
{
	struct bench *b = *state;

	for (size_t len = 1; len < 1200; len++) {
		for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
			size_t n;

			sample_fill(b->in, len, kind, len);
			n = squeeze(b, len & 1, len, len + 100);
			assert_true(n > 0);
			check_with_zlib(b, len, n);
			check_strictly(b, len, n);
		}
	}
}

static void what_shrinks_is_shrunk(void **state)
{
	struct bench *b = *state;

	for (unsigned level = 0; level < 2; level++) {
		for (size_t len = 4096; len <= BIG; len *= 2) {
			sample_fill(b->in, len, SAMPLE_RANDOM, 1);
			assert_int_equal(squeeze(b, level, len, len - 1), 0);
			sample_fill(b->in, len, SAMPLE_ZERO, 1);
			assert_in_range(squeeze(b, level, len, len - 1), 1, len / 200);
			sample_fill(b->in, len, SAMPLE_TEXT, 1);
			assert_in_range(squeeze(b, level, len, len - 1), 1, len * 6 / 10);
			sample_fill(b->in, len, SAMPLE_HALF, 1);
			assert_in_range(squeeze(b, level, len, len - 1), 1, len * 9 / 10);
			/* four bits each, and nothing to match */
			sample_fill(b->in, len, SAMPLE_NIBBLES, 1);
			assert_in_range(squeeze(b, level, len, len - 1), len / 2,
					len * 11 / 20);
		}
	}
}

/* Not larger than zlib by more than a little; SMALL is not larger. */
static void sizes_against_zlib(void **state)
{
	static const unsigned kinds[] = { SAMPLE_TEXT,    SAMPLE_RECORDS, SAMPLE_HALF,
					  SAMPLE_NIBBLES, SAMPLE_SPARSE,  SAMPLE_SKEWED };
	struct bench *b = *state;
	size_t total[2] = { 0 }, zlib = 0;
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY), Z_OK);
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (unsigned seed = 0; seed < 8; seed++) {
			sample_fill(b->in, 65536, kinds[k], seed);
			total[0] += squeeze(b, 0, 65536, 65535);
			total[1] += squeeze(b, 1, 65536, 65535);
			deflateReset(&z);
			z.next_in = b->in;
			z.avail_in = 65536;
			z.next_out = b->out;
			z.avail_out = 65535;
			assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
			zlib += z.total_out;
		}
	}
	deflateEnd(&z);
	assert_in_range(total[0], 1, zlib + zlib / 100);
	assert_in_range(total[1], 1, zlib);
}

static void exact_room_is_enough(void **state)
{
	struct bench *b = *state;

	for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
		for (size_t len = 700; len < 70000; len = len * 3 + 11) {
			size_t n, again;

			sample_fill(b->in, len, kind, 5);
			n = squeeze(b, 0, len, len + 1000);
			if (!n) /* taken for noise without trying */
				continue;
			again = squeeze(b, 0, len, n);
			assert_int_equal(again, n);
			check_strictly(b, len, n);
			assert_int_equal(squeeze(b, 0, len, n - 1), 0);
			assert_int_equal(squeeze(b, 0, len, n / 2), 0);
		}
	}
}

/* A codec that has seen other clusters writes what a new one writes. */
static void history_leaves_no_trace(void **state)
{
	struct bench *b = *state;
	struct codec *fresh;
	long n, m;

	sample_fill(b->in, 65536, SAMPLE_RECORDS, 1);
	assert_true(squeeze(b, 0, 65536, 65535));
	sample_fill(b->in, 65536, SAMPLE_TEXT, 2);
	n = codec_compress(b->codec[0], b->out, 65535, b->in, 65536, NULL);
	assert_int_equal(codec_new(CODEC_DEFLATE, CODEC_FAST, &fresh, NULL), 0);
	m = codec_compress(fresh, b->back, 65535, b->in, 65536, NULL);
	codec_free(fresh);
	assert_int_equal(n, m);
	assert_memory_equal(b->out, b->back, (size_t)n);
}

static void all_block_types_are_used(void **state)
{
	struct bench *b = *state;
	unsigned seen[3] = { 0 };

	for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
		for (size_t len = 40; len <= 65536; len *= 4) {
			struct strict s = { .in = b->out, .out = b->back, .out_len = len };

			sample_fill(b->in, len, kind, 3);
			s.in_len = squeeze(b, 1, len, len + 100);
			if (!s.in_len)
				continue;
			strict_inflate(&s);
			assert_null(s.why);
			for (int i = 0; i < 3; i++)
				seen[i] += s.blocks[i];
		}
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

static void damage_is_found_or_harmless(void **state)
{
	struct bench *b = *state;
	uint64_t seed = 99;
	size_t n, bad = 0;

	sample_fill(b->in, 4096, SAMPLE_TEXT, 1);
	n = squeeze(b, 1, 4096, 4095);
	assert_true(n > 0);
	for (size_t cut = 0; cut < n; cut++) {
		struct err e = { 0 };
		uint8_t *exact = malloc(cut ? cut : 1); /* a sanitizer sees overruns */
		int r;

		memcpy(exact, b->out, cut);
		r = codec_expand(b->codec[0], b->back, 4096, exact, cut, &e);
		/* only the end of the last block may be missing */
		assert_true(r == -EUCLEAN || (r == 0 && cut + 4 > n));
		assert_int_equal(e.code, r);
		free(exact);
	}
	for (int round = 0; round < 5000; round++) {
		size_t at = sample_next(&seed) % n;
		uint8_t was = b->out[at];
		int r;

		b->out[at] ^= (uint8_t)(1 << sample_next(&seed) % 8);
		r = codec_expand(b->codec[0], b->back, 4096, b->out, n, NULL);
		assert_true(r == 0 || r == -EUCLEAN);
		bad += r != 0;
		b->out[at] = was;
	}
	assert_true(bad > 0);
	/* a stream of the wrong size */
	assert_int_equal(codec_expand(b->codec[0], b->back, 4097, b->out, n, NULL), -EUCLEAN);
	assert_int_equal(codec_expand(b->codec[0], b->back, 4096, b->out, n, NULL), 0);
}

/* Other writers may use a window of 32 KiB; readers take it all the same. */
static void far_distances_are_read(void **state)
{
	struct bench *b = *state;
	z_stream z = { 0 };

	sample_fill(b->in, 65536, SAMPLE_PERIOD + 15, 1); /* a period of 20000 */
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = b->in;
	z.avail_in = 65536;
	z.next_out = b->out;
	z.avail_out = 65535;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	assert_in_range(z.total_out, 1, 40000);
	assert_int_equal(codec_expand(b->codec[0], b->back, 65536, b->out, z.total_out, NULL),
			 0);
	assert_memory_equal(b->back, b->in, 65536);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(any_data_comes_back),
		T(segments_may_differ),
		T(any_length_works),
		T(what_shrinks_is_shrunk),
		T(sizes_against_zlib),
		T(exact_room_is_enough),
		T(history_leaves_no_trace),
		T(all_block_types_are_used),
		T(damage_is_found_or_harmless),
		T(far_distances_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
