/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->path, "/tmp/io_test.XXXXXX");
	p->fd = mkstemp(p->path);
	*state = p;
	return p->fd < 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	io_close(p->fd);
	unlink(p->path);
	free(p);
	return 0;
}

static void open_says_what_failed(void **state)
{
	struct err e = { 0 };

	assert_int_equal(io_open("/nonexistent/x", O_RDONLY, 0, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent/x"));
	io_close(-1);
	assert_int_equal(io_close_checked(-1, NULL), 0);
}

static void open_is_close_on_exec(void **state)
{
	struct place *p = *state;
	AUTO_CLOSE int fd = io_open(p->path, O_RDONLY, 0, NULL);
	AUTO_CLOSE int at = io_openat(AT_FDCWD, p->path, O_RDONLY, 0, NULL);

	assert_true(fd >= 0 && at >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(at, F_GETFD) & FD_CLOEXEC);
}

static void reads_and_writes_are_whole(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	char buf[16] = "";
	size_t got = 99;

	assert_int_equal(io_pwrite(p->fd, "hello", 5, 10, NULL), 0);
	assert_int_equal(io_pread(p->fd, buf, 5, 10, NULL), 0);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(io_pread(p->fd, buf, 6, 10, &e), -ENODATA);
	assert_int_equal(e.code, -ENODATA);
	assert_int_equal(io_pread_upto(p->fd, buf, 16, 12, &got, NULL), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(buf, "llo", 3);
	assert_int_equal(io_pread_upto(p->fd, buf, 16, 99, &got, NULL), 0);
	assert_int_equal(got, 0);
}

static void ranges_are_checked(void **state)
{
	struct place *p = *state;
	size_t got;
	char c = 0;

	assert_int_equal(io_pread(p->fd, &c, 1, UINT64_MAX, NULL), -EOVERFLOW);
	assert_int_equal(io_pread_upto(p->fd, &c, 1, INT64_MAX, &got, NULL), -EOVERFLOW);
	assert_int_equal(io_pwrite(p->fd, &c, 1, INT64_MAX, NULL), -EOVERFLOW);
	assert_int_equal(io_truncate(p->fd, UINT64_MAX, NULL), -EOVERFLOW);
}

static void errors_come_through(void **state)
{
	struct place *p = *state;
	AUTO_CLOSE int ro = io_open(p->path, O_RDONLY, 0, NULL);
	AUTO_CLOSE int full = io_open("/dev/full", O_WRONLY, 0, NULL);
	AUTO_CLOSE int dir = io_open("/tmp", O_RDONLY, 0, NULL);
	uint64_t size;
	size_t got;
	char c = 0;

	assert_int_equal(io_pwrite(ro, "x", 1, 0, NULL), -EBADF);
	assert_int_equal(io_write(ro, "x", 1, NULL), -EBADF);
	assert_int_equal(io_pwrite(full, "x", 1, 0, NULL), -ENOSPC);
	assert_int_equal(io_pread(dir, &c, 1, 0, NULL), -EISDIR);
	assert_int_equal(io_read_upto(dir, &c, 1, &got, NULL), -EISDIR);
	assert_int_equal(io_size(dir, &size, NULL), -EISDIR);
	assert_int_equal(io_size(-1, &size, NULL), -EBADF);
	assert_int_equal(io_truncate(ro, 0, NULL), -EINVAL);
	assert_int_equal(io_sync(-1, true, NULL), -EBADF);
	assert_int_equal(io_close_checked(1000000, NULL), -EBADF);
}

static void sizes(void **state)
{
	struct place *p = *state;
	struct stat st;
	uint64_t size = 1;

	assert_int_equal(io_size(p->fd, &size, NULL), 0);
	assert_int_equal(size, 0);
	assert_int_equal(io_truncate(p->fd, 12345, NULL), 0);
	assert_int_equal(io_size(p->fd, &size, NULL), 0);
	assert_int_equal(size, 12345);
	assert_int_equal(io_fstat(p->fd, &st, NULL), 0);
	assert_int_equal(st.st_size, 12345);
	assert_int_equal(io_sync(p->fd, false, NULL), 0);
	assert_int_equal(io_sync(p->fd, true, NULL), 0);
}

static void *dribble(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 100; i++) {
		if (write(fd, "0123456789", 10) != 10)
			break;
		usleep(10);
	}
	close(fd);
	return NULL;
}

static void a_pipe_is_read_to_its_end(void **state)
{
	char buf[2000];
	pthread_t t;
	size_t got;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(pthread_create(&t, NULL, dribble, &fd[1]), 0);
	assert_int_equal(io_read_upto(fd[0], buf, 995, &got, NULL), 0);
	assert_int_equal(got, 995);
	assert_int_equal(io_read_upto(fd[0], buf, sizeof(buf), &got, NULL), 0);
	assert_int_equal(got, 5);
	assert_memory_equal(buf, "56789", 5);
	pthread_join(t, NULL);
	io_close(fd[0]);
}

static void write_goes_on_where_it_was(void **state)
{
	struct place *p = *state;
	char buf[6];

	assert_int_equal(io_write(p->fd, "abc", 3, NULL), 0);
	assert_int_equal(io_write(p->fd, "def", 3, NULL), 0);
	assert_int_equal(io_pread(p->fd, buf, 6, 0, NULL), 0);
	assert_memory_equal(buf, "abcdef", 6);
}

static void whole_files(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	char *text = NULL;

	assert_int_equal(io_read_file(p->path, 10, &text, NULL), 0);
	assert_string_equal(text, "");
	free(text);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(io_write(p->fd, "12345", 5, NULL), 0);
	assert_int_equal(io_read_file(p->path, 10000, &text, NULL), 0);
	assert_int_equal(strlen(text), 10000);
	free(text);
	text = NULL;
	assert_int_equal(io_read_file(p->path, 9999, &text, &e), -EFBIG);
	assert_null(text);
	assert_int_equal(io_read_file("/proc/self/status", 1 << 20, &text, NULL), 0);
	assert_non_null(strstr(text, "Pid:"));
	free(text);
	assert_int_equal(io_read_file("/nonexistent", 1, &text, NULL), -ENOENT);
	assert_int_equal(io_read_file("/tmp", 1, &text, &e), -EISDIR);
	assert_non_null(strstr(e.msg, "/tmp"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(open_says_what_failed),
		T(open_is_close_on_exec),
		T(reads_and_writes_are_whole),
		T(ranges_are_checked),
		T(errors_come_through),
		T(sizes),
		T(a_pipe_is_read_to_its_end),
		T(write_goes_on_where_it_was),
		T(whole_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
