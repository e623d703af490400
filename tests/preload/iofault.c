/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD library that makes file I/O of a program fail.  Only calls on regular files
 * count: pread, pwrite, fsync, fdatasync, fallocate, ftruncate.
 *
 *	FAULT_AT=N      the N-th call fails (with FAULT_AFTER=1: and all that follow)
 *	FAULT_ERRNO=E   with this errno (default EIO)
 *	FAULT_WRITES=1  only calls that change a file count
 *	FAULT_SHORT=1   instead, every transfer is cut to half its length
 *	FAULT_COUNT=F   at exit the number of calls is written to F
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name, long otherwise)
{
	const char *v = getenv(name);

	return v ? strtol(v, NULL, 10) : otherwise;
}

static int regular(int fd)
{
	struct stat st;
	int saved = errno, r = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = saved;
	return r;
}

/* 1 if this call has to fail; errno is set. */
static int fails(int fd, int changes)
{
	long at = number("FAULT_AT", 0), n;

	if (!regular(fd) || (number("FAULT_WRITES", 0) && !changes))
		return 0;
	n = atomic_fetch_add(&calls, 1) + 1;
	if (!at || n < at || (n > at && !number("FAULT_AFTER", 0)))
		return 0;
	errno = (int)number("FAULT_ERRNO", EIO);
	return 1;
}

static size_t cut(int fd, size_t len)
{
	return len > 1 && number("FAULT_SHORT", 0) && regular(fd) ? len / 2 : len;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%ld\n", atomic_load(&calls));
		fclose(f);
	}
}

#define REAL(ret, name, ...)             \
	static ret (*real)(__VA_ARGS__); \
	if (!real)                       \
	*(void **)(&real) = dlsym(RTLD_NEXT, name)

#define TRANSFER(name, buffer, changes)                                            \
	ssize_t name(int fd, buffer buf, size_t len, off_t off);                   \
	ssize_t name(int fd, buffer buf, size_t len, off_t off)                    \
	{                                                                          \
		REAL(ssize_t, #name, int, buffer, size_t, off_t);                  \
		return fails(fd, changes) ? -1 : real(fd, buf, cut(fd, len), off); \
	}
TRANSFER(pread, void *, 0)
TRANSFER(pread64, void *, 0)
TRANSFER(pwrite, const void *, 1)
TRANSFER(pwrite64, const void *, 1)

#define SIMPLE(name)                                 \
	int name(int fd);                            \
	int name(int fd)                             \
	{                                            \
		REAL(int, #name, int);               \
		return fails(fd, 1) ? -1 : real(fd); \
	}
SIMPLE(fsync)
SIMPLE(fdatasync)

#define SPACE(name)                                                  \
	int name(int fd, int mode, off_t off, off_t len);            \
	int name(int fd, int mode, off_t off, off_t len)             \
	{                                                            \
		REAL(int, #name, int, int, off_t, off_t);            \
		return fails(fd, 1) ? -1 : real(fd, mode, off, len); \
	}
SPACE(fallocate)
SPACE(fallocate64)

#define LENGTH(name)                                      \
	int name(int fd, off_t len);                      \
	int name(int fd, off_t len)                       \
	{                                                 \
		REAL(int, #name, int, off_t);             \
		return fails(fd, 1) ? -1 : real(fd, len); \
	}
LENGTH(ftruncate)
LENGTH(ftruncate64)
