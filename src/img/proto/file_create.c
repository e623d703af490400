/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "img/proto/file_int.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* As in <linux/fs.h>, which is not there with musl alone. */
struct fsx {
	uint32_t flags, extsize, nextents, projid, cowextsize;
	uint8_t pad[8];
};
#define FS_GET_FLAGS _IOR('f', 1, long)
#define FS_SET_FLAGS _IOW('f', 2, long)
#define FS_GET_XATTR _IOR('X', 31, struct fsx)
#define FS_SET_XATTR _IOW('X', 32, struct fsx)

enum { FS_NOCOW = 0x00800000, FSX_EXTSIZE = 0x00000800 };

/* A new file if there is none, else what is there; never waits for a pipe's reader. */
static int open_or_make(const char *path, bool *made, struct err *e)
{
	int fd = io_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOCTTY, 0644, NULL);

	*made = fd >= 0;
	if (fd == -EEXIST)
		fd = io_open(path, O_RDWR | O_NONBLOCK | O_NOCTTY, 0, NULL);
	if (fd == -ENOENT) { /* a symbolic link to nothing */
		fd = io_open(path, O_RDWR | O_CREAT | O_NOCTTY, 0644, NULL);
		*made = fd >= 0;
	}
	if (fd < 0)
		return err_set(e, fd, "Could not create '%s': %s", path, strerror(-fd));
	return fd;
}

/* Both are hints: a file system that does not know them works without. */
static void set_hints(int fd, bool nocow, uint64_t extent_size)
{
	long flags = 0;
	struct fsx x;

	if (nocow && ioctl(fd, FS_GET_FLAGS, &flags) == 0) {
		flags |= FS_NOCOW;
		(void)!ioctl(fd, FS_SET_FLAGS, &flags);
	}
	if (extent_size && extent_size <= UINT32_MAX && ioctl(fd, FS_GET_XATTR, &x) == 0) {
		x.flags |= FSX_EXTSIZE;
		x.extsize = (uint32_t)extent_size;
		(void)!ioctl(fd, FS_SET_XATTR, &x);
	}
}

static int set_size(const char *path, uint64_t size, enum blk_prealloc p, struct err *e)
{
	struct blk *b = NULL;
	int r, rc;

	/* Our own lock on the file is still held. */
	r = file_open_unlocked(path, NULL, BLK_WRITE | BLK_NOLOCK, &b, e);
	if (r < 0)
		return r;
	r = blk_resize(b, size, p, e);
	rc = blk_close(b, r < 0 ? NULL : e);
	return r < 0 ? r : rc;
}

int file_create(const char *path, uint64_t size, enum blk_prealloc p, bool nocow,
		uint64_t extent_size_hint, bool *made, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	bool fresh = false;
	struct stat st;
	int r;

	r = file_check_kind(path, e);
	if (r == 0)
		fd = open_or_make(path, &fresh, e);
	else
		fd = r;
	if (made)
		*made = fresh;
	if (fd < 0)
		return fd;
	r = io_fstat(fd, &st, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	if (S_ISBLK(st.st_mode))
		return err_set(e, -EEXIST, "'%s' is a device", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'file' driver requires '%s' to be a regular file",
			       path);
	r = file_lock_take(fd, path, FILE_L_WRITE | FILE_L_RESIZE, FILE_L_RESIZE, e);
	if (r < 0)
		return r;
	r = io_truncate(fd, 0, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	set_hints(fd, nocow, extent_size_hint);
	if (size) {
		r = set_size(path, size, p, e);
		if (r < 0)
			return r;
	}
	/* Nothing was written through this descriptor. */
	return 0;
}
