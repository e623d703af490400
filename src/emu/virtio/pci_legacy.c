/* SPDX-License-Identifier: MIT */
/* The interface of before version 1.0: a BAR of ports (4.1.4.8), rings in one run of pages (2.7.2). */
#include "base/bytes.h"
#include "emu/virtio/pci_int.h"

#define BAR_PORTS  0
#define PORTS_SIZE 128u
#define PAGE       4096u

enum {
	L_OFFERED = 0x00,
	L_ACCEPTED = 0x04,
	L_PAGE = 0x08, /* of the rings */
	L_SIZE = 0x0c,
	L_SELECT = 0x0e,
	L_NOTIFY = 0x10,
	L_STATUS = 0x12,
	L_ISR = 0x13,
	L_CONFIG_VECTOR = 0x14, /* these two where MSI-X is on */
	L_VECTOR = 0x16,
};

static uint64_t offers(const struct virtio *v)
{
	return (uint32_t)v->offers | VIRTIO_F_ANY_LAYOUT;
}

/* Where the device's own configuration begins. */
static unsigned config_at(struct virtio *v)
{
	return pci_msix_on(&v->pci) ? 0x18 : 0x14;
}

static uint32_t reg_read(struct virtio *v, unsigned off)
{
	const struct virtq *q = virtio_selected(v);

	switch (off) {
	case L_OFFERED:
		return (uint32_t)offers(v);
	case L_ACCEPTED:
		return (uint32_t)v->accepted;
	case L_PAGE:
		return q && q->enabled ? (uint32_t)(q->desc_at / PAGE) : 0;
	case L_SIZE:
		return q ? VIRTQ_MAX : 0;
	case L_SELECT:
		return v->select;
	case L_STATUS:
		return v->status;
	case L_ISR:
		pci_intx(&v->pci, false);
		return atomic_exchange(&v->isr, 0);
	case L_CONFIG_VECTOR:
		return v->config_vector;
	case L_VECTOR:
		return q ? q->vector : NO_VECTOR;
	default:
		return 0;
	}
}

/* All rings at once: a page's number, or 0 to be done with the queue. */
static void set_page(struct virtio *v, struct virtq *q, uint32_t page)
{
	pthread_mutex_lock(&q->lock);
	q->enabled = false;
	q->size = VIRTQ_MAX;
	q->desc_at = (uint64_t)page * PAGE;
	q->avail_at = q->desc_at + 16 * VIRTQ_MAX;
	q->used_at = round_up(q->avail_at + 6 + 2 * VIRTQ_MAX, PAGE);
	pthread_mutex_unlock(&q->lock);
	if (!page)
		return;
	v->legacy = true;
	virtio_enable(v, q);
}

static void reg_write(struct virtio *v, unsigned off, uint32_t x)
{
	struct virtq *q = virtio_selected(v);

	switch (off) {
	case L_ACCEPTED:
		/* not of a driver that has begun with the other interface */
		if (!(v->accepted & VIRTIO_F_VERSION_1))
			v->accepted = x & offers(v);
		break;
	case L_PAGE:
		if (q && !(v->accepted & VIRTIO_F_VERSION_1))
			set_page(v, q, x);
		break;
	case L_SELECT:
		v->select = (uint16_t)x;
		break;
	case L_STATUS:
		virtio_set_status(v, (uint8_t)x);
		break;
	case L_CONFIG_VECTOR:
		v->config_vector = virtio_vector(v, x);
		break;
	case L_VECTOR:
		if (q)
			q->vector = virtio_vector(v, x);
		break;
	default:
		break;
	}
}

static uint64_t ports_read(void *dev, uint64_t off, unsigned size)
{
	struct virtio *v = dev;
	unsigned o = (unsigned)off;
	uint32_t r;

	pthread_mutex_lock(&v->lock);
	if (o >= config_at(v))
		r = virtio_device_read(v, o - config_at(v), size);
	else
		r = reg_read(v, o);
	pthread_mutex_unlock(&v->lock);
	return r;
}

static void ports_write(void *dev, uint64_t off, unsigned size, uint64_t x)
{
	struct virtio *v = dev;
	unsigned o = (unsigned)off;

	/* the guest's hot path takes no lock of ours */
	if (o == L_NOTIFY) {
		if ((uint16_t)x < v->queues && virtio_running(v))
			v->ops->kick(v, (uint16_t)x);
		return;
	}
	pthread_mutex_lock(&v->lock);
	if (o >= config_at(v))
		virtio_device_write(v, o - config_at(v), size, (uint32_t)x);
	else
		reg_write(v, o, (uint32_t)x);
	pthread_mutex_unlock(&v->lock);
}

static const struct bus_ops ports_ops = { ports_read, ports_write, 1, 4 };

void virtio_add_legacy(struct virtio *v)
{
	pci_bar(&v->pci, BAR_PORTS, true, false, PORTS_SIZE, &ports_ops, v, NULL);
}
