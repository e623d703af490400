/* SPDX-License-Identifier: MIT */
/* virtio-serial: consoles and other ports of bytes, each with a chardev behind it. */
#ifndef EMU_VIRTIO_SERIAL_H
#define EMU_VIRTIO_SERIAL_H

#include "emu/virtio/virtio.h"

#define VIRTIO_SERIAL_PORTS 7u

struct chardev;
struct virtio_serial;

struct virtio_serial_port {
	bool there, console;
	const char *name; /* that the guest gives its device file; NULL: none.  Copied. */
	const char *id;   /* for events; copied */
	struct chardev *chardev; /* stays the caller's; NULL: none */
};

struct virtio_serial_config {
	struct virtio_serial_port port[VIRTIO_SERIAL_PORTS];
	/* The guest has opened or closed a port that is no console; any thread. */
	void (*opened)(void *arg, const char *id, bool open);
	void *arg;
	const struct config_pci *where; /* NULL: anywhere */
};

/* Before the loop runs, or in its thread, as all of these. */
int virtio_serial_new(struct virtio_serial **out, struct pci *p, struct mem *m,
		      const struct virtio_serial_config *c, struct err *e) MUST_CHECK;
void virtio_serial_free(struct virtio_serial *s);
void virtio_serial_reset(struct virtio_serial *s);

#endif
