/* SPDX-License-Identifier: MIT */
/*
 * Changes of the header of an open image.  Single fields are written alone: a few bytes
 * inside one sector reach the disk whole or not at all.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"

#include <stdlib.h>

enum { OFF_REFTABLE = 48, OFF_INCOMPAT = 72, OFF_AUTOCLEAR = 88 };

int qcow2_write_header(struct qcow2 *s, struct err *e)
{
	uint8_t *buf = mem_zalloc(1, (size_t)s->cluster_size, e);
	int r;

	if (!buf)
		return -ENOMEM;
	r = qcow2_header_write(&s->h, buf, (size_t)s->cluster_size, e);
	if (r == 0)
		r = blk_pwrite(s->blk.child, buf, (size_t)s->cluster_size, 0, e);
	free(buf);
	return r < 0 ? err_wrap(e, r, "writing the image header") : 0;
}

static int write_be64(struct qcow2 *s, uint64_t v, uint64_t off, struct err *e)
{
	uint8_t buf[8];

	store_be64(buf, v);

	int r = blk_pwrite(s->blk.child, buf, sizeof(buf), off, e);

	return r < 0 ? err_wrap(e, r, "writing the image header") : 0;
}

int qcow2_set_incompat(struct qcow2 *s, uint64_t bit, bool on, struct err *e)
{
	uint64_t bits = on ? s->h.incompat | bit : s->h.incompat & ~bit;

	/* version 2 has no such bits */
	if (s->h.version < 3 || bits == s->h.incompat)
		return 0;

	int r = write_be64(s, bits, OFF_INCOMPAT, e);

	if (r == 0)
		r = blk_flush(s->blk.child, e);
	if (r == 0)
		s->h.incompat = bits;
	return r;
}

int qcow2_move_reftable(struct qcow2 *s, uint64_t off, uint32_t clusters, struct err *e)
{
	uint8_t now[12], old[12];
	struct blk *file = s->blk.child;

	store_be64(now, off);
	store_be32(now + 8, clusters);
	store_be64(old, s->h.reftable_offset);
	store_be32(old + 8, s->h.reftable_clusters);

	int r = blk_flush(file, e);

	if (r < 0)
		return r;
	r = blk_pwrite(file, now, sizeof(now), OFF_REFTABLE, e);
	if (r == 0)
		r = blk_flush(file, e);
	if (r < 0) {
		/* the old table stays in use: so must the header say */
		(void)!blk_pwrite(file, old, sizeof(old), OFF_REFTABLE, NULL);
		return err_wrap(e, r, "writing the image header");
	}
	s->h.reftable_offset = off;
	s->h.reftable_clusters = clusters;
	return 0;
}

int qcow2_may_change(const struct qcow2 *s, struct err *e)
{
	if (!(s->blk.flags & BLK_WRITE) || s->on_snapshot)
		return err_set(e, -EPERM, "image is open read-only");
	if (s->broken || s->h.incompat & QCOW2_INCOMPAT_CORRUPT)
		return err_set(e, -EACCES, "image is marked corrupt");
	return 0;
}

int qcow2_begin_change(struct qcow2 *s, struct err *e)
{
	uint64_t known = QCOW2_AUTOCLEAR_BITMAPS | QCOW2_AUTOCLEAR_RAW_DATA;
	int r = 0;

	if (s->broken)
		return err_set(e, -EIO, "the image is corrupt and takes no more writes");
	if (s->changed)
		return 0;
	if (s->h.version >= 3 && s->h.autoclear & ~known) {
		r = write_be64(s, s->h.autoclear & known, OFF_AUTOCLEAR, e);
		/* whoever set the bits relies on them: gone before anything changes */
		if (r == 0)
			r = blk_flush(s->blk.child, e);
		if (r < 0)
			return r;
		s->h.autoclear &= known;
	}
	if (s->lazy)
		r = qcow2_set_incompat(s, QCOW2_INCOMPAT_DIRTY, true, e);
	if (r == 0)
		s->changed = true;
	return r;
}
