/* SPDX-License-Identifier: MIT */
/* Errors of images that stop the machine (werror=, rerror=): whoever mends them lets it go on. */
#include "emu/machine.h"

#include <jansson.h>
#include <stdio.h>
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

void machine_disk_name(const struct machine_config *c, unsigned i, char to[MACHINE_DISK_NAME])
{
	const struct config_disk *d = &c->disk[i];
	const size_t max = MACHINE_DISK_NAME;
	unsigned before = 0;

	for (unsigned k = 0; k < i; k++)
		before += c->disk[k].bus == d->bus;
	if (d->id)
		snprintf(to, max, "%s", d->id);
	else if (d->bus == DISK_IDE)
		snprintf(to, max, "ide%u-%s%u", d->unit / 2, d->cdrom ? "cd" : "hd",
			 d->unit % 2);
	else if (d->bus == DISK_SCSI)
		snprintf(to, max, "scsi%u-%s%u", d->controller, d->cdrom ? "cd" : "hd",
			 d->unit);
	else
		snprintf(to, max, "%s%u",
			 d->bus == DISK_VIRTIO ? "virtio"
			 : d->bus == DISK_NVME ? "nvme"
					       : "pflash",
			 before);
}

/* A vCPU's thread or a worker's. */
static void tray(struct disk *d, bool open)
{
	json_t *v = json_pack("{s:s, s:s, s:b}", "device", d->name, "id", d->id ? d->id : "",
			      "tray-open", open);

	machine_event_soon(d->arg, "DEVICE_TRAY_MOVED", v ? json_dumps(v, JSON_COMPACT) : NULL);
	json_decref(v);
}

void machine_disk(struct machine *m, struct disk *d)
{
	d->stop = stop;
	d->error = error;
	d->waits = waits;
	d->tray = tray;
	d->arg = m;
}
