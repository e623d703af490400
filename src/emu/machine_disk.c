/* SPDX-License-Identifier: MIT */
/* Errors of images that stop the machine (werror=, rerror=): whoever mends them lets it go on. */
#include "emu/machine.h"

#include <jansson.h>
#include <string.h>

/* In a disk's thread, with its request still open. */
static bool stop(struct disk *d)
{
	struct machine *m = d->arg;
	unsigned seen;
	bool go;

	pthread_mutex_lock(&m->lock);
	seen = m->resumes;
	pthread_mutex_unlock(&m->lock);
	machine_request(m, MACHINE_PAUSE, "io-error");
	pthread_mutex_lock(&m->lock);
	while (m->resumes == seen && !m->ending && !d->waiting)
		pthread_cond_wait(&m->changed, &m->lock);
	go = !m->ending && !d->waiting;
	pthread_mutex_unlock(&m->lock);
	return go;
}

static void error(struct disk *d, int code, bool write, const char *action)
{
	json_t *v = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "device", d->name, "node-name",
			      d->name, "operation", write ? "write" : "read", "action", action,
			      "nospace", code == ENOSPC, "reason", strerror(code));

	machine_event_soon(d->arg, "BLOCK_IO_ERROR", v ? json_dumps(v, JSON_COMPACT) : NULL);
	json_decref(v);
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
	d->error = error;
	d->waits = waits;
	d->arg = m;
}
