/* SPDX-License-Identifier: MIT */
/* Prefix codes of deflate (RFC 1951, 3.2.2 and 3.2.7). */
#ifndef IMG_CODEC_DEFLATE_HUFF_H
#define IMG_CODEC_DEFLATE_HUFF_H

#include "img/codec/deflate_enc.h"

/* How often each symbol is used in a block. */
struct deflate_hist {
	uint32_t ll[288], d[32];
};

/* How a block with its own codes is described before its data. */
struct deflate_plan {
	uint8_t ll_len[288], d_len[32];   /* code lengths, 0: not used */
	uint8_t run[320], run_extra[320]; /* the lengths, run-length coded */
	unsigned runs, ll_n, d_n, cl_n;
	uint8_t cl_len[19]; /* lengths of the code that the runs are written in */
	uint32_t header_bits;
};

/*
 * Lengths of an optimal prefix code for @n (at most 288) symbols used @freq times
 * each, none longer than @limit bits.  A symbol alone gets one bit.
 */
void huff_lengths(const uint32_t *freq, unsigned n, unsigned limit, uint8_t *len);
/* The codes for those lengths, first bit lowest. */
void huff_codes(const uint8_t *len, unsigned n, uint16_t *code);
void huff_plan(const struct deflate_hist *h, struct deflate_plan *p);
/* The order in which lengths of the code length code are written. */
extern const uint8_t huff_cl_order[19];

#endif
