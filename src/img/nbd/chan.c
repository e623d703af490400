/* SPDX-License-Identifier: MIT */
#include "img/nbd/chan.h"

#include "base/bytes.h"
#include "base/sock.h"

#include <time.h>

uint64_t nbd_chan_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void nbd_chan_deadline(struct nbd_chan *c, unsigned ms)
{
	c->deadline = ms ? nbd_chan_now() + ms : 0;
	if (c->fd >= 0)
		sock_timeout(c->fd, ms);
}

static int socket_recv(struct nbd_chan *c, void *buf, size_t len, size_t *got, struct err *e)
{
	if (c->deadline) {
		uint64_t now = nbd_chan_now();

		if (now >= c->deadline)
			return err_set(e, -ETIMEDOUT, "the peer took too long");
		sock_timeout(c->fd, (unsigned)(c->deadline - now));
	}
	return sock_recv(c->fd, buf, len, got, e);
}

static int socket_sendv(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e)
{
	return sock_sendv(c->fd, v, n, e);
}

static int socket_sendfile(struct nbd_chan *c, int file, uint64_t off, size_t len,
			   struct err *e)
{
	return sock_sendfile(c->fd, file, off, len, e);
}

static const struct nbd_chan_ops socket_ops = { socket_recv, socket_sendv, socket_sendfile };

void nbd_chan_socket(struct nbd_chan *c, int fd)
{
	c->ops = &socket_ops;
	c->fd = fd;
	c->tls = NULL;
	c->deadline = 0;
	c->at = c->end = 0;
}

static int some(struct nbd_chan *c, void *buf, size_t len, size_t *got, struct err *e)
{
	int r = c->ops->recv(c, buf, len, got, e);

	if (r == 0 && *got == 0)
		return err_set(e, -ECONNRESET, "the peer ended the connection");
	return r;
}

int nbd_chan_recv(struct nbd_chan *c, void *buf, size_t len, struct err *e)
{
	uint8_t *p = buf;

	while (len) {
		size_t n = min_u64(len, c->end - c->at);
		int r;

		if (n) {
			memcpy(p, c->buf + c->at, n);
			c->at += (unsigned)n;
		} else if (len >= sizeof(c->buf)) {
			r = some(c, p, len, &n, e);
			if (r < 0)
				return r;
		} else {
			r = some(c, c->buf, sizeof(c->buf), &n, e);
			if (r < 0)
				return r;
			c->at = 0;
			c->end = (unsigned)n;
			continue;
		}
		p += n;
		len -= n;
	}
	return 0;
}

int nbd_chan_skip(struct nbd_chan *c, uint64_t len, struct err *e)
{
	uint8_t drop[2048];

	while (len) {
		size_t n = (size_t)min_u64(len, sizeof(drop));
		int r = nbd_chan_recv(c, drop, n, e);

		if (r < 0)
			return r;
		len -= n;
	}
	return 0;
}

int nbd_chan_sendv(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e)
{
	return c->ops->sendv(c, v, n, e);
}

int nbd_chan_send(struct nbd_chan *c, const void *buf, size_t len, struct err *e)
{
	/* sendmsg() only reads */
	struct iovec v = { (void *)(uintptr_t)buf, len };

	return len ? c->ops->sendv(c, &v, 1, e) : 0;
}
