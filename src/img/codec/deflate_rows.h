/* SPDX-License-Identifier: MIT */
/*
 * Where four bytes were seen before: a bucket ("row") of the eight latest
 * positions for each hash, newest first, each with 16 more bits of the hash.  One
 * comparison of vectors tells which of the eight are worth looking at; a hash of
 * 27 bits in all is hardly ever wrong.
 */
#ifndef IMG_CODEC_DEFLATE_ROWS_H
#define IMG_CODEC_DEFLATE_ROWS_H

#include "img/codec/deflate_enc.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { ROW_WAYS = 8, ROW_BITS_MAX = 11 };

typedef uint16_t row_lanes __attribute__((vector_size(16)));

struct row {
	row_lanes pos, tag;
};

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Little-endian, so that the first byte in memory is the lowest. */
static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint32_t row_hash(uint32_t four_bytes)
{
	return four_bytes * UINT32_C(2654435761);
}

/* Bit i is set if lane i is all ones. */
static inline unsigned row_lane_bits(row_lanes v)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16((__m128i)v, _mm_setzero_si128()));
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < ROW_WAYS; i++)
		bits |= (v[i] & 1u) << i;
	return bits;
#endif
}

/* Puts @v before the lanes of @r; the last falls out. */
static inline row_lanes row_shift_in(row_lanes r, uint16_t v)
{
#ifdef __SSE2__
	return (row_lanes)_mm_insert_epi16(_mm_slli_si128((__m128i)r, 2), v, 0);
#else
	return (row_lanes){ v, r[0], r[1], r[2], r[3], r[4], r[5], r[6] };
#endif
}

/*
 * Enters @pos into its row.  *candidates gets the positions of before, of which
 * those in the returned mask have the same tag and lie within the window.
 */
static inline unsigned row_visit(struct row *rows, unsigned bits, uint32_t hash, uint16_t pos,
				 row_lanes *candidates)
{
	struct row *r = &rows[hash >> (32 - bits)];
	uint16_t tag = (uint16_t)(hash >> (32 - ROW_BITS_MAX - 16));
	row_lanes p = r->pos, t = r->tag;
	/* a distance of 1..4096 less one has none of its upper four bits */
	row_lanes near = ((uint16_t)(pos - 1) - p) >> 12 == 0;
	row_lanes hit = near & (row_lanes)(t == tag);

	*candidates = p;
	r->pos = row_shift_in(p, pos);
	r->tag = row_shift_in(t, tag);
	return row_lane_bits(hit);
}

#endif
