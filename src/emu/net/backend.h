/* SPDX-License-Identifier: MIT */
/* What a kind of network gives to net.c. */
#ifndef EMU_NET_BACKEND_H
#define EMU_NET_BACKEND_H

#include "base/optset.h"
#include "emu/net/net.h"

#include <poll.h>

#define NET_FDS 1024

struct net_ops {
	int (*open)(struct net *n, struct optset *o, void **back, struct err *e);
	/* Adds what it waits for to n->fd; may lower the timeout (ms). */
	void (*prepare)(void *back, int *timeout);
	/* After waiting, under the lock. */
	void (*work)(void *back);
	void (*send)(void *back, const uint8_t *frame, size_t len);
	void (*close)(void *back);
	/* Under the lock; NULL: cannot. */
	int (*forward)(void *back, const char *rule, bool add, struct err *e);
};

/* For @prepare: index of the descriptor in what was waited for, or -1. */
int net_add_fd(struct net *n, int fd, short events);
short net_events(struct net *n, int index);
/* A frame for the guest: at once, or when it has room. */
void net_receive(struct net *n, const uint8_t *frame, size_t len);
/* False: frames wait for the guest, and no more should be read. */
bool net_has_room(const struct net *n);

/* Asks QEMU's helper for an interface in the bridge "br" (default br0), "helper" its path: a
 * descriptor of it, ready to be a tap's.  Before threads and the filter of system calls. */
int net_bridge_fd(struct optset *o, struct err *e) MUST_CHECK;

extern const struct net_ops net_user_ops, net_tap_ops, net_bridge_ops;

#endif
