/* SPDX-License-Identifier: MIT */
/* MSI: PCI local bus specification 3.0, 6.8.1.  One message, 64 bits of address, no mask. */
#include "base/bytes.h"
#include "emu/dev/pci_int.h"

#define CAP_MSI    0x05
#define CTL_ENABLE 0x01
#define CTL_64     0x80
#define AT_CONTROL 2u
#define AT_ADDRESS 4u
#define AT_DATA    12u
#define CAP_LEN    14u

void pci_msi(struct pci_dev *d)
{
	unsigned cap = pci_cap(d, CAP_MSI, CAP_LEN);

	d->msi_cap = cap;
	d->config[cap + AT_CONTROL] = CTL_64;
	d->writable[cap + AT_CONTROL] = CTL_ENABLE;
	store_le64(d->writable + cap + AT_ADDRESS, ~UINT64_C(3));
	store_le16(d->writable + cap + AT_DATA, 0xffff);
}

bool pci_msi_on(struct pci_dev *d)
{
	return d->msi_cap && (d->config[d->msi_cap + AT_CONTROL] & CTL_ENABLE);
}

void pci_msi_raise(struct pci_dev *d)
{
	const uint8_t *c = d->config + d->msi_cap;

	if (pci_msi_on(d) && (load_le16(d->config + PCI_COMMAND) & PCI_CMD_MASTER))
		d->bus->env.msi.send(d->bus->env.msi.arg, load_le64(c + AT_ADDRESS),
				     load_le16(c + AT_DATA));
}
