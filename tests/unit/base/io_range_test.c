/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static int temp_file(void)
{
	char path[] = "/tmp/io_range_test.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void extents_cover_the_file(void **state)
{
	AUTO_CLOSE int fd = temp_file();
	uint64_t at = 0, len, zero_bytes = 0;
	char buf[4096];
	bool data;

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(io_truncate(fd, 4 * MIB + 100, NULL), 0);
	assert_int_equal(io_pwrite(fd, buf, sizeof(buf), MIB, NULL), 0);
	assert_int_equal(io_pwrite(fd, buf, sizeof(buf), 3 * MIB, NULL), 0);
	while (at < 4 * MIB + 100) {
		assert_int_equal(io_extent(fd, at, &len, &data, NULL), 0);
		assert_true(len >= 1 && at + len <= 4 * MIB + 100);
		/* what was written is data wherever holes are known */
		if (!data) {
			zero_bytes += len;
			assert_true(at + len <= MIB || at >= MIB + 4096);
			assert_true(at + len <= 3 * MIB || at >= 3 * MIB + 4096);
		}
		at += len;
	}
	assert_int_equal(at, 4 * MIB + 100);
	/* the same from the middle of a run */
	if (zero_bytes) {
		assert_int_equal(io_extent(fd, 100, &len, &data, NULL), 0);
		assert_false(data);
		assert_int_equal(len, MIB - 100);
		assert_int_equal(io_extent(fd, 4 * MIB, &len, &data, NULL), 0);
		assert_false(data);
		assert_int_equal(len, 100);
		assert_int_equal(io_extent(fd, MIB + 1, &len, &data, NULL), 0);
		assert_true(data);
		assert_int_equal(len, 4095);
	}
	assert_int_equal(io_extent(fd, 4 * MIB + 100, &len, &data, NULL), -ENXIO);
	assert_int_equal(io_extent(fd, UINT64_MAX, &len, &data, NULL), -EOVERFLOW);
}

static void devices_are_data(void **state)
{
	int fd[2];
	uint64_t len;
	bool data;

	assert_int_equal(pipe(fd), 0);
	assert_true(io_extent(fd[0], 0, &len, &data, NULL) < 0);
	io_close(fd[0]);
	io_close(fd[1]);
}

static void copy_is_whole_or_fails(void **state)
{
	AUTO_CLOSE int a = temp_file(), b = temp_file();
	AUTO_FREE char *x = mem_zalloc(MIB, 1, NULL), *y = mem_zalloc(MIB, 1, NULL);
	struct err e = { 0 };

	for (int i = 0; i < MIB; i++)
		x[i] = (char)(i * 7 + i / 1000);
	assert_int_equal(io_pwrite(a, x, MIB, 0, NULL), 0);
	assert_int_equal(io_copy_range(a, 1000, b, 5000, 500000, NULL), 0);
	assert_int_equal(io_pread(b, y, 500000, 5000, NULL), 0);
	assert_memory_equal(x + 1000, y, 500000);
	assert_int_equal(io_copy_range(a, MIB - 10, b, 0, 11, &e), -ENODATA);
	assert_int_equal(e.code, -ENODATA);
	assert_int_equal(io_copy_range(a, UINT64_MAX, b, 0, 1, NULL), -EOVERFLOW);
	assert_int_equal(io_copy_range(a, 0, b, INT64_MAX, 1, NULL), -EOVERFLOW);
	assert_int_equal(io_copy_range(a, 0, b, 0, 0, NULL), 0);
}

static void clone_shares_or_says_why_not(void **state)
{
	AUTO_CLOSE int a = temp_file(), b = temp_file();
	char x[4096], y[4096];
	int r;

	memset(x, 'c', sizeof(x));
	assert_int_equal(io_pwrite(a, x, sizeof(x), 0, NULL), 0);
	r = io_clone_range(a, 0, b, 0, sizeof(x), NULL);
	if (r == 0) {
		assert_int_equal(io_pread(b, y, sizeof(y), 0, NULL), 0);
		assert_memory_equal(x, y, sizeof(x));
	} else {
		assert_true(r == -EOPNOTSUPP || r == -EXDEV || r == -EINVAL);
	}
	assert_int_equal(io_clone_range(a, 0, b, 0, 0, NULL), 0);
	assert_int_equal(io_clone_range(a, UINT64_MAX, b, 0, 1, NULL), -EOVERFLOW);
}

static void fallocate_allocates(void **state)
{
	AUTO_CLOSE int fd = temp_file();
	uint64_t size = 0;
	char buf[10];
	int r = io_fallocate(fd, 0, 0, MIB, NULL);

	if (r == -EOPNOTSUPP)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(io_size(fd, &size, NULL), 0);
	assert_int_equal(size, MIB);
	assert_int_equal(io_pwrite(fd, "0123456789", 10, 0, NULL), 0);
	r = io_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5, NULL);
	if (r == 0) {
		assert_int_equal(io_pread(fd, buf, 10, 0, NULL), 0);
		assert_memory_equal(buf, "\0\0\0\0\00056789", 10);
	}
	assert_int_equal(io_fallocate(fd, 0, INT64_MAX, 1, NULL), -EOVERFLOW);
	assert_int_equal(io_fallocate(-1, 0, 0, 1, NULL), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extents_cover_the_file),
		cmocka_unit_test(devices_are_data),
		cmocka_unit_test(copy_is_whole_or_fails),
		cmocka_unit_test(clone_shares_or_says_why_not),
		cmocka_unit_test(fallocate_allocates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
