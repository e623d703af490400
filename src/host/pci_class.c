/* SPDX-License-Identifier: MIT */
#include "host/pci.h"

#include <string.h>

/* PCI Code and ID Assignment Specification; subclass 0xff: any other of the class. */
static const struct {
	uint8_t base, sub;
	const char *name;
} classes[] = {
	{ 0x01, 0x00, "SCSI controller" },
	{ 0x01, 0x01, "IDE controller" },
	{ 0x01, 0x04, "RAID controller" },
	{ 0x01, 0x06, "SATA controller" },
	{ 0x01, 0x07, "SAS controller" },
	{ 0x01, 0x08, "NVMe controller" },
	{ 0x01, 0xff, "Storage controller" },
	{ 0x02, 0x00, "Ethernet controller" },
	{ 0x02, 0x07, "InfiniBand controller" },
	{ 0x02, 0xff, "Network controller" },
	{ 0x03, 0x00, "VGA controller" },
	{ 0x03, 0x02, "3D controller" },
	{ 0x03, 0xff, "Display controller" },
	{ 0x04, 0x03, "Audio device" },
	{ 0x04, 0xff, "Multimedia controller" },
	{ 0x05, 0xff, "Memory controller" },
	{ 0x06, 0x00, "Host bridge" },
	{ 0x06, 0x01, "ISA bridge" },
	{ 0x06, 0x04, "PCI bridge" },
	{ 0x06, 0x07, "CardBus bridge" },
	{ 0x06, 0xff, "Bridge" },
	{ 0x07, 0x00, "Serial controller" },
	{ 0x07, 0xff, "Communication controller" },
	{ 0x08, 0x05, "SD host controller" },
	{ 0x08, 0x06, "IOMMU" },
	{ 0x08, 0xff, "System peripheral" },
	{ 0x09, 0xff, "Input device" },
	{ 0x0b, 0xff, "Processor" },
	{ 0x0c, 0x00, "FireWire controller" },
	{ 0x0c, 0x03, "USB controller" },
	{ 0x0c, 0x05, "SMBus" },
	{ 0x0c, 0xff, "Serial bus controller" },
	{ 0x0d, 0xff, "Wireless controller" },
	{ 0x10, 0xff, "Encryption controller" },
	{ 0x11, 0xff, "Signal processing controller" },
	{ 0x12, 0xff, "Processing accelerator" },
};

const char *pci_class_name(uint32_t class)
{
	uint8_t base = (uint8_t)(class >> 16), sub = (uint8_t)(class >> 8);

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].base == base &&
		    (classes[i].sub == sub || classes[i].sub == 0xff))
			return classes[i].name;
	return "Device";
}

bool pci_is_bridge(const struct pci_dev *d)
{
	uint32_t kind = d->class >> 8;

	return kind == 0x0604 || kind == 0x0607 || kind == 0x0609 || kind == 0x060a;
}

bool pci_driver_yields(const char *driver)
{
	/* drivers that leave DMA to whoever owns the group, and variants of vfio-pci */
	static const char *const names[] = { "vfio-pci",
					     "pci-stub",
					     "mlx5_vfio_pci",
					     "hisi_acc_vfio_pci",
					     "pds_vfio_pci",
					     "virtio_vfio_pci",
					     "nvgrace-gpu-vfio-pci",
					     "qat_vfio_pci",
					     "xe-vfio-pci",
					     "mlx5-vfio-pci",
					     "hisi-acc-vfio-pci",
					     "pds-vfio-pci",
					     "virtio-vfio-pci",
					     "qat-vfio-pci" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(driver, names[i]))
			return true;
	return false;
}
