/* SPDX-License-Identifier: MIT */
/*
 * A deflate decoder that takes nothing for granted (RFC 1951), to judge what the
 * encoder writes: it refuses codes that are over- or undersubscribed and
 * distances that no reader with a 4 KiB window could follow.
 */
#ifndef TESTS_STRICT_INFLATE_H
#define TESTS_STRICT_INFLATE_H

#include <stddef.h>
#include <stdint.h>

struct strict {
	const uint8_t *in;
	size_t in_len, bit; /* next bit of in[] */
	uint8_t *out;
	size_t out_len, n;
	unsigned max_distance;
	unsigned blocks[3]; /* stored, fixed, own codes */
	const char *why;    /* of a failure */
};

struct strict_code {
	uint16_t count[16], symbol[288];
};

static unsigned strict_bits(struct strict *s, unsigned n)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++, s->bit++) {
		if (s->bit >= 8 * s->in_len) {
			s->why = "input ends early";
			return 0;
		}
		v |= (unsigned)(s->in[s->bit / 8] >> s->bit % 8 & 1) << i;
	}
	return v;
}

/* @lone: a single symbol of one bit is allowed. */
static void strict_make(struct strict *s, struct strict_code *c, const uint8_t *len, unsigned n,
			int lone)
{
	unsigned at[16], left = 1, used = 0;

	for (unsigned i = 0; i < 16; i++)
		c->count[i] = 0;
	for (unsigned i = 0; i < n; i++) {
		c->count[len[i]]++;
		used += len[i] != 0;
	}
	c->count[0] = 0;
	for (unsigned l = 1; l < 16; l++) {
		left *= 2;
		if (c->count[l] > left) {
			s->why = "oversubscribed code";
			return;
		}
		left -= c->count[l];
	}
	if (left && !(lone && used == 1 && c->count[1] == 1))
		s->why = "incomplete code";
	at[1] = 0;
	for (unsigned l = 1; l < 15; l++)
		at[l + 1] = at[l] + c->count[l];
	for (unsigned i = 0; i < n; i++)
		if (len[i])
			c->symbol[at[len[i]]++] = (uint16_t)i;
}

static unsigned strict_symbol(struct strict *s, const struct strict_code *c)
{
	unsigned code = 0, first = 0, at = 0;

	for (unsigned l = 1; l < 16 && !s->why; l++) {
		code |= strict_bits(s, 1);
		if (code - first < c->count[l])
			return c->symbol[at + code - first];
		at += c->count[l];
		first = (first + c->count[l]) << 1;
		code <<= 1;
	}
	if (!s->why)
		s->why = "code that stands for nothing";
	return 0;
}

static void strict_data(struct strict *s, const struct strict_code *ll,
			const struct strict_code *d)
{
	while (!s->why) {
		unsigned sym = strict_symbol(s, ll), len, dist, k;

		if (s->why || sym == 256)
			return;
		if (sym < 256) {
			if (s->n >= s->out_len)
				s->why = "output too long";
			else
				s->out[s->n++] = (uint8_t)sym;
			continue;
		}
		if (sym > 285) {
			s->why = "length symbol out of range";
			return;
		}
		k = sym - 257;
		if (sym == 285)
			len = 258;
		else if (k < 8)
			len = 3 + k;
		else
			len = 3 + ((4 + k % 4) << (k / 4 - 1)) + strict_bits(s, k / 4 - 1);
		k = strict_symbol(s, d);
		if (k > 29)
			s->why = "distance symbol out of range";
		if (s->why)
			return;
		dist = k < 4 ? 1 + k
			     : 1 + ((2 + k % 2) << (k / 2 - 1)) + strict_bits(s, k / 2 - 1);
		if (dist > s->max_distance)
			s->max_distance = dist;
		if (dist > s->n || len > s->out_len - s->n) {
			s->why = "match out of bounds";
			return;
		}
		for (; len; len--, s->n++)
			s->out[s->n] = s->out[s->n - dist];
	}
}

static void strict_own_codes(struct strict *s)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					   11, 4,  12, 3, 13, 2, 14, 1, 15 };
	unsigned ll_n = 257 + strict_bits(s, 5), d_n = 1 + strict_bits(s, 5);
	unsigned cl_n = 4 + strict_bits(s, 4), n = 0;
	uint8_t len[320] = { 0 }, cl[19] = { 0 };
	struct strict_code code, d;

	if (ll_n > 286 || d_n > 30)
		s->why = "too many symbols";
	for (unsigned i = 0; i < cl_n; i++)
		cl[order[i]] = (uint8_t)strict_bits(s, 3);
	strict_make(s, &code, cl, 19, 0);
	while (n < ll_n + d_n && !s->why) {
		unsigned sym = strict_symbol(s, &code), run = 1, v = sym;

		if (sym == 16) {
			if (!n)
				s->why = "nothing to repeat";
			v = n ? len[n - 1] : 0;
			run = 3 + strict_bits(s, 2);
		} else if (sym >= 17) {
			v = 0;
			run = sym == 17 ? 3 + strict_bits(s, 3) : 11 + strict_bits(s, 7);
		}
		if (run > ll_n + d_n - n)
			s->why = "lengths overrun";
		for (; run && !s->why; run--)
			len[n++] = (uint8_t)v;
	}
	if (!s->why && !len[256])
		s->why = "no end of block";
	if (s->why)
		return;
	strict_make(s, &code, len, ll_n, 0);
	strict_make(s, &d, len + ll_n, d_n, 1);
	strict_data(s, &code, &d);
}

static void strict_fixed(struct strict *s)
{
	struct strict_code ll, d;
	uint8_t len[288];

	for (unsigned i = 0; i < 288; i++)
		len[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	strict_make(s, &ll, len, 288, 0);
	for (unsigned i = 0; i < 32; i++)
		len[i] = 5;
	strict_make(s, &d, len, 32, 0);
	strict_data(s, &ll, &d);
}

static void strict_stored(struct strict *s)
{
	unsigned len;

	s->bit = (s->bit + 7) & ~(size_t)7;
	len = strict_bits(s, 16);
	if (strict_bits(s, 16) != (len ^ 0xFFFF))
		s->why = "stored length and its complement differ";
	if (len > s->out_len - s->n)
		s->why = "stored block too long";
	for (; len && !s->why; len--)
		s->out[s->n++] = (uint8_t)strict_bits(s, 8);
}

/* Decodes one stream; s->why stays NULL if nothing is wrong with it. */
static inline void strict_inflate(struct strict *s)
{
	unsigned last, type;

	do {
		last = strict_bits(s, 1);
		type = strict_bits(s, 2);
		if (s->why)
			return;
		if (type == 3) {
			s->why = "unknown block type";
			return;
		}
		s->blocks[type]++;
		if (type == 0)
			strict_stored(s);
		else if (type == 1)
			strict_fixed(s);
		else
			strict_own_codes(s);
	} while (!last && !s->why);
	if (!s->why && s->max_distance > 4096)
		s->why = "distance of more than 4096";
}

#endif
