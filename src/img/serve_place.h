/* SPDX-License-Identifier: MIT */
/* Where an image is served: a local socket, a TCP port, or one that was handed to us. */
#ifndef IMG_SERVE_PLACE_H
#define IMG_SERVE_PLACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct serve_place {
	/* in */
	const char *path; /* a local socket; NULL without tcp: one of our own choice */
	bool tcp, remote; /* remote: addresses besides this machine's own are fine */
	const char *host; /* NULL: 127.0.0.1 */
	uint16_t port;    /* 0: any */
	/* out */
	int listener; /* -1 to begin with */
	char *uri;    /* of export @name there; NULL where the parent knows */
	char *made;   /* the socket's full path, to be removed; or NULL */
};

/* A listening socket handed down (LISTEN_FDS, as systemd and nbdcopy do) is used if nothing
 * else was asked for. */
int serve_place_open(struct serve_place *p, const char *name, struct err *e) MUST_CHECK;
/* Stops listening and removes the socket. */
void serve_place_close(struct serve_place *p);

#endif
