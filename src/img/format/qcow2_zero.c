/* SPDX-License-Identifier: MIT */
/*
 * Zeroing and discarding.  Both change entries only; clusters that are dropped go free with
 * the next flush, so neither needs io exclusively.  Version 3 has entries that say
 * "reads as zero"; in version 2 only an unallocated cluster without a backing image
 * does, and all else is written.
 */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"

enum mode {
	KEEP,   /* zero, the cluster stays */
	UNMAP,  /* zero, the cluster may go */
	DISCARD /* as UNMAP, and what is unallocated without backing is left alone */
};

struct range {
	uint64_t off, end;
};

/* ---- entries; under lock ---- */

static uint64_t zero_flag(const struct qcow2 *s)
{
	return s->subclusters == 1 && s->h.version >= 3 ? QCOW2_OFLAG_ZERO : 0;
}

static bool is_allocated(const struct qcow2 *s, uint64_t entry)
{
	return entry & QCOW2_OFLAG_COMPRESSED || qcow2_entry_has_host(s, entry);
}

/* The whole cluster of entry @i. */
static int zero_entry(struct qcow2 *s, uint8_t *table, uint64_t i, enum mode mode,
		      struct err *e)
{
	uint64_t entry = qcow2_l2_entry(s, table, i);
	bool allocated = is_allocated(s, entry);
	bool drop = entry & QCOW2_OFLAG_COMPRESSED || (mode != KEEP && allocated) ||
		    s->h.version < 3;
	int r;

	if (mode == DISCARD && !allocated && !qcow2_has_backing(s))
		return 0;
	if (drop) {
		r = qcow2_free_entry(s, entry, e);
		if (r < 0)
			return r;
		entry = 0;
	}
	qcow2_l2_set(s, table, i, entry | zero_flag(s),
		     s->subclusters > 1 ? QCOW2_ALL_ZERO : 0);
	return 0;
}

/* Subclusters [from, to) of entry @i.  -EAGAIN: a compressed cluster has none. */
static int zero_part(struct qcow2 *s, uint8_t *table, uint64_t i, unsigned from, unsigned to)
{
	uint64_t entry = qcow2_l2_entry(s, table, i), bitmap = qcow2_l2_bitmap(s, table, i);
	uint64_t bits = ((1ull << to) - 1) & ~((1ull << from) - 1);

	if (entry & QCOW2_OFLAG_COMPRESSED)
		return -EAGAIN;
	qcow2_l2_set(s, table, i, entry, (bitmap | bits << 32) & ~bits);
	return 0;
}

/* As much of @g as lies in one slice, and was not left to others; @g begins where
 * there is more to do. */
static int zero_slice(struct qcow2 *s, struct range *g, uint64_t limit, enum mode mode,
		      struct err *e)
{
	uint64_t cs = s->cluster_size, scs = s->subcluster_size;
	uint64_t i = qcow2_slice_index(s, g->off), n = 1ull << s->slice_bits;
	uint8_t *table;
	int r = qcow2_l2_for_write(s, g->off, &table, e);

	s->freeing = mode == KEEP ? QCOW2_FREED_OTHER : QCOW2_FREED_REQUEST;
	for (; i < n && g->off < limit && r == 0; i++) {
		uint64_t start = round_down(g->off, cs), end = min_u64(limit, start + cs);

		if (g->off == start && end == start + cs)
			r = zero_entry(s, table, i, mode, e);
		else
			r = zero_part(s, table, i, (unsigned)((g->off - start) / scs),
				      (unsigned)((end - start) / scs));
		if (r == 0)
			g->off = end;
	}
	s->freeing = QCOW2_FREED_OTHER;
	return r;
}

/* Bytes from g->off on for which nothing needs to change. */
static int skip_done(struct qcow2 *s, const struct range *g, enum mode mode, uint64_t *len,
		     struct err *e)
{
	struct qcow2_run run;
	int r = qcow2_lookup(s, g->off, g->end - g->off, &run, e);
	bool done;

	if (r < 0)
		return r;
	if (run.kind == QCOW2_UNALLOCATED && !run.has_host && !qcow2_has_backing(s))
		done = mode == DISCARD || s->h.version < 3;
	else
		done = run.kind == QCOW2_ZERO_PLAIN ||
		       (run.kind == QCOW2_ZERO_ALLOC && mode == KEEP);
	*len = done ? run.len : 0;
	return 0;
}

/* One step of zero_range: dropping the lock between steps lets others in. */
static int zero_step(struct qcow2 *s, struct range *g, enum mode mode, struct err *e)
{
	uint64_t len, end = div_up(g->end, s->cluster_size);
	int r;

	if (s->broken)
		return err_set(e, -EIO, "image is corrupt");
	if (qcow2_inflight_wait(s, g->off >> s->cluster_bits, &end))
		return 0;
	r = skip_done(s, g, mode, &len, e);
	if (r < 0)
		return r;
	if (len) {
		g->off += len;
		return 0;
	}
	return zero_slice(s, g, min_u64(g->end, end << s->cluster_bits), mode, e);
}

/* Whole clusters, or subclusters where there are any.  Without lock. */
static int zero_range(struct qcow2 *s, struct range g, enum mode mode, unsigned flags,
		      struct err *e)
{
	while (g.off < g.end) {
		int r;

		pthread_mutex_lock(&s->lock);
		r = zero_step(s, &g, mode, e);
		pthread_mutex_unlock(&s->lock);
		if (r == -EAGAIN && flags & BLK_NO_FALLBACK)
			return err_set(e, -ENOTSUP, "a compressed cluster is zeroed in part");
		if (r == -EAGAIN) {
			uint64_t next = round_down(g.off, s->cluster_size) + s->cluster_size;
			uint64_t end = min_u64(min_u64(next, g.end), qcow2_image_size(s));

			r = qcow2_write_zeroes(s, end - g.off, g.off, e);
			g.off = min_u64(next, g.end);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- zero ---- */

/* Less than a cluster, or what version 2 has no entries for. */
static int zero_bytes(struct qcow2 *s, uint64_t off, uint64_t end, struct err *e)
{
	bool done;

	if (off >= end)
		return 0;
	pthread_mutex_lock(&s->lock);
	done = qcow2_reads_zero(s, off, end - off);
	pthread_mutex_unlock(&s->lock);
	return done ? 0 : qcow2_write_zeroes(s, end - off, off, e);
}

/* The part of [off, end) that entries can express; empty (off == end) if none. */
static struct range aligned_part(const struct qcow2 *s, uint64_t off, uint64_t end,
				 uint64_t unit)
{
	struct range g = { round_up(off, unit), round_down(end, unit) };

	/* the last cluster of the image is whole where the image ends */
	if (end == qcow2_image_size(s))
		g.end = round_up(end, unit);
	if (g.off >= g.end)
		g.off = g.end = end;
	return g;
}

static int zero_locked(struct qcow2 *s, uint64_t off, uint64_t len, unsigned flags,
		       struct err *e)
{
	bool entries = s->h.version >= 3 || !qcow2_has_backing(s);
	uint64_t unit = s->h.version >= 3 ? s->subcluster_size : s->cluster_size;
	uint64_t end = off + len;
	struct range g = { end, end };
	int r;

	if (entries)
		g = aligned_part(s, off, end, unit);
	pthread_mutex_lock(&s->lock);
	r = qcow2_begin_write(s, off, len, e);
	if (r == 0 && flags & BLK_NO_FALLBACK &&
	    !(qcow2_reads_zero(s, off, min_u64(g.off, end) - off) &&
	      (g.end >= end || qcow2_reads_zero(s, g.end, end - g.end))))
		r = err_set(e, -ENOTSUP,
			    "not whole clusters, or no zero clusters in version 2");
	pthread_mutex_unlock(&s->lock);
	if (r == 0 && g.off < g.end && qcow2_data_is_raw(s))
		/* who reads the data file alone must see the zeroes too */
		r = blk_zero(s->blk.data, g.off, min_u64(g.end, end) - g.off,
			     flags & BLK_MAY_UNMAP, e);
	if (r == 0)
		r = zero_bytes(s, off, min_u64(g.off, end), e);
	if (r == 0)
		r = zero_range(s, g, flags & BLK_MAY_UNMAP ? UNMAP : KEEP, flags, e);
	if (r == 0)
		r = zero_bytes(s, g.end, end, e);
	return r;
}

int qcow2_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_rdlock(&s->io);
	r = zero_locked(s, off, len, flags, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}

/* ---- discard ---- */

int qcow2_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct range g = aligned_part(s, off, off + len, s->cluster_size);
	uint64_t bytes = min_u64(g.end, qcow2_image_size(s)) - g.off;
	int r;

	/* in version 2 what the backing image holds would come to light */
	if (g.off >= g.end || (s->h.version < 3 && qcow2_has_backing(s)))
		return 0;
	pthread_rwlock_rdlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = qcow2_begin_write(s, g.off, bytes, e);
	pthread_mutex_unlock(&s->lock);
	if (r == 0 && qcow2_data_is_raw(s))
		r = blk_zero(s->blk.data, g.off, bytes, BLK_MAY_UNMAP, e);
	if (r == 0)
		r = zero_range(s, g, DISCARD, 0, e);
	if (r == 0 && qcow2_has_data_file(s) && !qcow2_data_is_raw(s) &&
	    s->discard_pass[QCOW2_FREED_REQUEST])
		r = blk_discard(s->blk.data, g.off, bytes, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}
