/* SPDX-License-Identifier: MIT */
#include "emu/chardev/fds.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static void raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return;
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

static int open_pty(const struct config_chardev *c, const struct chardev_env *env,
		    struct chardev_fds *f, struct err *e)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), other;
	char name[64], line[FDS_ABOUT + 64];

	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
	    ptsname_r(fd, name, sizeof(name)) != 0) {
		int r = err_errno(e, "a pseudo terminal");

		io_close(fd);
		return r;
	}
	f->in = f->out = fd;
	f->pty = true;
	snprintf(f->about, sizeof(f->about), "pty:%s", name);
	/* opened and closed once, so that nobody's being there is told from silence */
	other = io_open(name, O_RDWR | O_NOCTTY, 0, e);
	if (other < 0)
		return other;
	raw(other);
	io_close(other);
	snprintf(line, sizeof(line), "%s is at %s", c->id, name);
	if (env->tell)
		env->tell(env->arg, line);
	return 0;
}

static int open_file(const struct config_chardev *c, struct chardev_fds *f, struct err *e)
{
	int fd = io_open(c->path, O_WRONLY | O_CREAT | (c->append ? O_APPEND : O_TRUNC), 0666,
			 e);

	if (fd < 0)
		return fd;
	f->out = fd;
	snprintf(f->about, sizeof(f->about), "file:%s", c->path);
	return 0;
}

/* Two pipes, PATH.in and PATH.out, or one for both ways. */
static int open_pipe(const struct config_chardev *c, struct chardev_fds *f, struct err *e)
{
	AUTO_FREE char *in = str_printf(e, "%s.in", c->path);
	AUTO_FREE char *out = in ? str_printf(e, "%s.out", c->path) : NULL;

	if (!out)
		return -ENOMEM;
	/* for reading too: so that it neither waits nor ends with the first who closes it */
	f->in = io_open(in, O_RDWR | O_NONBLOCK, 0, NULL);
	f->out = io_open(out, O_RDWR | O_NONBLOCK, 0, NULL);
	if (f->in < 0 || f->out < 0) {
		io_close(f->in);
		io_close(f->out);
		f->in = f->out = io_open(c->path, O_RDWR | O_NONBLOCK, 0, e);
	}
	if (f->in < 0)
		return f->in;
	snprintf(f->about, sizeof(f->about), "pipe:%s", c->path);
	return 0;
}

static int open_tty(const struct config_chardev *c, struct chardev_fds *f, struct err *e)
{
	int fd = io_open(c->path, O_RDWR | O_NOCTTY | O_NONBLOCK, 0, e);

	if (fd < 0)
		return fd;
	f->in = f->out = fd;
	if (!isatty(fd))
		return err_set(e, -ENOTTY, "%s is no terminal", c->path);
	raw(fd);
	snprintf(f->about, sizeof(f->about), "serial:%s", c->path);
	return 0;
}

static void about(struct chardev_fds *f, const char *what)
{
	snprintf(f->about, sizeof(f->about), "%s", what);
}

static int open_kind(const struct config_chardev *c, const struct chardev_env *env,
		     struct chardev_fds *f, struct err *e)
{
	switch (c->kind) {
	case CHARDEV_NULL:
		about(f, "null");
		break;
	case CHARDEV_RING:
		about(f, "ringbuf");
		break;
	case CHARDEV_STDIO:
		about(f, "stdio");
		f->in = STDIN_FILENO;
		f->out = STDOUT_FILENO;
		f->terminal = isatty(STDIN_FILENO);
		break;
	case CHARDEV_PTY:
		return open_pty(c, env, f, e);
	case CHARDEV_FILE:
		return open_file(c, f, e);
	case CHARDEV_PIPE:
		return open_pipe(c, f, e);
	case CHARDEV_TTY:
		return open_tty(c, f, e);
	case CHARDEV_UNIX:
	case CHARDEV_TCP:
		return fds_socket(c, env, f, e);
	}
	return 0;
}

int fds_open(const struct config_chardev *c, const struct chardev_env *env,
	     struct chardev_fds *f, struct err *e)
{
	int r;

	*f = (struct chardev_fds){ .in = -1, .out = -1, .listener = -1, .log = -1 };
	if (c->log) {
		f->log = io_open(c->log,
				 O_WRONLY | O_CREAT | (c->log_append ? O_APPEND : O_TRUNC),
				 0666, e);
		if (f->log < 0)
			return f->log;
	}
	r = open_kind(c, env, f, e);
	if (r < 0)
		fds_close(f);
	return r;
}

void fds_close(struct chardev_fds *f)
{
	if (f->in > STDERR_FILENO)
		io_close(f->in);
	if (f->out > STDERR_FILENO && f->out != f->in)
		io_close(f->out);
	io_close(f->listener);
	io_close(f->log);
	if (f->made)
		unlink(f->made);
	free(f->made);
	f->made = NULL;
	f->in = f->out = f->listener = f->log = -1;
}
