/* SPDX-License-Identifier: MIT */
/* What a file system can do to a range of bytes beyond reading and writing. */
#include "base/io.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* As in <linux/fs.h>, which is not there with musl alone and which some C libraries
 * cannot include beside <sys/mount.h>. */
struct clone_range {
	int64_t src_fd;
	uint64_t src_offset, src_length, dest_offset;
};
#define CLONE_RANGE _IOW(0x94, 13, struct clone_range)

static int range_check(uint64_t off, uint64_t len, struct err *e)
{
	if (off > INT64_MAX || len > INT64_MAX - off)
		return err_set(e, -EOVERFLOW, "%llu bytes at %llu is out of range",
			       (unsigned long long)len, (unsigned long long)off);
	return 0;
}

int io_fallocate(int fd, int mode, uint64_t off, uint64_t len, struct err *e)
{
	int r = range_check(off, len, e);

	while (r == 0 && fallocate(fd, mode, (off_t)off, (off_t)len) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == ENOSYS)
			errno = EOPNOTSUPP;
		return err_errno(e, "allocate %llu bytes at %llu", (unsigned long long)len,
				 (unsigned long long)off);
	}
	return r;
}

int io_extent(int fd, uint64_t off, uint64_t *len, bool *data, struct err *e)
{
	uint64_t size;
	off_t at;
	int r = range_check(off, 0, e);

	if (r == 0)
		r = io_size(fd, &size, e);
	if (r < 0)
		return r;
	if (off >= size)
		return err_set(e, -ENXIO, "%llu is past the end of file",
			       (unsigned long long)off);
	*len = size - off;
	at = lseek(fd, (off_t)off, SEEK_DATA);
	if (at < 0 && errno == ENXIO) {
		*data = false; /* a hole to the end */
		return 0;
	}
	*data = true;
	if (at < 0 && errno != EINVAL && errno != EOPNOTSUPP && errno != ESPIPE)
		return err_errno(e, "find data at %llu", (unsigned long long)off);
	if (at < (off_t)off)
		return 0;
	if (at > (off_t)off)
		*data = false;
	else
		at = lseek(fd, (off_t)off, SEEK_HOLE);
	/* the file may be written to or cut meanwhile: stay within what was there */
	if (at > (off_t)off && (uint64_t)at < size)
		*len = (uint64_t)at - off;
	return 0;
}

int io_clone_range(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t len,
		   struct err *e)
{
	struct clone_range c = {
		.src_fd = src, .src_offset = src_off, .src_length = len, .dest_offset = dst_off
	};
	int r = range_check(src_off, len, e);

	if (r == 0)
		r = range_check(dst_off, len, e);
	/* a length of 0 would mean "to the end of the source" */
	while (r == 0 && len && ioctl(dst, CLONE_RANGE, &c) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == ENOTTY || errno == ENOSYS)
			errno = EOPNOTSUPP;
		return err_errno(e, "share %llu bytes at %llu", (unsigned long long)len,
				 (unsigned long long)src_off);
	}
	return r;
}

int io_copy_range(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t len,
		  struct err *e)
{
	off_t from = (off_t)src_off, to = (off_t)dst_off;
	int r = range_check(src_off, len, e);

	if (r == 0)
		r = range_check(dst_off, len, e);
	while (r == 0 && len) {
		size_t want = len > 1 << 30 ? 1 << 30 : (size_t)len;
		ssize_t n = copy_file_range(src, &from, dst, &to, want, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOSYS)
			errno = EOPNOTSUPP;
		if (n < 0)
			return err_errno(e, "copy %llu bytes at %llu", (unsigned long long)len,
					 (unsigned long long)from);
		if (n == 0)
			return err_set(e, -ENODATA, "end of file at %llu",
				       (unsigned long long)from);
		len -= (uint64_t)n;
	}
	return r;
}
