/* SPDX-License-Identifier: MIT */
/* Dropping everything an image holds, so that all reads come from its backing image. */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"

int qcow2_drop_data(struct qcow2 *s, uint64_t l2, struct err *e)
{
	size_t bytes = qcow2_slice_bytes(s);

	for (uint64_t at = 0; at < s->cluster_size; at += bytes) {
		uint8_t *table;
		int r = qcow2_cache_get(s->l2c, l2 + at, &table, e);

		for (uint64_t i = 0; i < 1ull << s->slice_bits && r == 0; i++)
			r = qcow2_free_entry(s, qcow2_l2_entry(s, table, i), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One L1 entry becomes empty.  On failure all is as before. */
static int drop_table(struct qcow2 *s, uint32_t i, struct err *e)
{
	uint64_t l2 = s->l1[i] & QCOW2_OFFSET_MASK;
	size_t n = s->frees_n;
	struct qcow2_free last = { 0 };
	int r;

	if (!l2)
		return 0;
	if (l2 & (s->cluster_size - 1))
		return qcow2_corrupt(s, true, e,
				     "L2 table offset %#llx unaligned (L1 index: %#x)",
				     (unsigned long long)l2, i);
	if (n)
		last = s->frees[n - 1];
	r = qcow2_drop_data(s, l2, e);
	if (r == 0)
		r = qcow2_free_later(s, l2, s->cluster_size, e);
	if (r == 0) {
		qcow2_l1_set(s, i, 0);
		return 0;
	}
	/* what it names is in use still; the last range before may have grown */
	s->frees_n = n;
	if (n)
		s->frees[n - 1] = last;
	return r;
}

/* L1 entries [first, end); each step leaves a whole image. */
static int drop_tables(struct qcow2 *s, uint32_t first, uint32_t end, struct err *e)
{
	int r = 0;

	s->freeing = QCOW2_FREED_SNAPSHOT;
	for (uint32_t i = first; i < end && r == 0; i++)
		r = drop_table(s, i, e);
	s->freeing = QCOW2_FREED_OTHER;
	return r;
}

int qcow2_cut_file(struct qcow2 *s, struct err *e)
{
	struct blk *f = s->blk.child;
	uint64_t end = div_up(atomic_load(&f->size), s->cluster_size);

	if (f->fixed)
		return 0;
	for (; end; end--) {
		uint64_t n;
		int r = qcow2_refcount_get(s, end - 1, &n, e);

		if (r < 0)
			return r;
		if (n)
			break;
	}
	s->file_end = end;
	if (end << s->cluster_bits >= atomic_load(&f->size))
		return 0;
	return blk_resize(f, end << s->cluster_bits, PREALLOC_OFF, e);
}

static int make_empty(struct qcow2 *s, struct err *e)
{
	int r;

	if (qcow2_data_is_raw(s))
		return err_set(e, -ENOTSUP,
			       "an image with a raw data file has nothing below it");
	r = qcow2_begin_write(s, 0, 0, e);
	if (r < 0)
		return r;
	r = drop_tables(s, 0, s->h.l1_entries, e);
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	/* what is free now must be free in the file before the file gets shorter */
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	return r == 0 ? qcow2_cut_file(s, e) : r;
}

int qcow2_make_empty(struct blk *b, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	if (!(b->flags & BLK_WRITE))
		return err_set(e, -EPERM, "%s is open for reading only", b->filename);
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = make_empty(s, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}

/* ---- in parts ---- */

/* Every cluster is counted as often as it is used. */
static bool is_sound(struct blk *b)
{
	struct img_check c = { 0 };

	return qcow2_check(b, &c, NULL) == 0 && !c.corruptions && !c.check_errors;
}

uint64_t qcow2_empty_unit(struct blk *b)
{
	struct qcow2 *s = to_qcow2(b);

	if (!(b->flags & BLK_WRITE) || !s->discard_pass[QCOW2_FREED_SNAPSHOT] ||
	    qcow2_data_is_raw(s) || !is_sound(b))
		return 0;
	return 1ull << (s->cluster_bits + s->l2_bits);
}

static int empty_part(struct qcow2 *s, uint64_t off, uint64_t end, struct err *e)
{
	uint64_t first = qcow2_l1_index(s, off), last = qcow2_l1_index(s, end);
	int r = qcow2_begin_write(s, 0, 0, e);

	if (r == 0)
		r = drop_tables(s, (uint32_t)min_u64(first, s->h.l1_entries),
				(uint32_t)min_u64(last, s->h.l1_entries), e);
	return r == 0 ? qcow2_sync_meta(s, e) : r;
}

/* Having had io to ourselves after the tables were dropped, nobody reads what they named. */
int qcow2_empty_part(struct blk *b, uint64_t off, uint64_t end, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = empty_part(s, off, end, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r == 0 ? qcow2_free_aside(s, e) : r;
}
