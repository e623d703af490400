/* SPDX-License-Identifier: MIT */
#include "img/codec/deflate_huff.h"

#include <string.h>

enum { SYMS_MAX = 288 };

const uint8_t huff_cl_order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
				    11, 4,  12, 3, 13, 2, 14, 1, 15 };

/* A used symbol and its frequency in one word, for sorting: freq << 9 | symbol. */
static unsigned collect(const uint32_t *freq, unsigned n, uint32_t *v)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++)
		if (freq[i])
			v[m++] = freq[i] << 9 | i;
	return m;
}

/* Sorts by frequency, then symbol: a radix sort by bytes of the frequency. */
static void sort_by_freq(uint32_t *v, unsigned m)
{
	uint32_t other[SYMS_MAX], all = 0;

	for (unsigned i = 0; i < m; i++)
		all |= v[i] >> 9;
	for (unsigned shift = 9; all; all >>= 8, shift += 8) {
		uint16_t at[256] = { 0 };
		unsigned sum = 0;

		for (unsigned i = 0; i < m; i++)
			at[v[i] >> shift & 255]++;
		for (unsigned i = 0; i < 256; i++) {
			unsigned count = at[i];

			at[i] = (uint16_t)sum;
			sum += count;
		}
		for (unsigned i = 0; i < m; i++)
			other[at[v[i] >> shift & 255]++] = v[i];
		memcpy(v, other, m * sizeof(*v));
	}
}

/*
 * Counts the leaves of Huffman's tree over @m (at least 2) sorted weights by depth; depths
 * beyond @limit count as @limit.  In place, after Moffat and Katajainen: w[] holds the
 * weights of leaves not yet used on the right, sums waiting to be used in the
 * middle, and the parents of used sums on the left.
 */
static void count_depths(uint32_t *w, unsigned m, unsigned limit, unsigned *count)
{
	unsigned leaf = 0, sum = 0, open = 1, depth = 0;
	unsigned inner = m - 1; /* of the inner nodes, how many lie above */

	for (unsigned next = 0; next < m - 1; next++) {
		uint32_t total = 0;

		for (int k = 0; k < 2; k++) {
			if (leaf < m && (sum == next || w[leaf] <= w[sum])) {
				total += w[leaf++];
			} else {
				total += w[sum];
				w[sum++] = next;
			}
		}
		w[next] = total;
	}
	w[m - 2] = 0;
	for (unsigned i = m - 2; i-- > 0;)
		w[i] = w[w[i]] + 1;
	/* w[] are depths of inner nodes now, falling; what else is open is a leaf */
	while (open) {
		unsigned here = 0;

		while (inner && w[inner - 1] == depth) {
			inner--;
			here++;
		}
		count[depth < limit ? depth : limit] += open - here;
		open = 2 * here;
		depth++;
	}
}

/*
 * Cutting depths may have overfilled the code space.  Each step moves a leaf one
 * down to make it an inner node with a leaf of depth @limit as its second child.
 */
static void fit_limit(unsigned *count, unsigned limit)
{
	uint32_t used = 0;

	for (unsigned l = 1; l <= limit; l++)
		used += count[l] << (limit - l);
	for (; used > 1u << limit; used--) {
		unsigned l = limit - 1;

		while (!count[l])
			l--;
		count[l]--;
		count[l + 1] += 2;
		count[limit]--;
	}
}

void huff_lengths(const uint32_t *freq, unsigned n, unsigned limit, uint8_t *len)
{
	unsigned count[16] = { 0 };
	uint32_t v[SYMS_MAX], w[SYMS_MAX];
	unsigned m = collect(freq, n, v), at = 0;

	memset(len, 0, n);
	if (m == 1)
		len[v[0] & 511] = 1;
	if (m <= 1)
		return;
	sort_by_freq(v, m);
	for (unsigned i = 0; i < m; i++)
		w[i] = v[i] >> 9;
	count_depths(w, m, limit, count);
	fit_limit(count, limit);
	for (unsigned l = limit; l >= 1; l--)
		for (unsigned k = count[l]; k; k--)
			len[v[at++] & 511] = (uint8_t)l;
}

static uint16_t reverse(unsigned code, unsigned len)
{
	code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
	code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
	code = (code & 0x0F0F) << 4 | (code >> 4 & 0x0F0F);
	code = (code & 0x00FF) << 8 | (code >> 8 & 0x00FF);
	return (uint16_t)(code >> (16 - len));
}

void huff_codes(const uint8_t *len, unsigned n, uint16_t *code)
{
	unsigned count[16] = { 0 }, next[16], c = 0;

	for (unsigned i = 0; i < n; i++)
		count[len[i]]++;
	count[0] = 0;
	for (unsigned l = 1; l < 16; l++) {
		c = (c + count[l - 1]) << 1;
		next[l] = c;
	}
	for (unsigned i = 0; i < n; i++)
		code[i] = len[i] ? reverse(next[len[i]]++, len[i]) : 0;
}

static void add_run(struct deflate_plan *p, uint32_t *freq, unsigned symbol, unsigned extra)
{
	p->run[p->runs] = (uint8_t)symbol;
	p->run_extra[p->runs++] = (uint8_t)extra;
	freq[symbol]++;
}

/* @n equal lengths in a row: 16 repeats the one before, 17 and 18 are zeroes. */
static void add_lengths(struct deflate_plan *p, uint32_t *freq, unsigned len, unsigned n)
{
	if (len && n) {
		add_run(p, freq, len, 0);
		n--;
	}
	while (n >= 3) {
		unsigned most = len ? 6 : 138;
		unsigned k = n < most ? n : most;

		/* 7 is better said as 4 and 3 than as 6 and a length alone */
		if (len && n == 7)
			k = 4;
		if (len)
			add_run(p, freq, 16, k - 3);
		else if (k <= 10)
			add_run(p, freq, 17, k - 3);
		else
			add_run(p, freq, 18, k - 11);
		n -= k;
	}
	while (n--)
		add_run(p, freq, len, 0);
}

void huff_plan(const struct deflate_hist *h, struct deflate_plan *p)
{
	uint8_t all[320];
	uint32_t freq[19] = { 0 };
	unsigned n, same;

	huff_lengths(h->ll, DEFLATE_LL, 15, p->ll_len);
	huff_lengths(h->d, DEFLATE_D, 15, p->d_len);
	p->ll_n = DEFLATE_LL;
	while (!p->ll_len[p->ll_n - 1]) /* the end of block is always used */
		p->ll_n--;
	p->d_n = DEFLATE_D;
	while (p->d_n > 1 && !p->d_len[p->d_n - 1])
		p->d_n--;
	/* one distance code of no bits is allowed but not all readers know */
	if (p->d_n == 1 && !p->d_len[0])
		p->d_len[0] = 1;

	memcpy(all, p->ll_len, p->ll_n);
	memcpy(all + p->ll_n, p->d_len, p->d_n);
	n = p->ll_n + p->d_n;
	p->runs = 0;
	for (unsigned i = 0; i < n; i += same) {
		same = 1;
		while (i + same < n && all[i + same] == all[i])
			same++;
		add_lengths(p, freq, all[i], same);
	}
	huff_lengths(freq, 19, 7, p->cl_len);
	p->cl_n = 19;
	while (p->cl_n > 4 && !p->cl_len[huff_cl_order[p->cl_n - 1]])
		p->cl_n--;
	p->header_bits =
		3 + 5 + 5 + 4 + 3 * p->cl_n + 2 * freq[16] + 3 * freq[17] + 7 * freq[18];
	for (unsigned i = 0; i < 19; i++)
		p->header_bits += freq[i] * p->cl_len[i];
}
