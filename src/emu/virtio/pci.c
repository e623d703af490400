/* SPDX-License-Identifier: MIT */
/* Virtio over PCI: specification 4.1, the modern interface. */
#include "base/bytes.h"
#include "emu/config.h"
#include "emu/virtio/pci_int.h"

#define VENDOR     0x1af4
#define CAP_VENDOR 0x09
#define BAR_MSIX   1
#define BAR_REGS   4
#define AT_COMMON  0x0000u
#define AT_ISR     0x1000u
#define AT_DEVICE  0x2000u
#define AT_NOTIFY  0x3000u
#define REGS_SIZE  0x4000u
/* cfg_type */
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_PCI };

/* Offsets in the common configuration. */
enum {
	C_OFFERED_SEL = 0x00,
	C_OFFERED = 0x04,
	C_ACCEPTED_SEL = 0x08,
	C_ACCEPTED = 0x0c,
	C_CONFIG_VECTOR = 0x10,
	C_QUEUES = 0x12,
	C_STATUS = 0x14,
	C_GENERATION = 0x15,
	C_SELECT = 0x16,
	C_SIZE = 0x18,
	C_VECTOR = 0x1a,
	C_ENABLE = 0x1c,
	C_NOTIFY_OFF = 0x1e,
	C_DESC = 0x20,
	C_AVAIL = 0x28,
	C_USED = 0x30,
	C_END = 0x38,
};
#define S_FEATURES_OK 8

void virtio_notify(struct virtio *v, unsigned vector, uint8_t isr)
{
	if (pci_msix_on(&v->pci)) {
		pci_msix_raise(&v->pci, vector);
		return;
	}
	atomic_fetch_or(&v->isr, isr);
	pci_intx(&v->pci, true);
}

void virtio_config_changed(struct virtio *v)
{
	pthread_mutex_lock(&v->lock);
	v->generation++;
	pthread_mutex_unlock(&v->lock);
	if (virtio_running(v))
		virtio_notify(v, v->config_vector, 2);
}

void virtio_broken(struct virtio *v)
{
	if (!(atomic_fetch_or(&v->status, VIRTIO_S_RESET) & VIRTIO_S_RESET))
		virtio_notify(v, v->config_vector, 2);
}

/* The lock is held; it is let go while the device comes to rest. */
static void reset(struct virtio *v)
{
	atomic_store(&v->status, 0);
	for (unsigned i = 0; i < v->queues; i++) {
		struct virtq *q = &v->q[i];

		pthread_mutex_lock(&q->lock);
		q->enabled = false;
		q->size = VIRTQ_MAX;
		q->desc_at = q->avail_at = q->used_at = 0;
		q->vector = NO_VECTOR;
		pthread_mutex_unlock(&q->lock);
	}
	v->legacy = false;
	v->accepted = 0;
	v->select = 0;
	v->select_accepted = v->select_offered = 0;
	v->config_vector = NO_VECTOR;
	atomic_store(&v->isr, 0);
	pci_intx(&v->pci, false);
	if (v->ops->stop)
		v->ops->stop(v);
}

void virtio_reset(struct virtio *v)
{
	pthread_mutex_lock(&v->lock);
	reset(v);
	pthread_mutex_unlock(&v->lock);
}

void virtio_set_status(struct virtio *v, uint8_t s)
{
	uint8_t old = v->status;

	if (!s) {
		reset(v);
		return;
	}
	/* what was not offered cannot be accepted: the bit stays off */
	if ((s & S_FEATURES_OK) && !v->legacy && !(old & S_FEATURES_OK) &&
	    ((v->accepted & ~v->offers) || !(v->accepted & VIRTIO_F_VERSION_1)))
		s &= (uint8_t)~S_FEATURES_OK;
	atomic_store(&v->status, (uint8_t)((s & ~VIRTIO_S_RESET) | (old & VIRTIO_S_RESET)));
	if (!(s & VIRTIO_S_DRIVER_OK) || (old & VIRTIO_S_DRIVER_OK))
		return;
	if (v->ops->start)
		v->ops->start(v);
}

void virtio_enable(struct virtio *v, struct virtq *q)
{
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (!q->enabled)
		r = virtq_enable(q);
	pthread_mutex_unlock(&q->lock);
	if (r < 0)
		virtio_broken(v);
}

static uint32_t common_read(struct virtio *v, unsigned off)
{
	struct virtq *q = virtio_selected(v);

	switch (off) {
	case C_OFFERED_SEL:
		return v->select_offered;
	case C_OFFERED:
		return v->select_offered < 2 ? (uint32_t)(v->offers >> 32 * v->select_offered)
					     : 0;
	case C_ACCEPTED_SEL:
		return v->select_accepted;
	case C_ACCEPTED:
		return v->select_accepted < 2
			       ? (uint32_t)(v->accepted >> 32 * v->select_accepted)
			       : 0;
	case C_CONFIG_VECTOR:
		return v->config_vector;
	case C_QUEUES:
		return v->queues;
	case C_STATUS:
		return v->status;
	case C_GENERATION:
		return v->generation;
	case C_SELECT:
		return v->select;
	default:
		break;
	}
	if (!q)
		return 0;
	switch (off) {
	case C_SIZE:
		return q->size;
	case C_VECTOR:
		return q->vector;
	case C_ENABLE:
		return q->enabled;
	case C_NOTIFY_OFF:
		return q->index;
	case C_DESC:
		return (uint32_t)q->desc_at;
	case C_DESC + 4:
		return (uint32_t)(q->desc_at >> 32);
	case C_AVAIL:
		return (uint32_t)q->avail_at;
	case C_AVAIL + 4:
		return (uint32_t)(q->avail_at >> 32);
	case C_USED:
		return (uint32_t)q->used_at;
	case C_USED + 4:
		return (uint32_t)(q->used_at >> 32);
	default:
		return 0;
	}
}

/* Half of an address of the rings. */
static void set_half(uint64_t *to, bool high, uint32_t x)
{
	*to = high ? (uint32_t)*to | (uint64_t)x << 32 : (*to & ~UINT64_C(0xffffffff)) | x;
}

static void queue_write(struct virtio *v, struct virtq *q, unsigned off, uint32_t x)
{
	bool high = off & 4;

	if (off == C_VECTOR) {
		q->vector = virtio_vector(v, x);
		return;
	}
	if (off == C_ENABLE) {
		if (x == 1)
			virtio_enable(v, q);
		return;
	}
	if (q->enabled)
		return;
	switch (off & ~4u) {
	case C_SIZE & ~4u:
		if (off == C_SIZE && x && x <= VIRTQ_MAX && !(x & (x - 1)))
			q->size = x;
		break;
	case C_DESC:
		set_half(&q->desc_at, high, x);
		break;
	case C_AVAIL:
		set_half(&q->avail_at, high, x);
		break;
	case C_USED:
		set_half(&q->used_at, high, x);
		break;
	default:
		break;
	}
}

static void common_write(struct virtio *v, unsigned off, uint32_t x)
{
	switch (off) {
	case C_OFFERED_SEL:
		v->select_offered = x;
		break;
	case C_ACCEPTED_SEL:
		v->select_accepted = x;
		break;
	case C_ACCEPTED:
		if (v->select_accepted < 2 && !(v->status & S_FEATURES_OK))
			set_half(&v->accepted, v->select_accepted, x);
		break;
	case C_CONFIG_VECTOR:
		v->config_vector = virtio_vector(v, x);
		break;
	case C_STATUS:
		virtio_set_status(v, (uint8_t)x);
		break;
	case C_SELECT:
		v->select = (uint16_t)x;
		break;
	default:
		if (virtio_selected(v))
			queue_write(v, virtio_selected(v), off, x);
	}
}

uint32_t virtio_device_read(struct virtio *v, unsigned off, unsigned size)
{
	uint8_t b[4] = { 0 };

	for (unsigned i = 0; i < size && off + i < v->config_len; i++)
		b[i] = v->config[off + i];
	return load_le32(b);
}

void virtio_device_write(struct virtio *v, unsigned off, unsigned size, uint32_t x)
{
	for (unsigned i = 0; i < size && off + i < v->config_len; i++) {
		uint8_t w = v->config_writable[off + i];

		v->config[off + i] = (uint8_t)((v->config[off + i] & ~w) | (x >> 8 * i & w));
	}
	if (v->ops->config)
		v->ops->config(v, off, size);
}

static uint64_t regs_read(void *dev, uint64_t off, unsigned size)
{
	struct virtio *v = dev;
	unsigned o = (unsigned)off & 0xfff;
	uint64_t r = 0;

	pthread_mutex_lock(&v->lock);
	if (off < AT_ISR) {
		r = o < C_END ? common_read(v, o) : 0;
	} else if (off < AT_DEVICE) {
		r = atomic_exchange(&v->isr, 0);
		pci_intx(&v->pci, false);
	} else if (off < AT_NOTIFY) {
		r = virtio_device_read(v, o, size);
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}

static void regs_write(void *dev, uint64_t off, unsigned size, uint64_t x)
{
	struct virtio *v = dev;
	unsigned o = (unsigned)off & 0xfff;

	/* the guest's hot path takes no lock of ours */
	if (off >= AT_NOTIFY) {
		if (o / 4 < v->queues && virtio_running(v))
			v->ops->kick(v, o / 4);
		return;
	}
	pthread_mutex_lock(&v->lock);
	if (off < AT_ISR)
		common_write(v, o, (uint32_t)x);
	else if (off >= AT_DEVICE)
		virtio_device_write(v, o, size, (uint32_t)x);
	pthread_mutex_unlock(&v->lock);
}

static const struct bus_ops regs_ops = { regs_read, regs_write, 1, 4 };

static unsigned add_cap(struct virtio *v, unsigned type, uint32_t at, uint32_t len)
{
	unsigned size = type == CFG_NOTIFY || type == CFG_PCI ? 20 : 16;
	unsigned c = pci_cap(&v->pci, CAP_VENDOR, size);
	uint8_t *p = v->pci.config + c;

	p[2] = (uint8_t)size;
	p[3] = (uint8_t)type;
	p[4] = type == CFG_PCI ? 0 : BAR_REGS;
	store_le32(p + 8, at);
	store_le32(p + 12, len);
	if (type == CFG_NOTIFY)
		store_le32(p + 16, 4); /* bytes between queues */
	return c;
}

/* The window in configuration space (4.1.4.9), for who cannot reach a BAR.  The access that it
 * asks for, or 0. */
static unsigned window(struct virtio *v, uint32_t *at)
{
	const uint8_t *p = v->pci.config + v->cfg_cap;
	uint32_t len = load_le32(p + 12);

	*at = load_le32(p + 8);
	if (p[4] != BAR_REGS || (len != 1 && len != 2 && len != 4) || *at % len ||
	    *at > REGS_SIZE - len)
		return 0;
	return len;
}

static void cfg_reading(struct pci_dev *d, unsigned off, unsigned len)
{
	struct virtio *v = d->owner;
	uint32_t at;
	unsigned n;

	if (off + len <= v->cfg_cap + 16 || off >= v->cfg_cap + 20)
		return;
	n = window(v, &at);
	if (n)
		store_le32(d->config + v->cfg_cap + 16, (uint32_t)regs_read(v, at, n));
}

static void cfg_written(struct pci_dev *d, unsigned off, unsigned len)
{
	struct virtio *v = d->owner;
	uint32_t at;
	unsigned n;

	if (off + len <= v->cfg_cap + 16 || off >= v->cfg_cap + 20)
		return;
	n = window(v, &at);
	if (n)
		regs_write(v, at, n, load_le32(d->config + v->cfg_cap + 16));
}

static void add_modern(struct virtio *v)
{
	struct pci_dev *d = &v->pci;

	pci_bar(d, BAR_REGS, false, true, REGS_SIZE, &regs_ops, v, NULL);
	add_cap(v, CFG_COMMON, AT_COMMON, C_END);
	add_cap(v, CFG_ISR, AT_ISR, 1);
	add_cap(v, CFG_DEVICE, AT_DEVICE, 0x1000);
	add_cap(v, CFG_NOTIFY, AT_NOTIFY, 4 * v->queues);
	v->cfg_cap = add_cap(v, CFG_PCI, 0, 0);
	d->writable[v->cfg_cap + 4] = 0xff;
	memset(d->writable + v->cfg_cap + 8, 0xff, 12);
	d->reading = cfg_reading;
	d->written = cfg_written;
}

int virtio_add(struct virtio *v, struct pci *p, struct mem *m, const struct config_pci *where,
	       struct err *e)
{
	static const struct config_pci anywhere;
	const struct config_pci *w = where ? where : &anywhere;
	struct pci_dev *d = &v->pci;

	v->mem = m;
	v->offers |= VIRTIO_F_INDIRECT | VIRTIO_F_EVENT;
	if (!w->no_modern)
		v->offers |= VIRTIO_F_VERSION_1;
	pthread_mutex_init(&v->lock, NULL);
	for (unsigned i = 0; i < v->queues; i++) {
		v->q[i].v = v;
		v->q[i].index = i;
		v->q[i].size = VIRTQ_MAX;
		v->q[i].vector = NO_VECTOR;
		pthread_mutex_init(&v->q[i].lock, NULL);
	}
	v->config_vector = NO_VECTOR;
	d->name = v->ops->name;
	d->owner = v;
	pci_ids(d, VENDOR, w->no_legacy ? (uint16_t)(0x1040 + v->ops->id) : v->ops->legacy,
		v->ops->class);
	d->config[PCI_REVISION] = w->no_legacy;
	store_le16(d->config + PCI_SUB_VENDOR, VENDOR);
	store_le16(d->config + PCI_SUB_DEVICE, w->no_legacy ? 0x1100 : v->ops->id);
	d->config[PCI_INT_PIN] = 1;
	if (!w->no_legacy)
		virtio_add_legacy(v);
	pci_msix(d, BAR_MSIX, v->queues + 1);
	if (!w->no_modern)
		add_modern(v);
	return pci_add(p, d, w->slot ? (int)w->slot : -1, 0, e);
}

void virtio_remove(struct virtio *v)
{
	if (!v->pci.bus)
		return;
	virtio_reset(v);
	pci_remove(&v->pci);
}
