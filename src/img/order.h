/* SPDX-License-Identifier: MIT */
/*
 * Pieces of work that several threads prepare side by side and that are written one after
 * the other, in the order of their tickets.  Who has prepared a piece hands it in and goes on; whoever
 * hands in the one whose turn it is writes it, and those after it that are there.
 * convert and checksum work so.
 */
#ifndef IMG_ORDER_H
#define IMG_ORDER_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { ORDER_MAX = 32 }; /* items */

struct order {
	pthread_mutex_t lock; /* over the rest */
	pthread_cond_t moved;
	uint64_t tickets, turn; /* given out; whose turn it is to be written */
	bool failed, writing;
	unsigned n; /* items */
	void *idle[ORDER_MAX], *ready[ORDER_MAX];
	unsigned idle_n;
	int (*write)(void *arg, void *item, struct err *e);
	void *arg;
};

/* @n at most ORDER_MAX items, at least as many as threads, which all are idle. */
void order_init(struct order *o, void *const *items, unsigned n,
		int (*write)(void *arg, void *item, struct err *e), void *arg);
void order_fini(struct order *o);

/* An item to prepare the next piece in; waits for one.  NULL after a failure. */
void *order_get(struct order *o);
void order_put(struct order *o, void *item);
/* The next number.  Taken after the item, so that whose turn it is always has one. */
uint64_t order_ticket(struct order *o);

/* @item is prepared and belongs to the order from here on.  The failure is the first one of
 * all that are written here; nothing is written after one. */
int order_hand_in(struct order *o, uint64_t ticket, void *item, struct err *e) MUST_CHECK;

/* The other way, for who cannot leave its piece: wait for the turn (false after a failure),
 * write, end the turn. */
bool order_wait(struct order *o, uint64_t ticket);
void order_end(struct order *o);

void order_fail(struct order *o);

#endif
