/* SPDX-License-Identifier: MIT */
/* What holds the bytes of a range: the answer behind map, convert and measure. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_data.h"
#include "img/proto/file.h"

#include <stdlib.h>

/* Lookups in one answer: bounds how long the lock is held. */
enum { STEPS = 1024 };

/* Clusters with a refcount among those that refcount block @i covers.  Readers have no
 * refcounts in memory, so the block is read here. */
static int count_block(struct qcow2 *s, uint64_t i, uint8_t *block, uint64_t *n, struct err *e)
{
	struct blk *f = s->blk.child;
	uint8_t entry[8];
	uint64_t off, per = 8 * s->cluster_size >> s->h.refcount_order;
	int r;

	*n = 0;
	if (i >= (uint64_t)s->h.reftable_clusters * s->cluster_size / sizeof(entry))
		return 0;
	r = blk_pread(f, entry, sizeof(entry), s->h.reftable_offset + i * sizeof(entry), e);
	off = load_be64(entry) & ~511ull;
	if (r < 0 || !off || off >= atomic_load(&f->size))
		return r;
	r = blk_pread(f, block, (size_t)s->cluster_size, off, e);
	for (uint64_t k = 0; k < per && r == 0; k++)
		*n += qcow2_rb_get(block, s->h.refcount_order, k) != 0;
	return r;
}

static int count_used(struct qcow2 *s, uint64_t end, uint64_t enough, struct err *e)
{
	uint64_t per = 8 * s->cluster_size >> s->h.refcount_order, used = 0;
	uint8_t *block = mem_zalloc(1, (size_t)s->cluster_size, e);
	int r = block ? 0 : -ENOMEM;

	for (uint64_t i = 0; i < div_up(end, per) && r == 0; i++) {
		uint64_t n;

		if (used + end - i * per < enough)
			break;
		r = count_block(s, i, block, &n, e);
		used += n;
		if (used >= enough) {
			s->prealloc = true;
			break;
		}
	}
	free(block);
	return r;
}

/*
 * Metadata preallocation leaves entries that point at holes.  Asking the file about every
 * run costs a system call each, so it is only done where many more clusters are
 * in use than the file has blocks for.
 */
static int find_prealloc(struct qcow2 *s, struct err *e)
{
	uint64_t held, end;
	int r;

	s->prealloc = false;
	s->prealloc_known = true;
	if (!file_is_node(s->blk.child))
		return 0;
	r = file_allocated(s->blk.child, &held, e);
	if (r < 0)
		return r;
	held >>= s->cluster_bits;
	end = div_up(atomic_load(&s->blk.child->size), s->cluster_size);
	return count_used(s, end, max_u64(held + held / 9, held + 2), e);
}

static unsigned flags_of(const struct qcow2 *s, const struct qcow2_run *run)
{
	unsigned place = run->has_host && !s->crypt ? BLK_EXT_OFFSET : 0;

	switch (run->kind) {
	case QCOW2_NORMAL:
		return BLK_EXT_DATA | BLK_EXT_ALLOCATED | place |
		       (s->prealloc && !s->crypt ? BLK_EXT_RECURSE : 0);
	case QCOW2_COMPRESSED:
		return BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_COMPRESSED;
	case QCOW2_ZERO_ALLOC:
	case QCOW2_ZERO_PLAIN:
		return BLK_EXT_ZERO | BLK_EXT_ALLOCATED | place;
	default:
		return (s->blk.backing ? 0 : BLK_EXT_ZERO) | place;
	}
}

static int find_extent(struct qcow2 *s, uint64_t off, uint64_t max, struct blk_extent *out,
		       struct err *e)
{
	struct qcow2_run run;
	int r = s->prealloc_known ? 0 : find_prealloc(s, e);

	if (r == 0)
		r = qcow2_lookup(s, off, max, &run, e);
	if (r < 0)
		return r;
	*out = (struct blk_extent){ .len = run.len, .flags = flags_of(s, &run) };
	if (out->flags & BLK_EXT_OFFSET) {
		out->file = qcow2_data(s);
		out->host_off = run.host;
	}
	for (int i = 0; i < STEPS && out->len < max; i++) {
		/* what cannot be looked up fails when it is asked for */
		if (qcow2_lookup(s, off + out->len, max - out->len, &run, NULL) < 0 ||
		    flags_of(s, &run) != out->flags ||
		    (out->flags & BLK_EXT_OFFSET && run.host != out->host_off + out->len))
			break;
		out->len += run.len;
	}
	return 0;
}

int qcow2_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		 struct err *e)
{
	struct qcow2 *s = to_qcow2(b);
	int r;

	pthread_rwlock_rdlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = find_extent(s, off, max, out, e);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
