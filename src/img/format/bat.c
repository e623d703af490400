/* SPDX-License-Identifier: MIT */
#include "img/format/bat.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

static struct bat *to_bat(struct blk *b)
{
	return (struct bat *)b;
}

int bat_init(struct bat *t, const struct blk_ops *ops, const struct bat_kind *kind,
	     struct blk *file, unsigned flags, struct err *e)
{
	int r;

	if (!(file->flags & BLK_WRITE))
		flags &= ~(unsigned)BLK_WRITE;
	r = blk_init(&t->blk, ops, file->filename, flags, e);
	if (r < 0)
		return r;
	t->blk.child = file;
	t->blk.log = file->log;
	t->kind = kind;
	pthread_rwlock_init(&t->lock, NULL);
	return 0;
}

void bat_fini(struct bat *t)
{
	pthread_rwlock_destroy(&t->lock);
	free(t->map);
	free(t->dirty);
	blk_fini(&t->blk);
}

/* ---- the table ---- */

int bat_load(struct bat *t, uint64_t off, uint64_t bytes, struct err *e)
{
	struct blk *file = t->blk.child;
	uint64_t done = 0;

	if (off > file->size || bytes > file->size - off)
		return err_set(e, -EUCLEAN,
			       "%s: the block table of %llu bytes at offset %llu lies past the "
			       "end of the file at %llu",
			       t->blk.filename, (unsigned long long)bytes,
			       (unsigned long long)off, (unsigned long long)file->size);
	t->map = mem_zalloc(bytes ? bytes : 1, 1, e);
	t->dirty = mem_zalloc(bytes / BAT_PAGE + 1, 1, e);
	if (!t->map || !t->dirty)
		return -ENOMEM;
	t->map_off = off;
	t->map_bytes = bytes;
	while (done < bytes) {
		struct blk_extent x;
		int r = blk_extent(file, off + done, bytes - done, &x, e);

		if (r == 0 && !(x.flags & BLK_EXT_ZERO))
			r = blk_pread(file, t->map + done, x.len, off + done, e);
		if (r < 0)
			return err_wrap(e, r, "reading the block table");
		done += x.len;
	}
	return 0;
}

void bat_mark(struct bat *t, uint64_t n)
{
	t->dirty[n * t->kind->entry / BAT_PAGE] = 1;
	t->changed = true;
}

int bat_write_map(struct bat *t, struct err *e)
{
	uint64_t pages = div_up(t->map_bytes, BAT_PAGE);

	for (uint64_t p = 0; p < pages; p++) {
		uint64_t at = p * BAT_PAGE, n = 0;
		int r;

		/* neighbours together */
		for (; p < pages && t->dirty[p]; p++)
			n += BAT_PAGE;
		if (!n)
			continue;
		r = blk_pwrite(t->blk.child, t->map + at, min_u64(n, t->map_bytes - at),
			       t->map_off + at, e);
		if (r < 0)
			return err_wrap(e, r, "writing the block table");
		memset(t->dirty + at / BAT_PAGE, 0, n / BAT_PAGE);
	}
	return 0;
}

static int store(struct bat *t, struct err *e)
{
	struct blk *file = t->blk.child;
	int r = 0;

	/* the last block is whole for whoever does not expect less */
	if (!file->fixed && file->size < t->end)
		r = blk_resize(file, t->end, PREALLOC_OFF, e);
	if (r == 0)
		r = blk_flush(file, e);
	if (r == 0)
		r = t->kind->store ? t->kind->store(t, e) : bat_write_map(t, e);
	if (r == 0)
		t->changed = false;
	return r;
}

int bat_flush(struct blk *b, struct err *e)
{
	struct bat *t = to_bat(b);
	int r = 0;

	pthread_rwlock_wrlock(&t->lock);
	if (t->changed)
		r = store(t, e);
	pthread_rwlock_unlock(&t->lock);
	return r < 0 ? r : blk_flush(b->child, e);
}

/* ---- reading ---- */

/* bat_run with the lock held. */
static int run(const struct bat *t, uint64_t off, uint64_t max, uint64_t *len, uint64_t *host,
	       struct err *e)
{
	uint64_t n = off / t->block_size, in = off % t->block_size, at = 0, next = 0;
	int state;

	if (n >= t->blocks)
		return err_set(e, -EUCLEAN, "%s: block %llu is past the table", t->blk.filename,
			       (unsigned long long)n);
	state = t->kind->lookup(t, n, &at, e);
	if (state < 0)
		return state;
	*host = at + in;
	*len = t->block_size - in;
	while (*len < max && ++n < t->blocks) {
		int s = t->kind->lookup(t, n, &next, NULL);

		if (s != state || (s == BAT_DATA && next != *host + *len))
			break;
		*len += t->block_size;
	}
	*len = min_u64(*len, max);
	return state;
}

int bat_run(struct bat *t, uint64_t off, uint64_t max, uint64_t *len, uint64_t *host,
	    struct err *e)
{
	int state;

	pthread_rwlock_rdlock(&t->lock);
	state = run(t, off, max, len, host, e);
	pthread_rwlock_unlock(&t->lock);
	return state;
}

int bat_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	uint8_t *p = buf;

	while (len) {
		uint64_t n, host;
		int r = bat_run(to_bat(b), off, len, &n, &host, e);

		if (r == BAT_DATA)
			r = blk_pread(b->child, p, n, host, e);
		else if (r >= 0)
			memset(p, 0, n);
		if (r < 0)
			return r;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

int bat_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out, struct err *e)
{
	struct bat *t = to_bat(b);
	int state = bat_run(t, off, max, &out->len, &out->host_off, e);

	if (state < 0)
		return state;
	out->file = b->child;
	if (state == BAT_DATA)
		out->flags = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET | t->kind->data;
	else if (state == BAT_ZERO)
		out->flags = BLK_EXT_ZERO | BLK_EXT_ALLOCATED;
	else
		out->flags = t->kind->hole;
	return 0;
}

/* ---- writing ---- */

/* The bytes around [in, in + len) of a new block at @at: where the file has bytes already (or is a
 * device) they may be anything. */
static int blank_rest(struct bat *t, uint64_t at, uint64_t in, uint64_t len, struct err *e)
{
	struct blk *file = t->blk.child;
	uint64_t end = at + t->block_size;
	int r = 0;

	if (!file->fixed && at >= file->size)
		return 0;
	if (in)
		r = blk_zero(file, at, in, 0, e);
	if (r == 0 && at + in + len < end)
		r = blk_zero(file, at + in + len, end - at - in - len, 0, e);
	return r;
}

/* First bytes of block @n. */
static int write_new(struct bat *t, uint64_t n, const void *buf, uint64_t in, size_t len,
		     struct err *e)
{
	uint64_t at = t->end;
	int r = t->kind->place ? t->kind->place(t, n, &at, e) : 0;

	if (r == 0 && at > INT64_MAX - t->block_size)
		r = err_set(e, -EFBIG, "%s: no room for block %llu", t->blk.filename,
			    (unsigned long long)n);
	if (r == 0)
		r = blank_rest(t, at, in, len, e);
	if (r == 0)
		r = blk_pwrite(t->blk.child, buf, len, at + in, e);
	if (r < 0)
		return r;
	t->kind->enter(t, n, at);
	t->end = at + t->block_size;
	return 0;
}

/* Writes the piece at the start of [off, off + len); *done how much. */
static int write_piece(struct bat *t, const void *buf, size_t len, uint64_t off, uint64_t *done,
		       struct err *e)
{
	uint64_t n = off / t->block_size, in = off % t->block_size, host;
	int r = bat_run(t, off, len, done, &host, e);

	if (r >= 0 && r != BAT_DATA) {
		pthread_rwlock_wrlock(&t->lock);
		*done = min_u64(len, t->block_size - in);
		r = run(t, off, *done, done, &host, e); /* somebody may have been quicker */
		if (r >= 0 && r != BAT_DATA) {
			r = write_new(t, n, buf, in, *done, e);
			pthread_rwlock_unlock(&t->lock);
			return r;
		}
		pthread_rwlock_unlock(&t->lock);
	}
	if (r < 0)
		return r;
	if (t->kind->touch) {
		*done = min_u64(*done, t->block_size - in);
		r = t->kind->touch(t, n, host - in, e);
	}
	return r < 0 ? r : blk_pwrite(t->blk.child, buf, *done, host, e);
}

int bat_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	const uint8_t *p = buf;

	while (len) {
		uint64_t n;
		int r = write_piece(to_bat(b), p, len, off, &n, e);

		if (r < 0)
			return r;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* What has no place is zero. */
static int each_data(struct blk *b, uint64_t off, uint64_t len, bool zero, unsigned flags,
		     struct err *e)
{
	while (len) {
		uint64_t n, host;
		int r = bat_run(to_bat(b), off, len, &n, &host, e);

		if (r == BAT_DATA)
			r = zero ? blk_zero(b->child, host, n, flags, e)
				 : blk_discard(b->child, host, n, e);
		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

int bat_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	return each_data(b, off, len, true, flags, e);
}

int bat_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	return each_data(b, off, len, false, 0, e);
}
