/* SPDX-License-Identifier: MIT */
/* Zeroes, holes, sharing and size of files and block devices. */
#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "img/proto/file_int.h"

#include <fcntl.h>
#include <stdlib.h>

#ifndef FALLOC_FL_ZERO_RANGE
#define FALLOC_FL_ZERO_RANGE 0x10
#endif

static const uint8_t zeroes[4096];

/* What file systems and drivers answer when they do not know an operation. */
static bool is_unsupported(int r)
{
	return r == -EOPNOTSUPP || r == -ENOSYS || r == -ENODEV || r == -EINVAL ||
	       r == -ENOTTY || r == -ETXTBSY;
}

/* Holes that were remembered may not be there any more: data again is safe to
 * keep, a hole never is, so writable nodes remember data only. */
static void forget_extents(struct file *f)
{
	pthread_mutex_lock(&f->extents_lock);
	for (unsigned i = 0; i < FILE_EXTENTS; i++)
		f->extents[i].len = 0;
	pthread_mutex_unlock(&f->extents_lock);
}

static int punch(struct file *f, uint64_t off, uint64_t len)
{
	int r;

	if (f->no_punch)
		return -ENOTSUP;
	r = io_fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len, NULL);
	if (!is_unsupported(r))
		return r;
	/* -EINVAL may be about this range only. */
	if (r != -EINVAL)
		f->no_punch = true;
	return -ENOTSUP;
}

/* Makes the file at least @end long.  [off, end) is ours to zero, so writing its
 * last bytes cannot hurt a thread that extends the file further meanwhile, as
 * a truncation could. */
static int extend(struct file *f, uint64_t off, uint64_t end)
{
	uint64_t unit = f->blk.align;
	AUTO_FREE void *buf = NULL;
	int r;

	if (end <= f->blk.size)
		return 0;
	if (unit == 1)
		return io_pwrite(f->fd, zeroes, 1, end - 1, NULL);
	buf = mem_aligned(unit, unit, NULL);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0, unit);
	if (end - off < unit)
		return -ENOTSUP;
	r = io_pwrite(f->fd, buf, unit, end - unit, NULL);
	return r;
}

static int zero_regular(struct file *f, uint64_t off, uint64_t len, unsigned flags)
{
	int r;

	if (flags & BLK_MAY_UNMAP && !f->no_punch) {
		r = extend(f, off, off + len);
		if (r == 0)
			r = punch(f, off, len);
		if (r != -ENOTSUP)
			return r;
	}
	if (!f->no_zero_range) {
		r = io_fallocate(f->fd, FALLOC_FL_ZERO_RANGE, off, len, NULL);
		if (!is_unsupported(r))
			return r;
		if (r != -EINVAL)
			f->no_zero_range = true;
	}
	/* tmpfs: a hole, then space reserved for it; the latter also extends the file. */
	r = punch(f, off, len);
	if (r == 0)
		r = io_fallocate(f->fd, 0, off, len, NULL);
	return is_unsupported(r) ? -ENOTSUP : r;
}

static int zero_device(struct file *f, uint64_t off, uint64_t len, unsigned flags)
{
	uint64_t first = round_up(off, f->sector), end = round_down(off + len, f->sector);
	uint64_t range[2] = { first, end - first };
	int r = -ENOTSUP;

	if (first >= end || f->sector > sizeof(zeroes))
		return -ENOTSUP;
	if (flags & BLK_MAY_UNMAP)
		r = punch(f, first, end - first);
	if (r == -ENOTSUP)
		r = ioctl(f->fd, DEV_ZEROOUT, range) < 0 ? -errno : 0;
	if (r < 0)
		return is_unsupported(r) ? -ENOTSUP : r;
	/* Less than a sector at either end: never with O_DIRECT, which is aligned. */
	if (off < first)
		r = io_pwrite(f->fd, zeroes, (size_t)(first - off), off, NULL);
	if (r == 0 && end < off + len)
		r = io_pwrite(f->fd, zeroes, (size_t)(off + len - end), end, NULL);
	return r;
}

int file_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct file *f = to_file(b);
	int r = f->device ? zero_device(f, off, len, flags) : zero_regular(f, off, len, flags);

	f->dirty = true;
	if (r < 0)
		return err_set(e, r, "%s: zeroing %llu bytes at %llu: %s", b->filename,
			       (unsigned long long)len, (unsigned long long)off, strerror(-r));
	forget_extents(f);
	if (!f->device)
		file_grown(f, off + len);
	return 0;
}

int file_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	struct file *f = to_file(b);
	int r;

	if (f->device) {
		uint64_t first = round_up(off, f->sector);
		uint64_t end = round_down(off + len, f->sector);
		uint64_t range[2] = { first, end - first };

		r = first >= end || ioctl(f->fd, DEV_DISCARD, range) == 0 ? 0 : -errno;
	} else {
		r = punch(f, off, len);
	}
	f->dirty = true;
	if (is_unsupported(r))
		return err_set(e, -ENOTSUP, "%s: cannot discard", b->filename);
	if (r < 0)
		return err_set(e, r, "%s: discarding %llu bytes at %llu: %s", b->filename,
			       (unsigned long long)len, (unsigned long long)off, strerror(-r));
	forget_extents(f);
	return 0;
}

static bool extent_known(struct file *f, uint64_t off, uint64_t *len, bool *data)
{
	bool found = false;

	pthread_mutex_lock(&f->extents_lock);
	for (unsigned i = 0; i < FILE_EXTENTS && !found; i++) {
		const struct file_extent *x = &f->extents[i];

		if (off - x->off >= x->len)
			continue;
		*len = x->off + x->len - off;
		*data = x->data;
		found = true;
	}
	pthread_mutex_unlock(&f->extents_lock);
	return found;
}

static void extent_learn(struct file *f, uint64_t off, uint64_t len, bool data)
{
	/* Somebody may write into a hole, we or, with -U, others. */
	if (!data && f->blk.flags & (BLK_WRITE | BLK_SHARE | BLK_NOLOCK))
		return;
	pthread_mutex_lock(&f->extents_lock);
	f->extents[f->extents_next] = (struct file_extent){ off, len, data };
	f->extents_next = (f->extents_next + 1) % FILE_EXTENTS;
	pthread_mutex_unlock(&f->extents_lock);
}

int file_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		struct err *e)
{
	struct file *f = to_file(b);
	uint64_t len;
	bool data;

	if (!extent_known(f, off, &len, &data)) {
		int r = io_extent(f->fd, off, &len, &data, e);

		if (r == -ENXIO) {
			len = max; /* the file was cut short behind our back */
			data = false;
		} else if (r < 0) {
			return err_wrap(e, r, "%s", b->filename);
		} else {
			extent_learn(f, off, len, data);
		}
	}
	out->len = min_u64(len, max);
	out->flags = BLK_EXT_ALLOCATED | BLK_EXT_OFFSET | (data ? BLK_EXT_DATA : BLK_EXT_ZERO);
	out->file = b;
	out->host_off = off;
	return 0;
}

int file_clone(struct blk *b, uint64_t off, uint64_t len, struct blk *src, uint64_t src_off,
	       bool reflink_only, struct err *e)
{
	struct file *f = to_file(b);
	int r = -EOPNOTSUPP;

	if (!file_is_node(src) || src_off + len > src->size)
		return err_set(e, -EOPNOTSUPP, "%s: cannot share blocks", b->filename);
	if (!f->device && !to_file(src)->device)
		r = io_clone_range(file_fd(src), src_off, f->fd, off, len, NULL);
	if (r < 0 && !reflink_only)
		r = io_copy_range(file_fd(src), src_off, f->fd, off, len, NULL);
	f->dirty = true;
	if (is_unsupported(r) || r == -EXDEV || r == -EBADF || r == -ENODATA)
		return err_set(e, -EOPNOTSUPP, "%s: cannot share blocks", b->filename);
	if (r < 0)
		return err_set(e, r, "%s: copying %llu bytes to %llu: %s", b->filename,
			       (unsigned long long)len, (unsigned long long)off, strerror(-r));
	if (!f->device)
		file_grown(f, off + len);
	return 0;
}

/* A piece at a time, so that progress moves and stopping works. */
static int reserve(struct file *f, uint64_t off, uint64_t size, const struct blk_watch *w)
{
	enum { PIECE = 256 << 20 };
	int r = 0;

	while (r == 0 && off < size) {
		uint64_t n = min_u64(size - off, PIECE);

		r = io_fallocate(f->fd, 0, off, n, NULL);
		if (r == 0)
			r = blk_watch_step(w, n, NULL);
		off += n;
	}
	return r;
}

/* PREALLOC_FULL promises that later writes cannot fail for space. */
static int write_zeroes(struct file *f, uint64_t old, uint64_t size, const struct blk_watch *w)
{
	enum { PIECE = 1 << 20 };
	uint64_t unit = f->blk.align;
	AUTO_FREE void *buf =
		mem_aligned(unit < sizeof(void *) ? sizeof(void *) : unit, PIECE, NULL);
	/* Not over what the block with the old end holds. */
	uint64_t off = round_up(old, unit);
	int r;

	if (!buf)
		return -ENOMEM;
	memset(buf, 0, PIECE);
	r = io_truncate(f->fd, size, NULL);
	while (r == 0 && off < size) {
		size_t n = (size_t)min_u64(size - off, PIECE);

		r = io_pwrite(f->fd, buf, (size_t)round_up(n, unit), off, NULL);
		if (r == 0)
			r = blk_watch_step(w, n, NULL);
		off += n;
	}
	if (r == 0)
		r = io_truncate(f->fd, size, NULL);
	return r < 0 ? r : io_sync(f->fd, true, NULL);
}

/* What @p asks of [old, size); the file is put back on failure. */
static int preallocate(struct file *f, uint64_t old, uint64_t size, enum blk_prealloc p,
		       const struct blk_watch *w)
{
	int r;

	blk_watch_total(w, size - old);
	r = p == PREALLOC_FALLOC ? reserve(f, old, size, w) : write_zeroes(f, old, size, w);
	if (r < 0)
		(void)!io_truncate(f->fd, old, NULL);
	return r;
}

int file_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
		struct err *e)
{
	struct file *f = to_file(b);
	uint64_t old = b->size;
	int r;

	if (p == PREALLOC_METADATA)
		return err_set(e, -ENOTSUP, "Unsupported preallocation mode: metadata");
	if (f->device) {
		if (p != PREALLOC_OFF)
			return err_set(e, -ENOTSUP,
				       "Preallocation mode unsupported for devices");
		if (size != old)
			return err_set(e, -ENOTSUP, "Cannot resize device files");
		return 0;
	}
	if (p != PREALLOC_OFF && size < old)
		return err_set(e, -ENOTSUP, "Preallocation can't be used for shrinking files");
	if (!(b->flags & (BLK_NOLOCK | BLK_SHARE)) && !(f->held & FILE_L_RESIZE)) {
		r = file_lock_take(f->fd, b->filename, f->held | FILE_L_RESIZE, f->denied, e);
		if (r < 0)
			return r;
		f->held |= FILE_L_RESIZE;
	}
	r = p == PREALLOC_OFF || size == old ? io_truncate(f->fd, size, NULL)
					     : preallocate(f, old, size, p, w);
	forget_extents(f);
	if (r < 0)
		return err_set(e, r, "%s: resizing to %llu bytes: %s", b->filename,
			       (unsigned long long)size, strerror(-r));
	b->size = size;
	return 0;
}
