/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD library that makes file I/O of a program fail.  Only calls on regular files
 * count: pread, pwrite, fsync, fdatasync, fallocate, ftruncate.
 *
 *	FAULT_AT=N      the N-th call fails (with FAULT_AFTER=1: and all that follow)
 *	FAULT_ERRNO=E   with this errno (default EIO)
 *	FAULT_WRITES=1  only calls that change a file count
 *	FAULT_LIE=1     the call does not fail, but if it writes, one byte is another
 *	FAULT_SHORT=1   instead, every transfer is cut to half its length
 *	FAULT_COUNT=F   at exit the number of calls is written to F
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* 1 if this call is the one. */
static int is_chosen(int fd, int changes)
{
	long at = number("FAULT_AT", 0), n;

	if (!regular(fd) || (number("FAULT_WRITES", 0) && !changes))
		return 0;
	n = atomic_fetch_add(&calls, 1) + 1;
	if (!at || n < at || (n > at && !number("FAULT_AFTER", 0)))
		return 0;
	return 1;
}

/* 1 if this call has to fail; errno is set. */
static int fails(int fd, int changes)
{
	if (!is_chosen(fd, changes) || number("FAULT_LIE", 0))
		return 0;
	errno = (int)number("FAULT_ERRNO", EIO);
	return 1;
}

/* The bytes to write instead of @buf, or NULL; free() them. */
static unsigned char *lie(int fd, const void *buf, size_t len)
{
	unsigned char *other;

	if (!len || !number("FAULT_LIE", 0) || !is_chosen(fd, 1))
		return NULL;
	other = malloc(len);
	if (!other)
		abort();
	memcpy(other, buf, len);
	other[len / 2] ^= 1;
	return other;
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

#define LOAD(name)                                                           \
	ssize_t name(int fd, void *buf, size_t len, off_t off);              \
	ssize_t name(int fd, void *buf, size_t len, off_t off)               \
	{                                                                    \
		REAL(ssize_t, #name, int, void *, size_t, off_t);            \
		return fails(fd, 0) ? -1 : real(fd, buf, cut(fd, len), off); \
	}
LOAD(pread)
LOAD(pread64)

#define STORE(name)                                                     \
	ssize_t name(int fd, const void *buf, size_t len, off_t off);   \
	ssize_t name(int fd, const void *buf, size_t len, off_t off)    \
	{                                                               \
		REAL(ssize_t, #name, int, const void *, size_t, off_t); \
		unsigned char *other = lie(fd, buf, len);               \
		ssize_t r;                                              \
		if (!number("FAULT_LIE", 0) && fails(fd, 1))            \
			return -1;                                      \
		r = real(fd, other ? other : buf, cut(fd, len), off);   \
		free(other);                                            \
		return r;                                               \
	}
STORE(pwrite)
STORE(pwrite64)

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
