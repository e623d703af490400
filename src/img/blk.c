/* SPDX-License-Identifier: MIT */
#include "img/blk.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Unaligned requests and zeroes written by hand go through buffers of at most
 * this many bytes. */
#define BOUNCE_MAX (1u << 20)

int blk_init(struct blk *b, const struct blk_ops *ops, const char *filename, unsigned flags,
	     struct err *e)
{
	char *name = mem_strdup(filename ? filename : "", e);
	int r;

	if (!name)
		return -ENOMEM;
	r = pthread_mutex_init(&b->serial, NULL);
	if (r) {
		free(name);
		return err_set(e, -r, "no lock for %s", filename ? filename : "an image");
	}
	b->ops = ops;
	b->filename = name;
	b->flags = flags;
	b->align = 1;
	return 0;
}

void blk_fini(struct blk *b)
{
	pthread_mutex_destroy(&b->serial);
	free(b->filename);
	free(b->key_id);
	b->filename = b->key_id = NULL;
}

static void enter(struct blk *b)
{
	if (!b->ops->parallel)
		pthread_mutex_lock(&b->serial);
}

static void leave(struct blk *b)
{
	if (!b->ops->parallel)
		pthread_mutex_unlock(&b->serial);
}

static bool is_aligned(const struct blk *b, const void *buf, uint64_t len, uint64_t off)
{
	return !((off | len | (uintptr_t)buf) & (b->align - 1));
}

/* @read: reads past the end of a node that grows are fine on a device too. */
static int check_range(struct blk *b, uint64_t off, uint64_t len, bool read, struct err *e)
{
	uint64_t size = b->size;

	if (off > INT64_MAX || len > INT64_MAX - off)
		return err_set(e, -EINVAL, "%s: offset %llu is out of range", b->filename,
			       (unsigned long long)off);
	if (off + len <= size || (b->grows && (read || !b->fixed)))
		return 0;
	return err_set(e, b->grows ? -ENOSPC : -EINVAL,
		       "%s: bytes %llu to %llu lie past the end at %llu", b->filename,
		       (unsigned long long)off, (unsigned long long)(off + len),
		       (unsigned long long)size);
}

static int check_write(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	if (!(b->flags & BLK_WRITE))
		return err_set(e, -EPERM, "%s is open for reading only", b->filename);
	return check_range(b, off, len, false, e);
}

static int after_write(struct blk *b, struct err *e)
{
	return b->flags & BLK_WRITETHROUGH ? blk_flush(b, e) : 0;
}

/* Aligned, serial held if the node needs it.  What lies past the end of the node
 * is zero: the caller has checked that it may ask. */
static int read_aligned(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	uint64_t end = round_up(b->size, b->align);
	size_t inside = off < end ? (size_t)min_u64(len, end - off) : 0;

	if (inside < len)
		memset((uint8_t *)buf + inside, 0, len - inside);
	return inside ? b->ops->pread(b, buf, inside, off, e) : 0;
}

/* A buffer for [off, off + len) widened to the alignment, in pieces if it is large. */
static void *bounce_alloc(const struct blk *b, uint64_t len, uint64_t off, size_t *size,
			  struct err *e)
{
	uint64_t wide = round_up(off + len, b->align) - round_down(off, b->align);

	*size = (size_t)min_u64(wide, max_u64(BOUNCE_MAX, b->align));
	return mem_aligned(b->align < sizeof(void *) ? sizeof(void *) : b->align, *size, e);
}

static int read_bounced(struct blk *b, uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	size_t size;
	AUTO_FREE uint8_t *tmp = bounce_alloc(b, len, off, &size, e);

	if (!tmp)
		return -ENOMEM;
	while (len) {
		uint64_t start = round_down(off, b->align);
		size_t skip = (size_t)(off - start);
		size_t take = (size_t)min_u64(len, size - skip);
		int r;

		enter(b);
		r = read_aligned(b, tmp, (size_t)round_up(skip + take, b->align), start, e);
		leave(b);
		if (r < 0)
			return r;
		memcpy(buf, tmp + skip, take);
		buf += take;
		off += take;
		len -= take;
	}
	return 0;
}

/* One piece of write_bounced: [skip, skip + take) of the aligned @tmp is new, what
 * is around it up to the alignment is read first. */
static int write_piece(struct blk *b, uint8_t *tmp, const uint8_t *buf, size_t skip,
		       size_t take, uint64_t start, struct err *e)
{
	size_t wide = (size_t)round_up(skip + take, b->align);
	size_t last = wide - b->align;
	bool head = skip != 0, tail = skip + take != wide;
	/* Two writers within one aligned block must not undo each other's bytes. */
	bool locked = head || tail || !b->ops->parallel;
	int r = 0;

	if (locked)
		pthread_mutex_lock(&b->serial);
	if (head)
		r = read_aligned(b, tmp, b->align, start, e);
	if (r == 0 && tail && !(head && last == 0))
		r = read_aligned(b, tmp + last, b->align, start + last, e);
	if (r == 0) {
		memcpy(tmp + skip, buf, take);
		r = b->ops->pwrite(b, tmp, wide, start, e);
	}
	if (locked)
		pthread_mutex_unlock(&b->serial);
	return r;
}

static int write_bounced(struct blk *b, const uint8_t *buf, size_t len, uint64_t off,
			 struct err *e)
{
	size_t size;
	AUTO_FREE uint8_t *tmp = bounce_alloc(b, len, off, &size, e);

	if (!tmp)
		return -ENOMEM;
	while (len) {
		uint64_t start = round_down(off, b->align);
		size_t skip = (size_t)(off - start);
		size_t take = (size_t)min_u64(len, size - skip);
		int r = write_piece(b, tmp, buf, skip, take, start, e);

		if (r < 0)
			return r;
		buf += take;
		off += take;
		len -= take;
	}
	return 0;
}

int blk_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	int r = check_range(b, off, len, true, e);

	if (r < 0 || len == 0)
		return r;
	if (!is_aligned(b, buf, len, off))
		return read_bounced(b, buf, len, off, e);
	enter(b);
	r = read_aligned(b, buf, len, off, e);
	leave(b);
	return r;
}

static int write_any(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	int r;

	if (!is_aligned(b, buf, len, off))
		return write_bounced(b, buf, len, off, e);
	enter(b);
	r = b->ops->pwrite(b, buf, len, off, e);
	leave(b);
	return r;
}

int blk_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	int r = check_write(b, off, len, e);

	if (r < 0 || len == 0)
		return r;
	if (!b->ops->pwrite)
		return err_set(e, -ENOTSUP, "%s cannot be written", b->filename);
	r = write_any(b, buf, len, off, e);
	return r < 0 ? r : after_write(b, e);
}

int blk_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			  const struct blk_turn *turn, struct err *e)
{
	int r = check_write(b, off, len, e);

	if (r < 0 || len == 0)
		return r;
	if (!b->ops->pwrite_compressed || !is_aligned(b, NULL, len, off))
		return err_set(e, -ENOTSUP, "%s: the %s format cannot store compressed data",
			       b->filename, b->ops->name);
	enter(b);
	r = b->ops->pwrite_compressed(b, buf, len, off, turn, e);
	leave(b);
	return r < 0 ? r : after_write(b, e);
}

/* Zeroes by writing them. */
static int zero_by_hand(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	size_t size = (size_t)min_u64(len, max_u64(BOUNCE_MAX, b->align));
	AUTO_FREE uint8_t *zero = NULL;

	if (len == 0)
		return 0;
	if (!b->ops->pwrite)
		return err_set(e, -ENOTSUP, "%s cannot be written", b->filename);
	zero = mem_aligned(b->align < sizeof(void *) ? sizeof(void *) : b->align,
			   (size_t)round_up(size, b->align), e);
	if (!zero)
		return -ENOMEM;
	memset(zero, 0, size);
	while (len) {
		/* Only the first piece may start unaligned, so the rest need no copy. */
		size_t n = len > size ? size - (off & (b->align - 1)) : (size_t)len;
		int r = write_any(b, zero, n, off, e);

		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

static int zero_any(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	uint64_t first = round_up(off, b->align), end = round_down(off + len, b->align);
	bool whole = first == off && end == off + len;
	int r = -ENOTSUP;

	if (b->ops->zero && first < end && (whole || !(flags & BLK_NO_FALLBACK))) {
		struct err ignored = { 0 };

		enter(b);
		r = b->ops->zero(b, first, end - first, flags, &ignored);
		leave(b);
		if (r < 0 && r != -ENOTSUP)
			return err_set(e, r, "%s", ignored.msg);
	}
	if (r < 0) {
		if (flags & BLK_NO_FALLBACK)
			return err_set(e, -ENOTSUP, "%s: cannot zero without writing",
				       b->filename);
		return zero_by_hand(b, off, len, e);
	}
	r = zero_by_hand(b, off, first - off, e);
	return r < 0 ? r : zero_by_hand(b, end, off + len - end, e);
}

int blk_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	int r = check_write(b, off, len, e);

	if (r < 0 || len == 0)
		return r;
	if (!(b->flags & BLK_UNMAP))
		flags &= ~(unsigned)BLK_MAY_UNMAP;
	r = zero_any(b, off, len, flags, e);
	return r < 0 ? r : after_write(b, e);
}

int blk_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	int r = check_write(b, off, len, e);
	struct err ignored = { 0 };
	uint64_t first, end;

	if (r < 0 || len == 0 || !(b->flags & BLK_UNMAP) || !b->ops->discard)
		return r;
	first = round_up(off, b->align);
	/* The last block of a node whose size is not aligned goes with it. */
	end = off + len >= b->size ? off + len : round_down(off + len, b->align);
	if (first >= end)
		return 0;
	enter(b);
	r = b->ops->discard(b, first, end - first, &ignored);
	leave(b);
	if (r == -ENOTSUP)
		return 0;
	return r < 0 ? err_set(e, r, "%s", ignored.msg) : after_write(b, e);
}

int blk_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
	      bool reflink_only, struct err *e)
{
	int r = check_write(b, off, len, e);

	if (r == 0)
		r = check_range(src, src_off, len, true, e);
	if (r < 0 || len == 0)
		return r;
	if (!b->ops->clone || !is_aligned(b, NULL, len, off))
		return err_set(e, -EOPNOTSUPP, "%s: cannot share or copy in place",
			       b->filename);
	enter(b);
	r = b->ops->clone(b, off, len, src, src_off, reflink_only, e);
	leave(b);
	return r < 0 ? r : after_write(b, e);
}

int blk_resize_watched(struct blk *b, uint64_t size, enum blk_prealloc p,
		       const struct blk_watch *w, struct err *e)
{
	uint64_t old = b->size, shown;
	int r;

	if (!(b->flags & BLK_WRITE))
		return err_set(e, -EPERM, "%s is open for reading only", b->filename);
	if (!b->ops->resize)
		return err_set(e, -ENOTSUP, "Image format driver does not support resize");
	if (size > INT64_MAX)
		return err_set(e, -EFBIG, "%s: size %llu is out of range", b->filename,
			       (unsigned long long)size);
	enter(b);
	r = b->ops->resize(b, size, p, w, e);
	leave(b);
	shown = b->backing ? min_u64(size, b->backing->size) : 0;
	if (r < 0 || shown <= old)
		return r;
	/* What a longer backing image holds there was never part of this one. */
	return blk_zero(b, old, shown - old, 0, e);
}

int blk_resize(struct blk *b, uint64_t size, enum blk_prealloc p, struct err *e)
{
	return blk_resize_watched(b, size, p, NULL, e);
}

void blk_watch_total(const struct blk_watch *w, uint64_t bytes)
{
	if (w)
		progress_total(w->progress, bytes);
}

int blk_watch_step(const struct blk_watch *w, uint64_t bytes, struct err *e)
{
	if (!w)
		return 0;
	progress_add(w->progress, bytes);
	if (w->stop && atomic_load(w->stop))
		return err_set(e, -EINTR, "stopped");
	return 0;
}

int blk_flush(struct blk *b, struct err *e)
{
	int r = 0;

	if (!(b->flags & BLK_WRITE) || (!b->child && (b->flags & BLK_NOFLUSH)))
		return 0;
	if (b->ops->flush) {
		enter(b);
		r = b->ops->flush(b, e);
		leave(b);
		return r;
	}
	if (b->child)
		r = blk_flush(b->child, e);
	return r == 0 && b->data ? blk_flush(b->data, e) : r;
}

/* Keeps the first failure: @e is only offered while there is none. */
static void keep_first(int *first, int r)
{
	if (*first == 0 && r < 0)
		*first = r;
}

int blk_close(struct blk *b, struct err *e)
{
	struct blk *child, *data, *backing;
	int r;

	if (!b)
		return 0;
	child = b->child;
	data = b->data;
	backing = b->backing;
	r = blk_flush(b, e);
	/* The node before its files: it may still write metadata into them. */
	keep_first(&r, b->ops->close(b, r < 0 ? NULL : e));
	keep_first(&r, blk_close(data, r < 0 ? NULL : e));
	keep_first(&r, blk_close(child, r < 0 ? NULL : e));
	keep_first(&r, blk_close(backing, r < 0 ? NULL : e));
	return r;
}

void blk_closep(struct blk **b)
{
	(void)blk_close(*b, NULL);
	*b = NULL;
}

void blk_warn(const struct blk *b, const char *fmt, ...)
{
	char text[ERR_MSG_SIZE];
	va_list ap;

	if (!b || !b->log || !b->log->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	b->log->warn(b->log->arg, text);
}
