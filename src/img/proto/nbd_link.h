/* SPDX-License-Identifier: MIT */
/*
 * The connections to one NBD server.  Callers wait for their request; several can be on the
 * way on each connection, and where the server allows it there are several connections, made
 * when they are needed.  Any thread may call nbd_link_do().
 */
#ifndef IMG_PROTO_NBD_LINK_H
#define IMG_PROTO_NBD_LINK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nbd_name;
struct nbd_link;

struct nbd_link_options {
	const struct nbd_name *name; /* must outlive the link */
	unsigned open_timeout;       /* seconds to go on trying to connect; 0: one try */
	unsigned reconnect_delay;    /* seconds to try again after a connection broke */
	bool writable;
};

/* What the server says of the export. */
struct nbd_link_info {
	uint64_t size;
	uint32_t min_block, max_block; /* bytes: unit of requests, most in one */
	bool read_only, flush, fua, trim, zero, fast_zero, status;
};

enum nbd_link_verb {
	NBD_LINK_READ,
	NBD_LINK_WRITE,
	NBD_LINK_ZERO,
	NBD_LINK_TRIM,
	NBD_LINK_FLUSH,
	NBD_LINK_STATUS,
};

enum { NBD_LINK_STATES = 64 };

struct nbd_link_request {
	enum nbd_link_verb verb;
	void *buf; /* READ and WRITE */
	uint64_t off, len;
	bool no_hole, fast; /* ZERO */
	/* STATUS: out, of base:allocation, one after the other from off on. */
	struct {
		uint32_t len, flags;
	} states[NBD_LINK_STATES];
	unsigned n;
};

/* -ENOTSUP: libnbd is not installed. */
int nbd_link_open(const struct nbd_link_options *o, struct nbd_link **out,
		  struct nbd_link_info *info, struct err *e) MUST_CHECK;
/* The server's errno, or -EIO where the connection broke and could not be made again. */
int nbd_link_do(struct nbd_link *l, struct nbd_link_request *q, struct err *e) MUST_CHECK;
void nbd_link_close(struct nbd_link *l);

#endif
