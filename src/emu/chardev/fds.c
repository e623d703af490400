/* SPDX-License-Identifier: MIT */
#include "emu/chardev/fds.h"

#include "base/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int open_pty(struct chardev_fds *f, struct err *e)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];
	struct termios t;

	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
	    ptsname_r(fd, name, sizeof(name)) != 0) {
		int r = err_errno(e, "a pseudo terminal");

		io_close(fd);
		return r;
	}
	if (tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	f->in = f->out = fd;
	snprintf(f->about, sizeof(f->about), "pty:%s", name);
	return 0;
}

static int open_file(const char *path, struct chardev_fds *f, struct err *e)
{
	int fd = io_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666, e);

	if (fd < 0)
		return fd;
	f->out = fd;
	snprintf(f->about, sizeof(f->about), "file:%s", path);
	return 0;
}

int fds_open(const char *spec, struct chardev_fds *f, struct err *e)
{
	*f = (struct chardev_fds){ .in = -1, .out = -1, .listener = -1 };
	snprintf(f->about, sizeof(f->about), "%s", spec);
	if (!strcmp(spec, "null") || !strcmp(spec, "none"))
		return 0;
	if (!strcmp(spec, "stdio")) {
		f->in = STDIN_FILENO;
		f->out = STDOUT_FILENO;
		f->terminal = isatty(STDIN_FILENO);
		return 0;
	}
	if (!strncmp(spec, "file:", 5))
		return open_file(spec + 5, f, e);
	if (!strcmp(spec, "pty"))
		return open_pty(f, e);
	if (!strncmp(spec, "unix:", 5) || !strncmp(spec, "tcp:", 4)) {
		const char *colon = strchr(spec, ':');

		return fds_socket(spec, colon + 1, f, e);
	}
	return err_set(
		e, -EINVAL,
		"'%s' is no place for characters; there are stdio, null, pty, file:PATH, "
		"unix:PATH[,server=on], tcp:HOST:PORT[,server=on] and mon:ONE-OF-THESE",
		spec);
}
