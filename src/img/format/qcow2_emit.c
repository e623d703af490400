/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_emit.h"

#include "base/bytes.h"

#include <string.h>

int emit_flush(struct emit *m, struct err *e)
{
	size_t n = m->off < m->end ? min_u64(m->fill, m->end - m->off) : 0;
	int r = n ? blk_pwrite(m->file, m->buf, n, m->off, e) : 0;

	m->off += m->fill;
	m->fill = 0;
	progress_add(m->progress, n);
	return r;
}

uint8_t *emit_cluster(struct emit *m, int *r, struct err *e)
{
	uint8_t *p;

	if (m->fill + m->cluster > EMIT_BYTES) {
		*r = emit_flush(m, e);
		if (*r < 0)
			return NULL;
	}
	p = m->buf + m->fill;
	memset(p, 0, m->cluster);
	m->fill += m->cluster;
	return p;
}

int emit_table(struct emit *m, uint64_t n, uint64_t clusters, uint64_t first, uint64_t step,
	       unsigned entry_bytes, struct err *e)
{
	uint64_t per = m->cluster / entry_bytes;
	int r = 0;

	for (uint64_t c = 0; c < clusters; c++) {
		uint8_t *p = emit_cluster(m, &r, e);
		uint64_t here = min_u64(n, per);

		if (!p)
			return r;
		for (uint64_t i = 0; i < here; i++, p += entry_bytes, first += step)
			store_be64(p, first);
		n -= here;
	}
	return 0;
}

/* The first @n counts of a block are 1.  Counts under 8 bits fill a byte from its low end. */
static void set_ones(uint8_t *block, unsigned order, uint64_t n)
{
	static const uint8_t pattern[3] = { 0xff, 0x55, 0x11 };
	uint64_t bits = n << order;

	if (order < 3) {
		memset(block, pattern[order], bits / 8);
		if (bits % 8)
			block[bits / 8] = pattern[order] & (uint8_t)((1u << bits % 8) - 1);
		return;
	}
	for (uint64_t at = (1u << order) / 8; at <= bits / 8; at += (1u << order) / 8)
		block[at - 1] = 1;
}

int emit_refblocks(struct emit *m, const struct qcow2_layout *y, struct err *e)
{
	uint64_t per_block = (8ull << y->cluster_bits) >> y->refcount_order, left = y->total;
	const uint8_t *full = NULL;
	int r = 0;

	for (uint64_t i = 0; i < y->refblocks; i++) {
		uint8_t *p = emit_cluster(m, &r, e);
		uint64_t n = min_u64(left, per_block);

		if (!p)
			return r;
		/* Most blocks are full, hence equal. */
		if (n == per_block && full && full != p)
			memcpy(p, full, m->cluster);
		else
			set_ones(p, y->refcount_order, n);
		if (n == per_block && (!full || p <= full))
			full = p;
		left -= n;
	}
	return 0;
}
