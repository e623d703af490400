/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices (OASIS specification 1.2) on PCI, with the modern interface and that of before
 * version 1.0: what all have in common.
 *
 * A device gives a table of operations.  The guest's rings and requests are hostile: indices
 * and lengths are checked once and copied once, a chain has at most VIRTQ_SEGS pieces, all in
 * guest memory.  A device that is misused is marked as needing a reset, and does nothing more.
 */
#ifndef EMU_VIRTIO_VIRTIO_H
#define EMU_VIRTIO_VIRTIO_H

#include "base/err.h"
#include "emu/dev/pci.h"
#include "emu/sg.h"

#include <stdatomic.h>

#define VIRTQ_MAX     256 /* descriptors of a queue */
#define VIRTQ_SEGS    256 /* pieces of a request */
#define VIRTIO_QUEUES 17

#define VIRTIO_F_ANY_LAYOUT (UINT64_C(1) << 27)
#define VIRTIO_F_INDIRECT   (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT      (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1  (UINT64_C(1) << 32)

#define VIRTIO_S_DRIVER    2
#define VIRTIO_S_DRIVER_OK 4
#define VIRTIO_S_RESET     64

struct mem;
struct virtio;

/* A request: what the device reads, then what it writes. */
struct virtq_chain {
	unsigned head;
	unsigned n_out, n_in; /* seg[0..n_out), seg[n_out..n_out + n_in) */
	size_t out_len, in_len;
	struct sg_seg seg[VIRTQ_SEGS];
};

struct virtq {
	struct virtio *v;
	unsigned index;
	pthread_mutex_t lock; /* what follows, while the queue is enabled */
	unsigned size;
	bool enabled;
	uint64_t desc_at, avail_at, used_at;
	uint8_t *desc, *avail, *used;
	uint16_t next, used_idx, signalled;
	bool signalled_valid;
	_Atomic uint16_t vector;
};

struct virtio_ops {
	uint16_t id;     /* device type */
	uint16_t legacy; /* PCI's device number before version 1.0 */
	uint32_t class;
	const char *name;
	/* The guest has something in queue @q, or for a status change; its thread. */
	void (*kick)(struct virtio *v, unsigned q);
	/* Driver is ready; may be NULL. */
	void (*start)(struct virtio *v);
	/* No request is in work when it returns; may be NULL. */
	void (*stop)(struct virtio *v);
	/* Device configuration changed by the guest; may be NULL. */
	void (*config)(struct virtio *v, unsigned off, unsigned len);
};

struct virtio {
	/* The device's, before virtio_add(). */
	const struct virtio_ops *ops;
	void *dev;
	uint64_t offers;
	unsigned queues;
	uint8_t config[64], config_writable[64];
	unsigned config_len;
	struct mem *mem;
	/* Ours. */
	struct pci_dev pci;
	pthread_mutex_t lock; /* registers */
	uint64_t accepted;
	uint32_t select_offered, select_accepted;
	_Atomic uint8_t status;
	uint8_t generation;
	uint16_t select, config_vector;
	_Atomic bool legacy; /* the driver is one of before 1.0 */
	_Atomic uint8_t isr;
	unsigned cfg_cap;
	struct virtq q[VIRTIO_QUEUES];
};

struct config_pci;

/* Places it on the bus; @where NULL: anywhere. */
int virtio_add(struct virtio *v, struct pci *p, struct mem *m, const struct config_pci *where,
	       struct err *e) MUST_CHECK;
/* Stops it first. */
void virtio_remove(struct virtio *v);
void virtio_reset(struct virtio *v);
/* Device configuration was changed by us: tells the guest. */
void virtio_config_changed(struct virtio *v);
/* It was misused. */
void virtio_broken(struct virtio *v);
static inline bool virtio_running(struct virtio *v)
{
	/* drivers of before 1.0 use the device before they have said so */
	uint8_t on = v->legacy ? VIRTIO_S_DRIVER | VIRTIO_S_DRIVER_OK : VIRTIO_S_DRIVER_OK;

	return (v->status & on) && !(v->status & VIRTIO_S_RESET);
}

/* The next request: 1, 2 when there is another behind it, 0 when there is none, negative when the
 * queue is broken.  Any thread. */
int virtq_pop(struct virtq *q, struct virtq_chain *c);
/* Gives it back with @written bytes, and interrupts if the guest wants that. */
void virtq_push(struct virtq *q, struct virtq_chain *c, uint32_t written);
/* Is there another? */
bool virtq_more(struct virtq *q);
/* There is nothing now: asks to be told of the next.  True: there is something after all. */
bool virtq_arm(struct virtq *q);

/* Copies between a buffer and the pieces, from @off on; bytes copied. */
size_t virtq_read(const struct virtq_chain *c, size_t off, void *buf, size_t len);
size_t virtq_write(struct virtio *v, struct virtq_chain *c, size_t off, const void *buf,
		   size_t len);

/* pci.c, pci_legacy.c and queue.c */
int virtq_enable(struct virtq *q);
void virtio_notify(struct virtio *v, unsigned vector, uint8_t isr);

#endif
