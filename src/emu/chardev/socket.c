/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "base/optset.h"
#include "emu/chardev/fds.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct how {
	bool server, wait;
};

/* Connects @fd, or makes it listen and, if asked to, waits for the first to come. */
static int start(int fd, const struct sockaddr *a, socklen_t len, const struct how *how,
		 struct chardev_fds *f, struct err *e)
{
	const int one = 1;

	if (!how->server) {
		if (connect(fd, a, len) < 0)
			return err_errno(e, "connecting to %s", f->about);
		f->in = f->out = fd;
		return 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a, len) < 0 || listen(fd, 1) < 0)
		return err_errno(e, "listening at %s", f->about);
	f->listener = fd;
	if (how->wait) {
		f->in = f->out = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (f->in < 0) {
			f->listener = -1;
			return err_errno(e, "waiting at %s", f->about);
		}
	}
	return 0;
}

static int open_unix(const char *path, const struct how *how, struct chardev_fds *f,
		     struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than %zu bytes", path,
			       sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "%s", f->about);
	/* a socket that nobody listens at any more is in the way */
	if (how->server && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
	if (how->server) {
		io_close(fd);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return err_errno(e, "%s", f->about);
	}
	r = start(fd, (struct sockaddr *)&a, sizeof(a), how, f, e);
	if (r < 0)
		io_close(fd);
	return r;
}

static int open_tcp(char *host, const struct how *how, struct chardev_fds *f, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char *port = strrchr(host, ':');
	const int one = 1;
	int fd, r;

	if (!port)
		return err_set(e, -EINVAL, "%s has no port: tcp:HOST:PORT", f->about);
	*port++ = '\0';
	hints.ai_flags = how->server ? AI_PASSIVE : 0;
	r = getaddrinfo(*host ? host : how->server ? NULL : "localhost", port, &hints, &list);
	if (r)
		return err_set(e, -EINVAL, "%s: %s", f->about, gai_strerror(r));
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r = fd < 0 ? err_errno(e, "%s", f->about)
		   : start(fd, list->ai_addr, list->ai_addrlen, how, f, e);
	freeaddrinfo(list);
	if (r < 0)
		io_close(fd);
	else if (f->in >= 0)
		setsockopt(f->in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return r;
}

int fds_socket(const char *kind, const char *rest, struct chardev_fds *f, struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct how how = { .wait = true };
	AUTO_FREE char *where = NULL;
	const char *at;
	int r = optset_parse(&o, rest, "at", e);

	if (r == 0)
		r = optset_bool(&o, "server", &how.server, e);
	if (r == 0)
		r = optset_bool(&o, "wait", &how.wait, e);
	at = optset_get(&o, "at");
	if (r == 0 && optset_unused(&o))
		r = err_set(e, -EINVAL, "'%s' has no option '%s'", kind, optset_unused(&o));
	if (r == 0) {
		where = mem_strdup(at ? at : "", e);
		r = where ? 0 : -ENOMEM;
	}
	optset_free(&o);
	if (r < 0)
		return r;
	snprintf(f->about, sizeof(f->about), "%.*s:%s", (int)strcspn(kind, ":"), kind, where);
	return kind[0] == 'u' ? open_unix(where, &how, f, e) : open_tcp(where, &how, f, e);
}
