/* SPDX-License-Identifier: MIT */
/* A driver of virtio devices, on a bus with a little memory, without a machine. */
#ifndef TESTS_LIB_VIRTRIG_H
#define TESTS_LIB_VIRTRIG_H

#include "base/bytes.h"
#include "emu/bus.h"
#include "emu/config.h"
#include "emu/dev/pci.h"
#include "emu/mem.h"
#include "emu/virtio/virtio.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VR_RAM         (1u << 20)
#define VR_LOW         UINT64_C(0xe0000000)
#define VR_SIZE        16u /* of a queue; 256 for drivers of before 1.0 */
/* Where a device's rings are; 0x2000 for each of four queues, the rings of those behind overlap. */
#define VR_RINGS(slot) (0x10000u + 0x8000u * (slot))
#define VR_DATA        0x80000u
#define VR_SLOTS       12u /* that fit in front of it */

struct vr_queue {
	uint64_t desc, avail, used;
	unsigned size;
	uint16_t next; /* of the available ring */
};

struct vr_dev {
	struct vrig *r;
	unsigned slot;
	uint64_t regs, ports; /* BARs; 0: it has none */
	bool legacy;          /* how it was started */
	struct vr_queue q[VIRTIO_QUEUES];
};

struct vrig {
	struct bus *bus;
	struct mem *mem;
	struct pci *pci;
	uint8_t *ram;
	unsigned line[PCI_LINES];
};

static inline void vr_irq(void *arg, unsigned pin, int level)
{
	((unsigned *)arg)[pin] = level != 0;
}

static inline void vr_msi(void *arg, uint64_t addr, uint32_t data)
{
	(void)arg;
	(void)addr;
	(void)data;
}

static inline int vr_new(struct vrig *r, struct err *e)
{
	struct pci_env env = { .msi = { vr_msi, NULL },
			       .low = VR_LOW,
			       .low_end = VR_LOW + (1u << 24),
			       .high = UINT64_C(1) << 38,
			       .high_end = UINT64_C(1) << 39 };
	int x = bus_new(&r->bus, e);

	if (x == 0)
		x = mem_new(&r->mem, e);
	if (x == 0)
		x = mem_alloc(VR_RAM, NULL, false, &r->ram, e);
	if (x == 0)
		x = mem_map(r->mem, 0, VR_RAM, r->ram, true, e);
	if (x < 0)
		return x;
	env.bus = r->bus;
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ vr_irq, r->line, i };
	return pci_new(&r->pci, &env, e);
}

/* When the devices are gone. */
static inline void vr_free(struct vrig *r)
{
	pci_root_free(r->pci);
	mem_free(r->mem);
	mem_dealloc(r->ram, VR_RAM);
	bus_free(r->bus);
}

static inline uint32_t vr_config(struct vrig *r, unsigned slot, unsigned off)
{
	bus_write(r->bus, BUS_PORT, 0xcf8, 4, 1u << 31 | slot << 11 | (off & ~3u));
	return (uint32_t)bus_read(r->bus, BUS_PORT, 0xcfc + (off & 3), 4);
}

/* After pci_assign(). */
static inline void vr_find(struct vrig *r, struct vr_dev *d, unsigned slot)
{
	uint32_t io = vr_config(r, slot, 0x10);

	*d = (struct vr_dev){ .r = r, .slot = slot };
	d->ports = io & 1 ? io & ~3u : 0;
	d->regs = vr_config(r, slot, 0x20) & ~15u;
}

static inline uint64_t vr_get(struct vr_dev *d, unsigned off, unsigned size)
{
	return d->legacy ? bus_read(d->r->bus, BUS_PORT, d->ports + off, size)
			 : bus_read(d->r->bus, BUS_MEM, d->regs + off, size);
}

static inline void vr_set(struct vr_dev *d, unsigned off, unsigned size, uint64_t v)
{
	if (d->legacy)
		bus_write(d->r->bus, BUS_PORT, d->ports + off, size, v);
	else
		bus_write(d->r->bus, BUS_MEM, d->regs + off, size, v);
}

static inline uint64_t vr_features(struct vr_dev *d)
{
	uint64_t f;

	if (d->legacy)
		return vr_get(d, 0, 4);
	vr_set(d, 0, 4, 0);
	f = vr_get(d, 4, 4);
	vr_set(d, 0, 4, 1);
	return f | vr_get(d, 4, 4) << 32;
}

static inline uint8_t vr_status(struct vr_dev *d)
{
	return (uint8_t)vr_get(d, d->legacy ? 0x12 : 0x14, 1);
}

static inline void vr_queue(struct vr_dev *d, unsigned n)
{
	struct vr_queue *q = &d->q[n];

	q->size = d->legacy ? 256 : VR_SIZE;
	q->desc = VR_RINGS(d->slot) + 0x2000 * (n % 4);
	q->next = 0;
	if (d->legacy) {
		/* 4096 of descriptors, 518 of the one ring, the other in the next page: 12 KiB,
		 * of which the last is seldom used */
		q->desc = VR_RINGS(d->slot) + 0x3000 * (n % 2);
		q->avail = q->desc + 16 * 256;
		q->used = q->desc + 0x2000;
	} else {
		q->avail = q->desc + 0x100;
		q->used = q->desc + 0x200;
	}
	memset(d->r->ram + q->desc, 0, 0x200);
	memset(d->r->ram + q->avail, 0, 8);
	memset(d->r->ram + q->used, 0, 8);
	vr_set(d, d->legacy ? 0x0e : 0x16, 2, n);
	if (d->legacy) {
		vr_set(d, 0x08, 4, q->desc / 4096);
		return;
	}
	vr_set(d, 0x18, 2, q->size);
	vr_set(d, 0x20, 4, q->desc);
	vr_set(d, 0x28, 4, q->avail);
	vr_set(d, 0x30, 4, q->used);
	vr_set(d, 0x1c, 2, 1);
}

/* Reset, @features of those that are offered, @queues queues, ready.  False: it does not agree. */
static inline bool vr_start(struct vr_dev *d, bool legacy, uint64_t features, unsigned queues)
{
	unsigned status;
	uint64_t f;

	d->legacy = legacy;
	status = legacy ? 0x12 : 0x14;
	vr_set(d, status, 1, 0);
	vr_set(d, status, 1, 1);
	vr_set(d, status, 1, 3);
	f = vr_features(d) & features;
	if (legacy) {
		vr_set(d, 4, 4, (uint32_t)f);
	} else {
		vr_set(d, 8, 4, 0);
		vr_set(d, 12, 4, (uint32_t)f);
		vr_set(d, 8, 4, 1);
		vr_set(d, 12, 4, (uint32_t)(f >> 32) | 1);
		vr_set(d, status, 1, 11);
		if (!(vr_status(d) & 8))
			return false;
	}
	for (unsigned i = 0; i < queues; i++)
		vr_queue(d, i);
	vr_set(d, status, 1, legacy ? 7 : 15);
	return true;
}

static inline void vr_desc(struct vr_dev *d, unsigned n, unsigned i, uint64_t addr,
			   uint32_t len, unsigned flags)
{
	uint8_t *p = d->r->ram + d->q[n].desc + 16 * i;

	store_le64(p, addr);
	store_le32(p + 8, len);
	store_le16(p + 12, (uint16_t)flags);
	store_le16(p + 14, (uint16_t)(i + 1));
}

/* The chain that begins at descriptor @head. */
static inline void vr_offer(struct vr_dev *d, unsigned n, unsigned head)
{
	struct vr_queue *q = &d->q[n];
	uint8_t *a = d->r->ram + q->avail;

	store_le16(a + 4 + 2 * (q->next % q->size), (uint16_t)head);
	__atomic_store_n((uint16_t *)(void *)(a + 2), ++q->next, __ATOMIC_RELEASE);
	if (d->legacy)
		vr_set(d, 0x10, 2, n);
	else
		vr_set(d, 0x3000 + 4 * n, 2, n);
}

/* What the device has given back, as often as it was offered. */
static inline uint32_t vr_wait(struct vr_dev *d, unsigned n)
{
	const struct vr_queue *q = &d->q[n];
	const uint8_t *u = d->r->ram + q->used;
	const struct timespec t = { 0, 200000 };

	while (__atomic_load_n((const uint16_t *)(const void *)(u + 2), __ATOMIC_ACQUIRE) !=
		       q->next &&
	       !(vr_status(d) & VIRTIO_S_RESET))
		nanosleep(&t, NULL);
	return load_le32(u + 4 + 8 * ((q->next - 1u) % q->size) + 4);
}

/* @out bytes at VR_DATA for the device, @in bytes at VR_DATA + 0x10000 from it; bytes that it has
 * written. */
static inline uint32_t vr_do(struct vr_dev *d, unsigned n, uint32_t out, uint32_t in)
{
	if (out)
		vr_desc(d, n, 0, VR_DATA, out, in ? 1 : 0);
	if (in)
		vr_desc(d, n, out ? 1 : 0, VR_DATA + 0x10000, in, 2);
	vr_offer(d, n, 0);
	return vr_wait(d, n);
}

#endif
