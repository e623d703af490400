/* SPDX-License-Identifier: MIT */
/* Each case in a child, which cannot get its rights back. */
#include "base/confine.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/confine.XXXXXX";

enum { SKIPPED = 77 };

/* The exit status of @fn in a child; a skip skips. */
static void in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED) {
		print_message("# the kernel cannot do that\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int opens(const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int files(void)
{
	char a[256], sub[256];
	struct confine_path v[] = {
		{ a, CONFINE_READ },
		{ sub, CONFINE_READ | CONFINE_WRITE | CONFINE_MAKE },
		{ "/no/such/path", CONFINE_READ },
	};
	struct err e = { 0 };
	int before, r;

	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	before = open("/etc/passwd", O_RDONLY);
	r = confine_files(v, 3, &e);
	if (r == -EOPNOTSUPP)
		return SKIPPED;
	if (r < 0)
		return 1;
	if (opens("a", O_RDONLY) || opens("a", O_WRONLY) != EACCES ||
	    opens("b", O_RDONLY) != EACCES)
		return 2;
	if (opens("sub/new", O_CREAT | O_RDWR) || opens("sub/new", O_RDONLY))
		return 3;
	if (opens("new", O_CREAT | O_RDWR) != EACCES || open("/etc/passwd", O_RDONLY) >= 0)
		return 4;
	/* what was open stays open */
	return read(before, a, 1) == 1 ? 0 : 5;
}

static int calls(void)
{
	struct err e = { 0 };
	int r = confine_calls(&e);

	if (r == -EOPNOTSUPP)
		return SKIPPED;
	if (r < 0)
		return 1;
	errno = 0;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	errno = 0;
	if (execl("/bin/true", "true", (char *)NULL) >= 0 || errno != EPERM)
		return 3;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || kill(getppid(), 0) == 0)
		return 4;
	if (chmod(dir, 0777) == 0 || errno != EPERM)
		return 6;
	/* and the rest goes on */
	return opens("a", O_RDONLY) ? 5 : 0;
}

static int limits(void)
{
	struct err e = { 0 };
	struct rlimit l;

	if (confine_limits(1ull << 40, 50, &e) < 0)
		return 1;
	if (getrlimit(RLIMIT_CPU, &l) < 0 || l.rlim_cur != 50 || l.rlim_max != 50)
		return 2;
	/* lower only */
	if (confine_limits(0, 100, &e) < 0 || getrlimit(RLIMIT_CPU, &l) < 0 || l.rlim_cur != 50)
		return 3;
	return getrlimit(RLIMIT_CORE, &l) < 0 || l.rlim_max ? 4 : 0;
}

static void test_files(void **state)
{
	(void)state;
	in_child(files);
}

static void test_calls(void **state)
{
	(void)state;
	in_child(calls);
}

static void test_limits(void **state)
{
	(void)state;
	in_child(limits);
}

static int make(void **state)
{
	char path[256];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sub", dir);
	if (mkdir(path, 0700) < 0)
		return -1;
	return opens("a", O_CREAT | O_RDWR) || opens("b", O_CREAT | O_RDWR) ? -1 : 0;
}

static int clear(void **state)
{
	static const char names[][8] = { "sub/new", "sub", "a", "b", "" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, make, clear);
}
