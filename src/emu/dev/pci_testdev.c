/* SPDX-License-Identifier: MIT */
#include "emu/dev/pci_testdev.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Headers are in the first half of a BAR, what is to be written in the second. */
#define MEM_HALF 2048u
#define IO_HALF  128u
#define TESTS    3u
#define MATCH    0xfau
#define HEADER   16u
#define NAME_MAX 48u
#define NO_TEST  UINT32_MAX

enum { H_TEST = 0, H_WIDTH = 1, H_OFFSET = 4, H_DATA = 8, H_COUNT = 12 };

/* A BAR. */
struct half {
	bool io;
	unsigned size;
	uint32_t test; /* that was begun, or NO_TEST */
	uint32_t count;
};

struct pci_testdev {
	struct pci_dev pci;
	pthread_mutex_t lock;
	struct half half[2];
};

static void header(const struct half *h, uint8_t b[HEADER + NAME_MAX])
{
	static const char *const names[TESTS] = { "no-eventfd", "wildcard-eventfd",
						  "datamatch-eventfd" };

	memset(b, 0, HEADER + NAME_MAX);
	if (h->test >= TESTS)
		return;
	b[H_TEST] = (uint8_t)h->test;
	b[H_WIDTH] = 1;
	store_le32(b + H_OFFSET, h->size + h->test);
	b[H_DATA] = MATCH;
	store_le32(b + H_COUNT, h->count);
	snprintf((char *)b + HEADER, NAME_MAX, "%s-%s", h->io ? "portio" : "mmio",
		 names[h->test]);
}

static uint64_t half_read(const struct half *h, uint64_t off, unsigned size)
{
	uint8_t b[HEADER + NAME_MAX];
	uint64_t v = 0;

	header(h, b);
	if (off + size <= sizeof(b))
		memcpy(&v, b + off, size);
	return v;
}

static void half_write(struct half *h, uint64_t off, unsigned size, uint64_t v)
{
	if (off == H_TEST) {
		h->test = (v & 0xff) < TESTS ? (uint32_t)(v & 0xff) : NO_TEST;
		h->count = 0;
		return;
	}
	if (h->test >= TESTS || size != 1 || off != h->size + h->test)
		return;
	/* only the last of them cares for what it is */
	if (h->test < TESTS - 1 || (uint8_t)v == MATCH)
		h->count++;
}

static uint64_t mem_read_reg(void *dev, uint64_t off, unsigned size)
{
	return half_read(&((struct pci_testdev *)dev)->half[0], off, size);
}

static void mem_write_reg(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	half_write(&((struct pci_testdev *)dev)->half[0], off, size, v);
}

static uint64_t io_read_reg(void *dev, uint64_t off, unsigned size)
{
	return half_read(&((struct pci_testdev *)dev)->half[1], off, size);
}

static void io_write_reg(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	half_write(&((struct pci_testdev *)dev)->half[1], off, size, v);
}

/* Nothing is there: all ones. */
static uint64_t none_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return UINT64_MAX;
}

static void none_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	(void)dev;
	(void)off;
	(void)size;
	(void)v;
}

static const struct bus_ops mem_ops = { mem_read_reg, mem_write_reg, 1, 4 };
static const struct bus_ops io_ops = { io_read_reg, io_write_reg, 1, 4 };
static const struct bus_ops none_ops = { none_read, none_write, 1, 8 };

int pci_testdev_new(struct pci_testdev **out, struct pci *p, unsigned slot, uint64_t membar,
		    struct err *e)
{
	struct pci_testdev *t = mem_zalloc(1, sizeof(*t), e);
	int r;

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->half[0] = (struct half){ false, MEM_HALF, NO_TEST, 0 };
	t->half[1] = (struct half){ true, IO_HALF, NO_TEST, 0 };
	t->pci.name = "pci-testdev";
	pci_ids(&t->pci, 0x1b36, 0x0005, 0xff0000);
	pci_bar(&t->pci, 0, false, false, 2 * MEM_HALF, &mem_ops, t, &t->lock);
	pci_bar(&t->pci, 1, true, false, 2 * IO_HALF, &io_ops, t, &t->lock);
	if (membar)
		pci_bar(&t->pci, 2, false, true, membar, &none_ops, t, NULL);
	r = pci_add(p, &t->pci, slot ? (int)slot : -1, 0, e);
	if (r < 0) {
		pci_testdev_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void pci_testdev_reset(struct pci_testdev *t)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < 2; i++) {
		t->half[i].test = NO_TEST;
		t->half[i].count = 0;
	}
	pthread_mutex_unlock(&t->lock);
}

void pci_testdev_free(struct pci_testdev *t)
{
	if (!t)
		return;
	pci_remove(&t->pci);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

const struct pci_dev *pci_testdev_pci(const struct pci_testdev *t)
{
	return &t->pci;
}
