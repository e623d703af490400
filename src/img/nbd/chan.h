/* SPDX-License-Identifier: MIT */
/*
 * One connection's bytes, whatever carries them: a socket, TLS over it, a test's memory.
 * One thread may receive while another sends; callers see to it that there are no more.
 */
#ifndef IMG_NBD_CHAN_H
#define IMG_NBD_CHAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct nbd_chan;

struct nbd_chan_ops {
	/* What there is, at most @len bytes; 0 bytes: the peer ended. */
	int (*recv)(struct nbd_chan *c, void *buf, size_t len, size_t *got, struct err *e);
	/* All of it; @v is changed on the way. */
	int (*sendv)(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e);
	/* Bytes of a file, uncopied; NULL: they have to be read and sent. */
	int (*sendfile)(struct nbd_chan *c, int file, uint64_t off, size_t len, struct err *e);
};

enum { NBD_CHAN_BUFFER = 8192 };

struct nbd_chan {
	const struct nbd_chan_ops *ops;
	int fd;    /* of a socket, -1: none */
	void *tls; /* what TLS keeps, see tls.h */
	/* Milliseconds on the clock of nbd_chan_now() when the peer must be done; 0: never. */
	uint64_t deadline;
	/* Received ahead: [at, end) of buf is still to be taken. */
	unsigned at, end;
	uint8_t buf[NBD_CHAN_BUFFER];
};

/* Over the socket @fd, which stays the caller's. */
void nbd_chan_socket(struct nbd_chan *c, int fd);
uint64_t nbd_chan_now(void);
/* From now on the peer has @ms milliseconds for all it sends together; 0: as long as it likes. */
void nbd_chan_deadline(struct nbd_chan *c, unsigned ms);
/* Exactly @len bytes.  -ECONNRESET: the peer ended before the first of them or within. */
int nbd_chan_recv(struct nbd_chan *c, void *buf, size_t len, struct err *e) MUST_CHECK;
/* Takes @len bytes and drops them. */
int nbd_chan_skip(struct nbd_chan *c, uint64_t len, struct err *e) MUST_CHECK;
int nbd_chan_sendv(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e) MUST_CHECK;
int nbd_chan_send(struct nbd_chan *c, const void *buf, size_t len, struct err *e) MUST_CHECK;
/* Whether something is there already that was received ahead. */
static inline bool nbd_chan_pending(const struct nbd_chan *c)
{
	return c->at < c->end;
}

#endif
