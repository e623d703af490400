/* SPDX-License-Identifier: MIT */
/* MSI-X: PCI local bus specification 3.0, 6.8.2.  Table at 0 of its BAR, pending bits at 0x800. */
#include "base/bytes.h"
#include "emu/dev/pci_int.h"

#define CAP_MSIX     0x11
#define CTL_ENABLE   0x8000
#define CTL_MASK     0x4000
#define ENTRY_MASKED 1u
#define PENDING_AT   0x800u
#define BAR_SIZE     0x1000u

static unsigned control(const struct pci_dev *d)
{
	return load_le16(d->config + d->msix_cap + 2);
}

bool pci_msix_on(struct pci_dev *d)
{
	return d->msix_n && (control(d) & CTL_ENABLE);
}

/* Sends what waits and is not masked any more; the lock is held. */
static void send_pending(struct pci_dev *d)
{
	if ((control(d) & (CTL_ENABLE | CTL_MASK)) != CTL_ENABLE)
		return;
	for (unsigned i = 0; i < d->msix_n && d->msix_pending; i++) {
		const struct msix_entry *m = &d->msix[i];

		if (!(d->msix_pending >> i & 1) || (m->control & ENTRY_MASKED))
			continue;
		d->msix_pending &= ~(UINT64_C(1) << i);
		d->bus->env.msi.send(d->bus->env.msi.arg, m->addr, m->data);
	}
}

void pci_msix_control(struct pci_dev *d)
{
	pthread_mutex_lock(&d->lock);
	send_pending(d);
	pthread_mutex_unlock(&d->lock);
}

void pci_msix_raise(struct pci_dev *d, unsigned vector)
{
	if (vector >= d->msix_n || !pci_msix_on(d))
		return;
	pthread_mutex_lock(&d->lock);
	d->msix_pending |= UINT64_C(1) << vector;
	send_pending(d);
	pthread_mutex_unlock(&d->lock);
}

static uint64_t msix_read(void *dev, uint64_t off, unsigned size)
{
	struct pci_dev *d = dev;
	const struct msix_entry *m = &d->msix[off / 16 % PCI_MSIX_MAX];

	(void)size;
	if (off >= PENDING_AT)
		return off < PENDING_AT + 8 ? (uint32_t)(d->msix_pending >> (off & 4) * 8) : 0;
	if (off / 16 >= d->msix_n)
		return 0;
	switch (off & 12) {
	case 0:
		return (uint32_t)m->addr;
	case 4:
		return m->addr >> 32;
	case 8:
		return m->data;
	default:
		return m->control;
	}
}

static void msix_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_dev *d = dev;
	struct msix_entry *m = &d->msix[off / 16 % PCI_MSIX_MAX];

	(void)size;
	if (off / 16 >= d->msix_n)
		return;
	switch (off & 12) {
	case 0:
		m->addr = (m->addr & ~UINT64_C(0xffffffff)) | ((uint32_t)v & ~3u);
		break;
	case 4:
		m->addr = (uint32_t)m->addr | v << 32;
		break;
	case 8:
		m->data = (uint32_t)v;
		break;
	default:
		m->control = v & ENTRY_MASKED;
		send_pending(d);
	}
}

static const struct bus_ops msix_ops = { msix_read, msix_write, 4, 4 };

void pci_msix(struct pci_dev *d, unsigned bar, unsigned n)
{
	unsigned cap = pci_cap(d, CAP_MSIX, 12);

	d->msix_n = n;
	d->msix_cap = cap;
	store_le16(d->config + cap + 2, (uint16_t)(n - 1));
	d->writable[cap + 3] = (CTL_ENABLE | CTL_MASK) >> 8;
	store_le32(d->config + cap + 4, bar);
	store_le32(d->config + cap + 8, PENDING_AT | bar);
	for (unsigned i = 0; i < n; i++)
		d->msix[i].control = ENTRY_MASKED;
	pci_bar(d, bar, false, false, BAR_SIZE, &msix_ops, d, &d->lock);
}
