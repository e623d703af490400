/* SPDX-License-Identifier: MIT */
/*
 * Blocks: where to begin a new one, so that each has codes that suit it, and writing
 * them.  Tokens are counted in chunks; neighbours are joined as long as one
 * table of codes for both is estimated to cost less than two.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/deflate_huff.h"

#include <stdlib.h>
#include <string.h>

const uint16_t deflate_len_base[29] = { 3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					67, 83, 99, 115, 131, 163, 195, 227, 258 };

enum {
	CHUNKS_MAX = 64,
	FINE_CHUNK = 1024, /* tokens */
	COARSE_CHUNK = 2048,
	/* Estimates are in 1/16 bit. */
	UNIT = 16,
	LG_MAX = 4096,
	/* What a table of codes costs: for itself and for each symbol. */
	TABLE_COST = 70 * UNIT,
	SYMBOL_COST = 3 * UNIT,
	STORED_MAX = 65535,
};

static const uint8_t len_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };

struct chunk {
	struct deflate_hist hist;
	uint64_t cost; /* estimate as a block of its own */
	int64_t gain;  /* of joining it with the next one */
	uint32_t tokens;
	uint32_t bytes;
};

struct deflate_blocks {
	enum codec_level level;
	uint32_t xlogx[LG_MAX + 1]; /* x * log2(x) in 1/16 */
	struct chunk chunks[CHUNKS_MAX];
	struct deflate_hist joined;
	uint32_t part[4][288];
	struct deflate_plan plan;
};

/* Code, its length, and its length with extra bits, of each symbol. */
struct codes {
	uint32_t ll[288], d[32];
};

/* 65536 * log2(x) by squaring the mantissa: exact enough and the same everywhere. */
static uint32_t log2_fixed(uint32_t x)
{
	unsigned whole = 31 - (unsigned)__builtin_clz(x);
	uint64_t m = (uint64_t)x << (31 - whole); /* 1.0 is 2^31 */
	uint32_t frac = 0;

	for (int i = 0; i < 16; i++) {
		m = m * m >> 31;
		frac <<= 1;
		if (m >> 32) {
			m >>= 1;
			frac |= 1;
		}
	}
	return whole << 16 | frac;
}

static uint64_t xlogx(const struct deflate_blocks *b, uint32_t x)
{
	uint32_t y = x;
	unsigned k = 0;

	for (; y > LG_MAX; y >>= 1)
		k++;
	return ((uint64_t)b->xlogx[y] << k) + (uint64_t)x * k * UNIT;
}

/* Bits of the symbols under an ideal code, plus what describing the code takes. */
static uint64_t estimate(const struct deflate_blocks *b, const struct deflate_hist *h)
{
	uint64_t cost = TABLE_COST;
	uint32_t total = 0, used = 0;

	for (unsigned i = 0; i < DEFLATE_LL; i++) {
		total += h->ll[i];
		used += h->ll[i] != 0;
		cost -= xlogx(b, h->ll[i]);
	}
	cost += xlogx(b, total);
	total = 0;
	for (unsigned i = 0; i < DEFLATE_D; i++) {
		total += h->d[i];
		used += h->d[i] != 0;
		cost -= xlogx(b, h->d[i]);
	}
	return cost + xlogx(b, total) + (uint64_t)used * SYMBOL_COST;
}

static void add_hist(struct deflate_hist *out, const struct deflate_hist *x,
		     const struct deflate_hist *y)
{
	for (unsigned i = 0; i < 288; i++)
		out->ll[i] = x->ll[i] + y->ll[i];
	for (unsigned i = 0; i < 32; i++)
		out->d[i] = x->d[i] + y->d[i];
	out->ll[DEFLATE_EOB] = 1;
}

/* Counts @n tokens at @t, the matches among them once more at @m; how many those are. */
static uint32_t count_chunk(struct deflate_blocks *b, struct chunk *c, const uint32_t *t,
			    uint32_t n, const uint32_t *m)
{
	struct deflate_hist *h = &c->hist;
	uint32_t i = 0, literals = 0;

	memset(h, 0, sizeof(*h));
	memset(b->part, 0, sizeof(b->part));
	c->tokens = n;
	/* several counts, as equal symbols in a row would wait for one another */
	for (; i + 4 <= n; i += 4) {
		b->part[0][t[i] & 511]++;
		b->part[1][t[i + 1] & 511]++;
		b->part[2][t[i + 2] & 511]++;
		b->part[3][t[i + 3] & 511]++;
	}
	for (; i < n; i++)
		b->part[0][t[i] & 511]++;
	for (i = 0; i < DEFLATE_LL; i++)
		h->ll[i] = b->part[0][i] + b->part[1][i] + b->part[2][i] + b->part[3][i];
	for (i = 0; i < DEFLATE_EOB; i++)
		literals += h->ll[i];
	c->bytes = literals;
	for (i = 0; i < n - literals; i++) {
		h->d[m[i] >> TOKEN_DIST & 31]++;
		c->bytes += m[i] >> TOKEN_LEN_EXTRA & 31;
	}
	for (i = 0; i < 29; i++)
		c->bytes += h->ll[257 + i] * deflate_len_base[i];
	h->ll[DEFLATE_EOB] = 1;
	c->cost = estimate(b, h);
	return n - literals;
}

static void set_gain(struct deflate_blocks *b, struct chunk *c)
{
	add_hist(&b->joined, &c[0].hist, &c[1].hist);
	c->gain = (int64_t)(c[0].cost + c[1].cost - estimate(b, &b->joined));
}

/* Cuts @n tokens into chunks and joins those that do not differ; how many are left. */
static unsigned split(struct deflate_blocks *b, const struct deflate_tokens *tokens)
{
	const uint32_t *t = tokens->all, *m = tokens->matches;
	size_t n = tokens->n;
	size_t step = b->level == CODEC_SMALL ? FINE_CHUNK : COARSE_CHUNK;
	struct chunk *c = b->chunks;
	unsigned count = 0;

	if (n / step >= CHUNKS_MAX)
		step = n / CHUNKS_MAX + 1;
	for (size_t at = 0; at < n; count++) {
		size_t k = n - at < step + step / 2 ? n - at : step;

		m += count_chunk(b, &c[count], t + at, (uint32_t)k, m);
		at += k;
	}
	for (unsigned i = 0; i + 1 < count; i++)
		set_gain(b, &c[i]);
	while (count > 1) {
		unsigned best = 0;

		for (unsigned i = 1; i + 1 < count; i++)
			if (c[i].gain > c[best].gain)
				best = i;
		if (c[best].gain < 0)
			break;
		add_hist(&c[best].hist, &c[best].hist, &c[best + 1].hist);
		c[best].cost += c[best + 1].cost - (uint64_t)c[best].gain;
		c[best].tokens += c[best + 1].tokens;
		c[best].bytes += c[best + 1].bytes;
		memmove(&c[best + 1], &c[best + 2], (count - best - 2) * sizeof(*c));
		count--;
		if (best + 1 < count)
			set_gain(b, &c[best]);
		if (best)
			set_gain(b, &c[best - 1]);
	}
	return count;
}

static inline void put(struct deflate_bits *w, uint64_t v, unsigned n)
{
	w->bits |= v << w->n;
	w->n += n;
}

/* Leaves fewer than 8 bits in w->bits. */
static inline void flush(struct deflate_bits *w)
{
	if (w->end - w->p >= 8) {
		uint64_t v = w->bits;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = __builtin_bswap64(v);
#endif
		memcpy(w->p, &v, sizeof(v));
		w->p += w->n >> 3;
		w->bits >>= w->n & ~7u;
		w->n &= 7;
		return;
	}
	for (; w->n >= 8; w->n -= 8) {
		*w->p++ = (uint8_t)w->bits;
		w->bits >>= 8;
	}
}

static void write_header(struct deflate_bits *w, const struct deflate_plan *p, int last)
{
	uint16_t code[19];

	huff_codes(p->cl_len, 19, code);
	put(w, (unsigned)last | 2 << 1, 3);
	put(w, p->ll_n - 257, 5);
	put(w, p->d_n - 1, 5);
	put(w, p->cl_n - 4, 4);
	flush(w);
	for (unsigned i = 0; i < p->cl_n; i++) {
		put(w, p->cl_len[huff_cl_order[i]], 3);
		flush(w);
	}
	for (unsigned i = 0; i < p->runs; i++) {
		static const uint8_t extra[19] = { [16] = 2, [17] = 3, [18] = 7 };
		unsigned s = p->run[i];

		put(w, code[s], p->cl_len[s]);
		put(w, p->run_extra[i], extra[s]);
		flush(w);
	}
}

static unsigned dist_extra(unsigned symbol)
{
	return symbol < 4 ? 0 : symbol / 2 - 1;
}

static void make_codes(const uint8_t *ll_len, const uint8_t *d_len, struct codes *c)
{
	uint16_t code[288];

	huff_codes(ll_len, 288, code);
	for (unsigned i = 0; i < 288; i++) {
		unsigned extra = i > DEFLATE_EOB && i < DEFLATE_LL ? len_extra[i - 257] : 0;

		c->ll[i] = code[i] | (uint32_t)ll_len[i] << 16 | (ll_len[i] + extra) << 24;
	}
	huff_codes(d_len, 30, code);
	for (unsigned i = 0; i < 30; i++)
		c->d[i] = code[i] | (uint32_t)d_len[i] << 16 | (d_len[i] + dist_extra(i)) << 24;
	/* a literal's distance: no bits */
	c->d[30] = c->d[TOKEN_NO_DIST] = 0;
}

/* The bits of token @x, at most 45, and how many they are: no branch, as which kind comes next
 * cannot be foretold. */
static inline uint64_t token_bits(const struct codes *c, uint32_t x, unsigned *n)
{
	uint32_t ll = c->ll[x & 511], d = c->d[x >> TOKEN_DIST & 31];
	uint64_t v = (d & 0xFFFF) | x >> TOKEN_DIST_EXTRA << (d >> 16 & 31);

	*n = (ll >> 24) + (d >> 24);
	return v << (ll >> 24) | (ll & 0xFFFF) | (x >> TOKEN_LEN_EXTRA & 31) << (ll >> 16 & 31);
}

static void write_tokens(struct deflate_bits *out, const struct codes *c, const uint32_t *t,
			 size_t n)
{
	struct deflate_bits w = *out; /* in registers */
	size_t i = 0;

	/* two at a time as long as both surely fit beside the seven bits left over */
	for (; i + 2 <= n; i += 2) {
		unsigned a_n, b_n;
		uint64_t a = token_bits(c, t[i], &a_n), b = token_bits(c, t[i + 1], &b_n);

		if (a_n + b_n > 56) {
			put(&w, a, a_n);
			flush(&w);
			put(&w, b, b_n);
		} else {
			put(&w, a | b << a_n, a_n + b_n);
		}
		flush(&w);
	}
	if (i < n) {
		unsigned a_n;
		uint64_t a = token_bits(c, t[i], &a_n);

		put(&w, a, a_n);
		flush(&w);
	}
	put(&w, c->ll[DEFLATE_EOB] & 0xFFFF, c->ll[DEFLATE_EOB] >> 24);
	flush(&w);
	*out = w;
}

/* The fixed code of RFC 1951, 3.2.6. */
static void fixed_lengths(uint8_t *ll, uint8_t *d)
{
	for (unsigned i = 0; i < 288; i++)
		ll[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	memset(d, 5, 30);
}

static uint64_t data_bits(const struct deflate_hist *h, const uint8_t *ll, const uint8_t *d)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < DEFLATE_LL; i++)
		bits += (uint64_t)h->ll[i] *
			(ll[i] + (i > DEFLATE_EOB ? (unsigned)len_extra[i - 257] : 0));
	for (unsigned i = 0; i < DEFLATE_D; i++)
		bits += (uint64_t)h->d[i] * (d[i] + dist_extra(i));
	return bits;
}

/* Plain bytes, in as many blocks as it takes. */
static void write_stored(struct deflate_bits *w, const uint8_t *in, uint32_t len, int last)
{
	do {
		uint32_t k = len < STORED_MAX ? len : STORED_MAX;

		put(w, last && k == len, 3);
		put(w, 0, (8 - (w->n & 7)) & 7);
		put(w, k, 16);
		put(w, k ^ 0xFFFF, 16);
		flush(w);
		memcpy(w->p, in, k);
		w->p += k;
		in += k;
		len -= k;
	} while (len);
}

static uint64_t stored_bits(const struct deflate_bits *w, uint32_t len)
{
	uint64_t blocks = len / STORED_MAX + (len % STORED_MAX != 0);
	unsigned pad = (8 - ((w->n + 3) & 7)) & 7;

	/* the first is aligned to a byte, the others begin on one */
	return 8 * (uint64_t)len + 35 + pad + (blocks - 1) * 40;
}

static bool has_room(const struct deflate_bits *w, uint64_t bits)
{
	return w->n + bits <= 8 * (uint64_t)(w->end - w->p);
}

/* False, and nothing written, when it does not fit. */
static bool write_block(struct deflate_blocks *b, struct deflate_bits *w, const struct chunk *c,
			const uint32_t *t, const uint8_t *in, int last)
{
	struct deflate_plan *p = &b->plan;
	uint8_t ll[288], d[32];
	uint64_t own, fixed, stored = stored_bits(w, c->bytes);
	struct codes codes;

	huff_plan(&c->hist, p);
	fixed_lengths(ll, d);
	own = p->header_bits + data_bits(&c->hist, p->ll_len, p->d_len);
	fixed = 3 + data_bits(&c->hist, ll, d);
	if (stored <= own && stored <= fixed) {
		if (!has_room(w, stored))
			return false;
		write_stored(w, in, c->bytes, last);
		return true;
	}
	if (!has_room(w, min_u64(own, fixed)))
		return false;
	if (fixed <= own) {
		put(w, (unsigned)last | 1 << 1, 3);
		flush(w);
		make_codes(ll, d, &codes);
	} else {
		write_header(w, p, last);
		memset(p->ll_len + DEFLATE_LL, 0, 288 - DEFLATE_LL);
		memset(p->d_len + DEFLATE_D, 0, 32 - DEFLATE_D);
		make_codes(p->ll_len, p->d_len, &codes);
	}
	write_tokens(w, &codes, t, c->tokens);
	return true;
}

bool deflate_blocks_write(struct deflate_blocks *b, struct deflate_bits *w,
			  const struct deflate_tokens *tokens, const uint8_t *in, int last)
{
	const uint32_t *t = tokens->all;
	unsigned count = split(b, tokens);

	for (unsigned i = 0; i < count; i++) {
		const struct chunk *c = &b->chunks[i];

		if (!write_block(b, w, c, t, in, last && i == count - 1))
			return false;
		t += c->tokens;
		in += c->bytes;
	}
	return true;
}

size_t deflate_bits_end(struct deflate_bits *w, const uint8_t *start)
{
	put(w, 0, (8 - (w->n & 7)) & 7);
	flush(w);
	return (size_t)(w->p - start);
}

uint64_t deflate_entropy(const struct deflate_blocks *b, const uint32_t *freq, unsigned n)
{
	uint64_t cost = 0;
	uint32_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		total += freq[i];
		cost -= xlogx(b, freq[i]);
	}
	return (cost + xlogx(b, total)) / UNIT;
}

struct deflate_blocks *deflate_blocks_new(enum codec_level level, struct err *e)
{
	struct deflate_blocks *b = mem_zalloc(1, sizeof(*b), e);

	if (!b)
		return NULL;
	b->level = level;
	for (uint32_t x = 2; x <= LG_MAX; x++)
		b->xlogx[x] = (uint32_t)(((uint64_t)x * log2_fixed(x) * UNIT) >> 16);
	return b;
}

void deflate_blocks_free(struct deflate_blocks *b)
{
	free(b);
}
