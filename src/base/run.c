/* SPDX-License-Identifier: MIT */
#include "base/run.h"

#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

/* The path of @program inside @root, in @path. */
static bool find(int root, const char *program, char *path, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		AUTO_CLOSE int fd = -1;
		struct stat st;

		if (*program == '/')
			snprintf(path, size, "%s", program);
		else
			snprintf(path, size, "%s/%s", folders[i], program);
		fd = below_open(root, path, O_PATH, 0, NULL);
		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return true;
		if (*program == '/')
			return false;
	}
	return false;
}

/* The root to look in: ours where none is given. */
static int root_of(int root, int *own, struct err *e)
{
	if (root >= 0)
		return root;
	*own = below_root(NULL, e);
	return *own;
}

bool run_find(int root, const char *program)
{
	AUTO_CLOSE int own = -1;
	char path[512];
	int fd = root_of(root, &own, NULL);

	return fd >= 0 && find(fd, program, path, sizeof(path));
}

/* In the child, between fork and exec: calls that are safe there only. */
static void become(int root, const char *path, const char *const argv[], int out)
{
	static const char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root", "TERM=dumb",
		"DEBIAN_FRONTEND=noninteractive",     NULL
	};
	sigset_t none;
	int null;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	umask(022);
	null = open("/dev/null", O_RDONLY);
	if (root >= 0 && (fchdir(root) < 0 || chroot(".") < 0))
		_exit(126);
	if (chdir("/") < 0 || (null >= 0 && dup2(null, 0) < 0) || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(126);
	if (null < 0)
		close(0);
	/* execve() asks for pointers it could write through, and does not */
	execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Keeps what comes until the end, or until @deadline: -ETIMEDOUT. */
static int collect(int fd, struct str *out, int64_t deadline)
{
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left = deadline - now_ms();
		char buf[2048];
		ssize_t n;
		int r = left > 0 ? poll(&p, 1, left > 1000 ? 1000 : (int)left) : 0;

		if (left <= 0)
			return -ETIMEDOUT;
		if (r <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return 0;
		if (out->len < RUN_OUTPUT_MAX)
			str_addn(out, buf, (size_t)n);
	}
}

static int wait_for(pid_t pid, int *status, struct err *e)
{
	int s;

	while (waitpid(pid, &s, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "wait for a program");
	*status = WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
	return 0;
}

int run_program(const struct run *how, const char *const argv[], char **output, int *status,
		struct err *e)
{
	int64_t deadline = now_ms() + (int64_t)(how->seconds ? how->seconds : 3600) * 1000;
	AUTO_CLOSE int own = -1;
	int root = root_of(how->root, &own, e), pipes[2], r, waited;
	struct str out = STR_INIT;
	char path[512];
	pid_t pid;

	if (root < 0)
		return root;
	if (!find(root, argv[0], path, sizeof(path)))
		return err_set(e, -ENOENT, "there is no program '%s'", argv[0]);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_errno(e, "run %s", argv[0]);
	pid = fork();
	if (pid == 0)
		become(how->root, path, argv, pipes[1]);
	io_close(pipes[1]);
	if (pid < 0) {
		r = err_errno(e, "run %s", argv[0]);
		io_close(pipes[0]);
		return r;
	}
	r = collect(pipes[0], &out, deadline);
	io_close(pipes[0]);
	if (r < 0)
		kill(-pid, SIGKILL);
	waited = wait_for(pid, status, e);
	if (r < 0)
		r = err_set(e, r, "%s: not done within its time, ended", argv[0]);
	else
		r = waited;
	if (r == 0 && output) {
		*output = str_take(&out, e);
		r = *output ? 0 : -ENOMEM;
	}
	str_free(&out);
	return r;
}

/* The last line of @text that says something, in place. */
static const char *last_line(char *text)
{
	size_t n = strlen(text);
	char *nl;

	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	nl = strrchr(text, '\n');
	return nl ? nl + 1 : text;
}

int run_ok(const struct run *how, const char *const argv[], struct err *e)
{
	AUTO_FREE char *output = NULL;
	AUTO_FREE char *line = NULL;
	struct str cmd = STR_INIT;
	const char *last;
	int status = 0, r = run_program(how, argv, &output, &status, e);

	if (r < 0 || status == 0)
		return r;
	for (size_t i = 0; argv[i]; i++)
		str_addf(&cmd, "%s%s", i ? " " : "", argv[i]);
	line = str_take(&cmd, e);
	if (!line)
		return -ENOMEM;
	last = last_line(output);
	if (status > 128)
		return err_set(e, -EIO, "'%.200s' was ended by signal %d", line, status - 128);
	return err_set(e, -EIO, "'%.200s' failed with code %d%s%.200s", line, status,
		       *last ? ": " : "", last);
}
