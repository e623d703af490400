/* SPDX-License-Identifier: MIT */
#include "img/compact.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/zero.h"
#include "img/img.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 1 << 20, UNIT = 4096 };

void compact_pace_start(struct compact_pace *p, struct img_compact *c)
{
	p->c = c;
	pace_start(&p->pace, c->rate);
}

int compact_pace_step(struct compact_pace *p, uint64_t bytes, struct err *e)
{
	progress_add(p->c->progress, bytes);
	pace_step(&p->pace, bytes, p->c->stop);
	return p->c->stop && atomic_load(p->c->stop)
		       ? err_set(e, -EINTR, "stopped: done again, it goes on")
		       : 0;
}

/* ---- plain bytes ---- */

/* Punches the zeroes of [off, off + len), which @buf holds. */
static int punch(struct blk *b, const uint8_t *buf, uint64_t off, size_t len,
		 struct img_compact *c, struct err *e)
{
	int r = 0;

	for (size_t at = 0, n; at < len && r == 0; at += n) {
		int zero = 0;

		n = zero_run(buf + at, len - at, UNIT, UNIT, &zero);
		if (!zero)
			continue;
		c->zero += n;
		if (!c->dry_run)
			r = blk_zero(b, off + at, n, BLK_MAY_UNMAP, e);
	}
	return r;
}

int compact_holes(struct blk *b, struct img_compact *c, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(UNIT, STEP, e);
	struct compact_pace pace;
	int r = buf ? 0 : -ENOMEM;

	compact_pace_start(&pace, c);
	for (uint64_t off = 0, len; r == 0 && off < b->size; off += len) {
		struct blk_extent x;

		r = blk_extent(b, off, b->size - off, &x, e);
		if (r < 0)
			break;
		len = x.len;
		if (x.flags & BLK_EXT_ZERO) {
			progress_add(c->progress, len);
			continue;
		}
		/* in steps that end at multiples of them, so that units are whole */
		len = min_u64(len, round_down(off, STEP) + STEP - off);
		r = blk_pread(b, buf, (size_t)len, off, e);
		if (r == 0)
			r = punch(b, buf, off, (size_t)len, c, e);
		if (r == 0)
			r = compact_pace_step(&pace, len, e);
	}
	return r;
}

/* ---- any image ---- */

static int disk_size(const struct blk *b, uint64_t *out, struct err *e)
{
	struct blk *files[] = { b->child, b->data };
	int r = 0;

	*out = 0;
	for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
		const struct blk *f = files[i];
		uint64_t n = 0;

		while (f && f->child)
			f = f->child;
		if (f && file_is_node(f))
			r = file_allocated((struct blk *)(uintptr_t)f, &n, e);
		*out += n;
	}
	return r;
}

int img_compact(struct blk *b, struct img_compact *c, struct err *e)
{
	struct blk *file = b->child;
	int r;

	if (!b->format->compact || !file)
		return err_set(e, -ENOTSUP, "%s images cannot be compacted in place",
			       b->format->name);
	c->file_before = c->file_after = file->size;
	r = disk_size(b, &c->disk_before, e);
	if (r == 0)
		r = b->format->compact(b, c, e);
	if (r == 0 && !c->dry_run)
		r = blk_flush(file, e);
	if (r == 0 && !c->dry_run)
		c->file_after = file->size;
	if (r == 0)
		r = disk_size(b, &c->disk_after, e);
	return r;
}
