/* SPDX-License-Identifier: MIT */
/* What holds the bytes of a range: the answer behind map, convert and measure. */
#include "base/bytes.h"
#include "img/format/qcow2_data.h"
#include "img/proto/file.h"

/* Lookups in one answer: bounds how long the lock is held. */
enum { STEPS = 1024 };

/*
 * Metadata preallocation leaves entries that point at holes.  Asking the file about every
 * run costs a system call each, so it is only done where many more clusters are
 * in use than the file has blocks for.
 */
static int find_prealloc(struct qcow2 *s, struct err *e)
{
	uint64_t held, clusters = 0, end, enough;
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
	enough = max_u64(held + held / 9, held + 2);
	for (uint64_t c = 0; c < end && clusters + (end - c) >= enough; c++) {
		uint64_t n;

		r = qcow2_refcount_get(s, c, &n, e);
		if (r < 0)
			return r;
		clusters += n != 0;
		if (clusters >= enough) {
			s->prealloc = true;
			break;
		}
	}
	return 0;
}

static unsigned flags_of(const struct qcow2 *s, const struct qcow2_run *run)
{
	unsigned place = run->has_host ? BLK_EXT_OFFSET : 0;

	switch (run->kind) {
	case QCOW2_NORMAL:
		return BLK_EXT_DATA | BLK_EXT_ALLOCATED | place |
		       (s->prealloc ? BLK_EXT_RECURSE : 0);
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
		    (run.has_host && run.host != out->host_off + out->len))
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
