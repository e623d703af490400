/* SPDX-License-Identifier: MIT */
/* Devices of QEMU's that are not there. */
#include "emu/known.h"

#include <stddef.h>

#define OF "-device driver="

const struct known_row known_devices[] = {
	{ OF,
	  "virtio-blk-pci-non-transitional virtio-net-pci-non-transitional "
	  "virtio-scsi-pci-non-transitional virtio-rng-pci-non-transitional "
	  "virtio-balloon-pci-non-transitional virtio-serial-pci-non-transitional",
	  NULL, "give the device with disable-legacy=on" },
	{ OF,
	  "virtio-blk-pci-transitional virtio-net-pci-transitional "
	  "virtio-scsi-pci-transitional virtio-rng-pci-transitional "
	  "virtio-balloon-pci-transitional virtio-serial-pci-transitional",
	  NULL, "devices have both interfaces; leave the end of the name away" },
	{ OF,
	  "cxl-* i82801b11-bridge ioh3420 pci-bridge pci-bridge-seat pcie-pci-bridge "
	  "pcie-root-port pxb pxb-cxl pxb-pcie x3130-upstream xio3130-downstream vmbus-bridge",
	  NULL, "there is one bus without bridges" },
	{ OF,
	  "usb-* ich9-usb-* nec-usb-xhci pci-ohci piix3-usb-uhci piix4-usb-uhci qemu-xhci "
	  "ccid-card-emulated ccid-card-passthru u2f-*",
	  NULL, "there is no USB" },
	{ OF, "vfio-* igd-passthrough-isa-bridge", NULL,
	  "devices of the host are not passed on" },
	{ OF, "vhost-*", NULL, "other processes do not serve devices" },
	{ OF, "am53c974 dc390 lsi53c810 lsi53c895a megasas megasas-gen2 mptsas1068 pvscsi",
	  NULL, "virtio-scsi-pci is the SCSI controller" },
	{ OF, "scsi-block scsi-generic", NULL,
	  "commands are not passed on to disks of the host" },
	{ OF, "ich9-ahci piix3-ide piix4-ide isa-ide", NULL,
	  "the chipset's own controller is there: on pc IDE, on q35 AHCI" },
	{ OF, "floppy isa-fdc", NULL, "there are no floppy disks" },
	{ OF, "sd-card sdhci-pci", NULL, "there is no SD card slot" },
	{ OF, "nvdimm virtio-pmem virtio-pmem-pci pc-dimm virtio-mem virtio-mem-pci", NULL,
	  "memory cannot be added" },
	{ OF, "nvme-ns nvme-subsys", NULL,
	  "an nvme has one namespace, which its drive= names" },
	{ OF, "virtio-9p-*", NULL, "directories of the host are not shared" },
	{ OF,
	  "virtio-blk-device virtio-scsi-device virtio-net-device virtio-serial-device "
	  "virtio-balloon-device virtio-rng-device virtio-crypto-device virtio-gpu-device "
	  "virtio-iommu-device virtio-input-host-device virtio-keyboard-device "
	  "virtio-mouse-device virtio-tablet-device",
	  NULL, "a PC has virtio on PCI; the names end with -pci" },
	{ OF,
	  "e1000-82544gc e1000-82545em e1000e i82550 i82551 i82557a i82557b i82557c i82558a "
	  "i82558b i82559a i82559b i82559c i82559er i82562 i82801 ne2k_isa ne2k_pci pcnet "
	  "pvrdma rocker rtl8139 tulip vmxnet3 igb",
	  NULL, "there are virtio-net-pci and e1000" },
	{ OF, "i8042 mc146818rtc isa-debugcon isa-serial isa-parallel", NULL,
	  "the machine's own are there; -serial and -debugcon connect them" },
	{ OF, "pci-serial pci-serial-2x pci-serial-4x ipoctal232 tpci200", NULL,
	  "-serial makes up to four ports" },
	{ OF,
	  "virtio-input-host-pci virtio-keyboard-pci virtio-mouse-pci virtio-tablet-pci vmmouse",
	  NULL, "the machine has a keyboard, and no mouse" },
	{ OF,
	  "ati-vga cirrus-vga isa-cirrus-vga isa-vga qxl qxl-vga ramfb secondary-vga sga "
	  "virtio-gpu-* virtio-vga virtio-vga-gl vmware-svga",
	  NULL, "there are VGA and bochs-display" },
	{ OF,
	  "AC97 adlib cs4231a ES1370 gus hda-duplex hda-micro hda-output ich9-intel-hda "
	  "intel-hda sb16 virtio-sound-*",
	  NULL, "there are no sound devices" },
	{ OF, "amd-iommu AMDVI-PCI intel-iommu virtio-iommu-pci", NULL, "there is no IOMMU" },
	{ OF, "virtio-crypto-pci", NULL, "processors have instructions for that" },
	{ OF, "ctucan_pci kvaser_pci mioe3680_pci pcm3680_pci", NULL, "there is no CAN bus" },
	{ OF, "tpm-crb tpm-tis tpm-tis-device", NULL, "there is no TPM" },
	{ OF, "ivshmem-doorbell ivshmem-plain", NULL, "guests do not share memory" },
	{ OF, "guest-loader loader", NULL, "-kernel and -bios bring what starts" },
	{ OF, "hv-syndbg hyperv-testdev", NULL, "guests do not see Hyper-V" },
	{ OF, "ib700", NULL, "the watchdog is i6300esb" },
	{ OF,
	  "acpi-erst edu i2c-ddc isa-applesmc smbus-ipmi ipmi-* isa-ipmi-* pci-ipmi-* "
	  "vmcoreinfo vmgenid x-pci-proxy-dev",
	  NULL, "nobody has asked for it yet" },
	{ NULL, NULL, NULL, NULL },
};
