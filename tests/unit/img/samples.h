/* SPDX-License-Identifier: MIT */
/* Bytes of many kinds for codecs to chew on, the same each time. */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum sample {
	SAMPLE_RANDOM,
	SAMPLE_TEXT,
	SAMPLE_ZERO,
	SAMPLE_SPARSE,  /* zeroes with a byte here and there */
	SAMPLE_RECORDS, /* like tables of an executable */
	SAMPLE_HALF,    /* text, then random */
	SAMPLE_NIBBLES, /* sixteen values, no repeats */
	SAMPLE_RUNS,    /* runs of one byte, of all lengths */
	SAMPLE_SKEWED,  /* frequencies that ask for codes of more than 15 bits */
	SAMPLE_TRIPLES, /* dear bytes, of which three in a row come again */
	SAMPLE_MIX,     /* pieces of some of the kinds above */
	SAMPLE_PERIOD,  /* and on: random with the periods below */
	SAMPLE_KINDS = SAMPLE_PERIOD + 16,
};

static const unsigned sample_periods[16] = {
	1, 2, 3, 4, 7, 258, 512, 4094, 4095, 4096, 4097, 4098, 32767, 32768, 32769, 20000
};

static inline uint64_t sample_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * UINT64_C(2685821657736338717);
}

static inline void sample_text(uint8_t *p, size_t len, uint64_t *seed)
{
	static const char syllables[] = "kalominatersupiveschondrabugfewyzhjq";

	for (size_t i = 0; i < len;) {
		uint64_t r = sample_next(seed) >> 20, w = r % 31 * (r % 7);
		unsigned parts = 1 + (unsigned)(w % 3);

		for (unsigned k = 0; k < parts && i + 1 < len; k++, w = w * 5 + 3) {
			p[i++] = (uint8_t)syllables[w % 17 * 2];
			p[i++] = (uint8_t)syllables[w % 17 * 2 + 1];
		}
		if (i < len)
			p[i++] = r % 11 ? ' ' : '\n';
	}
}

static inline void sample_fill(uint8_t *p, size_t len, unsigned kind, uint64_t seed)
{
	seed = seed * 2654435761u + kind + 1;
	for (int i = 0; i < 10; i++)
		(void)sample_next(&seed);
	memset(p, 0, len);
	switch (kind) {
	case SAMPLE_RANDOM:
		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(sample_next(&seed) >> 33);
		break;
	case SAMPLE_TEXT:
		sample_text(p, len, &seed);
		break;
	case SAMPLE_ZERO:
		break;
	case SAMPLE_SPARSE:
		for (size_t i = 0; i < len / 500 + 1; i++)
			p[sample_next(&seed) % len] = (uint8_t)(sample_next(&seed) >> 40);
		break;
	case SAMPLE_RECORDS:
		for (size_t i = 0; i < len; i++)
			p[i] = i % 24 < 3    ? (uint8_t)(sample_next(&seed) >> 30)
			       : i % 24 == 8 ? (uint8_t)(i / 24)
			       : i % 24 == 9 ? (uint8_t)(i / 24 >> 8)
					     : (uint8_t)(i % 24);
		break;
	case SAMPLE_HALF:
		sample_text(p, len / 2, &seed);
		for (size_t i = len / 2; i < len; i++)
			p[i] = (uint8_t)(sample_next(&seed) >> 33);
		break;
	case SAMPLE_NIBBLES:
		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(sample_next(&seed) >> 33 & 15);
		break;
	case SAMPLE_RUNS:
		for (size_t i = 0, run = 1; i < len; run = run % 700 + 1) {
			uint8_t byte = (uint8_t)(sample_next(&seed) >> 33);

			for (size_t k = 0; k < run && i < len; k++)
				p[i++] = byte;
		}
		break;
	case SAMPLE_TRIPLES:
		for (size_t i = 0; i < len; i++) {
			uint64_t r = sample_next(&seed) >> 20;

			if (i >= 40 && i + 3 <= len && r % 3) {
				memmove(p + i, p + i - 3 - r / 3 % 30, 3);
				i += 2;
			} else {
				p[i] = (uint8_t)(r >> 10);
			}
		}
		break;
	case SAMPLE_MIX:
		for (size_t i = 0, n; i < len; i += n) {
			static const uint8_t kinds[] = { SAMPLE_TEXT, SAMPLE_TRIPLES,
							 SAMPLE_RECORDS, SAMPLE_RANDOM };

			n = 1000 + sample_next(&seed) % 300000;
			n = n < len - i ? n : len - i;
			sample_fill(p + i, n, kinds[sample_next(&seed) >> 20 & 3], seed);
		}
		break;
	case SAMPLE_SKEWED:
		/* symbol k has a probability of about 2^-k */
		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(7 * __builtin_ctzll(sample_next(&seed) | 1ull << 40));
		break;
	default:
		for (size_t i = 0; i < len; i++) {
			size_t period = sample_periods[kind - SAMPLE_PERIOD];

			p[i] = i < period ? (uint8_t)(sample_next(&seed) >> 33) : p[i - period];
		}
	}
}

#endif
