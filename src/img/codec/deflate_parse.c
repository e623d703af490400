/* SPDX-License-Identifier: MIT */
/*
 * Bytes to tokens.  Positions are prepared some hundred at a time, without
 * branches: entered into the rows, with their candidates kept aside.  The search
 * that follows jumps about as the data wills, and what it has to wait for
 * when a branch was foretold wrongly is short.
 */
#include "base/mem.h"
#include "img/codec/deflate_rows.h"

#include <stdlib.h>

enum {
	AHEAD = 1024, /* positions prepared at a time */
	NEAR_BITS = 12,
	SEGMENT = 65536,
	/* Costs of literals and matches, in 1/8 bit. */
	COST_UNIT = 8,
	COST_MAX = 110,
	/* A match of three bytes: both symbols, without the extra bits. */
	COST_MATCH3 = 88,
	/*
	 * Where literals take fewer bits than this (in tenths), three of them are as
	 * cheap as a match of three, and looking for those is a third of the time.
	 */
	THREE_FAST = 55,
	THREE_SMALL = 52,
	/* The share of bytes told as literals, in per cent, from which text is wordy. */
	WORDY = 44,
	/* What a literal costs more for having matches beside it in one code. */
	COST_LITERAL = 8,
};

struct deflate_enc {
	enum codec_level level;
	struct deflate_blocks *blocks;
	/* Of each prepared position, counted from job.base: candidates, which of them
	 * count, the distance of three equal bytes that pay or 0, and whether
	 * there is any of these.  Past the last one any[] is not 0. */
	row_lanes candidates[AHEAD];
	uint8_t mask[AHEAD];
	uint16_t dist3[AHEAD];
	uint8_t any[AHEAD + 8];
	struct row rows[1 << ROW_BITS_MAX];
	uint16_t near[1 << NEAR_BITS]; /* the last position of each three bytes */
	uint8_t lit_cost[256];
	/* How far back three bytes may be, by what they cost as literals. */
	uint16_t reach[3 * COST_MAX + 1];
	uint32_t len_token[DEFLATE_LEN_MAX + 1];
	uint32_t dist_token[DEFLATE_WINDOW + 1];
	uint32_t tokens[TOKENS_MAX + 512];
	uint32_t matches[TOKENS_MAX / 3 + 512];
};

/* One cluster being encoded. */
struct job {
	struct deflate_enc *enc;
	const uint8_t *in;
	uint32_t len;
	uint32_t pos;         /* next byte to be told */
	uint32_t base, ready; /* the range of prepared positions */
	uint32_t end;         /* no match begins from here on */
	unsigned row_bits;
	uint32_t *tokens, *matches; /* where the next ones go */
};

struct match {
	uint32_t len, dist;
};

/* How hard to try; constants where they are used, so that they cost nothing. */
struct effort {
	bool three;          /* matches of three bytes */
	unsigned candidates; /* looked at per position */
	unsigned lazy;       /* positions further on that may beat a match; 0: none are asked */
	unsigned nice;       /* a match this long is taken at once */
};

/* ---- what is known before the search ---- */

/* Counts every other 64 bytes; how many those were. */
static uint32_t sample_bytes(const uint8_t *in, uint32_t len, uint32_t *freq)
{
	/* four counts, as equal bytes in a row would wait for one another */
	uint16_t part[4][256] = { { 0 } };
	uint32_t n = 0;

	for (uint32_t i = 0; i < len; i += 128) {
		uint32_t k = len - i < 64 ? len - i : 64, q = 0;

		for (; q + 8 <= k; q += 8) {
			uint64_t eight = load64(in + i + q);

			part[0][eight & 255]++;
			part[1][eight >> 8 & 255]++;
			part[2][eight >> 16 & 255]++;
			part[3][eight >> 24 & 255]++;
			part[0][eight >> 32 & 255]++;
			part[1][eight >> 40 & 255]++;
			part[2][eight >> 48 & 255]++;
			part[3][eight >> 56]++;
		}
		for (; q < k; q++)
			part[0][in[i + q]]++;
		n += k;
	}
	for (unsigned k = 0; k < 256; k++)
		freq[k] = (uint32_t)part[0][k] + part[1][k] + part[2][k] + part[3][k];
	return n;
}

/* COST_UNIT * log2(x), within a tenth of a bit */
static unsigned rough_log2(uint32_t x)
{
	unsigned whole = 31 - (unsigned)__builtin_clz(x);

	return COST_UNIT * whole + (unsigned)(((uint64_t)x << COST_UNIT / 8 * 3 >> whole) & 7);
}

static void price_literals(struct deflate_enc *enc, const uint32_t *freq, size_t len)
{
	unsigned all = rough_log2((uint32_t)len);

	for (unsigned i = 0; i < 256; i++) {
		unsigned cost = freq[i] ? all - rough_log2(freq[i]) + COST_LITERAL : COST_MAX;

		enc->lit_cost[i] = (uint8_t)(cost < 16         ? 16
					     : cost > COST_MAX ? COST_MAX
							       : cost);
	}
}

/*
 * True if deflate cannot shrink these bytes: all values about equally often (@n of them
 * were counted in @freq), and hardly any four bytes in a row seen before in the
 * window.  One position in four is remembered, and four in a row of 32 are looked
 * up, so a match of k + 3 bytes is met with a chance of k in 32.
 */
static bool is_noise(struct deflate_enc *enc, const uint8_t *in, uint32_t len,
		     const uint32_t *freq, uint32_t n)
{
	unsigned hits = 0;

	if (len < 4096)
		return false;
	/* more to gain than a table of 256 codes takes */
	if (deflate_entropy(enc->blocks, freq, 256) + 8 * 48 < 8 * (uint64_t)n)
		return false;
	memset(enc->near, 0, sizeof(enc->near));
	for (uint32_t i = 0; i + 40 <= len; i += 32) {
#pragma GCC unroll 4
		for (uint32_t k = 0; k < 4; k++) {
			uint32_t now = load32(in + i + k);
			uint32_t at = enc->near[row_hash(now) >> (32 - NEAR_BITS)];
			uint32_t dist = (uint16_t)(i + k - at);

			hits += (dist - 1 < DEFLATE_WINDOW) &
				(load32(in + i + k - dist) == now);
		}
#pragma GCC unroll 8
		for (uint32_t k = 0; k < 32; k += 4)
			enc->near[row_hash(load32(in + i + k)) >> (32 - NEAR_BITS)] =
				(uint16_t)(i + k);
	}
	return hits < 3;
}

/* ---- the search ---- */

/* Prepares the positions from j->ready to @to.  @three is a constant. */
static inline __attribute__((always_inline)) void prepare_upto(struct job *j, uint32_t to,
							       bool three)
{
	struct deflate_enc *enc = j->enc;
	const uint8_t *in = j->in;

	for (uint32_t i = j->ready; i < to; i++) {
		uint32_t now = load32(in + i), slot = i - j->base;
		unsigned mask = row_visit(enc->rows, j->row_bits, row_hash(now), (uint16_t)i,
					  &enc->candidates[slot]);

		enc->mask[slot] = (uint8_t)mask;
		if (three) {
			uint16_t *at = &enc->near[row_hash(now << 8) >> (32 - NEAR_BITS)];
			/* within the data even for entries of long ago, as these
			 * are taken for at most 65535 bytes back */
			uint32_t dist = (uint16_t)(i - *at);
			unsigned worth = enc->lit_cost[now & 255] +
					 enc->lit_cost[now >> 8 & 255] +
					 enc->lit_cost[now >> 16 & 255];
			unsigned ok = (load32(in + i - dist) ^ now) << 8 == 0;

			ok &= dist - 1 < enc->reach[worth];
			enc->dist3[slot] = (uint16_t)(-ok & dist);
			*at = (uint16_t)i;
			mask |= ok;
		}
		enc->any[slot] = (uint8_t)mask;
	}
	j->ready = to;
	memset(enc->any + (to - j->base), 0xFF, 8);
}

/* Makes @pos and what follows the prepared range.  Positions that a match has gone past are
 * entered into the rows all the same. */
static inline __attribute__((always_inline)) void prepare(struct job *j, uint32_t pos,
							  bool three)
{
	struct deflate_enc *enc = j->enc;
	uint32_t keep = j->ready > pos ? j->ready - pos : 0, at = pos - j->base;

	for (uint32_t i = 0; i < keep; i++) {
		enc->candidates[i] = enc->candidates[at + i];
		enc->mask[i] = enc->mask[at + i];
		enc->dist3[i] = enc->dist3[at + i];
		enc->any[i] = enc->any[at + i];
	}
	while (j->ready < pos) {
		j->base = j->ready;
		prepare_upto(j, pos - j->base < AHEAD ? pos : j->base + AHEAD, three);
	}
	j->base = pos;
	prepare_upto(j, j->end - pos < AHEAD ? j->end : pos + AHEAD, three);
}

/* How many bytes from @a and @b on are equal, at most @max. */
static inline uint32_t equal_bytes(const uint8_t *a, const uint8_t *b, uint32_t max)
{
	uint32_t n = 0;

	for (; n + 8 <= max; n += 8) {
		uint64_t x = load64(a + n) ^ load64(b + n);

		if (x)
			return n + (uint32_t)__builtin_ctzll(x) / 8;
	}
	while (n < max && a[n] == b[n])
		n++;
	return n;
}

/* The longest match at @pos of more than @least (at least 3) bytes, else length 0; or one
 * of three bytes if @least is less. */
static inline __attribute__((always_inline)) struct match find(const struct job *j,
							       uint32_t pos, uint32_t least,
							       struct effort how)
{
	const struct deflate_enc *enc = j->enc;
	const uint8_t *at = j->in + pos;
	uint32_t slot = pos - j->base;
	uint32_t max = j->len - pos < DEFLATE_LEN_MAX ? j->len - pos : DEFLATE_LEN_MAX;
	unsigned mask = enc->mask[slot];
	struct match m = { 0, 0 };
	uint32_t best = least < 3 ? 3 : least;

	for (unsigned k = how.candidates; mask && k; k--, mask &= mask - 1) {
		uint16_t c = enc->candidates[slot][__builtin_ctz(mask)];
		uint32_t dist = (uint16_t)(pos - c), len;

		if (best >= max)
			break;
		/* the four bytes that a longer match must end with, or go through */
		if (load32(at + best - 3) != load32(at - dist + best - 3))
			continue;
		len = equal_bytes(at, at - dist, max);
		if (len > best) {
			best = len;
			m.len = len;
			m.dist = dist;
		}
	}
	if (how.three && !m.len && least < 3 && enc->dist3[slot]) {
		m.len = 3;
		m.dist = enc->dist3[slot];
	}
	return m;
}

static inline int log2_of(uint32_t x)
{
	return 31 - __builtin_clz(x);
}

/* Whether @b, which starts later, is worth telling bytes before it as literals. */
static inline bool is_better(struct match b, struct match a, int margin)
{
	return b.len && 4 * (int)(b.len - a.len) + log2_of(a.dist) - log2_of(b.dist) > margin;
}

static inline uint32_t *tell_literal(uint32_t *t, uint8_t byte)
{
	*t = byte | TOKEN_NO_DIST << TOKEN_DIST;
	return t + 1;
}

static inline void tell_eight_literals(uint32_t *t, const uint8_t *bytes)
{
#ifdef __SSE2__
	const __m128i zero = _mm_setzero_si128();
	const __m128i none = _mm_set1_epi32(TOKEN_NO_DIST << TOKEN_DIST);
	__m128i words = _mm_unpacklo_epi8(_mm_loadl_epi64((const void *)bytes), zero);

	_mm_storeu_si128((void *)t, _mm_or_si128(_mm_unpacklo_epi16(words, zero), none));
	_mm_storeu_si128((void *)(t + 4), _mm_or_si128(_mm_unpackhi_epi16(words, zero), none));
#else
	for (unsigned k = 0; k < 8; k++)
		tell_literal(t + k, bytes[k]);
#endif
}

/* Tells bytes from j->pos on until @stop, or a little more, in no more tokens than that. */
static inline __attribute__((always_inline)) void parse(struct job *j, uint32_t stop,
							struct effort how)
{
	struct deflate_enc *enc = j->enc;
	const uint8_t *in = j->in;
	uint32_t pos = j->pos, *t = j->tokens;

	while (pos < stop) {
		struct match m, next;
		uint64_t any;

		if (pos + how.lazy >= j->ready) {
			if (pos >= j->end) {
				t = tell_literal(t, in[pos++]);
				continue;
			}
			if (j->ready < j->end)
				prepare(j, pos, how.three);
		}
		/*
		 * Literals in a row without a branch for each: eight are told, those
		 * that are not literals will be overwritten.
		 */
		any = load64(enc->any + (pos - j->base));
		tell_eight_literals(t, in + pos);
		if (!any) {
			t += 8;
			pos += 8;
			continue;
		}
		t += __builtin_ctzll(any) / 8;
		pos += (uint32_t)__builtin_ctzll(any) / 8;
		if (pos >= j->ready)
			continue;
		m = find(j, pos, 0, how);
		if (!m.len) {
			t = tell_literal(t, in[pos++]);
			continue;
		}
		while (how.lazy && m.len < how.nice && pos + how.lazy < j->ready) {
			next = find(j, pos + 1, m.len - 1, how);
			if (is_better(next, m, 2)) {
				t = tell_literal(t, in[pos++]);
				m = next;
				continue;
			}
			if (how.lazy < 2)
				break;
			next = find(j, pos + 2, m.len - 1, how);
			if (!is_better(next, m, 6))
				break;
			t = tell_literal(t, in[pos++]);
			t = tell_literal(t, in[pos++]);
			m = next;
		}
		*t = enc->len_token[m.len] | enc->dist_token[m.dist];
		*j->matches++ = *t++;
		pos += m.len;
	}
	j->pos = pos;
	j->tokens = t;
}

/*
 * Text of many different words, as logs are, is mostly told in literals, and a second look at
 * its matches gains two per cent in twice the time.  Elsewhere it gains up to twenty.
 * So a piece is told without it: true if matches cover little of that.
 */
static bool is_wordy(struct job *j, uint32_t stop)
{
	const struct effort quick = { .candidates = 1, .lazy = 0, .nice = 16 };
	uint32_t from = j->pos, literals;
	uint32_t *tokens = j->tokens, *matches = j->matches;

	parse(j, stop, quick);
	literals = (uint32_t)((j->tokens - tokens) - (j->matches - matches));
	return 100 * (uint64_t)literals >= (uint64_t)WORDY * (j->pos - from);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void parse_fast(struct job *j, uint32_t stop, bool three)
{
	const struct effort quick = { .candidates = 1, .lazy = 0, .nice = 16 };
	const struct effort fast = { .candidates = 6, .lazy = 1, .nice = 32 };
	const struct effort fast3 = { true, fast.candidates, fast.lazy, fast.nice };

	if (three) {
		parse(j, stop, fast3);
		return;
	}
	/* at the start there is nothing to match yet */
	parse(j, min_u32(stop, j->pos + DEFLATE_WINDOW), fast);
	if (j->pos < stop && is_wordy(j, min_u32(stop, j->pos + DEFLATE_WINDOW)))
		parse(j, stop, quick);
	else
		parse(j, stop, fast);
}

static void parse_small(struct job *j, uint32_t stop, bool three)
{
	const struct effort small = { .candidates = ROW_WAYS, .lazy = 2, .nice = 64 };
	const struct effort small3 = { true, small.candidates, small.lazy, small.nice };

	if (three)
		parse(j, stop, small3);
	else
		parse(j, stop, small);
}

static unsigned rows_for(uint32_t len)
{
	unsigned bits = 4;

	while (bits < ROW_BITS_MAX && UINT32_C(1) << (bits + 3) < len)
		bits++;
	return bits;
}

/* How long the next piece is that is counted, priced and written by itself. */
static uint32_t segment_at(const struct job *j, uint32_t pos)
{
	return j->len - pos < SEGMENT ? j->len - pos : SEGMENT;
}

/* Whether nothing in the cluster can be shrunk; @freq gets the *counted bytes of its first segment. */
static bool all_noise(const struct job *j, uint32_t *freq, uint32_t *counted)
{
	uint32_t n = segment_at(j, 0);

	*counted = sample_bytes(j->in, n, freq);
	if (!is_noise(j->enc, j->in, n, freq, *counted))
		return false;
	for (uint32_t at = n; at < j->len; at += n) {
		uint32_t more[256];

		n = segment_at(j, at);
		if (!is_noise(j->enc, j->in + at, n, more, sample_bytes(j->in + at, n, more)))
			return false;
	}
	return true;
}

size_t deflate_enc_run(struct deflate_enc *enc, void *out, size_t room, const void *in,
		       size_t len)
{
	struct deflate_bits w = { .p = out, .end = (uint8_t *)out + room };
	struct job j = { .enc = enc, .in = in, .len = (uint32_t)len };
	uint32_t freq[256], counted;
	bool three = false;

	if (all_noise(&j, freq, &counted))
		return 0;
	j.row_bits = rows_for(j.len);
	/* eight bytes are loaded at each position where a match begins */
	j.end = j.len > 8 ? j.len - 8 : 0;
	memset(enc->rows, 0, sizeof(enc->rows[0]) << j.row_bits);
	memset(enc->near, 0, sizeof(enc->near));
	while (j.pos < j.len) {
		uint32_t from = j.pos, n = segment_at(&j, from);
		struct deflate_tokens tokens = { enc->tokens, enc->matches, 0 };
		bool before = three;

		if (from)
			counted = sample_bytes(j.in + from, n, freq);
		price_literals(enc, freq, counted);
		three = 10 * deflate_entropy(enc->blocks, freq, 256) >
			(uint64_t)counted *
				(enc->level == CODEC_FAST ? THREE_FAST : THREE_SMALL);
		/* what was prepared ahead without looking for three bytes */
		if (three && !before)
			memset(enc->dist3, 0, sizeof(enc->dist3));
		j.tokens = enc->tokens;
		j.matches = enc->matches;
		if (enc->level == CODEC_FAST)
			parse_fast(&j, from + n, three);
		else
			parse_small(&j, from + n, three);
		tokens.n = (size_t)(j.tokens - enc->tokens);
		if (!deflate_blocks_write(enc->blocks, &w, &tokens, j.in + from,
					  j.pos == j.len))
			return 0;
	}
	return deflate_bits_end(&w, out);
}

/* ---- tables ---- */

static void make_tables(struct deflate_enc *enc)
{
	for (uint32_t len = 3; len <= DEFLATE_LEN_MAX; len++) {
		unsigned s = 28;

		while (deflate_len_base[s] > len)
			s--;
		enc->len_token[len] = (257 + s) | (len - deflate_len_base[s])
							  << TOKEN_LEN_EXTRA;
	}
	for (uint32_t d = 1; d <= DEFLATE_WINDOW; d++) {
		uint32_t s = d - 1, extra = 0;

		/* two symbols for each power of two (RFC 1951, 3.2.5) */
		if (s >= 4) {
			unsigned bits = (unsigned)log2_of(s) - 1;

			extra = s & ((1u << bits) - 1);
			s = 2 * bits + (s >> bits);
		}
		enc->dist_token[d] = s << TOKEN_DIST | extra << TOKEN_DIST_EXTRA;
	}
	for (unsigned cost = 0; cost <= 3 * COST_MAX; cost++) {
		unsigned bits = cost < COST_MATCH3 ? 0 : (cost - COST_MATCH3) / COST_UNIT;

		if (cost > COST_MATCH3)
			enc->reach[cost] = (uint16_t)(bits >= 10 ? DEFLATE_WINDOW : 4u << bits);
	}
}

struct deflate_enc *deflate_enc_new(enum codec_level level, struct err *e)
{
	struct deflate_enc *enc = mem_aligned(64, sizeof(*enc), e);

	if (!enc)
		return NULL;
	memset(enc, 0, sizeof(*enc));
	enc->level = level;
	enc->blocks = deflate_blocks_new(level, e);
	if (!enc->blocks) {
		free(enc);
		return NULL;
	}
	make_tables(enc);
	return enc;
}

void deflate_enc_free(struct deflate_enc *enc)
{
	if (!enc)
		return;
	deflate_blocks_free(enc->blocks);
	free(enc);
}
