/* SPDX-License-Identifier: MIT */
/* All disk controllers on one bus with a little memory and small disks, without a machine. */
#ifndef TESTS_LIB_DISKRIG_H
#define TESTS_LIB_DISKRIG_H

#include "base/bytes.h"
#include "emu/bus.h"
#include "emu/dev/ahci.h"
#include "emu/dev/ide.h"
#include "emu/dev/nvme.h"
#include "emu/dev/pci.h"
#include "emu/disk.h"
#include "emu/mem.h"
#include "img/blk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIG_RAM   (1u << 20)
#define RIG_DISK  (256u << 10)
#define RIG_DISKS 6
#define RIG_LOW   UINT64_C(0xe0000000)

/* Slots, and where things are after rig_reset(). */
enum { RIG_IDE = 1, RIG_NVME = 3, RIG_AHCI = 2 };

struct rig {
	struct bus *bus;
	struct mem *mem;
	uint8_t *ram;
	struct pci *pci;
	struct disk disk[RIG_DISKS]; /* 0..1 IDE, 2..3 AHCI (the second of each a CD), 4 NVMe */
	struct ide *ide;
	struct ahci *ahci;
	struct nvme *nvme;
	_Atomic unsigned irq[2], line[PCI_LINES]; /* levels; the devices' threads set them */
	uint64_t ahci_at, nvme_at, bm_at;         /* BARs */
};

static inline void rig_irq(void *arg, unsigned pin, int level)
{
	((_Atomic unsigned *)arg)[pin] = level != 0;
}

static inline void rig_msi(void *arg, uint64_t addr, uint32_t data)
{
	(void)arg;
	(void)addr;
	(void)data;
}

static inline uint32_t rig_config(struct rig *r, unsigned slot, unsigned fn, unsigned off)
{
	bus_write(r->bus, BUS_PORT, 0xcf8, 4, 1u << 31 | slot << 11 | fn << 8 | off);
	return (uint32_t)bus_read(r->bus, BUS_PORT, 0xcfc, 4);
}

static inline void rig_reset(struct rig *r)
{
	ide_reset(r->ide);
	ahci_reset(r->ahci);
	nvme_reset(r->nvme);
	pci_reset(r->pci);
	pci_assign(r->pci);
	r->bm_at = rig_config(r, RIG_IDE, 0, 0x20) & ~3u;
	r->ahci_at = rig_config(r, RIG_AHCI, 0, 0x24) & ~15u;
	r->nvme_at = rig_config(r, RIG_NVME, 0, 0x10) & ~15u;
	memset(r->ram, 0, RIG_RAM);
}

/* A raw disk whose sector n is filled with the byte n + 1. */
static inline int rig_disk(struct disk *d, struct err *e)
{
	char name[] = "/tmp/rig-disk.XXXXXX";
	static char raw[] = "raw";
	struct config_disk c = { .file = name, .format = raw };
	int fd = mkstemp(name), r;
	uint8_t sector[512];

	if (fd < 0)
		return -errno;
	for (unsigned i = 0; i < RIG_DISK / 512; i++) {
		memset(sector, (int)(i + 1), sizeof(sector));
		if (write(fd, sector, sizeof(sector)) != (ssize_t)sizeof(sector))
			return -EIO;
	}
	close(fd);
	r = disk_open(&c, NULL, &d->image, e);
	unlink(name);
	return r;
}

static inline int rig_devices(struct rig *r, struct err *e)
{
	const struct ide_env ide = { .bus = r->bus,
				     .pci = r->pci,
				     .slot = RIG_IDE,
				     .fn = 0,
				     .mem = r->mem,
				     .irq = { { rig_irq, r->irq, 0 },
					      { rig_irq, r->irq, 1 } } };
	const struct ahci_env ahci = {
		.pci = r->pci, .slot = RIG_AHCI, .fn = 0, .mem = r->mem, .threads = 2
	};
	const struct nvme_env nvme = {
		.pci = r->pci, .mem = r->mem, .disk = &r->disk[4], .queues = 2, .threads = 2
	};
	const struct ide_drive id[IDE_DRIVES] = { { &r->disk[0], false },
						  { &r->disk[1], true } };
	const struct ahci_drive ad[AHCI_PORTS] = { { &r->disk[2], false },
						   { &r->disk[3], true } };
	int x = ide_new(&r->ide, &ide, id, e);

	if (x == 0)
		x = ahci_new(&r->ahci, &ahci, ad, e);
	return x == 0 ? nvme_new(&r->nvme, &nvme, e) : x;
}

static inline int rig_new(struct rig *r, struct err *e)
{
	struct pci_env env = { .msi = { rig_msi, NULL },
			       .low = RIG_LOW,
			       .low_end = RIG_LOW + (1u << 24),
			       .high = UINT64_C(1) << 38,
			       .high_end = UINT64_C(1) << 39 };
	int x = bus_new(&r->bus, e);

	for (unsigned i = 0; i < RIG_DISKS && x == 0; i++)
		x = rig_disk(&r->disk[i], e);
	r->disk[1].readonly = r->disk[3].readonly = true;
	if (x == 0)
		x = mem_new(&r->mem, e);
	if (x == 0)
		x = mem_alloc(RIG_RAM, NULL, false, &r->ram, e);
	if (x == 0)
		x = mem_map(r->mem, 0, RIG_RAM, r->ram, true, e);
	if (x < 0)
		return x;
	env.bus = r->bus;
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ rig_irq, r->line, i };
	x = pci_new(&r->pci, &env, e);
	if (x == 0)
		x = rig_devices(r, e);
	if (x == 0)
		rig_reset(r);
	return x;
}

static inline void rig_free(struct rig *r)
{
	ide_free(r->ide);
	ahci_free(r->ahci);
	nvme_free(r->nvme);
	pci_root_free(r->pci);
	for (unsigned i = 0; i < RIG_DISKS; i++)
		blk_close(r->disk[i].image, NULL);
	mem_free(r->mem);
	mem_dealloc(r->ram, RIG_RAM);
	bus_free(r->bus);
}

/* ---- how a driver would begin ---- */

#define RIG_LIST  0x10000u /* AHCI: the command list, with a table at + 0x1000 */
#define RIG_FIS   0x13000u
#define RIG_ASQ   0x20000u
#define RIG_ACQ   0x21000u
#define RIG_SQ    0x22000u
#define RIG_CQ    0x23000u
#define RIG_DATA  0x40000u
#define RIG_TABLE (RIG_LIST + 0x1000u)

static inline void rig_ahci_on(struct rig *r, unsigned port)
{
	uint64_t p = r->ahci_at + 0x100 + 0x80 * port;

	bus_write(r->bus, BUS_MEM, p + 0x00, 4, RIG_LIST);
	bus_write(r->bus, BUS_MEM, p + 0x08, 4, RIG_FIS);
	bus_write(r->bus, BUS_MEM, p + 0x14, 4, 0xffffffff);
	bus_write(r->bus, BUS_MEM, p + 0x18, 4, 0x11);
	bus_write(r->bus, BUS_MEM, r->ahci_at + 4, 4, 2);
	store_le32(r->ram + RIG_LIST, 5 | 1u << 16);
	store_le32(r->ram + RIG_LIST + 8, RIG_TABLE);
	store_le32(r->ram + RIG_TABLE, 0x008027);
	store_le32(r->ram + RIG_TABLE + 0x80, RIG_DATA);
	store_le32(r->ram + RIG_TABLE + 0x8c, 0xffff);
}

static inline void rig_nvme_on(struct rig *r)
{
	bus_write(r->bus, BUS_MEM, r->nvme_at + 0x24, 4, 31u << 16 | 31);
	bus_write(r->bus, BUS_MEM, r->nvme_at + 0x28, 4, RIG_ASQ);
	bus_write(r->bus, BUS_MEM, r->nvme_at + 0x30, 4, RIG_ACQ);
	bus_write(r->bus, BUS_MEM, r->nvme_at + 0x14, 4, 0x460001);
	/* a pair of queues of 32 */
	store_le32(r->ram + RIG_ASQ, 0x00010005);
	store_le64(r->ram + RIG_ASQ + 24, RIG_CQ);
	store_le32(r->ram + RIG_ASQ + 40, 31u << 16 | 1);
	store_le32(r->ram + RIG_ASQ + 44, 3);
	store_le32(r->ram + RIG_ASQ + 64, 0x00020001);
	store_le64(r->ram + RIG_ASQ + 64 + 24, RIG_SQ);
	store_le32(r->ram + RIG_ASQ + 64 + 40, 31u << 16 | 1);
	store_le32(r->ram + RIG_ASQ + 64 + 44, 1u << 16 | 1);
	bus_write(r->bus, BUS_MEM, r->nvme_at + 0x1000, 4, 2);
}

#endif
