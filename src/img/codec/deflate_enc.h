/* SPDX-License-Identifier: MIT */
/*
 * A deflate encoder for one cluster at a time with a window of 4 KiB.
 *
 * Three stages, each in its file: deflate_parse.c turns bytes into tokens,
 * deflate_block.c decides where blocks begin and writes them, deflate_huff.c makes
 * their codes.  The window is so small that the usual hash chains are not
 * worth their cache misses and branches: candidates come from buckets of
 * eight that are compared at once (deflate_rows.h).
 */
#ifndef IMG_CODEC_DEFLATE_ENC_H
#define IMG_CODEC_DEFLATE_ENC_H

#include "img/codec/codec.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DEFLATE_WINDOW = 4096,
	DEFLATE_LEN_MAX = 258,
	DEFLATE_LL = 286,  /* literal/length symbols */
	DEFLATE_EOB = 256, /* of them: end of block */
	DEFLATE_D = 24,    /* distance symbols up to 4096 */
	/*
	 * A token is a literal or a match, ready to be written:
	 * bits 0-8 literal/length symbol, 9-13 extra bits of the length,
	 * 14-18 distance symbol, 19-28 extra bits of the distance.
	 */
	TOKEN_LEN_EXTRA = 9,
	TOKEN_DIST = 14,
	TOKEN_DIST_EXTRA = 19,
	TOKEN_NO_DIST = 31, /* "distance symbol" of a literal */
	TOKENS_MAX = 65536,
};

struct deflate_enc;

/* Bits go out lowest first. */
struct deflate_bits {
	uint64_t bits;
	unsigned n;
	uint8_t *p, *end;
};

struct deflate_enc *deflate_enc_new(enum codec_level level, struct err *e) MUST_CHECK;
void deflate_enc_free(struct deflate_enc *enc);
/* The length of what was written to @out, or 0 when @room is not enough. */
size_t deflate_enc_run(struct deflate_enc *enc, void *out, size_t room, const void *in,
		       size_t len);

/* ---- deflate_block.c ---- */

struct deflate_blocks;
struct deflate_blocks *deflate_blocks_new(enum codec_level level, struct err *e) MUST_CHECK;
void deflate_blocks_free(struct deflate_blocks *b);
struct deflate_tokens {
	const uint32_t *all;
	const uint32_t *matches; /* those of them that are matches, once more */
	size_t n;                /* of all */
};

/* Writes tokens that stand for the bytes from @in on as one or more blocks.  False when
 * they do not fit before w->end; some blocks may have been written. */
bool deflate_blocks_write(struct deflate_blocks *b, struct deflate_bits *w,
			  const struct deflate_tokens *tokens, const uint8_t *in, int last);
/* Writes what is left of the last byte; the length since @start. */
size_t deflate_bits_end(struct deflate_bits *w, const uint8_t *start);
/* Bits that @n symbols used @freq times each take under an ideal code. */
uint64_t deflate_entropy(const struct deflate_blocks *b, const uint32_t *freq, unsigned n);
/* The least length of each length symbol from 257 on (RFC 1951, 3.2.5). */
extern const uint16_t deflate_len_base[29];

#endif
