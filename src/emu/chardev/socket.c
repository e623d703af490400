/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/str.h"
#include "emu/chardev/fds.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void fds_connected(const struct config_chardev *c, int fd)
{
	const int one = 1;

	if (c->kind == CHARDEV_TCP && c->nodelay)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* The first who comes, and signals that end the process while nobody does. */
static int wait_for(const struct config_chardev *c, const struct chardev_env *env,
		    struct chardev_fds *f, struct err *e)
{
	struct pollfd p = { .fd = f->listener, .events = POLLIN };
	char line[FDS_ABOUT + 64];
	sigset_t none;

	snprintf(line, sizeof(line), "%s waits for a connection at %s", c->id, f->about);
	if (env->tell)
		env->tell(env->arg, line);
	sigemptyset(&none);
	while (f->in < 0) {
		if (ppoll(&p, 1, NULL, &none) < 0 && errno != EINTR)
			break;
		f->in = f->out = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (f->in < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			break;
	}
	if (f->in < 0)
		return err_errno(e, "waiting at %s", f->about);
	fds_connected(c, f->in);
	return 0;
}

static bool here(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	if (a->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return true;
}

/* 0; or an errno where another address may do. */
static int try(const struct config_chardev *c, const struct sockaddr *a, socklen_t len,
	       struct chardev_fds *f)
{
	int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;
	const int one = 1;

	if (fd < 0)
		return -errno;
	if (!c->server) {
		r = connect(fd, a, len) < 0 ? -errno : 0;
	} else {
		if (c->kind == CHARDEV_TCP)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		r = bind(fd, a, len) < 0 || listen(fd, 1) < 0 ? -errno : 0;
	}
	if (r < 0) {
		io_close(fd);
		return r;
	}
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
		r = -errno;
		io_close(fd);
		return r;
	}
	f->reachable = !here(a);
	if (c->server) {
		f->listener = fd;
	} else {
		f->in = f->out = fd;
		fds_connected(c, fd);
	}
	return 0;
}

static int failed(const struct config_chardev *c, const struct chardev_fds *f, int r,
		  struct err *e)
{
	return err_set(e, r, "%s %s: %s", c->server ? "listening at" : "connecting to",
		       f->about, strerror(-r));
}

/* A socket that nobody listens at any more is in the way. */
static void clear_way(const struct sockaddr_un *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)a, len) < 0 &&
	    errno == ECONNREFUSED)
		unlink(a->sun_path);
	io_close(fd);
}

static int open_unix(const struct config_chardev *c, struct chardev_fds *f, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(c->path), max = sizeof(a.sun_path) - 1;
	socklen_t len = sizeof(a);
	int r;

	snprintf(f->about, sizeof(f->about), "unix:%s%s", c->path,
		 c->server ? ",server=on" : "");
	if (n > max)
		return err_set(e, -ENAMETOOLONG, "%s: longer than %zu bytes", c->path, max);
	memcpy(a.sun_path + (c->abstract ? 1 : 0), c->path, n);
	/* names that are no files end where they are said to end */
	if (c->abstract && !c->loose)
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
	if (c->server && !c->abstract)
		clear_way(&a, len);
	r = try(c, (struct sockaddr *)&a, len, f);
	if (r < 0)
		return failed(c, f, r, e);
	/* where it is, whatever the process's folder is by then */
	if (c->server && !c->abstract)
		f->made = realpath(c->path, NULL);
	return 0;
}

static int try_all(const struct config_chardev *c, const struct addrinfo *list,
		   struct chardev_fds *f)
{
	int r = -EADDRNOTAVAIL;

	for (; list && r < 0; list = list->ai_next)
		r = try(c, list->ai_addr, list->ai_addrlen, f);
	return r;
}

static int resolve(const struct config_chardev *c, const char *port, struct addrinfo **list,
		   struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_family = c->family,
					.ai_flags = c->server ? AI_PASSIVE : 0 };
	const char *host = c->host && *c->host ? c->host : c->server ? NULL : "localhost";
	int r = getaddrinfo(host, port, &hints, list);

	return r ? err_set(e, -EINVAL, "tcp:%s:%s: %s", host ? host : "", port, gai_strerror(r))
		 : 0;
}

static int open_tcp(const struct config_chardev *c, struct chardev_fds *f, struct err *e)
{
	unsigned long n = strtoul(c->port, NULL, 10);
	struct addrinfo *list;
	char port[32];
	int r;

	snprintf(port, sizeof(port), "%.*s", (int)sizeof(port) - 1, c->port);
	for (;;) {
		snprintf(f->about, sizeof(f->about), "%s:%s:%s%s", c->telnet ? "telnet" : "tcp",
			 c->host ? c->host : "", port, c->server ? ",server=on" : "");
		r = resolve(c, port, &list, e);
		if (r < 0)
			return r;
		r = try_all(c, list, f);
		freeaddrinfo(list);
		if (r != -EADDRINUSE || n >= c->to)
			return r < 0 ? failed(c, f, r, e) : 0;
		snprintf(port, sizeof(port), "%lu", ++n);
	}
}

int fds_socket(const struct config_chardev *c, const struct chardev_env *env,
	       struct chardev_fds *f, struct err *e)
{
	int r = c->kind == CHARDEV_UNIX ? open_unix(c, f, e) : open_tcp(c, f, e);

	return r == 0 && c->server && c->wait ? wait_for(c, env, f, e) : r;
}
