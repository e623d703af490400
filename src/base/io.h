/* SPDX-License-Identifier: MIT */
/*
 * System calls that report through struct err and never come back short.
 * Only src/base calls open, pread and their kin; scripts/check-symbols.sh
 * holds the other rooms to it.  Offsets and lengths are bytes; a value that
 * does not fit off_t is -EOVERFLOW.  All functions may be called from several
 * threads on the same descriptor.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;

/* Returns a close-on-exec descriptor. */
int io_open(const char *path, int flags, unsigned mode, struct err *e) MUST_CHECK;
int io_openat(int dirfd, const char *path, int flags, unsigned mode, struct err *e) MUST_CHECK;
/* Closes and reports: some file systems tell of a failed write only here. */
int io_close_checked(int fd, struct err *e) MUST_CHECK;
void io_close(int fd);
void io_closep(int *fd);
#define AUTO_CLOSE CLEANUP(io_closep)

/* Reads exactly @len bytes; end of file before that is -ENODATA. */
int io_pread(int fd, void *buf, size_t len, uint64_t off, struct err *e) MUST_CHECK;
/* Reads @len bytes, or up to end of file; @got says how many. */
int io_pread_upto(int fd, void *buf, size_t len, uint64_t off, size_t *got, struct err *e)
	MUST_CHECK;
int io_pwrite(int fd, const void *buf, size_t len, uint64_t off, struct err *e) MUST_CHECK;
/* Sequential forms, for pipes and small files. */
int io_read_upto(int fd, void *buf, size_t len, size_t *got, struct err *e) MUST_CHECK;
/* What there is, at most @len bytes, waiting for the first: pipes, terminals, sockets.  0 bytes
 * is the end. */
int io_read_some(int fd, void *buf, size_t len, size_t *got, struct err *e) MUST_CHECK;
int io_write(int fd, const void *buf, size_t len, struct err *e) MUST_CHECK;
/* As much as there is room for; 0 bytes where @fd does not wait and there is none. */
int io_write_some(int fd, const void *buf, size_t len, size_t *put, struct err *e) MUST_CHECK;
/* Waits until @fd can be read, or written: 1, or 0 after @ms milliseconds (-1: for ever) or
 * when a signal came.  An end or a fault counts as ready. */
int io_wait(int fd, bool write, int ms, struct err *e) MUST_CHECK;

int io_fstat(int fd, struct stat *st, struct err *e) MUST_CHECK;
/* Size of a regular file or of a block device. */
int io_size(int fd, uint64_t *size, struct err *e) MUST_CHECK;
int io_truncate(int fd, uint64_t size, struct err *e) MUST_CHECK;
/* fdatasync; @full asks for fsync. */
int io_sync(int fd, bool full, struct err *e) MUST_CHECK;

/* fallocate with @mode FALLOC_FL_*; -EOPNOTSUPP where the file cannot. */
int io_fallocate(int fd, int mode, uint64_t off, uint64_t len, struct err *e) MUST_CHECK;
/*
 * The run of data or hole at @off: *len bytes (at least 1) that are all of one
 * kind, *data says which.  A file system without SEEK_HOLE answers data to
 * end of file.  At or past end of file: -ENXIO.
 */
int io_extent(int fd, uint64_t off, uint64_t *len, bool *data, struct err *e) MUST_CHECK;
/* Shares blocks (FICLONERANGE).  -EOPNOTSUPP, -EXDEV or -EINVAL: cannot here. */
int io_clone_range(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t len,
		   struct err *e) MUST_CHECK;
/* Copies within the kernel (copy_file_range), all of @len or an error. */
int io_copy_range(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t len,
		  struct err *e) MUST_CHECK;

/* Reads an open file from where it stands to its end, at most @max bytes (-EFBIG), as a
 * NUL-terminated string of *@len bytes; @len may be NULL. */
int io_read_all(int fd, size_t max, char **out, size_t *len, struct err *e) MUST_CHECK;
/* Reads a whole small file, at most @max bytes, as a NUL-terminated string. */
int io_read_file(const char *path, size_t max, char **out, struct err *e) MUST_CHECK;

#endif
