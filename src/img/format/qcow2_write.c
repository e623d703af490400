/* SPDX-License-Identifier: MIT */
/*
 * Writing guest bytes.  What has clusters of its own is written in place, in one request
 * for each stretch that lies in a row in the file; the rest goes by plans.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_data.h"

#include <string.h>

/* Puts bytes in the place a plan gives: written from memory, or shared with another file. */
struct source {
	const uint8_t *buf;
	struct blk *blk; /* instead of buf: cloned from here */
	uint64_t off;
	bool reflink_only;
};

static int put(struct qcow2 *s, const struct qcow2_plan *p, bool planned,
	       const struct source *from, uint64_t at, struct err *e)
{
	uint64_t base = p->fly.first << s->cluster_bits;
	uint64_t host = planned ? p->host + (p->off - base) : p->host;

	if (from->blk)
		return blk_clone(qcow2_data(s), host, p->end - p->off, from->blk,
				 from->off + at, from->reflink_only, e);
	if (planned)
		return qcow2_plan_write(s, p, from->buf + at, e);
	return qcow2_data_write(s, from->buf + at, p->end - p->off, host, p->off, e);
}

static int put_all(struct qcow2 *s, const struct source *from, uint64_t len, uint64_t off,
		   struct err *e)
{
	for (uint64_t at = 0; at < len;) {
		struct qcow2_plan p;
		int r;

		pthread_mutex_lock(&s->lock);
		int step = qcow2_plan(s, off + at, len - at, &p, e);

		pthread_mutex_unlock(&s->lock);
		if (step < 0)
			return step;
		r = put(s, &p, step == QCOW2_PLANNED, from, at, e);
		if (step == QCOW2_PLANNED || r < 0) {
			pthread_mutex_lock(&s->lock);
			if (r < 0 && r != -EOPNOTSUPP)
				s->eof_unsure = true;
			if (step == QCOW2_PLANNED)
				r = qcow2_plan_finish(s, &p, r, e);
			pthread_mutex_unlock(&s->lock);
		}
		if (r < 0)
			return r;
		at += p.end - p.off;
	}
	return 0;
}

int qcow2_write_locked(struct qcow2 *s, const void *buf, uint64_t len, uint64_t off,
		       struct err *e)
{
	struct source from = { .buf = buf };

	return put_all(s, &from, len, off, e);
}

int qcow2_write_zeroes(struct qcow2 *s, uint64_t len, uint64_t off, struct err *e)
{
	size_t size = (size_t)min_u64(len, QCOW2_SCRATCH);
	AUTO_FREE uint8_t *zero = mem_aligned(4096, size, e);
	int r = 0;

	if (!zero)
		return -ENOMEM;
	memset(zero, 0, size);
	while (len && r == 0) {
		size_t n = (size_t)min_u64(len, size);

		r = qcow2_write_locked(s, zero, n, off, e);
		off += n;
		len -= n;
	}
	return r;
}

static int begin(struct qcow2 *s, uint64_t off, uint64_t len, struct err *e)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = qcow2_begin_write(s, off, len, e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int qcow2_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_rdlock(&s->io);
	r = begin(s, off, len, e);
	if (r == 0)
		r = qcow2_write_locked(s, buf, len, off, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}

/*
 * Only whole clusters: what surrounds a part would have to be copied anyway.  The first
 * piece that cannot be cloned ends it; pieces before it are then written twice.
 */
int qcow2_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
		bool reflink_only, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	struct source from = { .blk = src, .off = src_off, .reflink_only = reflink_only };
	int r;

	if ((off | len) & (s->cluster_size - 1))
		return err_set(e, -EOPNOTSUPP, "not whole clusters");
	if (s->crypt)
		return err_set(e, -EOPNOTSUPP, "what is encrypted is written");
	pthread_rwlock_rdlock(&s->io);
	r = begin(s, off, len, e);
	if (r == 0)
		r = put_all(s, &from, len, off, e);
	pthread_rwlock_unlock(&s->io);
	return r;
}
