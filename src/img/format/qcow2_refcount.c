/* SPDX-License-Identifier: MIT */
/*
 * Refcounts of host clusters: reading, changing, and giving clusters back.  Changes are
 * made in the refcount cache; qcow2_flush.c writes them.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"

#include <stdlib.h>
#include <string.h>

#define REFTABLE_OFFSET_MASK 0xfffffffffffffe00ull

/* Readers of the file wait while a hole is being made, where the page cache does not have
 * what they want. */
enum { PUNCH_MAX = 16 << 20 };

uint64_t qcow2_rb_get(const uint8_t *block, unsigned order, uint64_t i)
{
	switch (order) {
	case 0:
		return block[i / 8] >> (i % 8) & 1;
	case 1:
		return block[i / 4] >> (i % 4 * 2) & 3;
	case 2:
		return block[i / 2] >> (i % 2 * 4) & 15;
	case 3:
		return block[i];
	case 4:
		return load_be16(block + i * 2);
	case 5:
		return load_be32(block + i * 4);
	default:
		return load_be64(block + i * 8);
	}
}

static void set_bits(uint8_t *byte, unsigned shift, unsigned mask, uint64_t v)
{
	*byte = (uint8_t)((*byte & ~(mask << shift)) | ((unsigned)v & mask) << shift);
}

void qcow2_rb_set(uint8_t *block, unsigned order, uint64_t i, uint64_t v)
{
	switch (order) {
	case 0:
		set_bits(&block[i / 8], i % 8, 1, v);
		break;
	case 1:
		set_bits(&block[i / 4], i % 4 * 2, 3, v);
		break;
	case 2:
		set_bits(&block[i / 2], i % 2 * 4, 15, v);
		break;
	case 3:
		block[i] = (uint8_t)v;
		break;
	case 4:
		store_be16(block + i * 2, (uint16_t)v);
		break;
	case 5:
		store_be32(block + i * 4, (uint32_t)v);
		break;
	default:
		store_be64(block + i * 8, v);
	}
}

static unsigned block_bits(const struct qcow2 *s)
{
	return s->cluster_bits + 3 - s->h.refcount_order;
}

static uint64_t refcount_max(const struct qcow2 *s)
{
	return UINT64_MAX >> (64 - (1u << s->h.refcount_order));
}

int qcow2_refblock(struct qcow2 *s, uint64_t cluster, uint8_t **block, struct err *e)
{
	uint64_t i = cluster >> block_bits(s);
	uint64_t off = i < s->reftable_entries ? s->reftable[i] & REFTABLE_OFFSET_MASK : 0;

	*block = NULL;
	if (!off)
		return 0;
	if (off & (s->cluster_size - 1))
		return qcow2_corrupt(s, true, e,
				     "Refblock offset %#llx unaligned (reftable index: %#llx)",
				     (unsigned long long)off, (unsigned long long)i);
	return qcow2_cache_get(s->rbc, off, block, e);
}

int qcow2_refcount_get(struct qcow2 *s, uint64_t cluster, uint64_t *out, struct err *e)
{
	uint8_t *block;
	int r = qcow2_refblock(s, cluster, &block, e);

	if (r < 0)
		return r;
	*out = 0;
	if (block)
		*out = qcow2_rb_get(block, s->h.refcount_order,
				    cluster & ((1ull << block_bits(s)) - 1));
	return 0;
}

/* @cluster has no users left: nothing held in memory may claim it any more. */
static void release(struct qcow2 *s, uint64_t cluster)
{
	uint64_t off = cluster << s->cluster_bits;

	if (cluster < s->alloc_hint)
		s->alloc_hint = cluster;
	if (s->comp_off && round_down(s->comp_off, s->cluster_size) == off)
		s->comp_off = 0;

	unsigned kinds = qcow2_region_kinds(s, off);

	/* what the image cannot do without stays protected: its refcount is wrong */
	if (kinds && !(kinds & (QCOW2_R_HEADER | QCOW2_R_REFTABLE | QCOW2_R_REFBLOCK)))
		qcow2_region_del(s, off, s->cluster_size);
}

/* Adds to the clusters [i, i + n) of one block, of which the first is @cluster.
 * Returns how many were changed before one could not be. */
static uint64_t add_in_block(struct qcow2 *s, uint8_t *block, uint64_t i, uint64_t cluster,
			     uint64_t n, int64_t delta)
{
	unsigned order = s->h.refcount_order;
	uint64_t max = refcount_max(s);
	uint64_t by = delta < 0 ? -(uint64_t)delta : (uint64_t)delta;

	for (uint64_t k = 0; k < n; k++) {
		uint64_t v = qcow2_rb_get(block, order, i + k);

		if (delta < 0 ? v < by : v > max || max - v < by)
			return k;
		v = delta < 0 ? v - by : v + by;
		qcow2_rb_set(block, order, i + k, v);
		if (!v)
			release(s, cluster + k);
	}
	return n;
}

/* As qcow2_refcount_add; *done clusters were changed, also on failure. */
static int add_run(struct qcow2 *s, uint64_t cluster, uint64_t n, int64_t delta, uint64_t *done,
		   struct err *e)
{
	uint64_t per = 1ull << block_bits(s);

	for (*done = 0; *done < n;) {
		uint64_t c = cluster + *done;
		uint64_t i = c & (per - 1);
		uint64_t here = min_u64(per - i, n - *done);
		uint8_t *block;
		int r = qcow2_refblock(s, c, &block, e);

		if (r == 0 && !block && delta > 0) {
			r = qcow2_refblock_make(s, c, e);
			if (r == 0)
				r = qcow2_refblock(s, c, &block, e);
		}
		if (r < 0)
			return r;

		uint64_t did = block ? add_in_block(s, block, i, c, here, delta) : 0;

		if (did)
			qcow2_cache_dirty(s->rbc, block);
		*done += did;
		if (did == here)
			continue;
		if (delta < 0)
			return err_set(e, -EUCLEAN,
				       "cluster %#llx is given back more often than it is used",
				       (unsigned long long)(c + did));
		return err_set(e, -ERANGE, "refcount of cluster %#llx does not fit %u bits",
			       (unsigned long long)(c + did), 1u << s->h.refcount_order);
	}
	return 0;
}

int qcow2_refcount_add(struct qcow2 *s, uint64_t cluster, uint64_t n, int64_t delta,
		       struct err *e)
{
	uint64_t done, undone;
	int r;

	if (!delta || !n)
		return 0;
	r = add_run(s, cluster, n, delta, &done, e);
	if (r < 0 && done)
		(void)add_run(s, cluster, done, -delta, &undone, NULL);
	return r;
}

/* Punches those of [first, last] out of the file that nobody uses any more. */
static void punch(struct qcow2 *s, uint64_t first, uint64_t last)
{
	uint64_t start = first;

	for (uint64_t c = first; c <= last + 1; c++) {
		uint64_t v = 1;

		if (c <= last && qcow2_refcount_get(s, c, &v, NULL) == 0 && v == 0)
			continue;
		if (c > start) {
			uint64_t off = start << s->cluster_bits;
			uint64_t end = c << s->cluster_bits;

			end = min_u64(end, s->blk.child->size);
			/* an advice to the file system: its failure costs space only */
			if (off < end)
				(void)!blk_discard(s->blk.child, off, end - off, NULL);
		}
		start = c + 1;
	}
}

static int free_now(struct qcow2 *s, const struct qcow2_free *f, bool punched, struct err *e)
{
	uint64_t first = f->off >> s->cluster_bits;
	uint64_t last = (f->off + f->len - 1) >> s->cluster_bits;

	if (!f->len)
		return 0;

	int r = qcow2_refcount_add(s, first, last - first + 1, -1, e);

	if (r < 0)
		return err_wrap(e, r, "freeing clusters");
	if (s->discard_pass[f->why] && !punched)
		punch(s, first, last);
	return 0;
}

int qcow2_free(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e)
{
	struct qcow2_free f = { off, len, s->freeing };

	return free_now(s, &f, false, e);
}

/* Clusters, not compressed bytes in some. */
static bool is_whole(const struct qcow2 *s, const struct qcow2_free *f)
{
	return !((f->off | f->len) & (s->cluster_size - 1));
}

int qcow2_free_later(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e)
{
	uint64_t mask = s->cluster_size - 1;
	struct qcow2_free *f = s->frees_n ? &s->frees[s->frees_n - 1] : NULL;

	if (!len)
		return 0;
	/* only whole clusters: two runs of compressed bytes in one cluster are two uses */
	if (f && f->why == s->freeing && !((f->off | f->len | off | len) & mask)) {
		if (f->off + f->len == off) {
			f->len += len;
			return 0;
		}
		if (off + len == f->off) {
			f->off = off;
			f->len += len;
			return 0;
		}
	}
	if (s->frees_n == s->frees_cap) {
		size_t cap = s->frees_cap ? s->frees_cap * 2 : 64;
		void *p = s->frees;
		int r = mem_grow(&p, cap, sizeof(*s->frees), e);

		if (r < 0)
			return r;
		s->frees = p;
		s->frees_cap = cap;
	}
	s->frees[s->frees_n++] = (struct qcow2_free){ off, len, s->freeing };
	return 0;
}

/* A range that cannot be freed is leaked and the rest goes on: the first failure is
 * what the caller hears of. */
static int free_list(struct qcow2 *s, const struct qcow2_free *v, size_t n, bool punched,
		     struct err *e)
{
	int first = 0;

	for (size_t i = 0; i < n; i++) {
		int r = free_now(s, &v[i], punched && is_whole(s, &v[i]), first ? NULL : e);

		if (first == 0)
			first = r;
	}
	return first;
}

int qcow2_free_waiting(struct qcow2 *s, struct err *e)
{
	int r = free_list(s, s->frees, s->frees_n, false, e);

	s->frees_n = 0;
	return r;
}

/* Clusters from @first on, below @end, that this use alone keeps: how many, after *first was
 * moved to the first of them. */
static uint64_t last_uses(struct qcow2 *s, uint64_t *first, uint64_t end)
{
	uint64_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (*first + n < end && n < (uint64_t)PUNCH_MAX >> s->cluster_bits) {
		uint64_t v;

		if (qcow2_refcount_get(s, *first + n, &v, NULL) == 0 && v == 1)
			n++;
		else if (n)
			break;
		else
			++*first;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void punch_aside(struct qcow2 *s, const struct qcow2_free *f)
{
	uint64_t c = f->off >> s->cluster_bits, end = (f->off + f->len) >> s->cluster_bits, n;

	for (; (n = last_uses(s, &c, end)); c += n) {
		uint64_t off = c << s->cluster_bits, size = s->blk.child->size;

		if (off < size)
			(void)!blk_discard(s->blk.child, off,
					   min_u64(n << s->cluster_bits, size - off), NULL);
	}
}

int qcow2_free_aside(struct qcow2 *s, struct err *e)
{
	struct qcow2_free *v;
	size_t n;
	int r;

	pthread_mutex_lock(&s->lock);
	v = s->frees;
	n = s->frees_n;
	s->frees = NULL;
	s->frees_n = s->frees_cap = 0;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < n; i++)
		if (is_whole(s, &v[i]) && s->discard_pass[v[i].why])
			punch_aside(s, &v[i]);
	pthread_mutex_lock(&s->lock);
	r = free_list(s, v, n, true, e);
	pthread_mutex_unlock(&s->lock);
	free(v);
	return r;
}
