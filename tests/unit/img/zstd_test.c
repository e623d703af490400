/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "img/codec/codec.h"
#include "tests/unit/img/samples.h"
#include "tests/unit/unit.h"

#include <zstd.h>

enum { BIG = 2 << 20, GUARD = 64 };

struct bench {
	struct codec *codec;
	uint8_t *in, *out, *back;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->in = malloc(BIG);
	b->out = malloc(BIG + 2 * GUARD);
	b->back = malloc(BIG);
	*state = b;
	return codec_new(CODEC_ZSTD, CODEC_FAST, &b->codec, NULL);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	codec_free(b->codec);
	free(b->in);
	free(b->out);
	free(b->back);
	free(b);
	return 0;
}

static size_t squeeze(struct bench *b, size_t len, size_t room)
{
	struct err e = { 0 };
	long n;

	memset(b->out + room, 0xA5, GUARD);
	n = codec_compress(b->codec, b->out, room, b->in, len, &e);
	for (int i = 0; i < GUARD; i++)
		assert_int_equal(b->out[room + (size_t)i], 0xA5);
	if (n == -ENOSPC) {
		assert_int_equal(e.code, -ENOSPC);
		return 0;
	}
	assert_true(n > 0 && (size_t)n <= room);
	return (size_t)n;
}

/* As a reader that streams, with the frame known to end where it does. */
static void check_streaming(struct bench *b, size_t len, size_t n)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { b->out, n, 0 };
	ZSTD_outBuffer out = { b->back, len, 0 };
	size_t r = 1;

	while (out.pos < out.size) {
		size_t before = in.pos + out.pos;

		r = ZSTD_decompressStream(d, &out, &in);
		assert_false(ZSTD_isError(r));
		assert_true(in.pos + out.pos > before);
	}
	assert_int_equal(r, 0);
	ZSTD_freeDCtx(d);
	assert_memory_equal(b->back, b->in, len);
}

static void any_data_comes_back(void **state)
{
	struct bench *b = *state;

	for (size_t len = 512; len <= BIG; len *= 2) {
		for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
			size_t n;

			sample_fill(b->in, len, kind, len);
			n = squeeze(b, len, len - 1);
			if (!n)
				continue;
			check_streaming(b, len, n);
			memset(b->back, 0xEE, len);
			memset(b->out + n, 0xFF, GUARD);
			assert_int_equal(codec_expand(b->codec, b->back, len, b->out, n + GUARD,
						      NULL),
					 0);
			assert_memory_equal(b->back, b->in, len);
		}
	}
}

static void no_larger_than_level_three(void **state)
{
	struct bench *b = *state;
	size_t ours = 0, theirs = 0;

	for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
		size_t n;

		sample_fill(b->in, 65536, kind, 1);
		n = squeeze(b, 65536, 65535);
		ours += n ? n : 65536;
		n = ZSTD_compress(b->back, BIG, b->in, 65536, 3);
		assert_false(ZSTD_isError(n));
		theirs += n < 65536 ? n : 65536;
	}
	assert_in_range(ours, 1, theirs);
}

enum { RUN = 16, CLUSTER = 65536 };

/* Compresses clusters alike in a row; returns their length together, and in @sum
 * something that tells streams apart. */
static size_t squeeze_run(struct bench *b, unsigned kind, uint64_t seed, uint64_t *sum)
{
	size_t total = 0;

	*sum = 0;
	codec_begin(b->codec, RUN);
	for (uint64_t i = 0; i < RUN; i++) {
		size_t n;

		sample_fill(b->in, CLUSTER, kind, seed + i);
		n = squeeze(b, CLUSTER, CLUSTER - 1);
		total += n ? n : CLUSTER;
		for (size_t k = 0; k < n; k++)
			*sum = *sum * 1099511628211 + b->out[k];
		if (n)
			check_streaming(b, CLUSTER, n);
	}
	return total;
}

/* The quick encoder may be at work, but only where it is about as good: a mixture may
 * deceive a little. */
static void a_run_is_no_larger_either(void **state)
{
	struct bench *b = *state;

	for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
		size_t theirs = 0, ours;
		uint64_t sum;

		ours = squeeze_run(b, kind, 1, &sum);
		for (uint64_t i = 0; i < RUN; i++) {
			size_t n;

			sample_fill(b->in, CLUSTER, kind, 1 + i);
			n = ZSTD_compress(b->back, BIG, b->in, CLUSTER, 3);
			assert_false(ZSTD_isError(n));
			theirs += n < CLUSTER ? n : CLUSTER;
		}
		if (ours > theirs + theirs / (kind == SAMPLE_MIX ? 32 : 256))
			fail_msg("kind %u: %zu, level 3 %zu", kind, ours, theirs);
	}
}

static void a_run_depends_on_itself_alone(void **state)
{
	struct bench *b = *state;

	for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
		uint64_t first, again, other;
		size_t n = squeeze_run(b, kind, 5, &first);

		squeeze_run(b, (kind + 1) % SAMPLE_KINDS, 9, &other);
		sample_fill(b->in, 4096, SAMPLE_TEXT, 1);
		squeeze(b, 4096, 4095);
		assert_int_equal(squeeze_run(b, kind, 5, &again), n);
		assert_true(first == again);
	}
}

/* Too few to look twice: as if no run had been begun. */
static void a_short_run_is_compressed_carefully(void **state)
{
	struct bench *b = *state;
	size_t n, m;

	sample_fill(b->in, CLUSTER, SAMPLE_TEXT, 1);
	n = squeeze(b, CLUSTER, CLUSTER - 1);
	memcpy(b->back, b->out, n);
	codec_begin(b->codec, 2);
	m = squeeze(b, CLUSTER, CLUSTER - 1);
	assert_int_equal(n, m);
	assert_memory_equal(b->back, b->out, n);
}

static void noise_is_refused(void **state)
{
	struct bench *b = *state;

	sample_fill(b->in, 65536, SAMPLE_RANDOM, 1);
	assert_int_equal(squeeze(b, 65536, 65535), 0);
	assert_int_equal(squeeze(b, 65536, 10), 0);
}

/* A writer may cut a cluster into frames, and put skippable ones between. */
static void frames_in_a_row(void **state)
{
	static const uint8_t skippable[] = {
		0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'
	};
	struct bench *b = *state;
	size_t n = 0;

	sample_fill(b->in, 65536, SAMPLE_TEXT, 1);
	for (int i = 0; i < 4; i++) {
		size_t k = ZSTD_compress(b->out + n, BIG - n, b->in + 16384 * i, 16384, 1);

		assert_false(ZSTD_isError(k));
		n += k;
		memcpy(b->out + n, skippable, sizeof(skippable));
		n += sizeof(skippable);
	}
	assert_int_equal(codec_expand(b->codec, b->back, 65536, b->out, n, NULL), 0);
	assert_memory_equal(b->back, b->in, 65536);
	/* frames that hold more than the cluster */
	assert_int_equal(codec_expand(b->codec, b->back, 65000, b->out, n, NULL), -EUCLEAN);
	/* and less */
	assert_int_equal(codec_expand(b->codec, b->back, 65537, b->out, n, NULL), -EUCLEAN);
}

static void damage_is_found_or_harmless(void **state)
{
	struct bench *b = *state;
	uint64_t seed = 7;
	size_t n;

	sample_fill(b->in, 4096, SAMPLE_TEXT, 1);
	n = squeeze(b, 4096, 4095);
	assert_true(n > 0);
	for (size_t cut = 0; cut < n; cut++) {
		struct err e = { 0 };
		uint8_t *exact = malloc(cut ? cut : 1); /* a sanitizer sees overruns */

		memcpy(exact, b->out, cut);
		assert_int_equal(codec_expand(b->codec, b->back, 4096, exact, cut, &e),
				 -EUCLEAN);
		assert_int_equal(e.code, -EUCLEAN);
		free(exact);
	}
	for (int round = 0; round < 5000; round++) {
		size_t at = sample_next(&seed) % n;
		uint8_t was = b->out[at];
		int r;

		b->out[at] ^= (uint8_t)(1 << sample_next(&seed) % 8);
		r = codec_expand(b->codec, b->back, 4096, b->out, n, NULL);
		assert_true(r == 0 || r == -EUCLEAN);
		b->out[at] = was;
	}
	assert_int_equal(codec_expand(b->codec, b->back, 4096, b->out, n, NULL), 0);
	assert_memory_equal(b->back, b->in, 4096);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(any_data_comes_back),
		T(no_larger_than_level_three),
		T(a_run_is_no_larger_either),
		T(a_run_depends_on_itself_alone),
		T(a_short_run_is_compressed_carefully),
		T(noise_is_refused),
		T(frames_in_a_row),
		T(damage_is_found_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
