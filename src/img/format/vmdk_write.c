/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/format/vmdk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole text with another number in it, for one that has too few digits. */
static int rewrite_desc(struct vmdk *s, size_t at, size_t digits, uint32_t v, struct err *e)
{
	struct blk *file = s->blk.child;
	uint64_t len = min_u64(min_u64(file->size - s->desc_off, s->desc_room), VMDK_DESC_MAX);
	AUTO_FREE char *old = mem_zalloc(1, (size_t)len + 1, e), *text = NULL;
	struct vmdk_desc now;
	size_t n;
	int r = old ? blk_pread(file, old, (size_t)len, s->desc_off, e) : -ENOMEM;

	if (r < 0)
		return r;
	text = str_printf(e, "%.*s%08x%s", (int)at, old, v, old + at + digits);
	if (!text)
		return -ENOMEM;
	n = strlen(text);
	if (n > s->desc_room)
		return err_set(e, -ENOSPC, "%s: no room for a new content ID", s->blk.filename);
	r = vmdk_desc_parse(text, n, &now, e);
	s->desc.cid_at = now.cid_at;
	s->desc.cid_len = now.cid_len;
	s->desc.parent_at = now.parent_at;
	s->desc.parent_len = now.parent_len;
	vmdk_desc_free(&now);
	return r == 0 ? blk_pwrite(file, text, n, s->desc_off, e) : r;
}

int vmdk_write_cid(struct vmdk *s, size_t at, size_t len, uint32_t v, struct err *e)
{
	char text[16];

	if (!len)
		return 0;
	if (len < 8 && v >> len * 4)
		return rewrite_desc(s, at, len, v, e);
	snprintf(text, sizeof(text), "%0*x", (int)len, v);
	return blk_pwrite(s->blk.child, text, len, s->desc_off + at, e);
}

int vmdk_change_cid(struct vmdk *s, struct err *e)
{
	uint32_t cid = vmdk_random();
	size_t digits = s->desc.cid_len;
	int r;

	if (s->cid_changed || !s->desc.has_cid)
		return 0;
	if (digits >= 6 && digits < 8)
		cid &= (1u << digits * 4) - 1;
	r = vmdk_write_cid(s, s->desc.cid_at, digits, cid, e);
	s->cid_changed = r == 0;
	if (r == 0)
		s->desc.cid = cid;
	return r;
}

/* A grain of which only [in, in + len) is written: the rest is what it was. */
static int write_part(struct vmdk *s, struct vmdk_extent *x, uint64_t g, enum vmdk_state was,
		      uint64_t host, const uint8_t *buf, size_t in, size_t len, struct err *e)
{
	size_t grain = (size_t)x->grain;
	size_t there = (size_t)min_u64(grain, x->size - g * x->grain);
	AUTO_FREE uint8_t *all = mem_aligned(VMDK_SECTOR, grain, e);
	int r = 0;

	if (!all)
		return -ENOMEM;
	memset(all, 0, grain);
	if (was == VMDK_UNALLOCATED)
		r = vmdk_read_below(s, all, there, x->start + g * x->grain, e);
	memcpy(all + in, buf, len);
	return r < 0 ? r : blk_pwrite(x->file, all, grain, host, e);
}

/* Grains that are not there yet: all of [off, off + len), with whole ones in the middle. */
static int write_new(struct vmdk *s, struct vmdk_extent *x, enum vmdk_state was,
		     const uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	uint64_t first = off / x->grain, host = x->next;
	uint64_t n = div_up(off + len, x->grain) - first;
	size_t done = 0;
	int r = 0;

	if ((host + n * x->grain) / VMDK_SECTOR > UINT32_MAX)
		return err_set(e, -EFBIG, "%s: grains cannot lie past 2 TiB",
			       x->file->filename);
	x->next += n * x->grain;
	while (done < len && r == 0) {
		uint64_t at = off + done, g = at / x->grain;
		size_t in = (size_t)(at % x->grain), left = len - done, take;

		if (in || left < x->grain) {
			take = (size_t)min_u64(left, x->grain - in);
			r = write_part(s, x, g, was, host + (g - first) * x->grain, buf + done,
				       in, take, e);
		} else {
			take = (size_t)round_down(left, x->grain);
			r = blk_pwrite(x->file, buf + done, take, host + (g - first) * x->grain,
				       e);
		}
		done += take;
	}
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = vmdk_enter(s, x, first + i, (uint32_t)((host + i * x->grain) / VMDK_SECTOR),
			       e);
	return r;
}

static int write_extent(struct vmdk *s, struct vmdk_extent *x, const uint8_t *buf, size_t len,
			uint64_t off, struct err *e)
{
	while (len) {
		struct vmdk_run run = { .len = 0 };
		int r;

		pthread_mutex_lock(&s->lock);
		r = vmdk_change_cid(s, e);
		if (r == 0)
			r = vmdk_lookup(s, x, off, len, &run, e);
		if (r == 0 && run.state != VMDK_DATA)
			r = write_new(s, x, run.state, buf, (size_t)run.len, off, e);
		pthread_mutex_unlock(&s->lock);
		if (r == 0 && run.state == VMDK_DATA)
			r = blk_pwrite(x->file, buf, (size_t)run.len, run.host, e);
		if (r < 0)
			return r;
		buf += run.len;
		off += run.len;
		len -= (size_t)run.len;
	}
	return 0;
}

int vmdk_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	const uint8_t *p = buf;

	if (s->compressed)
		return vmdk_pwrite_compressed(b, buf, len, off, NULL, e);
	while (len) {
		struct vmdk_extent *x = vmdk_extent_at(s, off);
		uint64_t in = off - x->start;
		size_t n = (size_t)min_u64(len, x->size - in);
		int r = write_extent(s, x, p, n, in, e);

		if (r < 0)
			return r;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* Zeroes by table entries, where the extent has those and whole grains go.  @run begins at
 * @off; *done is how far it got. */
static int zero_grains(struct vmdk *s, struct vmdk_extent *x, uint64_t off, uint64_t len,
		       uint64_t *done, struct err *e)
{
	uint64_t g = off / x->grain;
	bool whole = off % x->grain == 0 && (len >= x->grain || off + len == x->size);
	struct vmdk_run run;
	int r = vmdk_lookup(s, x, off, len, &run, e);

	if (r < 0)
		return r;
	*done = run.len;
	if (run.state == VMDK_ZERO || (run.state == VMDK_UNALLOCATED && !s->blk.backing))
		return 0;
	if (!whole || !(x->h.flags & VMDK_FLAG_ZERO_GRAIN) || s->compressed)
		return -ENOTSUP;
	*done = min_u64(len, x->grain);
	r = vmdk_change_cid(s, e);
	return r < 0 ? r : vmdk_enter(s, x, g, 1, e);
}

static int write_zeroes(struct vmdk *s, uint64_t off, uint64_t len, struct err *e)
{
	AUTO_FREE uint8_t *zero = mem_zalloc(1, (size_t)len, e);

	return zero ? vmdk_pwrite(&s->blk, zero, (size_t)len, off, e) : -ENOMEM;
}

static int zero_sparse(struct vmdk *s, struct vmdk_extent *x, uint64_t off, uint64_t len,
		       unsigned flags, struct err *e)
{
	while (len) {
		uint64_t n = 0;
		int r;

		pthread_mutex_lock(&s->lock);
		r = zero_grains(s, x, off, len, &n, e);
		pthread_mutex_unlock(&s->lock);
		if (r == -ENOTSUP && !(flags & BLK_NO_FALLBACK)) {
			n = min_u64(len, x->grain - off % x->grain);
			r = write_zeroes(s, x->start + off, n, e);
		} else if (r == -ENOTSUP) {
			return err_set(e, r, "%s: cannot zero without writing",
				       s->blk.filename);
		}
		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

static int zero_flat(struct vmdk *s, struct vmdk_extent *x, uint64_t off, uint64_t len,
		     unsigned flags, struct err *e)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = vmdk_change_cid(s, e);
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : blk_zero(x->file, x->flat_off + off, len, flags, e);
}

int vmdk_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct vmdk *s = to_vmdk(b);

	while (len) {
		struct vmdk_extent *x = vmdk_extent_at(s, off);
		uint64_t in = off - x->start, n = min_u64(len, x->size - in);
		int r = x->kind == VMDK_FLAT ? zero_flat(s, x, in, n, flags, e)
					     : zero_sparse(s, x, in, n, flags, e);

		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

int vmdk_flush(struct blk *b, struct err *e)
{
	struct vmdk *s = to_vmdk(b);
	int r = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n && r == 0; i++) {
		struct vmdk_extent *x = &s->v[i];

		if (!x->file)
			continue;
		r = x->stream ? vmdk_stream_end(s, x, e) : vmdk_write_tables(s, x, e);
		if (r == 0)
			r = blk_flush(x->file, e);
	}
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : blk_flush(s->blk.child, e);
}
