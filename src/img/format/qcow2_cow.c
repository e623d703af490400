/* SPDX-License-Identifier: MIT */
/*
 * Writes that need clusters: reserving them, filling what the guest did not write with
 * what was there before, and linking them in.  Without subclusters a cluster is its own
 * only subcluster, so one path serves both kinds of L2 entries.
 *
 * A plan is a run of guest clusters that go to a run of host clusters, either reserved for
 * it ("fresh") or ours already but without contents yet (zero clusters, subclusters).
 * Only the first and the last cluster of a plan can be written in part.
 */
#include "base/bytes.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_data.h"

#include <string.h>

/* Clusters that one plan takes at most: bounds how long the lock is held. */
enum { PLAN_MAX = 1 << 16 };

struct entry {
	uint64_t entry, bitmap;
};

static int get_entry(struct qcow2 *s, uint64_t cluster, struct entry *out, struct err *e)
{
	uint64_t off = cluster << s->cluster_bits, i = qcow2_slice_index(s, off);
	uint8_t *table;
	int r = qcow2_l2_peek(s, off, &table, e);

	*out = (struct entry){ 0, 0 };
	if (r == 0 && table) {
		out->entry = qcow2_l2_entry(s, table, i);
		out->bitmap = qcow2_l2_bitmap(s, table, i);
		/* what a shared table names is shared */
		if (!(s->l1[qcow2_l1_index(s, off)] & QCOW2_OFLAG_COPIED))
			out->entry &= ~QCOW2_OFLAG_COPIED;
	}
	return r;
}

/* The cluster has a place in the file that nobody else refers to. */
static bool is_ours(const struct qcow2 *s, uint64_t entry)
{
	return entry & QCOW2_OFLAG_COPIED && qcow2_entry_has_host(s, entry);
}

/* One bit for each subcluster whose bytes are stored in this image. */
static uint32_t stored(const struct qcow2 *s, const struct entry *x)
{
	if (x->entry & QCOW2_OFLAG_COMPRESSED)
		return s->subclusters > 1 ? UINT32_MAX : 1;
	if (!qcow2_entry_has_host(s, x->entry))
		return 0;
	if (s->subclusters > 1)
		return (uint32_t)(x->bitmap & QCOW2_ALL_ALLOC);
	return !(x->entry & QCOW2_OFLAG_ZERO);
}

/* Subclusters [from, to) as bits. */
static uint32_t mask_of(uint64_t from, uint64_t to)
{
	return (uint32_t)(((1ull << to) - 1) & ~((1ull << from) - 1));
}

/* Subclusters that bytes [from, to) of one cluster touch; at least one byte. */
static uint32_t touched(const struct qcow2 *s, uint64_t from, uint64_t to)
{
	return mask_of(from / s->subcluster_size, div_up(to, s->subcluster_size));
}

/* What of guest bytes [plan->off, plan->end) lies in @cluster, as offsets in it. */
static void part_of(const struct qcow2 *s, const struct qcow2_plan *p, uint64_t cluster,
		    uint64_t *from, uint64_t *to)
{
	uint64_t start = cluster << s->cluster_bits;

	*from = max_u64(p->off, start) - start;
	*to = min_u64(p->end, start + s->cluster_size) - start;
}

/* Subclusters of @cluster that hold bytes when the plan is done; they are written
 * by the guest or filled. */
static uint32_t stored_after(const struct qcow2 *s, const struct qcow2_plan *p,
			     uint64_t cluster, const struct entry *x)
{
	uint64_t from, to;

	part_of(s, p, cluster, &from, &to);
	return touched(s, from, to) | stored(s, x);
}

/* ---- planning ---- */

/* Clusters from @first on that need clusters reserved, below @end. */
static int count_fresh(struct qcow2 *s, uint64_t first, uint64_t *end, struct err *e)
{
	for (uint64_t c = first + 1; c < *end; c++) {
		struct entry x;
		int r = get_entry(s, c, &x, e);

		if (r < 0)
			return r;
		if (is_ours(s, x.entry))
			*end = c;
	}
	return 0;
}

/* Clusters from @first on that are ours, in a row in the file, below @end. */
static int count_ours(struct qcow2 *s, uint64_t first, uint64_t host, uint64_t *end,
		      struct err *e)
{
	for (uint64_t c = first + 1; c < *end; c++) {
		struct entry x;
		int r = get_entry(s, c, &x, e);

		if (r < 0)
			return r;
		host += s->cluster_size;
		if (!is_ours(s, x.entry) || (x.entry & QCOW2_OFFSET_MASK) != host)
			*end = c;
	}
	return 0;
}

/* Tables first, so that they do not come to lie between the data clusters. */
static int make_tables(struct qcow2 *s, uint64_t first, uint64_t end, struct err *e)
{
	uint64_t per = 1ull << s->l2_bits;

	for (uint64_t c = first; c < end; c = round_down(c, per) + per) {
		uint8_t *table;
		int r = qcow2_l2_for_write(s, c << s->cluster_bits, &table, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int reserve(struct qcow2 *s, struct qcow2_plan *p, struct err *e)
{
	uint64_t first = p->fly.first, cluster, got;
	int r = make_tables(s, first, p->fly.end, e);

	p->fresh = true;
	if (qcow2_has_data_file(s)) {
		p->host = first << s->cluster_bits;
		return r;
	}
	if (r == 0)
		r = qcow2_alloc(s, p->fly.end - first, &cluster, &got, e);
	if (r < 0)
		return r;
	p->host = cluster << s->cluster_bits;
	p->fly.end = first + got;
	return 0;
}

/* Nobody has ever written past the end of the file, and a write that makes it longer
 * leaves zeroes before itself, which stand for something else where all is encrypted. */
static bool is_past_end(struct qcow2 *s, uint64_t host)
{
	return !s->crypt && !s->eof_unsure && host >= atomic_load(&qcow2_data(s)->size);
}

/* Sets @f for guest bytes [from, to) that the plan must fill; under lock. */
static void set_fill(struct qcow2 *s, const struct qcow2_plan *p, struct qcow2_fill *f,
		     uint64_t from, uint64_t to)
{
	uint64_t base = p->fly.first << s->cluster_bits;

	*f = (struct qcow2_fill){ .from = from, .to = to };
	if (from >= to)
		return;
	f->zero = qcow2_reads_zero(s, from, to - from);
	f->hole = f->zero && is_past_end(s, p->host + (from - base));
}

/* Which bytes of the first and of the last cluster must be filled. */
static int plan_fills(struct qcow2 *s, struct qcow2_plan *p, struct err *e)
{
	uint64_t scs = s->subcluster_size;
	uint64_t first = p->fly.first, last = p->fly.end - 1;
	uint64_t from, to, lo, hi;
	struct entry x;
	int r = get_entry(s, first, &x, e);

	if (r < 0)
		return r;
	part_of(s, p, first, &from, &to);
	lo = from / scs;
	if (p->fresh) {
		uint32_t keep = stored(s, &x);

		lo = keep ? min_u64(lo, (unsigned)__builtin_ctz(keep)) : lo;
		lo *= scs;
	} else {
		lo = stored(s, &x) >> lo & 1 ? from : lo * scs;
	}
	lo += first << s->cluster_bits;

	r = get_entry(s, last, &x, e);
	if (r < 0)
		return r;
	part_of(s, p, last, &from, &to);
	hi = (to - 1) / scs;
	if (p->fresh) {
		uint32_t keep = stored(s, &x);

		hi = keep ? max_u64(hi, 31u - (unsigned)__builtin_clz(keep)) : hi;
		hi = (hi + 1) * scs;
	} else {
		hi = stored(s, &x) >> hi & 1 ? to : (hi + 1) * scs;
	}
	hi += last << s->cluster_bits;
	set_fill(s, p, &p->head, lo, p->off);
	set_fill(s, p, &p->tail, p->end, hi);
	return 0;
}

static int in_place(struct qcow2 *s, const struct qcow2_run *run, uint64_t off,
		    struct qcow2_plan *p, struct err *e)
{
	p->host = run->host;
	p->off = off;
	p->end = off + run->len;
	if (qcow2_has_data_file(s))
		return QCOW2_IN_PLACE;

	int r = qcow2_check_overlap(s, run->host, run->len, 0, e);

	return r < 0 ? r : QCOW2_IN_PLACE;
}

/* @end: guest cluster up to which nobody else is at work. */
static int plan_clusters(struct qcow2 *s, uint64_t off, uint64_t len, uint64_t end,
			 struct qcow2_plan *p, struct err *e)
{
	uint64_t first = off >> s->cluster_bits;
	struct entry x;
	int r = get_entry(s, first, &x, e);

	if (r < 0)
		return r;
	p->fly.first = first;
	p->fly.end = min_u64(end, first + PLAN_MAX);
	p->fresh = !is_ours(s, x.entry);
	if (p->fresh) {
		r = count_fresh(s, first, &p->fly.end, e);
		if (r == 0)
			r = reserve(s, p, e);
	} else {
		p->host = x.entry & QCOW2_OFFSET_MASK;
		r = count_ours(s, first, p->host, &p->fly.end, e);
		if (r == 0)
			r = make_tables(s, first, p->fly.end, e);
		if (r == 0 && !qcow2_has_data_file(s))
			r = qcow2_check_overlap(s, p->host,
						(p->fly.end - first) << s->cluster_bits, 0, e);
	}
	if (r < 0)
		return r;
	p->off = off;
	p->end = min_u64(off + len, p->fly.end << s->cluster_bits);
	p->past_end = is_past_end(s, p->host);
	r = plan_fills(s, p, e);
	if (r < 0 && p->fresh && !qcow2_has_data_file(s))
		qcow2_unreserve(s, p->host, (p->fly.end - first) << s->cluster_bits);
	if (r < 0)
		return r;
	qcow2_inflight_add(s, &p->fly);
	return QCOW2_PLANNED;
}

int qcow2_plan(struct qcow2 *s, uint64_t off, uint64_t len, struct qcow2_plan *p, struct err *e)
{
	*p = (struct qcow2_plan){ .off = off };
	for (;;) {
		uint64_t end = div_up(off + len, s->cluster_size);
		struct qcow2_run run;
		int r = qcow2_lookup_target(s, off, len, &run, e);

		if (r < 0)
			return r;
		if (run.kind == QCOW2_NORMAL && run.copied)
			return in_place(s, &run, off, p, e);
		if (!qcow2_inflight_wait(s, off >> s->cluster_bits, &end))
			return plan_clusters(s, off, len, end, p, e);
		if (s->broken)
			return err_set(e, -EIO, "image is corrupt");
	}
}

/* ---- writing ---- */

static int fill_bytes(struct qcow2 *s, const struct qcow2_fill *f, uint8_t *buf, struct err *e)
{
	uint64_t size = qcow2_image_size(s), len = f->to - f->from;
	uint64_t have = f->from < size ? min_u64(len, size - f->from) : 0;

	if (f->zero)
		have = 0;
	memset(buf + have, 0, len - have);
	return have ? qcow2_read_locked(s, buf, have, f->from, e) : 0;
}

/* A filling too large to be written together with the guest's bytes. */
static int write_fill(struct qcow2 *s, const struct qcow2_plan *p, const struct qcow2_fill *f,
		      uint8_t *buf, struct err *e)
{
	struct blk *d = qcow2_data(s);
	uint64_t base = p->host - (p->fly.first << s->cluster_bits);
	struct qcow2_fill part = *f;
	int r = 0;

	if (f->from >= f->to || f->hole)
		return 0;
	if (f->zero && !s->crypt)
		return blk_zero(d, base + f->from, f->to - f->from, 0, e);
	for (; part.from < f->to && r == 0; part.from = part.to) {
		part.to = min_u64(f->to, part.from + QCOW2_SCRATCH);
		r = fill_bytes(s, &part, buf, e);
		if (r == 0)
			r = qcow2_data_write(s, buf, part.to - part.from, base + part.from,
					     part.from, e);
	}
	return r;
}

static uint64_t fill_len(const struct qcow2_fill *f)
{
	return f->hole ? 0 : f->to - f->from;
}

int qcow2_plan_write(struct qcow2 *s, const struct qcow2_plan *p, const void *buf,
		     struct err *e)
{
	uint64_t base = p->host - (p->fly.first << s->cluster_bits);
	uint64_t head = fill_len(&p->head), tail = fill_len(&p->tail), len = p->end - p->off;
	uint8_t *tmp;
	int r = 0;

	if (!head && !tail)
		return qcow2_data_write(s, buf, len, base + p->off, p->off, e);
	tmp = qcow2_scratch_get(s, e);
	if (!tmp)
		return -ENOMEM;
	if (head + len + tail <= QCOW2_SCRATCH) {
		if (head)
			r = fill_bytes(s, &p->head, tmp, e);
		if (r == 0 && tail)
			r = fill_bytes(s, &p->tail, tmp + head + len, e);
		if (r == 0) {
			memcpy(tmp + head, buf, len);
			r = qcow2_data_write(s, tmp, head + len + tail, base + p->off - head,
					     p->off - head, e);
		}
	} else {
		r = write_fill(s, p, &p->head, tmp, e);
		if (r == 0)
			r = write_fill(s, p, &p->tail, tmp, e);
		if (r == 0)
			r = qcow2_data_write(s, buf, len, base + p->off, p->off, e);
	}
	qcow2_scratch_put(s, tmp);
	return r;
}

/* ---- linking ---- */

/* Points @cluster at its new place.  What it was before goes free later. */
static int link_cluster(struct qcow2 *s, const struct qcow2_plan *p, uint64_t cluster,
			uint8_t *table, uint64_t i, struct err *e)
{
	struct entry x = { qcow2_l2_entry(s, table, i), qcow2_l2_bitmap(s, table, i) };
	uint64_t host = p->host + ((cluster - p->fly.first) << s->cluster_bits);
	uint64_t alloc = stored_after(s, p, cluster, &x), zero = x.bitmap & QCOW2_ALL_ZERO;

	if (p->fresh) {
		int r = qcow2_free_entry(s, x.entry, e);

		if (r < 0)
			return r;
	}
	if (x.entry & QCOW2_OFLAG_COMPRESSED)
		zero = 0;
	/* Were the entry on disk before the data, a crash would put garbage in place of
	 * what the guest had there.  Where it had zeroes and gets a hole it would name a place
	 * past the end of the file.  The sync of the refcounts is enough against that, unless
	 * there is none (lazy) or it came while these bytes were still being written. */
	if (x.entry || !p->past_end || qcow2_has_backing(s))
		s->cow_unsynced = true;
	else
		s->grown_unsynced = true;
	qcow2_l2_set(s, table, i, host | QCOW2_OFLAG_COPIED, (zero & ~(alloc << 32)) | alloc);
	return 0;
}

/* *done: clusters below it are linked. */
static int link_all(struct qcow2 *s, const struct qcow2_plan *p, uint64_t *done, struct err *e)
{
	uint64_t per = 1ull << s->slice_bits;

	while (*done < p->fly.end) {
		uint64_t i = *done & (per - 1);
		uint8_t *table;
		int r = qcow2_l2_for_write(s, *done << s->cluster_bits, &table, e);

		if (r < 0)
			return r;
		for (; i < per && *done < p->fly.end && r == 0; i++) {
			r = link_cluster(s, p, *done, table, i, e);
			if (r == 0)
				(*done)++;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int qcow2_plan_finish(struct qcow2 *s, struct qcow2_plan *p, int r, struct err *e)
{
	uint64_t done = p->fly.first;

	if (r == 0)
		r = link_all(s, p, &done, e);
	if (r < 0 && p->fresh && !qcow2_has_data_file(s))
		qcow2_unreserve(s, p->host + ((done - p->fly.first) << s->cluster_bits),
				(p->fly.end - done) << s->cluster_bits);
	qcow2_inflight_del(s, &p->fly);
	return r;
}
