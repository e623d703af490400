/* SPDX-License-Identifier: MIT */
/*
 * After a commit: the overlay's grains are dropped, and it takes the backing image for its parent as
 * that is now.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vmdk.h"

#include <stdlib.h>
#include <string.h>

static int take_parent(struct vmdk *s, struct err *e)
{
	const struct blk *under = s->blk.backing;
	uint32_t cid;
	int r;

	if (!under || under->format != &img_format_vmdk)
		return 0;
	cid = to_vmdk(s->blk.backing)->desc.cid;
	r = vmdk_write_cid(s, s->desc.parent_at, s->desc.parent_len, cid, e);
	if (r == 0) {
		s->desc.parent_cid = cid;
		s->cid_checked = true;
	}
	return r;
}

/* Tables of @gd; *end is moved up to where the last of them ends. */
static int clear_tables(struct vmdk_extent *x, const uint8_t *gd, const uint8_t *zero,
			uint64_t *end, struct err *e)
{
	int r = 0;

	for (uint64_t t = 0; gd && t < x->h.gd_entries && r == 0; t++) {
		uint64_t at = (uint64_t)load_le32(gd + t * 4) * VMDK_SECTOR;

		if (!at)
			continue;
		r = blk_pwrite(x->file, zero, x->gt_bytes, at, e);
		*end = max_u64(*end, at + x->gt_bytes);
	}
	return r;
}

static int empty_extent(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	AUTO_FREE uint8_t *zero = NULL;
	uint64_t end = x->h.overhead * VMDK_SECTOR;
	int r;

	if (x->kind != VMDK_HOSTED || x->h.compressed)
		return err_set(e, -ENOTSUP, "%s: extents of this kind cannot be emptied",
			       s->blk.filename);
	zero = mem_zalloc(1, x->gt_bytes, e);
	if (!zero)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->cache_n; i++)
		x->cache[i].valid = x->cache[i].dirty = false;
	r = clear_tables(x, x->gd, zero, &end, e);
	if (r == 0)
		r = clear_tables(x, x->rgd, zero, &end, e);
	if (r == 0)
		r = blk_flush(x->file, e);
	/* not one grain is left */
	end = round_up(end, x->grain);
	if (r == 0 && !x->file->fixed && end < x->file->size)
		r = blk_resize(x->file, end, PREALLOC_OFF, e);
	if (r == 0)
		x->next = end;
	return r;
}

int vmdk_make_empty(struct blk *b, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	int r;

	pthread_mutex_lock(&s->lock);
	r = take_parent(s, e);
	if (r == 0)
		r = vmdk_change_cid(s, e);
	for (size_t i = 0; i < s->n && r == 0; i++)
		r = empty_extent(s, &s->v[i], e);
	pthread_mutex_unlock(&s->lock);
	return r;
}
