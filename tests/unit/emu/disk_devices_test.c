/* SPDX-License-Identifier: MIT */
/* IDE, AHCI and NVMe as a driver sees them, without a guest. */
#include "tests/lib/diskrig.h"
#include "tests/unit/unit.h"

#include <time.h>

static struct rig rig;

static uint8_t in8(unsigned port)
{
	return (uint8_t)bus_read(rig.bus, BUS_PORT, port, 1);
}

static void out8(unsigned port, uint8_t v)
{
	bus_write(rig.bus, BUS_PORT, port, 1, v);
}

static uint32_t mem32(uint64_t at)
{
	return (uint32_t)bus_read(rig.bus, BUS_MEM, at, 4);
}

static void nap(void)
{
	const struct timespec t = { 0, 1000000 };

	nanosleep(&t, NULL);
}

/* Until a drive is not busy any more; its status. */
static uint8_t ready(void)
{
	while (in8(0x3f6) & 0x80)
		nap();
	return in8(0x1f7);
}

static void command(uint8_t device, uint8_t count, uint32_t lba, uint8_t cmd)
{
	out8(0x1f6, (uint8_t)(device | (lba >> 24 & 15)));
	out8(0x1f2, count);
	out8(0x1f3, (uint8_t)lba);
	out8(0x1f4, (uint8_t)(lba >> 8));
	out8(0x1f5, (uint8_t)(lba >> 16));
	out8(0x1f7, cmd);
}

static void data_in(uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		store_le16(buf + i, (uint16_t)bus_read(rig.bus, BUS_PORT, 0x1f0, 2));
}

static void ide_pio(void **state)
{
	uint8_t b[512], sum = 0;

	(void)state;
	rig_reset(&rig);
	command(0xe0, 0, 0, 0xec);
	assert_int_equal(ready(), 0x58);
	data_in(b, 512);
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + b[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(load_le32(b + 120), RIG_DISK / 512);
	assert_memory_equal(b + 54, "evumH RADDSI K", 14);
	/* two sectors, an interrupt each, and none after the last word */
	command(0xe0, 2, 7, 0x20);
	for (unsigned i = 0; i < 2; i++) {
		while (!rig.irq[0])
			nap();
		assert_int_equal(ready(), 0x58);
		assert_int_equal(rig.irq[0], 0);
		data_in(b, 512);
		assert_int_equal(b[0], 8 + i);
		assert_int_equal(b[511], 8 + i);
	}
	assert_int_equal(in8(0x1f7), 0x50);
	/* written, and read again through the image */
	command(0xe0, 1, 9, 0x30);
	assert_int_equal(ready(), 0x58);
	for (unsigned i = 0; i < 256; i++)
		bus_write(rig.bus, BUS_PORT, 0x1f0, 2, 0xa55a);
	assert_int_equal(ready(), 0x50);
	assert_int_equal(blk_pread(rig.disk[0].image, b, 512, 9 * 512, NULL), 0);
	assert_int_equal(load_le16(b + 510), 0xa55a);
	/* past the end; a command that is none */
	command(0xe0, 1, RIG_DISK / 512, 0x20);
	assert_int_equal(ready() & 1, 1);
	assert_int_equal(in8(0x1f1), 0x10);
	command(0xe0, 1, 0, 0xff);
	assert_int_equal(ready() & 1, 1);
	assert_int_equal(in8(0x1f1), 0x04);
}

static void ide_dma(void **state)
{
	(void)state;
	rig_reset(&rig);
	/* eight sectors into two pieces */
	store_le32(rig.ram + 0x8000, RIG_DATA);
	store_le32(rig.ram + 0x8004, 1000);
	store_le32(rig.ram + 0x8008, RIG_DATA + 0x2000);
	store_le32(rig.ram + 0x800c, 0x80000000 | 3096);
	bus_write(rig.bus, BUS_PORT, rig.bm_at + 4, 4, 0x8000);
	command(0xe0, 8, 16, 0xc8);
	bus_write(rig.bus, BUS_PORT, rig.bm_at, 1, 9);
	while (!rig.irq[0])
		nap();
	assert_int_equal(in8((unsigned)rig.bm_at + 2) & 7, 4);
	assert_int_equal(ready(), 0x50);
	assert_int_equal(rig.ram[RIG_DATA], 17);
	assert_int_equal(rig.ram[RIG_DATA + 999], 18);
	assert_int_equal(rig.ram[RIG_DATA + 1000], 0);
	assert_int_equal(rig.ram[RIG_DATA + 0x2000], 18);
	assert_int_equal(rig.ram[RIG_DATA + 0x2000 + 3095], 24);
	/* no memory there: the drive and the bus master say so */
	store_le32(rig.ram + 0x8000, 0x7ffff000);
	command(0xe0, 8, 16, 0xc8);
	bus_write(rig.bus, BUS_PORT, rig.bm_at, 1, 0);
	bus_write(rig.bus, BUS_PORT, rig.bm_at, 1, 9);
	assert_int_equal(ready() & 1, 1);
	assert_int_equal(in8((unsigned)rig.bm_at + 2) & 2, 2);
}

static void ide_cd(void **state)
{
	static const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0 };
	uint8_t b[2048];

	(void)state;
	rig_reset(&rig);
	command(0xf0, 0, 0, 0xec);
	assert_int_equal(ready() & 1, 1);
	assert_int_equal(in8(0x1f4), 0x14);
	assert_int_equal(in8(0x1f5), 0xeb);
	/* two blocks, 2048 bytes at a time */
	command(0xf0, 0, 2048 << 8, 0xa0);
	assert_int_equal(in8(0x1f2), 1);
	for (unsigned i = 0; i < 12; i += 2)
		bus_write(rig.bus, BUS_PORT, 0x1f0, 2, load_le16(read + i));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ready(), 0x58);
		assert_int_equal(in8(0x1f2), 2);
		assert_int_equal(in8(0x1f4) | in8(0x1f5) << 8, 2048);
		data_in(b, 2048);
		assert_int_equal(b[0], 5 + 4 * i);
	}
	assert_int_equal(ready(), 0x50);
	assert_int_equal(in8(0x1f2), 3);
}

static void fis(uint8_t cmd, uint32_t lba, uint16_t count, uint16_t feature)
{
	uint8_t *f = rig.ram + RIG_TABLE;

	memset(f, 0, 20);
	f[0] = 0x27;
	f[1] = 0x80;
	f[2] = cmd;
	f[3] = (uint8_t)feature;
	f[11] = (uint8_t)(feature >> 8);
	f[4] = (uint8_t)lba;
	f[5] = (uint8_t)(lba >> 8);
	f[7] = 0x40;
	store_le16(f + 12, count);
}

static void ahci(void **state)
{
	uint64_t p;

	(void)state;
	rig_reset(&rig);
	p = rig.ahci_at + 0x100;
	rig_ahci_on(&rig, 0);
	assert_int_equal(mem32(p + 0x24), 0x00000101);
	assert_int_equal(mem32(p + 0x28), 0x113);
	assert_int_equal(mem32(rig.ahci_at + 0x1a8), 0x113);
	assert_int_equal(mem32(rig.ahci_at + 0x228), 0);
	fis(0x25, 5, 4, 0);
	bus_write(rig.bus, BUS_MEM, p + 0x38, 4, 1);
	while (mem32(p + 0x38))
		nap();
	assert_int_equal(rig.ram[RIG_DATA], 6);
	assert_int_equal(rig.ram[RIG_DATA + 2047], 9);
	assert_int_equal(load_le32(rig.ram + RIG_LIST + 4), 2048);
	assert_int_equal(rig.ram[RIG_FIS + 0x40], 0x34);
	assert_int_equal(mem32(p + 0x10) & 1, 1);
	assert_int_equal(mem32(rig.ahci_at + 8), 1);
	bus_write(rig.bus, BUS_MEM, p + 0x10, 4, 0xffffffff);
	/* queued: off the list at once, and SACT says when it is done */
	fis(0x60, 40, 0, 1);
	bus_write(rig.bus, BUS_MEM, p + 0x34, 4, 1);
	bus_write(rig.bus, BUS_MEM, p + 0x38, 4, 1);
	while (mem32(p + 0x34))
		nap();
	assert_int_equal(rig.ram[RIG_DATA], 41);
	assert_int_equal(rig.ram[RIG_FIS + 0x58], 0xa1);
	/* an error stops the list until it is begun anew */
	fis(0x25, RIG_DISK / 512, 4, 0);
	bus_write(rig.bus, BUS_MEM, p + 0x38, 4, 1);
	while (!(mem32(p + 0x10) & 0x40000000))
		nap();
	assert_int_equal(mem32(p + 0x20) & 0xffff, 0x1051);
	bus_write(rig.bus, BUS_MEM, p + 0x18, 4, 0x10);
	assert_int_equal(mem32(p + 0x38), 0);
}

static uint8_t *sqe(unsigned n, uint8_t op, uint64_t lba, unsigned blocks)
{
	uint8_t *c = rig.ram + RIG_SQ + 64 * n;

	memset(c, 0, 64);
	c[0] = op;
	c[2] = (uint8_t)n;
	c[4] = 1;
	store_le64(c + 24, RIG_DATA + 512);
	store_le64(c + 32, RIG_DATA + 0x1000);
	store_le64(c + 40, lba);
	store_le16(c + 48, (uint16_t)(blocks - 1));
	return c;
}

/* The status of answer @n, which the first round marks with 1. */
static unsigned answer(unsigned n)
{
	const uint32_t *c = (const uint32_t *)(const void *)(rig.ram + RIG_CQ + 16 * n + 12);
	uint32_t v;

	while (!((v = __atomic_load_n(c, __ATOMIC_ACQUIRE)) & 1u << 16))
		nap();
	return v >> 17;
}

static void nvme(void **state)
{
	static const uint8_t zero[512];
	uint8_t b[512];
	uint8_t *c;

	(void)state;
	rig_reset(&rig);
	rig_nvme_on(&rig);
	assert_int_equal(mem32(rig.nvme_at + 0x1c), 1);
	/* the queues are there: two answers of the administrator's, both good */
	assert_int_equal(load_le16(rig.ram + RIG_ACQ + 14), 1);
	assert_int_equal(load_le16(rig.ram + RIG_ACQ + 16 + 14), 1);
	/* eight blocks over a border of pages */
	sqe(0, 2, 3, 8);
	bus_write(rig.bus, BUS_MEM, rig.nvme_at + 0x1008, 4, 1);
	assert_int_equal(answer(0), 0);
	assert_int_equal(rig.ram[RIG_DATA + 512], 4);
	assert_int_equal(rig.ram[RIG_DATA + 512 + 4095], 11);
	/* past the end; another namespace; no such command */
	sqe(1, 2, RIG_DISK / 512 - 1, 2);
	sqe(2, 2, 0, 1)[4] = 2;
	sqe(3, 0x7f, 0, 1);
	/* a list of pages, which lies at the end of a page itself */
	c = sqe(4, 2, 0, 32);
	store_le64(c + 32, RIG_DATA + 0xff8);
	store_le64(rig.ram + RIG_DATA + 0xff8, RIG_DATA + 0x8000);
	for (unsigned i = 0; i < 4; i++)
		store_le64(rig.ram + RIG_DATA + 0x8000 + 8 * i,
			   RIG_DATA + 0x10000 + 0x1000 * i);
	sqe(5, 8, 1, 2);
	bus_write(rig.bus, BUS_MEM, rig.nvme_at + 0x1008, 4, 6);
	for (unsigned i = 1; i < 6; i++) {
		unsigned id, got;

		answer(i);
		id = rig.ram[RIG_CQ + 16 * i + 12];
		got = answer(i) & 0x7ff;
		assert_int_equal(got, id == 1 ? 0x80 : id == 2 ? 0x0b : id == 3 ? 1 : 0);
	}
	assert_int_equal(rig.ram[RIG_DATA + 0x10000], 8);
	assert_int_equal(rig.ram[RIG_DATA + 0x10000 + 31 * 512 - 3584], 32);
	assert_int_equal(blk_pread(rig.disk[4].image, b, 512, 512, NULL), 0);
	assert_memory_equal(b, zero, 512);
}

static int begin(void **state)
{
	struct err e = { 0 };

	(void)state;
	return rig_new(&rig, &e);
}

static int end(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ide_pio), cmocka_unit_test(ide_dma), cmocka_unit_test(ide_cd),
		cmocka_unit_test(ahci),    cmocka_unit_test(nvme),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
