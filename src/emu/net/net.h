/* SPDX-License-Identifier: MIT */
/*
 * Where a network card's frames go: the host's sockets ("user", by libslirp) or an interface of
 * the host ("tap"; "bridge" where QEMU's helper makes it).  Each has a thread of its own, which calls the card.
 */
#ifndef EMU_NET_NET_H
#define EMU_NET_NET_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_FRAME 65550u /* the longest frame that is carried */

struct net;

/* The card.  Both are called in the network's thread, under its lock. */
struct net_user {
	/* A frame for the guest.  False: there is no room; net_kick() when there is. */
	bool (*receive)(void *arg, const uint8_t *frame, size_t len);
	/* net_kick() was called: gives what the guest sends to net_send(). */
	void (*transmit)(void *arg, struct net *n);
	void *arg;
};

/* @u NULL: no card yet.  @options as on the command line, without kind and id.  Kind "": a cable whose other end is loose. */
int net_open(const char *kind, const char *options, const struct net_user *u, struct net **out,
	     struct err *e) MUST_CHECK;
void net_close(struct net *n);
/* Another card, or none (NULL), from now on; the one before is not called any more. */
void net_use(struct net *n, const struct net_user *u);

/* Any thread. */
void net_kick(struct net *n);
/* Waits until the thread is outside the card. */
void net_settle(struct net *n);
/* hostfwd= as on the command line, from now on; or that of "tcp:[HOST]:PORT" no more (-ENOENT: there
 * is none).  -ENOTSUP: not a network of that kind. */
int net_forward(struct net *n, const char *rule, bool add, struct err *e) MUST_CHECK;
/* From transmit(). */
void net_send(struct net *n, const uint8_t *frame, size_t len);

#endif
