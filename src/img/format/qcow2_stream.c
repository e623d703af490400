/* SPDX-License-Identifier: MIT */
/*
 * A new image written front to back, to where nothing can be written twice.
 *
 * All metadata comes before the data it tells of, so the image is written in two rounds.  In
 * the first the node only notes which clusters are written; qcow2_stream_begin() plans the
 * layout for these and sends the metadata; in the second the same writes, in the order of the
 * disk, send the data.  A write that the first round did not have, or one that is left
 * out, is an error: the source changed.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_data.h"
#include "img/format/qcow2_emit.h"

#include <stdlib.h>
#include <string.h>

enum { LEAF_BITS = 15, LEAF_BYTES = 1 << (LEAF_BITS - 3) };

struct stream {
	struct blk blk; /* first */
	struct blk *to; /* the caller's */
	struct img_create create;
	struct qcow2_layout y;
	uint64_t clusters;
	/* The set of clusters with data: a bit each, in leaves that are there if needed. */
	uint8_t **leaf;
	size_t leaves;
	bool sending;
	uint64_t next; /* sending: first cluster that was not looked at yet */
	uint64_t pos;  /* of @to */
};

static struct stream *to_stream(struct blk *b)
{
	return (struct stream *)b;
}

/* ---- the set ---- */

static int set_add(struct stream *s, uint64_t c, struct err *e)
{
	uint8_t **leaf = &s->leaf[c >> LEAF_BITS];

	if (!*leaf)
		*leaf = mem_zalloc(1, LEAF_BYTES, e);
	if (!*leaf)
		return -ENOMEM;
	c &= (1u << LEAF_BITS) - 1;
	(*leaf)[c / 8] |= (uint8_t)(1u << c % 8);
	return 0;
}

/* The first cluster of the set in [c, end), or @end. */
static uint64_t set_next(const struct stream *s, uint64_t c, uint64_t end)
{
	while (c < end) {
		const uint8_t *leaf = s->leaf[c >> LEAF_BITS];
		uint64_t i = c & ((1u << LEAF_BITS) - 1);

		if (!leaf)
			c = ((c >> LEAF_BITS) + 1) << LEAF_BITS;
		else if (i % 8 == 0 && !leaf[i / 8])
			c += 8;
		else if (!(leaf[i / 8] & 1u << i % 8))
			c++;
		else
			break;
	}
	return min_u64(c, end);
}

/* ---- the metadata ---- */

static uint64_t table_end(const struct stream *s, uint64_t table, uint64_t *first)
{
	unsigned bits = s->y.cluster_bits - (s->create.extended_l2 ? 4 : 3);

	*first = table << bits;
	return min_u64(*first + (1ull << bits), s->clusters);
}

/* Says how many clusters and tables it takes. */
static void count(struct stream *s)
{
	uint64_t first, end;

	for (uint64_t t = 0; t < s->y.l1_entries; t++) {
		uint64_t had = s->y.some_clusters;

		end = table_end(s, t, &first);
		for (uint64_t c = set_next(s, first, end); c < end; c = set_next(s, c + 1, end))
			s->y.some_clusters++;
		s->y.some_tables += s->y.some_clusters > had;
	}
}

static int emit_l1(struct stream *s, struct emit *m, struct err *e)
{
	uint64_t per = m->cluster / 8, first, end, off = s->y.l2_off;
	uint8_t *p = NULL;
	int r = 0;

	for (uint64_t t = 0; t < s->y.l1_entries; t++) {
		if (t % per == 0)
			p = emit_cluster(m, &r, e);
		if (!p)
			return r;
		end = table_end(s, t, &first);
		if (set_next(s, first, end) == end)
			continue;
		store_be64(p + t % per * 8, off | QCOW2_OFLAG_COPIED);
		off += m->cluster;
	}
	return 0;
}

static int emit_l2(struct stream *s, struct emit *m, struct err *e)
{
	unsigned bytes = s->create.extended_l2 ? 16 : 8;
	uint64_t first, end, off = s->y.data_off;
	int r = 0;

	for (uint64_t t = 0; t < s->y.l1_entries; t++) {
		uint64_t c;
		uint8_t *p;

		end = table_end(s, t, &first);
		c = set_next(s, first, end);
		if (c == end)
			continue;
		p = emit_cluster(m, &r, e);
		if (!p)
			return r;
		for (; c < end; c = set_next(s, c + 1, end), off += m->cluster) {
			store_be64(p + (c - first) * bytes, off | QCOW2_OFLAG_COPIED);
			if (bytes == 16)
				store_be64(p + (c - first) * bytes + 8, QCOW2_ALL_ALLOC);
		}
	}
	return 0;
}

static int emit_all(struct stream *s, uint8_t *buf, struct err *e)
{
	uint64_t cs = 1ull << s->y.cluster_bits;
	struct emit m = { .file = s->to, .buf = buf, .cluster = cs, .end = UINT64_MAX };
	int r = 0;
	uint8_t *header = emit_cluster(&m, &r, e);

	if (header)
		r = qcow2_create_header(&s->create, &s->y, header, e);
	if (r == 0)
		r = emit_table(&m, s->y.refblocks, s->y.reftable_clusters, s->y.refblock_off,
			       cs, 8, e);
	if (r == 0)
		r = emit_refblocks(&m, &s->y, e);
	if (r == 0)
		r = emit_l1(s, &m, e);
	if (r == 0)
		r = emit_l2(s, &m, e);
	if (r == 0)
		r = emit_flush(&m, e);
	s->pos = m.off;
	return r;
}

int qcow2_stream_begin(struct blk *b, struct err *e)
{
	struct stream *s = to_stream(b);
	AUTO_FREE uint8_t *buf = mem_aligned(4096, EMIT_BYTES, e);
	int r;

	if (!buf)
		return -ENOMEM;
	count(s);
	s->y.some = true;
	r = qcow2_create_plan(&s->create, NULL, &s->y, e);
	if (r == 0)
		r = emit_all(s, buf, e);
	s->sending = true;
	return r;
}

/* ---- the node ---- */

static int changed(const struct stream *s, uint64_t cluster, struct err *e)
{
	return err_set(e, -EIO,
		       "the source changed while it was read: at offset %llu its map is not "
		       "what it was",
		       (unsigned long long)(cluster << s->y.cluster_bits));
}

static int send(struct stream *s, const void *buf, size_t len, uint64_t c, uint64_t end,
		struct err *e)
{
	uint64_t whole = (end - c) << s->y.cluster_bits;
	int r;

	if (set_next(s, s->next, end) != c)
		return changed(s, c, e);
	for (uint64_t i = c; i < end; i++)
		if (set_next(s, i, end) != i)
			return changed(s, i, e);
	s->next = end;
	r = blk_pwrite(s->to, buf, len, s->pos, e);
	if (r == 0 && len < whole)
		r = blk_zero(s->to, s->pos + len, whole - len, 0, e);
	s->pos += whole;
	return r;
}

static int stream_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off,
			 struct err *e)
{
	struct stream *s = to_stream(b);
	uint64_t c = off >> s->y.cluster_bits;
	uint64_t end = div_up(off + len, 1ull << s->y.cluster_bits);
	int r = 0;

	if (s->sending)
		return send(s, buf, len, c, end, e);
	for (; c < end && r == 0; c++)
		r = set_add(s, c, e);
	return r;
}

static int stream_flush(struct blk *b, struct err *e)
{
	struct stream *s = to_stream(b);
	uint64_t c = s->sending ? set_next(s, s->next, s->clusters) : s->clusters;

	return c < s->clusters ? changed(s, c, e) : 0;
}

static int stream_close(struct blk *b, struct err *e)
{
	struct stream *s = to_stream(b);

	(void)e;
	for (size_t i = 0; i < s->leaves; i++)
		free(s->leaf[i]);
	free(s->leaf);
	blk_fini(b);
	free(s);
	return 0;
}

static const struct blk_ops stream_ops = {
	.name = "qcow2",
	.pwrite = stream_pwrite,
	.flush = stream_flush,
	.close = stream_close,
};

int qcow2_stream(const struct img_create *c, struct blk *to, struct blk **out, struct err *e)
{
	struct stream *s = mem_zalloc(1, sizeof(*s), e);
	int r;

	if (!s)
		return -ENOMEM;
	s->to = to;
	s->create = *c;
	r = qcow2_create_plan(c, NULL, &s->y, e);
	if (r == 0) {
		s->clusters = s->y.guest_clusters;
		s->leaves = (size_t)(s->clusters >> LEAF_BITS) + 1;
		s->leaf = mem_zalloc(s->leaves, sizeof(*s->leaf), e);
		r = s->leaf ? blk_init(&s->blk, &stream_ops, to->filename, BLK_WRITE, e)
			    : -ENOMEM;
	}
	if (r < 0) {
		free(s->leaf);
		free(s);
		return r;
	}
	s->blk.size = s->y.size;
	s->blk.cluster_size = (uint32_t)c->cluster_size;
	*out = &s->blk;
	return 0;
}
