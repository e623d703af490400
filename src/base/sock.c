/* SPDX-License-Identifier: MIT */
#include "base/sock.h"

#include "base/io.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, WAIT_MAX = 4, SEND_BYTES = 2 << 20 };

/* A socket that nobody listens at any more is in the way. */
static void clear_way(const struct sockaddr_un *a)
{
	struct stat st;
	int fd;

	if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(a->sun_path);
	io_close(fd);
}

int sock_listen_unix(const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, r;

	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return err_set(e, -ENAMETOOLONG,
			       "socket '%s': a path of 1 to %zu bytes is needed", path,
			       sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path));
	clear_way(&a);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "socket '%s'", path);
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	(void)umask(old);
	if (r == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = err_errno(e, "listen at '%s'", path);
	io_close(fd);
	return r;
}

static struct addrinfo *resolve(const char *host, uint16_t port, bool passive, struct err *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char service[8];
	int r;

	hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(host, service, &hints, &list);
	if (r == 0)
		return list;
	(void)err_set(e, -EHOSTUNREACH, "address '%s': %s", host, gai_strerror(r));
	return NULL;
}

static int bind_one(const struct addrinfo *a, uint16_t *port)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage s;
	socklen_t len = sizeof(s);
	const int one = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&s, &len) < 0) {
		int r = -errno;

		io_close(fd);
		return r;
	}
	*port = ntohs(s.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&s)->sin6_port
					      : ((struct sockaddr_in *)&s)->sin_port);
	return fd;
}

int sock_listen_tcp(const char *host, uint16_t *port, struct err *e)
{
	struct addrinfo *list = resolve(host, *port, true, e);
	int fd = -EADDRNOTAVAIL;

	if (!list)
		return -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = bind_one(a, port);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(e, fd, "listen at %s port %u: %s", host, *port, strerror(-fd));
	return fd;
}

static bool is_own(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool sock_is_loopback(const char *host)
{
	struct addrinfo *list = resolve(host, 0, true, NULL);
	bool own = list != NULL;

	for (const struct addrinfo *a = list; a; a = a->ai_next)
		own = own && is_own(a->ai_addr);
	if (list)
		freeaddrinfo(list);
	return own;
}

bool sock_listens(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

int sock_accept(int listener, int *fd, struct err *e)
{
	const int one = 1, wish = SEND_BYTES;
	socklen_t len = sizeof(struct sockaddr);
	struct sockaddr a;
	int c = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (c < 0 && (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED))
		return 0;
	if (c < 0)
		return err_errno(e, "accept a connection");
	/* no use on a local socket, which does not mind */
	(void)setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	/* TCP finds out itself what is good; a local socket holds less than a request. */
	if (getsockname(c, &a, &len) == 0 && a.sa_family == AF_UNIX)
		(void)setsockopt(c, SOL_SOCKET, SO_SNDBUF, &wish, sizeof(wish));
	*fd = c;
	return 1;
}

int sock_wait(const int *fds, unsigned n, int ms, const sigset_t *mask, unsigned *ready,
	      struct err *e)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	struct pollfd p[WAIT_MAX];
	int r;

	*ready = 0;
	if (n > WAIT_MAX)
		return err_set(e, -EINVAL, "waiting for %u sockets at once", n);
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	r = ppoll(p, n, ms < 0 ? NULL : &t, mask);
	if (r < 0 && errno != EINTR)
		return err_errno(e, "wait for connections");
	for (unsigned i = 0; r > 0 && i < n; i++)
		if (p[i].revents)
			*ready |= 1u << i;
	return 0;
}

int sock_recv(int fd, void *buf, size_t len, size_t *got, struct err *e)
{
	ssize_t n;

	do
		n = recv(fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return err_set(e, -ETIMEDOUT, "the peer was silent for too long");
	if (n < 0)
		return err_errno(e, "receive");
	*got = (size_t)n;
	return 0;
}

int sock_sendv(int fd, struct iovec *v, unsigned n, struct err *e)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };

	while (m.msg_iovlen) {
		ssize_t done = sendmsg(fd, &m, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			return err_set(e, -ETIMEDOUT, "the peer took nothing for too long");
		if (done < 0)
			return err_errno(e, "send");
		while (m.msg_iovlen && (size_t)done >= m.msg_iov->iov_len) {
			done -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + done;
			m.msg_iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

int sock_sendfile(int fd, int file, uint64_t off, size_t len, struct err *e)
{
	off_t at = (off_t)off;

	while (len) {
		ssize_t n = sendfile(fd, file, &at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return err_set(e, -ETIMEDOUT, "the peer took nothing for too long");
		if (n < 0)
			return err_errno(e, "send");
		if (n == 0)
			return err_set(e, -ENODATA, "the file ends at %llu",
				       (unsigned long long)at);
		len -= (size_t)n;
	}
	return 0;
}

void sock_timeout(int fd, unsigned ms)
{
	struct timeval t = { ms / 1000, (long)(ms % 1000) * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

void sock_shutdown(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
}
