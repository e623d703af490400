/* SPDX-License-Identifier: MIT */
#include "img/proto/file.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/optset.h"
#include "img/proto/file_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DIRECT_ALIGN = 4096 }; /* where nothing says better */

bool file_is_node(const struct blk *b)
{
	return b && (b->ops == &file_ops || b->ops == &file_device_ops);
}

int file_fd(const struct blk *b)
{
	return ((const struct file *)b)->fd;
}

int file_allocated(struct blk *b, uint64_t *out, struct err *e)
{
	struct stat st;
	int r = io_fstat(file_fd(b), &st, e);

	if (r < 0)
		return err_wrap(e, r, "%s", b->filename);
	*out = (uint64_t)st.st_blocks * 512;
	return 0;
}

void file_grown(struct file *f, uint64_t end)
{
	uint64_t size = f->blk.size;

	while (size < end && !atomic_compare_exchange_weak(&f->blk.size, &size, end))
		;
}

static int file_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	size_t got;
	int r = io_pread_upto(file_fd(b), buf, len, off, &got, e);

	if (r < 0)
		return err_wrap(e, r, "%s", b->filename);
	/* The file ends inside its last aligned block, or was cut short meanwhile. */
	if (got < len)
		memset((uint8_t *)buf + got, 0, len - got);
	return 0;
}

static int file_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct file *f = to_file(b);
	int r;

	file_fill(f, off, len);
	r = io_pwrite(f->fd, buf, len, off, e);
	f->dirty = true; /* even a write that failed may have left something */
	if (r < 0)
		return err_wrap(e, r, "%s", b->filename);
	if (!f->device)
		file_grown(f, off + len);
	return 0;
}

static int file_flush(struct blk *b, struct err *e)
{
	struct file *f = to_file(b);
	int r = 0;

	pthread_mutex_lock(&f->sync_lock);
	/* A write that ends meanwhile sets it again, and is for the next flush. */
	if (atomic_exchange(&f->dirty, false)) {
		r = io_sync(f->fd, false, e);
		if (r < 0)
			f->dirty = true;
	}
	pthread_mutex_unlock(&f->sync_lock);
	return r < 0 ? err_wrap(e, r, "%s", b->filename) : 0;
}

/* Two at once would wait for each other at every page. */
static void start_writing(struct file *f)
{
	if (!f->dirty || atomic_exchange(&f->starting, true))
		return;
	(void)!sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	f->starting = false;
}

void file_writeback(struct blk *b)
{
	for (; b; b = b->child) {
		if (b->data)
			file_writeback(b->data);
		if (file_is_node(b) && b->flags & BLK_WRITE && !(b->flags & BLK_NOFLUSH))
			start_writing(to_file(b));
	}
}

static int file_close(struct blk *b, struct err *e)
{
	struct file *f = to_file(b);
	int r = 0;

	/* Closing the descriptor drops its locks. */
	if (b->flags & BLK_WRITE) {
		r = io_close_checked(f->fd, e);
		if (r < 0)
			r = err_wrap(e, r, "%s", b->filename);
	} else {
		io_close(f->fd);
	}
	pthread_mutex_destroy(&f->extents_lock);
	pthread_mutex_destroy(&f->sync_lock);
	blk_fini(b);
	free(f);
	return r;
}

const struct blk_ops file_ops = {
	.name = "file",
	.parallel = true,
	.pread = file_pread,
	.pwrite = file_pwrite,
	.zero = file_zero,
	.discard = file_discard,
	.extent = file_extent,
	.clone = file_clone,
	.resize = file_resize,
	.flush = file_flush,
	.close = file_close,
};

const struct blk_ops file_device_ops = {
	.name = "host_device",
	.parallel = true,
	.pread = file_pread,
	.pwrite = file_pwrite,
	.zero = file_zero,
	.discard = file_discard,
	.resize = file_resize,
	.flush = file_flush,
	.close = file_close,
};

static int check_opts(struct optset *opts, unsigned *flags, struct err *e)
{
	const char *s;

	if (!opts)
		return 0;
	s = optset_get(opts, "locking");
	if (s && !strcmp(s, "off"))
		*flags |= BLK_NOLOCK;
	else if (s && strcmp(s, "on") && strcmp(s, "auto"))
		return err_set(e, -EINVAL, "invalid parameter value: %s", s);
	s = optset_get(opts, "aio");
	if (s && strcmp(s, "threads") && strcmp(s, "native") && strcmp(s, "io_uring"))
		return err_set(e, -EINVAL, "invalid parameter value: %s", s);
	if (s && !strcmp(s, "native") && !(*flags & BLK_DIRECT))
		return err_set(e, -EINVAL,
			       "aio=native was specified, but it requires cache.direct=on, "
			       "which was not specified.");
	return 0;
}

int file_check_kind(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ||
	    S_ISDIR(st.st_mode)) /* fails by itself */
		return 0;
	return err_set(e, -EINVAL, "'file' driver requires '%s' to be a regular file", path);
}

static int open_fd(const char *path, unsigned *flags, struct err *e)
{
	/* Should it become a pipe after all, its missing writer is not waited for. */
	int direct = *flags & BLK_DIRECT ? O_DIRECT : 0;
	int how = O_NONBLOCK | O_NOCTTY | direct;
	int fd = io_open(path, how | (*flags & BLK_WRITE ? O_RDWR : O_RDONLY), 0, NULL);

	if ((fd == -EACCES || fd == -EPERM || fd == -EROFS) && (*flags & BLK_WRITE) &&
	    (*flags & BLK_AUTO_RDONLY)) {
		*flags &= ~(unsigned)BLK_WRITE;
		fd = io_open(path, how | O_RDONLY, 0, NULL);
	}
	if (fd == -EINVAL && direct)
		return err_set(e, fd,
			       "Could not open '%s': filesystem does not support O_DIRECT",
			       path);
	if (fd < 0)
		return err_set(e, fd, "Could not open '%s': %s", path, strerror(-fd));
	return fd;
}

/* What O_DIRECT wants of offsets, lengths and addresses. */
static uint32_t direct_align(const struct file *f)
{
	uint32_t align = 0;
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) == 0 &&
	    (sx.stx_mask & STATX_DIOALIGN) && sx.stx_dio_offset_align)
		align = sx.stx_dio_offset_align > sx.stx_dio_mem_align ? sx.stx_dio_offset_align
								       : sx.stx_dio_mem_align;
#endif
	if (!align && f->device)
		align = f->sector;
	if (align < 512 || align > 65536 || (align & (align - 1)))
		align = DIRECT_ALIGN;
	return align;
}

static int look_at(struct file *f, const char *path, struct err *e)
{
	struct stat st;
	uint64_t size;
	int sector, r;

	r = io_fstat(f->fd, &st, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	f->device = S_ISBLK(st.st_mode);
	if (!f->device && !S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'file' driver requires '%s' to be a regular file",
			       path);
	r = io_size(f->fd, &size, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	f->blk.size = size;
	f->sector = 512;
	if (f->device && ioctl(f->fd, DEV_SECTOR_SIZE, &sector) == 0 && sector > 0)
		f->sector = (uint32_t)sector;
	return 0;
}

int file_open_unlocked(const char *path, struct optset *opts, unsigned flags, struct blk **out,
		       struct err *e)
{
	struct file *f = NULL;
	int r = check_opts(opts, &flags, e);
	AUTO_CLOSE int fd = -1;

	if (r < 0)
		return r;
	if (!*path)
		return err_set(e, -EINVAL, "The 'file' block driver requires a file name");
	r = file_check_kind(path, e);
	if (r < 0)
		return r;
	fd = open_fd(path, &flags, e);
	if (fd < 0)
		return fd;
	f = mem_zalloc(1, sizeof(*f), e);
	if (!f)
		return -ENOMEM;
	f->fd = fd;
	r = look_at(f, path, e);
	if (r == 0)
		r = blk_init(&f->blk, f->device ? &file_device_ops : &file_ops, path, flags, e);
	if (r < 0) {
		free(f);
		return r;
	}
	pthread_mutex_init(&f->extents_lock, NULL);
	pthread_mutex_init(&f->sync_lock, NULL);
	f->blk.grows = true;
	f->blk.fixed = f->device;
	f->fill = flags & BLK_WRITE && !(flags & BLK_DIRECT) && !f->device &&
		  file_fill_pays(f->fd);
	if (flags & BLK_DIRECT)
		f->blk.align = direct_align(f);
	fd = -1;
	*out = &f->blk;
	return 0;
}

int file_open(const char *path, struct optset *opts, unsigned flags, struct blk **out,
	      struct err *e)
{
	struct blk *b = NULL;
	int r = file_open_unlocked(path, opts, flags, &b, e);

	if (r < 0)
		return r;
	r = file_lock(b, FILE_METADATA, e);
	if (r < 0) {
		(void)blk_close(b, NULL);
		return r;
	}
	*out = b;
	return 0;
}
