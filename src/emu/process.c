/* SPDX-License-Identifier: MIT */
#include "emu/process.h"

#include "base/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wait_for_child(int fd)
{
	char ok = 0;
	size_t got = 0;

	/* a child that ends before it says so has said why to standard error */
	if (io_read_some(fd, &ok, 1, &got, NULL) < 0 || !got)
		return 1;
	return 0;
}

int process_detach(struct process *p, int *status, struct err *e)
{
	int fd[2];
	pid_t child;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_errno(e, "-daemonize");
	/* what is buffered would be written twice */
	fflush(NULL);
	child = fork();
	if (child < 0) {
		int r = err_errno(e, "-daemonize");

		io_close(fd[0]);
		io_close(fd[1]);
		return r;
	}
	if (child) {
		io_close(fd[1]);
		*status = wait_for_child(fd[0]);
		io_close(fd[0]);
		return 1;
	}
	io_close(fd[0]);
	p->ready = fd[1];
	if (setsid() < 0)
		return err_errno(e, "-daemonize");
	return 0;
}

int process_ready(struct process *p, bool keep_errors, struct err *e)
{
	int fd = io_open("/dev/null", O_RDWR, 0, e), r = 0;

	if (fd < 0)
		return fd;
	if (chdir("/") < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    (!keep_errors && dup2(fd, STDERR_FILENO) < 0))
		r = err_errno(e, "-daemonize");
	io_close(fd);
	if (r == 0)
		r = io_write(p->ready, "", 1, e);
	io_close(p->ready);
	p->ready = -1;
	return r;
}

int process_number(struct process *p, const char *path, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[32];
	int r;

	p->pid_fd = io_open(path, O_RDWR | O_CREAT, 0644, e);
	if (p->pid_fd < 0)
		return p->pid_fd;
	if (fcntl(p->pid_fd, F_SETLK, &all) < 0)
		return errno == EAGAIN || errno == EACCES
			       ? err_set(e, -EBUSY, "%s is locked by a process that lives",
					 path)
			       : err_errno(e, "%s", path);
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	r = io_truncate(p->pid_fd, 0, e);
	if (r == 0)
		r = io_write(p->pid_fd, text, strlen(text), e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	p->pid_at = realpath(path, NULL);
	return 0;
}

void process_fini(struct process *p)
{
	if (p->pid_at)
		unlink(p->pid_at);
	free(p->pid_at);
	io_close(p->pid_fd);
	io_close(p->ready);
	*p = (struct process)PROCESS_INIT;
}
