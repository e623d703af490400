/* SPDX-License-Identifier: MIT */
/*
 * Usage: vemu_blk IMAGE COUNT BYTES DEPTH THREADS
 * What vemu's virtio-blk takes on the host's side for COUNT reads of BYTES, one behind the other,
 * DEPTH of them under way: no guest runs, this program is the driver.  Prints seconds on the clock
 * and those of the processors in the device's threads, without the driver's.
 */
#include "base/bytes.h"
#include "emu/bus.h"
#include "emu/disk.h"
#include "emu/mem.h"
#include "emu/virtio/blk.h"
#include "img/blk.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RAM   (64u << 20)
#define DESC  0x10000u
#define AVAIL 0x20000u
#define USED  0x30000u
#define HEAD  0x40000u
#define DATA  0x100000u
#define SIZE  256u

static sem_t told;

static void on_line(void *arg, unsigned pin, int level)
{
	(void)arg;
	(void)pin;
	(void)level;
}

static void on_msi(void *arg, uint64_t addr, uint32_t data)
{
	(void)arg;
	(void)addr;
	(void)data;
	sem_post(&told);
}

static int fail(const char *what, const struct err *e)
{
	fprintf(stderr, "vemu_blk: %s: %s\n", what, e->msg);
	return 1;
}

static uint32_t config(struct bus *b, unsigned off, bool write, uint32_t v)
{
	bus_write(b, BUS_PORT, 0xcf8, 4, 1u << 31 | 1u << 11 | (off & ~3u));
	if (write)
		bus_write(b, BUS_PORT, 0xcfc + (off & 3), off & 3 ? 2 : 4, v);
	return (uint32_t)bus_read(b, BUS_PORT, 0xcfc, 4);
}

/* What a driver writes to bring up one queue with message 0. */
static uint64_t bring_up(struct bus *b)
{
	uint64_t regs = config(b, 0x20, false, 0) & ~15u,
		 msix = config(b, 0x14, false, 0) & ~15u;
	const struct {
		unsigned off, size;
		uint32_t v;
	} w[] = {
		{ 0x14, 1, 3 }, { 0x08, 4, 0 },    { 0x0c, 4, 1u << 29 }, { 0x08, 4, 1 },
		{ 0x0c, 4, 1 }, { 0x14, 1, 11 },   { 0x16, 2, 0 },        { 0x18, 2, SIZE },
		{ 0x1a, 2, 0 }, { 0x20, 4, DESC }, { 0x28, 4, AVAIL },    { 0x30, 4, USED },
		{ 0x1c, 2, 1 }, { 0x14, 1, 15 },
	};

	for (unsigned cap = config(b, 0x34, false, 0) & 255; cap;
	     cap = config(b, cap, false, 0) >> 8 & 255)
		if ((config(b, cap, false, 0) & 255) == 0x11)
			config(b, cap + 2, true, 0x8000);
	bus_write(b, BUS_MEM, msix, 4, 0xfee00000);
	bus_write(b, BUS_MEM, msix + 12, 4, 0);
	for (size_t i = 0; i < sizeof(w) / sizeof(*w); i++)
		bus_write(b, BUS_MEM, regs + w[i].off, w[i].size, w[i].v);
	return regs + 0x3000;
}

static uint16_t used(const uint8_t *ram)
{
	return __atomic_load_n((const uint16_t *)(const void *)(ram + USED + 2),
			       __ATOMIC_ACQUIRE);
}

static void post(uint8_t *ram, unsigned slot, uint16_t n, uint64_t sector, uint32_t bytes)
{
	uint8_t *h = ram + HEAD + 32 * slot, *d = ram + DESC + 48 * slot;

	memset(h, 0, 16);
	store_le64(h + 8, sector);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t at[3] = { HEAD + 32 * slot, DATA + (uint64_t)slot * bytes,
					 HEAD + 32 * slot + 16 };
		const uint32_t len[3] = { 16, bytes, 1 };

		store_le64(d + 16 * i, at[i]);
		store_le32(d + 16 * i + 8, len[i]);
		store_le16(d + 16 * i + 12, (uint16_t)((i < 2 ? 1 : 0) | (i ? 2 : 0)));
		store_le16(d + 16 * i + 14, (uint16_t)(3 * slot + i + 1));
	}
	store_le16(ram + AVAIL + 4 + 2 * (n % SIZE), (uint16_t)(3 * slot));
	__atomic_store_n((uint16_t *)(void *)(ram + AVAIL + 2), (uint16_t)(n + 1),
			 __ATOMIC_RELEASE);
}

/* 0, or 1 where a request failed. */
static int run(struct bus *b, uint8_t *ram, uint64_t door, uint64_t size, unsigned count,
	       uint32_t bytes, unsigned depth)
{
	uint64_t per = size / bytes;
	uint16_t posted = 0, seen = 0;
	unsigned sent = 0, done = 0;

	while (sent < depth && sent < count) {
		post(ram, sent, posted++, sent % per * bytes / 512, bytes);
		sent++;
	}
	bus_write(b, BUS_MEM, door, 4, 0);
	while (done < count) {
		uint16_t before = posted, event, want = (uint16_t)((sent - done + 1) / 2);

		/* tell me when half of them are there, so that waking this program up, which is
		 * no part of the device, does not weigh; and perhaps they are by now */
		store_le16(ram + AVAIL + 4 + 2 * SIZE, (uint16_t)(seen + want - 1));
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if ((uint16_t)(used(ram) - seen) < want) {
			sem_wait(&told);
			continue;
		}
		for (; seen != used(ram); seen++, done++) {
			unsigned slot = load_le32(ram + USED + 4 + 8 * (seen % SIZE)) / 3;

			if (ram[HEAD + 32 * slot + 16])
				return 1;
			if (sent == count)
				continue;
			post(ram, slot, posted++, sent % per * bytes / 512, bytes);
			sent++;
		}
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		event = load_le16(ram + USED + 4 + 8 * SIZE);
		if ((uint16_t)(posted - event - 1) < (uint16_t)(posted - before))
			bus_write(b, BUS_MEM, door, 4, 0);
	}
	return 0;
}

static double seconds(const struct timespec *t)
{
	return (double)t->tv_sec + (double)t->tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct pci_env env = { .msi = { on_msi, NULL },
			       .low = 0xe0000000,
			       .low_end = 0xf0000000,
			       .high = UINT64_C(1) << 38,
			       .high_end = UINT64_C(1) << 39 };
	struct config_disk c = { .file = argc > 1 ? argv[1] : NULL, .readonly = true };
	struct disk disk = { .readonly = true };
	struct virtio_blk_config v = { .disk = &disk, .queues = 1 };
	struct err e = { 0 };
	struct virtio_blk *blk;
	struct pci *pci;
	struct mem *mem;
	struct timespec from, to, cpu, mine;
	uint8_t *ram;
	uint64_t door;
	unsigned count, depth;
	uint32_t bytes;

	if (argc != 6)
		return fprintf(stderr, "usage: vemu_blk IMAGE COUNT BYTES DEPTH THREADS\n"), 2;
	count = (unsigned)atoi(argv[2]);
	bytes = (uint32_t)atoi(argv[3]);
	depth = (unsigned)atoi(argv[4]);
	v.threads = (unsigned)atoi(argv[5]);
	if (!bytes || bytes % 512 || !depth || depth > SIZE / 3 || !v.threads ||
	    (uint64_t)bytes * depth > RAM - DATA)
		return fprintf(stderr, "vemu_blk: out of range\n"), 2;
	sem_init(&told, 0, 0);
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ on_line, NULL, i };
	if (disk_open(&c, NULL, &disk.image, &e) < 0 || bus_new(&env.bus, &e) < 0 ||
	    mem_new(&mem, &e) < 0 || mem_alloc(RAM, NULL, false, &ram, &e) < 0 ||
	    mem_map(mem, 0, RAM, ram, true, &e) < 0 || pci_new(&pci, &env, &e) < 0 ||
	    virtio_blk_new(&blk, pci, mem, &v, &e) < 0)
		return fail(argv[1], &e);
	pci_assign(pci);
	door = bring_up(env.bus);
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (run(env.bus, ram, door, disk.image->size, count, bytes, depth))
		return fprintf(stderr, "vemu_blk: a read failed\n"), 1;
	clock_gettime(CLOCK_MONOTONIC, &to);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mine);
	printf("%.3f %.3f\n", seconds(&to) - seconds(&from), seconds(&cpu) - seconds(&mine));
	virtio_blk_free(blk);
	return blk_close(disk.image, &e) < 0;
}
