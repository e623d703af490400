/* SPDX-License-Identifier: MIT */
#include "img/order.h"

#include <string.h>

void order_init(struct order *o, void *const *items, unsigned n,
		int (*write)(void *arg, void *item, struct err *e), void *arg)
{
	*o = (struct order){ .n = n, .idle_n = n, .write = write, .arg = arg };
	memcpy(o->idle, items, n * sizeof(*items));
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->moved, NULL);
}

void order_fini(struct order *o)
{
	pthread_cond_destroy(&o->moved);
	pthread_mutex_destroy(&o->lock);
}

void *order_get(struct order *o)
{
	void *item = NULL;

	pthread_mutex_lock(&o->lock);
	while (!o->idle_n && !o->failed)
		pthread_cond_wait(&o->moved, &o->lock);
	if (!o->failed)
		item = o->idle[--o->idle_n];
	pthread_mutex_unlock(&o->lock);
	return item;
}

/* Under lock. */
static void put(struct order *o, void *item)
{
	/* The latest first: its memory is still in the cache. */
	o->idle[o->idle_n++] = item;
	pthread_cond_broadcast(&o->moved);
}

void order_put(struct order *o, void *item)
{
	pthread_mutex_lock(&o->lock);
	put(o, item);
	pthread_mutex_unlock(&o->lock);
}

uint64_t order_ticket(struct order *o)
{
	uint64_t ticket;

	pthread_mutex_lock(&o->lock);
	ticket = o->tickets++;
	pthread_mutex_unlock(&o->lock);
	return ticket;
}

/* The item whose turn it is, if it is there and nobody is at it.  Under lock. */
static void *next(struct order *o)
{
	void *item = o->ready[o->turn % o->n];

	if (!item || o->writing || o->failed)
		return NULL;
	o->ready[o->turn % o->n] = NULL;
	o->writing = true;
	return item;
}

int order_hand_in(struct order *o, uint64_t ticket, void *item, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&o->lock);
	/* No two share a place: each ticket that is out holds one of n items. */
	o->ready[ticket % o->n] = item;
	while (r == 0 && (item = next(o))) {
		pthread_mutex_unlock(&o->lock);
		r = o->write(o->arg, item, e);
		pthread_mutex_lock(&o->lock);
		o->writing = false;
		o->turn++;
		put(o, item);
		if (r < 0)
			o->failed = true;
	}
	pthread_mutex_unlock(&o->lock);
	return r;
}

bool order_wait(struct order *o, uint64_t ticket)
{
	bool go;

	pthread_mutex_lock(&o->lock);
	while (o->turn != ticket && !o->failed)
		pthread_cond_wait(&o->moved, &o->lock);
	go = !o->failed;
	pthread_mutex_unlock(&o->lock);
	return go;
}

void order_end(struct order *o)
{
	pthread_mutex_lock(&o->lock);
	o->turn++;
	pthread_cond_broadcast(&o->moved);
	pthread_mutex_unlock(&o->lock);
}

void order_fail(struct order *o)
{
	pthread_mutex_lock(&o->lock);
	o->failed = true;
	pthread_cond_broadcast(&o->moved);
	pthread_mutex_unlock(&o->lock);
}
