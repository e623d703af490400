/* SPDX-License-Identifier: MIT */
/* The qcow2 node's tables, and its end. */
#include "img/format/qcow2_node.h"

#include "img/format/qcow2_compact.h"
#include "img/format/qcow2_crypt.h"
#include "img/format/qcow2_emit.h"

#include <stdlib.h>

/* Ranges that may wait to be freed before a writer stops to flush: bounds the memory
 * of programs that never flush. */
enum { FREES_MAX = 32768 };

void qcow2_destroy(struct qcow2 *s)
{
	qcow2_crypt_free(s->crypt);
	qcow2_memory_free(s);
	qcow2_bitmaps_free(s);
	qcow2_snapshots_free(s->snapshots, s->snapshots_n);
	qcow2_regions_free(s);
	qcow2_cache_free(s->l2c);
	qcow2_cache_free(s->rbc);
	free(s->l1);
	free(s->reftable);
	free(s->frees);
	qcow2_header_free(&s->h);
	pthread_cond_destroy(&s->inflight_done);
	pthread_mutex_destroy(&s->lock);
	pthread_rwlock_destroy(&s->io);
	blk_fini(&s->blk);
	free(s);
}

/* A write may end inside the last cluster, and compressed bytes anywhere: we read what is
 * missing as zeroes, other programs may not. */
static int complete_last_cluster(struct qcow2 *s, struct err *e)
{
	struct blk *f = s->blk.child;
	uint64_t size = f->size, whole = (size + s->cluster_size - 1) & ~(s->cluster_size - 1);

	if (!s->changed || f->fixed || size == whole)
		return 0;
	return blk_resize(f, whole, PREALLOC_OFF, e);
}

/* A clean end: no cluster waits to be freed, refcounts are in the file, and only then
 * the dirty bit goes. */
static int finish(struct qcow2 *s, struct err *e)
{
	int r = qcow2_bitmaps_store(s, e);

	if (r == 0)
		r = qcow2_flush_meta(s, e);
	/* what freeing changed; leaks at worst if it never gets there */
	if (r == 0)
		r = qcow2_write_refcounts(s, e);
	if (r == 0)
		r = complete_last_cluster(s, e);
	if (r == 0 && s->lazy && s->h.incompat & QCOW2_INCOMPAT_DIRTY) {
		r = blk_flush(s->blk.child, e);
		if (r == 0)
			r = qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, false, e);
	}
	return r;
}

static int close_node(struct blk *b, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r = 0;

	if (b->flags & BLK_WRITE && s->rbc && !s->broken) {
		pthread_mutex_lock(&s->lock);
		r = finish(s, e);
		pthread_mutex_unlock(&s->lock);
	}
	qcow2_destroy(s);
	return r;
}

/* After an operation that may have dropped clusters, with no lock held. */
static int settle(struct blk *b, int r, struct err *e)
{
	struct qcow2 *s = to_qcow2(b);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	bool full = s->frees_n > FREES_MAX;
	pthread_mutex_unlock(&s->lock);

	return full ? qcow2_flush(b, e) : r;
}

static int do_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	return settle(b, qcow2_pwrite(b, buf, len, off, e), e);
}

static int do_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
				const struct blk_turn *turn, struct err *e)
{
	return settle(b, qcow2_pwrite_compressed(b, buf, len, off, turn, e), e);
}

static int do_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	return settle(b, qcow2_zero(b, off, len, flags, e), e);
}

static int do_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return settle(b, qcow2_discard(b, off, len, e), e);
}

const struct blk_ops qcow2_ops = {
	.name = "qcow2",
	.parallel = true,
	.pread = qcow2_pread,
	.pwrite = do_pwrite,
	.pwrite_compressed = do_pwrite_compressed,
	.zero = do_zero,
	.discard = do_discard,
	.extent = qcow2_extent,
	.clone = qcow2_clone,
	.resize = qcow2_resize,
	.flush = qcow2_flush,
	.close = close_node,
};

static void backing_name(struct blk *b, const char **file, const char **fmt)
{
	*file = to_qcow2(b)->h.backing_file;
	*fmt = to_qcow2(b)->h.backing_fmt;
}

const struct img_format img_format_qcow2 = {
	.name = "qcow2",
	.backing = true,
	.compression = true,
	.probe = qcow2_probe,
	.open = qcow2_open,
	.create = qcow2_create,
	.create_opts = qcow2_create_opts,
	.compact = qcow2_compact,
	.stream = qcow2_stream,
	.stream_begin = qcow2_stream_begin,
	.bitmap = qcow2_bitmap_edit,
	.info = qcow2_info,
	.check = qcow2_check,
	.snapshot_list = qcow2_snapshot_list,
	.snapshot = qcow2_snapshot,
	.snapshot_load = qcow2_snapshot_load,
	.amend_opts = qcow2_amend_opts,
	.amend = qcow2_amend,
	.measure = qcow2_measure,
	.set_backing = qcow2_set_backing,
	.backing_name = backing_name,
	.make_empty = qcow2_make_empty,
	.empty_unit = qcow2_empty_unit,
	.empty_part = qcow2_empty_part,
};
