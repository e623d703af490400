/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_bitmap_bits.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <string.h>

int qcow2_bits_read(struct qcow2 *s, uint64_t entry, uint8_t *buf, struct err *e)
{
	uint64_t off = entry & QCOW2_BITMAP_OFFSET_MASK, size = s->blk.child->size;
	size_t n;

	memset(buf, entry & QCOW2_BITMAP_ALL_ONES ? 0xff : 0, s->cluster_size);
	if (!off)
		return 0;
	/* The last cluster of the file may be cut short. */
	if (off >= size)
		return err_set(e, -EUCLEAN,
			       "bitmap data at %#llx is beyond the end of the file",
			       (unsigned long long)off);
	n = min_u64(s->cluster_size, size - off);
	return blk_pread(s->blk.child, buf, n, off, e);
}

void qcow2_bits_set(uint8_t *buf, uint64_t lo, uint64_t hi)
{
	uint64_t a = lo / 8, b = hi / 8;
	uint8_t first = (uint8_t)(0xff << lo % 8), last = (uint8_t)(0xff >> (7 - hi % 8));

	if (a == b) {
		buf[a] |= first & last;
		return;
	}
	buf[a] |= first;
	memset(buf + a + 1, 0xff, b - a - 1);
	buf[b] |= last;
}

/* The first bit in [from, n) that is @want, or @n. */
static uint64_t find(const uint8_t *buf, uint64_t from, uint64_t n, bool want)
{
	uint8_t dull = want ? 0 : 0xff;

	while (from < n) {
		if (from % 8 == 0 && buf[from / 8] == dull)
			from += 8;
		else if ((buf[from / 8] >> from % 8 & 1) == want)
			return from;
		else
			from++;
	}
	return n;
}

bool qcow2_bits_next(const uint8_t *buf, uint64_t from, uint64_t n, uint64_t *lo, uint64_t *hi)
{
	*lo = find(buf, from, n, true);
	*hi = find(buf, *lo, n, false);
	return *lo < n;
}

uint64_t qcow2_bits_count(uint64_t size, unsigned granularity_bits)
{
	return div_up(size, 1ull << granularity_bits);
}

uint64_t qcow2_bits_clusters(uint64_t bits, unsigned cluster_bits)
{
	return max_u64(div_up(bits, 8ull << cluster_bits), 1);
}

/* What is being written: one cluster of bits of the destination. */
struct sink {
	struct qcow2 *s;
	struct qcow2_swap *w;
	uint64_t *table;
	unsigned granularity_bits;
	uint8_t *buf;
	uint64_t at; /* index of the cluster in buf; UINT64_MAX: none */
};

static bool all_ones(const uint8_t *buf, size_t len)
{
	return buf[0] == 0xff && !memcmp(buf, buf + 1, len - 1);
}

static int sink_store(struct sink *k, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t old, off = 0;
	int r = 0;

	if (k->at == UINT64_MAX)
		return 0;
	old = k->table[k->at];
	if (all_ones(k->buf, s->cluster_size)) {
		k->table[k->at] = QCOW2_BITMAP_ALL_ONES;
	} else {
		r = qcow2_swap_alloc(s, k->w, 1, &off, e);
		if (r == 0)
			r = qcow2_check_overlap(s, off, s->cluster_size, 0, e);
		if (r == 0)
			r = blk_pwrite(s->blk.child, k->buf, s->cluster_size, off, e);
		k->table[k->at] = off;
	}
	k->at = UINT64_MAX;
	if (r == 0 && old & QCOW2_BITMAP_OFFSET_MASK)
		r = qcow2_swap_drop(k->w, old, s->cluster_size, e);
	return r;
}

/* Guest bytes [from, to) are dirty; @from never goes back by more than a bit. */
static int sink_add(struct sink *k, uint64_t from, uint64_t to, struct err *e)
{
	uint64_t per = k->s->cluster_size * 8;
	uint64_t bit = from >> k->granularity_bits, last = (to - 1) >> k->granularity_bits;
	int r;

	while (bit <= last) {
		uint64_t i = bit / per, end = min_u64(last, i * per + per - 1);

		if (k->table[i] != QCOW2_BITMAP_ALL_ONES || i == k->at) {
			if (i != k->at) {
				r = sink_store(k, e);
				if (r == 0)
					r = qcow2_bits_read(k->s, k->table[i], k->buf, e);
				if (r < 0)
					return r;
				k->at = i;
			}
			qcow2_bits_set(k->buf, bit % per, end % per);
		}
		bit = end + 1;
	}
	return 0;
}

/* Cluster @i of the source's bits, which are in @buf. */
static int merge_cluster(struct sink *k, const struct qcow2_bits_src *src, uint64_t i,
			 const uint8_t *buf, struct err *e)
{
	uint64_t per = src->s->cluster_size * 8, size = k->s->h.size;
	uint64_t all = qcow2_bits_count(size, src->granularity_bits);
	uint64_t n = all > i * per ? min_u64(per, all - i * per) : 0, at = 0, lo;

	while (qcow2_bits_next(buf, at, n, &lo, &at)) {
		uint64_t from = (i * per + lo) << src->granularity_bits;
		uint64_t to = (i * per + at) << src->granularity_bits;
		int r = sink_add(k, from, min_u64(to, size), e);

		if (r < 0)
			return r;
	}
	return 0;
}

int qcow2_bits_merge(struct qcow2 *s, uint64_t *table, unsigned granularity_bits,
		     const struct qcow2_bits_src *src, struct qcow2_swap *w, struct err *e)
{
	AUTO_FREE uint8_t *out = mem_zalloc(1, s->cluster_size, e);
	AUTO_FREE uint8_t *in = out ? mem_zalloc(1, src->s->cluster_size, e) : NULL;
	struct sink k = {
		.s = s,
		.w = w,
		.table = table,
		.granularity_bits = granularity_bits,
		.buf = out,
		.at = UINT64_MAX,
	};
	int r = 0;

	if (!in)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < src->entries; i++) {
		if (!src->table[i])
			continue;
		r = qcow2_bits_read(src->s, src->table[i], in, e);
		if (r == 0)
			r = merge_cluster(&k, src, i, in, e);
	}
	return r < 0 ? r : sink_store(&k, e);
}
