/* SPDX-License-Identifier: MIT */
/*
 * Writing compressed clusters, a batch at a time: all clusters of a batch are compressed
 * without locks into one buffer, space for them is reserved in a row, they go to the file in
 * one request, and their entries are set together.  A cluster that does not shrink is
 * stored plain.  Specification: "Compressed Clusters Descriptor".
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/qcow2_data.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 64 };

/* One guest cluster of a batch. */
struct part {
	const uint8_t *data; /* one whole cluster */
	uint64_t host;       /* where it goes; 0: nothing is reserved */
	uint32_t at, len;    /* compressed bytes in the buffer; len 0: stored plain */
};

struct batch {
	struct qcow2_inflight fly;
	struct part part[PARTS];
	size_t n;
	uint8_t *out; /* compressed clusters one after the other */
	uint32_t used;
	uint8_t *cut; /* the last cluster of the image, filled up with zeroes */
};

/* ---- compressing ---- */

static int compress_parts(struct qcow2 *s, struct batch *b, struct err *e)
{
	size_t cs = (size_t)s->cluster_size;
	struct codec_pool *pool;
	struct codec *c;
	int r = qcow2_codecs(s, &pool, e);

	if (r == 0)
		r = codec_pool_get(pool, &c, e);
	if (r < 0)
		return r;
	codec_begin(c, b->n);
	for (size_t i = 0; i < b->n && r == 0; i++) {
		struct part *p = &b->part[i];
		struct err why = { 0 };
		long got = codec_compress(c, b->out + b->used, cs - 1, p->data, cs, &why);

		if (got > 0) {
			p->at = b->used;
			p->len = (uint32_t)got;
			b->used += p->len;
		} else if (got != -ENOSPC) {
			r = err_set(e, got < 0 ? (int)got : -EIO, "%s", why.msg);
		}
	}
	codec_pool_put(pool, c);
	return r;
}

/* ---- reserving; under lock ---- */

/*
 * A compressed cluster that does not fit what is left of the last one, and cannot go on in
 * the cluster after it because that is taken, leaves a gap.  So kinds change places as rarely
 * as can be: each lies in a row within the batch, and the kind that the batch begins with
 * is first, where it goes on from the batch before.
 */
static int reserve_plain(struct qcow2 *s, struct batch *b, struct err *e)
{
	uint64_t want = 0, cluster = 0, got = 0;

	for (size_t i = 0; i < b->n; i++)
		want += !b->part[i].len;
	for (size_t i = 0; i < b->n; i++) {
		if (b->part[i].len)
			continue;
		if (!got) {
			int r = qcow2_alloc(s, want, &cluster, &got, e);

			if (r < 0)
				return r;
			want -= got;
		}
		b->part[i].host = cluster++ << s->cluster_bits;
		got--;
	}
	return 0;
}

static int reserve_compressed(struct qcow2 *s, struct batch *b, struct err *e)
{
	uint64_t end = 1ull << (62 - (s->cluster_bits - 8));

	for (size_t i = 0; i < b->n; i++) {
		struct part *p = &b->part[i];
		uint64_t off;
		int r;

		if (!p->len)
			continue;
		r = qcow2_alloc_bytes(s, p->len, &off, e);
		if (r < 0)
			return r;
		p->host = off;
		if (off + p->len > end)
			return err_set(e, -EFBIG,
				       "compressed clusters cannot lie past offset %#llx",
				       (unsigned long long)end);
		qcow2_kept_forget(s, off, p->len);
	}
	return 0;
}

static void unreserve(struct qcow2 *s, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct part *p = &b->part[i];

		if (p->host)
			qcow2_unreserve(s, p->host, p->len ? p->len : s->cluster_size);
		p->host = 0;
	}
}

static int reserve(struct qcow2 *s, struct batch *b, struct err *e)
{
	uint64_t per = 1ull << s->l2_bits;
	bool first = b->part[0].len; /* compressed ones go first */
	int r = 0;

	/* tables first, so that they do not split the batch */
	for (uint64_t c = b->fly.first; c < b->fly.end && r == 0;
	     c = round_down(c, per) + per) {
		uint8_t *table;

		r = qcow2_l2_for_write(s, c << s->cluster_bits, &table, e);
	}
	if (r == 0)
		r = first ? reserve_compressed(s, b, e) : reserve_plain(s, b, e);
	if (r == 0)
		r = first ? reserve_plain(s, b, e) : reserve_compressed(s, b, e);
	if (r < 0)
		unreserve(s, b);
	return r;
}

/* ---- writing; without lock ---- */

/* Bytes that part @i takes in the file, and where they are in memory. */
static const uint8_t *bytes_of(const struct qcow2 *s, const struct batch *b, size_t i,
			       uint64_t *len)
{
	const struct part *p = &b->part[i];

	*len = p->len ? p->len : s->cluster_size;
	return p->len ? b->out + p->at : p->data;
}

/* One request for parts that follow each other in memory and in the file.  Compressed
 * and plain ones are looked at apart: each kind lies in a row of its own. */
static int write_kind(struct qcow2 *s, const struct batch *b, bool compressed, struct err *e)
{
	const uint8_t *from = NULL;
	uint64_t host = 0, len = 0;
	int r = 0;

	for (size_t i = 0; i < b->n && r == 0; i++) {
		uint64_t n;
		const uint8_t *at = bytes_of(s, b, i, &n);

		if ((b->part[i].len != 0) != compressed)
			continue;
		if (len && at == from + len && b->part[i].host == host + len) {
			len += n;
			continue;
		}
		if (len)
			r = blk_pwrite(s->blk.child, from, (size_t)len, host, e);
		from = at;
		host = b->part[i].host;
		len = n;
	}
	if (len && r == 0)
		r = blk_pwrite(s->blk.child, from, (size_t)len, host, e);
	return r;
}

/* ---- linking; under lock ---- */

static int link_parts(struct qcow2 *s, struct batch *b, struct err *e)
{
	/* an entry on disk before its bytes could not be read after a crash */
	s->cow_unsynced = true;
	for (size_t i = 0; i < b->n; i++) {
		struct part *p = &b->part[i];
		uint64_t off = (b->fly.first + i) << s->cluster_bits;
		uint64_t k = qcow2_slice_index(s, off);
		uint8_t *table;
		int r = qcow2_l2_for_write(s, off, &table, e);

		if (r == 0)
			r = qcow2_free_entry(s, qcow2_l2_entry(s, table, k), e);
		if (r < 0)
			return r;
		if (p->len)
			qcow2_l2_set(s, table, k, qcow2_compressed_entry(s, p->host, p->len),
				     0);
		else
			qcow2_l2_set(s, table, k, p->host | QCOW2_OFLAG_COPIED,
				     s->subclusters > 1 ? QCOW2_ALL_ALLOC : 0);
		p->host = 0;
	}
	return 0;
}

/* Under io. */
static int store_batch(struct qcow2 *s, struct batch *b, struct err *e)
{
	uint64_t off = b->fly.first << s->cluster_bits;
	uint64_t end = min_u64(b->fly.end << s->cluster_bits, qcow2_image_size(s));
	int r;

	pthread_mutex_lock(&s->lock);
	qcow2_inflight_wait_all(s, b->fly.first, b->fly.end);
	r = qcow2_begin_write(s, off, end - off, e);
	if (r == 0)
		r = reserve(s, b, e);
	if (r < 0) {
		pthread_mutex_unlock(&s->lock);
		return r;
	}
	qcow2_inflight_add(s, &b->fly);
	pthread_mutex_unlock(&s->lock);

	r = write_kind(s, b, true, e);
	if (r == 0)
		r = write_kind(s, b, false, e);

	pthread_mutex_lock(&s->lock);
	if (r < 0)
		s->eof_unsure = true;
	else
		r = link_parts(s, b, e);
	if (r < 0)
		unreserve(s, b);
	qcow2_inflight_del(s, &b->fly);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* The turn is waited for without any lock: whoever goes first needs them. */
static int write_batch(struct qcow2 *s, struct batch *b, const struct blk_turn *turn,
		       struct err *e)
{
	int r = compress_parts(s, b, e);

	if (r == 0 && turn)
		r = turn->wait(turn, e);
	if (r < 0)
		return r;
	pthread_rwlock_rdlock(&s->io);
	r = store_batch(s, b, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}

/* Cuts [off, off + len) of @buf into at most PARTS clusters; returns the bytes taken. */
static size_t fill_batch(struct qcow2 *s, struct batch *b, const uint8_t *buf, size_t len,
			 uint64_t off)
{
	size_t cs = (size_t)s->cluster_size, done = 0;
	size_t max = (size_t)min_u64(PARTS, max_u64(QCOW2_SCRATCH / cs, 1));

	b->n = 0;
	b->used = 0;
	b->fly.first = off >> s->cluster_bits;
	while (done < len && b->n < max) {
		size_t n = (size_t)min_u64(cs, len - done);

		b->part[b->n] = (struct part){ .data = buf + done };
		if (n < cs) {
			memcpy(b->cut, buf + done, n);
			memset(b->cut + n, 0, cs - n);
			b->part[b->n].data = b->cut;
		}
		b->n++;
		done += n;
	}
	b->fly.end = b->fly.first + b->n;
	return done;
}

static int write_all(struct qcow2 *s, const uint8_t *buf, size_t len, uint64_t off,
		     const struct blk_turn *turn, struct err *e)
{
	struct batch b = { 0 };
	int r = 0;

	b.out = qcow2_scratch_get(s, e);
	if (!b.out)
		return -ENOMEM;
	if (len & (s->cluster_size - 1)) {
		b.cut = mem_aligned(4096, (size_t)s->cluster_size, e);
		r = b.cut ? 0 : -ENOMEM;
	}
	while (len && r == 0) {
		size_t n = fill_batch(s, &b, buf, len, off);

		r = write_batch(s, &b, turn, e);
		buf += n;
		off += n;
		len -= n;
	}
	free(b.cut);
	qcow2_scratch_put(s, b.out);
	return r;
}

int qcow2_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			    const struct blk_turn *turn, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	uint64_t mask = s->cluster_size - 1;

	if (qcow2_has_data_file(s))
		return err_set(
			e, -ENOTSUP,
			"an image with an external data file holds no compressed clusters");
	if (s->crypt)
		return err_set(e, -ENOTSUP,
			       "Compression and encryption not supported at the same time");
	if (off & mask || (len & mask && off + len != qcow2_image_size(s)))
		return err_set(e, -EINVAL, "compressed writes are of whole clusters");
	return write_all(s, buf, len, off, turn, e);
}
