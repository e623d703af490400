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

/* All L1 entries become empty; each step leaves a whole image. */
static int drop_tables(struct qcow2 *s, struct err *e)
{
	for (uint32_t i = 0; i < s->h.l1_entries; i++) {
		uint64_t l2 = s->l1[i] & QCOW2_OFFSET_MASK;
		int r;

		if (!l2)
			continue;
		if (l2 & (s->cluster_size - 1))
			return qcow2_corrupt(s, true, e,
					     "L2 table offset %#llx unaligned (L1 index: %#x)",
					     (unsigned long long)l2, i);
		r = qcow2_drop_data(s, l2, e);
		if (r == 0)
			r = qcow2_free_later(s, l2, s->cluster_size, e);
		if (r < 0)
			return r;
		qcow2_l1_set(s, i, 0);
	}
	return 0;
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
	s->freeing = QCOW2_FREED_SNAPSHOT;
	r = drop_tables(s, e);
	s->freeing = QCOW2_FREED_OTHER;
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
