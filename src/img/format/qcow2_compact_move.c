/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_compact.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

/* What is moved between two syncs: lost work when the program ends in between. */
#define BATCH_BYTES (64ull << 20)
enum { SPAN = 2048 }; /* references so near each other are written together */

/* One thing that moved: references [ref, ref + refs), now at @to. */
struct moved {
	size_t ref, refs;
	uint64_t to, value; /* value: of compressed data, the new entry */
	uint64_t len;       /* bytes that the old references claim */
	uint64_t size;      /* bytes at the new place */
};

struct batch {
	struct moved *v;
	size_t n, cap;
	uint64_t bytes;
};

/* ---- bytes ---- */

static int copy_data(struct compact *k, uint64_t from, uint64_t to, uint64_t len, struct err *e)
{
	struct blk *f = k->s->blk.child;
	int r = 0;

	for (uint64_t n; len && r == 0; len -= n, from += n, to += n) {
		n = min_u64(len, COMPACT_BUF);
		r = blk_pread(f, k->buf, (size_t)n, from, e);
		if (r == 0)
			r = blk_pwrite(f, k->buf, (size_t)n, to, e);
		if (r == 0)
			r = compact_pace_step(&k->pace, n, e);
	}
	return r;
}

int compact_copy(struct compact *k, uint64_t from, uint64_t to, uint64_t len, struct err *e)
{
	struct blk *f = k->s->blk.child;
	int r = 0;

	while (len && r == 0) {
		struct blk_extent x = { .flags = BLK_EXT_ZERO, .len = len };

		if (from < f->size)
			r = blk_extent(f, from, len, &x, e);
		if (r < 0)
			break;
		if (x.flags & BLK_EXT_ZERO)
			r = blk_zero(f, to, x.len, BLK_MAY_UNMAP, e);
		else
			r = copy_data(k, from, to, x.len, e);
		from += x.len;
		to += x.len;
		len -= x.len;
	}
	return r;
}

/* ---- references ---- */

static int by_place(const void *a, const void *b)
{
	uint64_t x = ((const struct compact_ref *)a)->at;
	uint64_t y = ((const struct compact_ref *)b)->at;

	return x < y ? -1 : x > y;
}

/* The copy of the L1 table in memory, too. */
static void follow(struct compact *k, const struct compact_ref *ref)
{
	struct qcow2 *s = k->s;
	uint64_t i = (ref->at - s->h.l1_offset) / 8;

	if (ref->at >= s->h.l1_offset && i < s->h.l1_entries)
		s->l1[i] = ref->value;
}

/* @n references, sorted by place, that are what they shall be.  Bytes between them stay. */
static int write_refs(struct compact *k, const struct compact_ref *v, size_t n, struct err *e)
{
	struct blk *f = k->s->blk.child;
	uint8_t span[SPAN];
	int r = 0;

	for (size_t i = 0, j; i < n && r == 0; i = j) {
		size_t len;

		for (j = i + 1; j < n && v[j].at + 8 - v[i].at <= SPAN; j++)
			;
		len = (size_t)(v[j - 1].at + 8 - v[i].at);
		r = blk_pread(f, span, len, v[i].at, e);
		for (size_t m = i; m < j; m++) {
			store_be64(span + (v[m].at - v[i].at), v[m].value);
			follow(k, &v[m]);
		}
		if (r == 0)
			r = blk_pwrite(f, span, len, v[i].at, e);
	}
	return r;
}

/* Makes what moved count: the references, and after them the old places. */
static int commit_refs(struct compact *k, const struct batch *b, struct err *e)
{
	size_t first = b->v[0].ref, n = b->v[b->n - 1].ref + b->v[b->n - 1].refs - first;
	struct compact_ref *v = mem_zalloc(n, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	memcpy(v, k->refs + first, n * sizeof(*v));
	for (size_t i = 0; i < b->n; i++)
		for (size_t m = 0; m < b->v[i].refs; m++) {
			struct compact_ref *ref = &v[b->v[i].ref - first + m];

			if (b->v[i].value)
				ref->value = b->v[i].value;
			else
				ref->value = (ref->value & ~QCOW2_OFFSET_MASK) | b->v[i].to;
		}
	qsort(v, n, sizeof(*v), by_place);
	r = write_refs(k, v, n, e);
	free(v);
	return r < 0 ? r : blk_flush(k->s->blk.child, e);
}

static uint64_t uses(const struct compact *k, const struct moved *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->refs; i++)
		n += k->refs[m->ref + i].uses;
	return n;
}

/* Counts of the old place down.  The cluster of a table leaves the regions. */
static int let_go(struct compact *k, const struct moved *m, struct err *e)
{
	unsigned bits = k->s->cluster_bits;
	uint64_t off = k->refs[m->ref].host, first = off >> bits;
	uint64_t last = (off + m->len - 1) >> bits;

	return qcow2_refcount_add(k->s, first, last - first + 1, -(int64_t)uses(k, m), e);
}

static int commit(struct compact *k, struct batch *b, struct err *e)
{
	int r;

	if (!b->n)
		return 0;
	r = compact_sync(k, e);
	if (r == 0)
		r = commit_refs(k, b, e);
	for (size_t i = 0; i < b->n && r == 0; i++)
		r = let_go(k, &b->v[i], e);
	if (r == 0)
		k->c->moved += b->bytes;
	b->n = 0; /* also after a failure: some may be named */
	b->bytes = 0;
	return r;
}

/* After @r.  Told to stop, what was copied whole counts; after a failure its places are given
 * back, for nothing names them. */
static int end_batch(struct compact *k, struct batch *b, int r, struct err *e)
{
	unsigned bits = k->s->cluster_bits;

	if (r == -EINTR)
		(void)!commit(k, b, NULL);
	else if (r >= 0)
		r = commit(k, b, e);
	for (size_t i = 0; i < b->n; i++) {
		const struct moved *m = &b->v[i];
		uint64_t first = m->to >> bits, last = (m->to + m->size - 1) >> bits;

		(void)!qcow2_refcount_add(k->s, first, last - first + 1, -(int64_t)uses(k, m),
					  NULL);
	}
	free(b->v);
	return r < 0 ? r : 0;
}

static int remember(struct batch *b, const struct moved *m, struct err *e)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 256;
		void *p = b->v;
		int r = mem_grow(&p, cap, sizeof(*b->v), e);

		if (r < 0)
			return r;
		b->v = p;
		b->cap = cap;
	}
	b->v[b->n++] = *m;
	return 0;
}

/* 1 to go on. */
static int commit_some(struct compact *k, struct batch *b, struct err *e)
{
	int r = commit(k, b, e);

	return r < 0 ? r : 1;
}

/* How many references there are to what ref @i names. */
static size_t same_host(const struct compact *k, size_t i)
{
	size_t j = i + 1;

	while (j < k->refs_n && k->refs[j].host == k->refs[i].host)
		j++;
	return j - i;
}

/* ---- clusters ---- */

/* How many clusters from that of ref @i on follow each other in the file. */
static uint64_t run_length(const struct compact *k, size_t i, uint64_t max)
{
	uint64_t cs = k->s->cluster_size, n = 1;

	for (size_t j = i + same_host(k, i); n < max && j < k->refs_n;
	     j += same_host(k, j), n++)
		if (k->refs[j].host != k->refs[i].host + n * cs)
			break;
	return n;
}

/* @n clusters from ref *i on are at @to, too.  Moves *i behind them. */
static int take_run(struct compact *k, struct batch *b, size_t *i, uint64_t n, uint64_t to,
		    struct err *e)
{
	uint64_t cs = k->s->cluster_size;
	int r = 0;

	for (uint64_t c = 0; c < n && r == 0; c++, to += cs) {
		struct moved m = {
			.ref = *i, .refs = same_host(k, *i), .to = to, .len = cs, .size = cs
		};
		uint64_t times = uses(k, &m);

		r = qcow2_refcount_add(k->s, to >> k->s->cluster_bits, 1, (int64_t)times - 1,
				       e);
		if (r == 0)
			r = remember(b, &m, e);
		*i += m.refs;
	}
	b->bytes += n * cs;
	return r;
}

/* 1: moved; 0: there is no place before. */
static int place_run(struct compact *k, struct batch *b, size_t *i, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t cluster, got, off, n = run_length(k, *i, BATCH_BYTES >> s->cluster_bits);
	int r = qcow2_alloc(s, n, &cluster, &got, e);

	if (r < 0)
		return r;
	off = cluster << s->cluster_bits;
	if (off + got * s->cluster_size > k->limit) {
		uint64_t keep = off < k->limit ? (k->limit - off) >> s->cluster_bits : 0;

		r = qcow2_refcount_add(s, cluster + keep, got - keep, -1, e);
		if (r < 0 || !keep)
			return r;
		got = keep;
	}
	r = compact_copy(k, k->refs[*i].host, off, got << s->cluster_bits, e);
	if (r < 0) {
		(void)!qcow2_refcount_add(s, cluster, got, -1, NULL);
		return r;
	}
	r = take_run(k, b, i, got, off, e);
	return r < 0 ? r : 1;
}

int compact_move_clusters(struct compact *k, struct err *e)
{
	struct batch b = { 0 };
	int r = 1;

	for (size_t i = 0; i < k->refs_n && r > 0;) {
		r = place_run(k, &b, &i, e);
		if (r > 0 && b.bytes >= BATCH_BYTES)
			r = commit_some(k, &b, e);
	}
	return end_batch(k, &b, r, e);
}

/* ---- compressed data ---- */

/* Entries say how many sectors to read at most.  Where the next stream begins in the last of
 * them, this one ends before: if it expands without the rest, that is its length. */
static uint64_t real_length(struct compact *k, size_t i, uint64_t off, uint64_t len)
{
	struct qcow2 *s = k->s;
	size_t next = i + same_host(k, i);
	struct qcow2_run run = { .kind = QCOW2_COMPRESSED, .len = s->cluster_size };
	uint64_t tight;
	int r;

	if (next >= k->refs_n || k->refs[next].host >= off + len)
		return len;
	tight = k->refs[next].host - off;
	run.comp_off = off;
	run.comp_len = (uint32_t)tight;
	pthread_mutex_unlock(&s->lock);
	r = qcow2_read_compressed(s, &run, 0, k->buf, (size_t)s->cluster_size, NULL);
	pthread_mutex_lock(&s->lock);
	return r == 0 ? tight : len;
}

/* Room for @len bytes that @times entries will refer to; 0: none before the limit. */
static int place_stream(struct compact *k, uint64_t len, uint64_t times, uint64_t *to,
			struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t first, last;
	int r = qcow2_alloc_bytes(s, len, to, e);

	if (r < 0)
		return r;
	first = *to >> s->cluster_bits;
	last = (*to + len - 1) >> s->cluster_bits;
	if (last << s->cluster_bits >= k->limit)
		r = -ENOSPC;
	else if (times > 1)
		r = qcow2_refcount_add(s, first, last - first + 1, (int64_t)times - 1, e);
	if (r == 0)
		return 1;
	s->comp_off = 0;
	(void)!qcow2_refcount_add(s, first, last - first + 1, -1, NULL);
	return 0; /* counts that are full are no reason to fail */
}

static int move_stream(struct compact *k, struct batch *b, size_t *i, struct err *e)
{
	struct moved m = { .ref = *i, .refs = same_host(k, *i) };
	uint64_t off, len;
	int r;

	qcow2_entry_compressed(k->s, k->refs[*i].value, &off, &m.len);
	len = real_length(k, *i, off, m.len);
	r = place_stream(k, len, uses(k, &m), &m.to, e);
	if (r <= 0)
		return r;
	m.value = qcow2_compressed_entry(k->s, m.to, (uint32_t)len);
	m.size = len;
	r = remember(b, &m, e);
	if (r == 0)
		r = copy_data(k, off, m.to, len, e);
	if (r == -EINTR)
		r = 0; /* it was copied: the next one stops */
	if (r < 0)
		return r;
	b->bytes += len;
	*i += m.refs;
	return 1;
}

/* Entries that claim the same bytes in other lengths would not move as one. */
static bool is_plain(const struct compact *k, size_t i)
{
	for (size_t j = i + same_host(k, i); j-- > i + 1;)
		if (k->refs[j].value != k->refs[i].value)
			return false;
	return true;
}

int compact_move_compressed(struct compact *k, struct err *e)
{
	struct batch b = { 0 };
	int r = 1;

	for (size_t i = 0; i < k->refs_n && r > 0;) {
		if (!is_plain(k, i)) {
			r = commit_some(k, &b, e);
			i += same_host(k, i);
			continue;
		}
		r = move_stream(k, &b, &i, e);
		if (r > 0 && b.bytes >= BATCH_BYTES)
			r = commit_some(k, &b, e);
	}
	r = end_batch(k, &b, r, e);
	k->s->comp_off = 0;
	return r;
}
