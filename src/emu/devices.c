/* SPDX-License-Identifier: MIT */
#include "emu/devices.h"

#include "base/compiler.h"

#include <stddef.h>
#include <string.h>

#define PCI_KEYS                                                                            \
	{ "bus", "str", "pci.0 on pc, pcie.0 on q35: there is one" },                       \
	{                                                                                   \
		"addr", "str",                                                              \
			"its slot on the PCI bus, hexadecimal; the first free if not given" \
	}
#define VIRTIO_KEYS                                                          \
	PCI_KEYS,                                                            \
		{ "disable-legacy", "on|off|auto",                           \
		  "on: without the interface of before virtio 1.0" },        \
	{                                                                    \
		"disable-modern", "on|off", "on: without that of virtio 1.0" \
	}

#define DRIVE_KEYS                                                                        \
	{ "bootindex", "num", "its place in the order in which firmware tries to boot" }, \
	{                                                                                 \
		"drive", "str", "the id= of a -drive, or the node-name= of a -blockdev"   \
	}
#define ERROR_KEYS                                                                           \
	{ "werror", "str",                                                                   \
	  "what to do when writing fails: report, ignore, stop, enospc, auto" },             \
	{                                                                                    \
		"rerror", "str", "what to do when reading fails: report, ignore, stop, auto" \
	}
#define IDE_PLACE                                                                            \
	{ "bus", "str", "ide.0 or ide.1, its channels (on q35 ide.0 to ide.5, its ports)" }, \
	{                                                                                    \
		"unit", "num", "which of the two drives of the channel"                      \
	}
#define SCSI_PLACE                                                                   \
	{ "bus", "str", "the id of a controller and .0; the first if not given" },   \
		{ "scsi-id", "num", "target; the first that is free if not given" }, \
	{                                                                            \
		"lun", "num", "unit of the target; 0 if not given"                   \
	}
#define SIZE_KEYS                                                                     \
	{ "physical_block_size", "size", "the disk's own blocks; 512 if not given" }, \
		{ "min_io_size", "size", "what it reads and writes well at least" },  \
	{                                                                             \
		"opt_io_size", "size", "what it reads and writes best"                \
	}
#define TURN_KEYS                                                                              \
	{ "wwn", "num", "its world wide name" },                                               \
	{                                                                                      \
		"rotation_rate", "num", "turns a minute; 1, which does not turn, if not given" \
	}
#define SCSI_TEXTS                                                             \
	{ "vendor", "str", "who made it, 8 letters at most" },                 \
		{ "product", "str", "what it is called, 16 letters at most" }, \
	{                                                                      \
		"ver", "str", "its version, 4 letters at most"                 \
	}
#define IDE_TEXTS                                                    \
	{ "model", "str", "what it is called, 40 letters at most" }, \
	{                                                            \
		"ver", "str", "its version, 8 letters at most"       \
	}

static const struct device_key blk_keys[] = {
	SIZE_KEYS,
	DRIVE_KEYS,
	{ "num-queues", "num", "queues; one a vCPU if not given" },
	{ "serial", "str", "what the guest reads as the disk's serial number" },
	{ "threads", "num", "requests in work at a time; 4 if not given (not in QEMU)" },
	ERROR_KEYS,
	VIRTIO_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key nvme_keys[] = {
	DRIVE_KEYS,
	{ "serial", "str", "what the guest reads as the serial number" },
	{ "num-queues", "num", "pairs of queues, 16 at most; one a vCPU if not given" },
	{ "threads", "num", "requests in work at a time; 4 if not given (not in QEMU)" },
	ERROR_KEYS,
	PCI_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key ide_hd_keys[] = {
	IDE_TEXTS,
	TURN_KEYS,
	{ "physical_block_size", "size", "the disk's own blocks; 512 if not given" },
	DRIVE_KEYS,
	IDE_PLACE,
	{ "serial", "str", "what the guest reads as the serial number" },
	ERROR_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key ide_cd_keys[] = {
	IDE_TEXTS,  DRIVE_KEYS,
	IDE_PLACE,  { "serial", "str", "what the guest reads as the serial number" },
	ERROR_KEYS, { NULL, NULL, NULL },
};
static const struct device_key scsi_hd_keys[] = {
	SCSI_TEXTS, TURN_KEYS,
	SIZE_KEYS,  DRIVE_KEYS,
	SCSI_PLACE, { "serial", "str", "what the guest reads as the serial number" },
	ERROR_KEYS, { NULL, NULL, NULL },
};
static const struct device_key scsi_cd_keys[] = {
	SCSI_TEXTS, DRIVE_KEYS,
	SCSI_PLACE, { "serial", "str", "what the guest reads as the serial number" },
	ERROR_KEYS, { NULL, NULL, NULL },
};
static const struct device_key net_keys[] = {
	{ "bootindex", "num", "its place in the order in which firmware tries to boot" },
	{ "netdev", "str", "the id= of a -netdev" },
	{ "mac", "str", "the card's address" },
	{ "host_mtu", "num", "the longest packet that the guest shall send, 68 to 65535" },
	{ "speed", "num", "what the guest is told, in MBit/s; nothing if not given" },
	{ "duplex", "str", "what it is told: half or full" },
	VIRTIO_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key e1000_keys[] = {
	{ "bootindex", "num", "its place in the order in which firmware tries to boot" },
	{ "netdev", "str", "the id= of a -netdev" },
	{ "mac", "str", "the card's address" },
	PCI_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key virtio_keys[] = {
	VIRTIO_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key balloon_keys[] = {
	VIRTIO_KEYS,
	{ "deflate-on-oom", "on|off", "on: the guest takes pages back before it runs out" },
	{ "free-page-reporting", "on|off", "on: what the guest does not use is given back" },
	{ NULL, NULL, NULL },
};
static const struct device_key serial_keys[] = {
	VIRTIO_KEYS,
	{ "max_ports", "num", "1 to 7; 7 if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key port_keys[] = {
	{ "chardev", "str", "the id= of a -chardev" },
	{ "name", "str", "what the guest finds it by, in /dev/virtio-ports" },
	{ "nr", "num", "which port; the first free if not given" },
	{ "bus", "str", "the id of a virtio-serial-pci and .0; the first if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key pvpanic_keys[] = {
	{ "ioport", "num", "the port; 0x505 if not given" },
	{ "events", "num",
	  "1: panics, 2: that a crash kernel is loaded; 3, both, if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key pvpanic_pci_keys[] = {
	PCI_KEYS,
	{ "events", "num",
	  "1: panics, 2: that a crash kernel is loaded; 3, both, if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key pci_keys[] = {
	PCI_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key pci_test_keys[] = {
	PCI_KEYS,
	{ "membar", "size", "bytes of a third BAR; none if not given" },
	{ NULL, NULL, NULL },
};
#define VIDEO_KEYS                                                                   \
	PCI_KEYS, { "edid", "on|off", "whether a monitor tells what it can" },       \
		{ "xres", "num", "pixels of a row that the monitor prefers; 1280" }, \
	{                                                                            \
		"yres", "num", "rows that it prefers; 800"                           \
	}
static const struct device_key vga_keys[] = {
	VIDEO_KEYS,
	{ "vgamem_mb", "num", "MiB of memory, a power of two; 16 if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key bochs_keys[] = {
	VIDEO_KEYS,
	{ "vgamem", "size", "memory, a power of two; 16M if not given" },
	{ NULL, NULL, NULL },
};
static const struct device_key no_keys[] = { { NULL, NULL, NULL } };
static const struct device_key rng_keys[] = {
	{ "rng", "str", "the id= of an -object rng-random or rng-builtin" },
	{ "max-bytes", "num", "as many in a period at most; with period=" },
	{ "period", "num", "milliseconds of it" },
	VIRTIO_KEYS,
	{ NULL, NULL, NULL },
};
static const struct device_key exit_keys[] = {
	{ "iobase", "num", "the port; 0x501 if not given" },
	{ "iosize", "num", "bytes of it; 2 if not given" },
	{ NULL, NULL, NULL },
};

static const struct device_row rows[] = {
	{ "virtio-blk-pci", "PCI", "a disk", DEVICE_BLK, blk_keys },
	{ "ide-hd", "IDE", "a disk on the chipset's controller", DEVICE_IDE_HD, ide_hd_keys },
	{ "ide-cd", "IDE", "a CD-ROM drive there", DEVICE_IDE_CD, ide_cd_keys },
	{ "nvme", "PCI", "a disk on an NVMe controller of its own", DEVICE_NVME, nvme_keys },
	{ "virtio-scsi-pci", "PCI", "a SCSI controller, a queue for each vCPU", DEVICE_SCSI,
	  virtio_keys },
	{ "scsi-hd", "SCSI", "a disk on such a controller", DEVICE_SCSI_HD, scsi_hd_keys },
	{ "scsi-cd", "SCSI", "a CD-ROM drive there", DEVICE_SCSI_CD, scsi_cd_keys },
	{ "virtio-net-pci", "PCI", "a network card", DEVICE_NET, net_keys },
	{ "e1000", "PCI", "Intel's 82540EM, for guests without virtio", DEVICE_NET,
	  e1000_keys },
	{ "virtio-rng-pci", "PCI", "random numbers of the host", DEVICE_PLAIN, rng_keys },
	{ "virtio-balloon-pci", "PCI", "gives memory back", DEVICE_PLAIN, balloon_keys },
	{ "virtio-serial-pci", "PCI", "a controller of ports", DEVICE_PLAIN, serial_keys },
	{ "virtconsole", "virtio-serial", "a console there", DEVICE_PLAIN, port_keys },
	{ "virtserialport", "virtio-serial", "bytes under a name there", DEVICE_PLAIN,
	  port_keys },
	{ "pvpanic", "ISA", "hears when the guest's kernel panics", DEVICE_PLAIN,
	  pvpanic_keys },
	{ "pvpanic-pci", "PCI", "the same on PCI", DEVICE_PLAIN, pvpanic_pci_keys },
	{ "i6300esb", "PCI", "a watchdog", DEVICE_PLAIN, pci_keys },
	{ "VGA", "PCI", "the graphics card of -vga std", DEVICE_VGA, vga_keys },
	{ "bochs-display", "PCI", "a frame buffer without a VGA", DEVICE_BOCHS, bochs_keys },
	{ "isa-debug-exit", "ISA", "ends the machine with a status of the guest's",
	  DEVICE_DEBUG_EXIT, exit_keys },
	{ "pci-testdev", "PCI", "BARs for tests of accesses to them", DEVICE_PLAIN,
	  pci_test_keys },
	{ "pc-testdev", "ISA", "registers for tests that run as guests", DEVICE_PLAIN,
	  no_keys },
};

const struct device_row *device_row(unsigned i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const struct device_row *device_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].name);

		if (!strcmp(rows[i].name, name))
			return &rows[i];
		/* "virtio-rng" is short for "virtio-rng-pci", as in QEMU */
		if (!strncmp(name, "virtio-", 7) && n == strlen(name) + 4 &&
		    !memcmp(rows[i].name, name, n - 4) && !strcmp(rows[i].name + n - 4, "-pci"))
			return &rows[i];
	}
	return NULL;
}

bool device_has_key(const struct device_row *row, const char *key)
{
	for (const struct device_key *k = row->keys; k->name; k++)
		if (!strcmp(k->name, key))
			return true;
	return false;
}
