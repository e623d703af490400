/* SPDX-License-Identifier: MIT */
/* Serving an export to clients that come and go; see session.h for one of them. */
#ifndef IMG_NBD_SERVER_H
#define IMG_NBD_SERVER_H

#include "img/nbd/session.h"

#include <signal.h>
#include <stdatomic.h>

enum { NBD_CLIENTS_MAX = 1024 };

struct nbd_server {
	const struct nbd_export *x;
	int listener; /* listens; stays the caller's */
	unsigned
		clients; /* served at a time, 1 to NBD_CLIENTS_MAX; more wait until one leaves */
	/* Ends when there has been no client for so many milliseconds, from the beginning on;
	 * 0: when the last one leaves, -1: not for that. */
	int idle_ms;
	const atomic_bool *stop; /* set by a signal handler: ends */
	/* Blocked but for the time of waiting, so that the handlers run there; NULL: as it is. */
	const sigset_t *signals;
	/* A client that was dropped and why; may be NULL, and comes from any thread. */
	void (*dropped)(void *arg, const char *why);
	void *arg;
};

/* Serves until told to stop or idle.  Then connections are cut, requests at work finished, and
 * what was written is flushed.  Negative: that failed, or there is no more waiting for clients. */
int nbd_serve(const struct nbd_server *v, struct err *e) MUST_CHECK;

#endif
