/* SPDX-License-Identifier: MIT */
/* How to wait until a disk has no request in work. */
#include "base/mem.h"
#include "emu/disk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Requests pass with two atomic operations; the lock is for who waits. */
struct disk_gate {
	_Atomic unsigned in;
	_Atomic bool shut;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

int disk_gate_new(struct disk *d, struct err *e)
{
	struct disk_gate *g = mem_zalloc(1, sizeof(*g), e);

	if (!g)
		return -ENOMEM;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	d->gate = g;
	return 0;
}

void disk_gate_free(struct disk *d)
{
	struct disk_gate *g = d->gate;

	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->changed);
	free(g);
	d->gate = NULL;
}

static void leave(struct disk_gate *g)
{
	if (atomic_fetch_sub(&g->in, 1) != 1 || !atomic_load(&g->shut))
		return;
	pthread_mutex_lock(&g->lock);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void disk_begin(struct disk *d)
{
	struct disk_gate *g = d->gate;

	if (!g)
		return;
	for (;;) {
		/* in this order, and the other way round in disk_shut(): one sees the other */
		atomic_fetch_add(&g->in, 1);
		if (!atomic_load(&g->shut))
			return;
		leave(g);
		pthread_mutex_lock(&g->lock);
		while (atomic_load(&g->shut))
			pthread_cond_wait(&g->changed, &g->lock);
		pthread_mutex_unlock(&g->lock);
	}
}

void disk_end(struct disk *d)
{
	if (d->gate)
		leave(d->gate);
}

void disk_shut(struct disk *d)
{
	struct disk_gate *g = d->gate;

	if (!g)
		return;
	atomic_store(&g->shut, true);
	pthread_mutex_lock(&g->lock);
	while (atomic_load(&g->in))
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

void disk_unshut(struct disk *d)
{
	struct disk_gate *g = d->gate;

	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	atomic_store(&g->shut, false);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}
