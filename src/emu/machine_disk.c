/* SPDX-License-Identifier: MIT */
/* Errors of images that stop the machine (werror=, rerror=): whoever mends them lets it go on. */
#include "emu/machine.h"

/* In a disk's thread, with its request still open. */
static bool stop(struct disk *d)
{
	struct machine *m = d->arg;
	unsigned seen;
	bool go;

	pthread_mutex_lock(&m->lock);
	seen = m->resumes;
	pthread_mutex_unlock(&m->lock);
	machine_request(m, MACHINE_PAUSE, NULL);
	pthread_mutex_lock(&m->lock);
	while (m->resumes == seen && !m->ending && !d->waiting)
		pthread_cond_wait(&m->changed, &m->lock);
	go = !m->ending && !d->waiting;
	pthread_mutex_unlock(&m->lock);
	return go;
}

static void waits(struct disk *d, bool on)
{
	struct machine *m = d->arg;

	pthread_mutex_lock(&m->lock);
	d->waiting += on ? 1 : -1u;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void machine_disk(struct machine *m, struct disk *d)
{
	d->stop = stop;
	d->waits = waits;
	d->arg = m;
}
