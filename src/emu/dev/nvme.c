/* SPDX-License-Identifier: MIT */
/* Registers (3.1) and life. */
#include "base/bytes.h"
#include "base/mem.h"
#include "emu/dev/nvme_int.h"
#include "img/blk.h"

#include <stdlib.h>

#define VENDOR      0x1b36
#define DEVICE      0x0010
#define BAR_REGS    0
#define BAR_MSIX    4
#define REGS_SIZE   0x4000u
#define DOORBELLS   0x1000u
#define CC_ENABLE   0x00000001u
#define CC_PAGE     0x00000780u
#define CC_SHUTDOWN 0x0000c000u
#define CC_KNOWN    0x00fffff1u
#define CSTS_READY  1u
#define CSTS_FATAL  2u
#define CSTS_DOWN   8u
/* NVM command set, 7.5 s to get ready, queues in one piece */
#define CAP         (UINT64_C(1) << 37 | UINT64_C(15) << 24 | 1u << 16 | (NVME_ENTRIES - 1))

enum {
	R_CAP = 0x00,
	R_CAP_HIGH = 0x04,
	R_VS = 0x08,
	R_INTMS = 0x0c,
	R_INTMC = 0x10,
	R_CC = 0x14,
	R_CSTS = 0x1c,
	R_AQA = 0x24,
	R_ASQ = 0x28,
	R_ACQ = 0x30,
};

static void drain(struct nvme *n)
{
	disk_wait(n->env.disk, true);
	jobs_drain(n->jobs);
	disk_wait(n->env.disk, false);
}

/* All queues go. */
static void disable(struct nvme *n)
{
	pthread_mutex_lock(&n->lock);
	n->generation++;
	for (unsigned i = 0; i < NVME_QUEUES; i++)
		n->sq[i].on = n->cq[i].on = false;
	pthread_mutex_unlock(&n->lock);
	drain(n);
	pthread_mutex_lock(&n->lock);
	for (unsigned i = 0; i < NVME_QUEUES; i++) {
		n->sq[i] = (struct nvme_sq){ .on = false };
		n->cq[i] = (struct nvme_cq){ .on = false };
	}
	for (unsigned i = 0; i < NVME_FEATURES; i++)
		n->feature[i] = 0;
	n->feature[6] = 1; /* the write cache */
	n->events = 0;
	n->cc &= ~CC_ENABLE;
	n->csts = 0;
	nvme_irq(n);
	pthread_mutex_unlock(&n->lock);
}

static void enable(struct nvme *n)
{
	uint32_t sq = (n->aqa & 0xfff) + 1, cq = (n->aqa >> 16 & 0xfff) + 1;

	if ((n->cc & CC_PAGE) || sq < 2 || cq < 2 || sq > NVME_ENTRIES || cq > NVME_ENTRIES ||
	    n->asq % NVME_PAGE || n->acq % NVME_PAGE) {
		n->csts |= CSTS_FATAL;
		return;
	}
	n->sq[0] = (struct nvme_sq){ .on = true, .base = n->asq, .size = sq };
	n->cq[0] = (struct nvme_cq){ .on = true,
				     .interrupts = true,
				     .base = n->acq,
				     .size = cq,
				     .phase = true,
				     .users = 1 };
	n->csts |= CSTS_READY;
}

static void set_cc(struct nvme *n, uint32_t v)
{
	bool was, down;

	pthread_mutex_lock(&n->lock);
	was = n->cc & CC_ENABLE;
	down = (v & CC_SHUTDOWN) && !(n->cc & CC_SHUTDOWN);
	n->cc = v & CC_KNOWN;
	if (!was && (v & CC_ENABLE))
		enable(n);
	pthread_mutex_unlock(&n->lock);
	if (was && !(v & CC_ENABLE))
		disable(n);
	if (!down)
		return;
	drain(n);
	if (!n->env.disk->readonly)
		(void)!blk_flush(n->env.disk->image, NULL);
	pthread_mutex_lock(&n->lock);
	n->csts |= CSTS_DOWN;
	pthread_mutex_unlock(&n->lock);
}

static void doorbell(struct nvme *n, unsigned i, uint32_t v)
{
	struct nvme_sq *s = &n->sq[i / 2];
	struct nvme_cq *c = &n->cq[i / 2];

	if (i / 2 >= NVME_QUEUES)
		return;
	if (i % 2) {
		if (!c->on || v >= c->size)
			return;
		c->head = v;
		nvme_irq(n);
	} else {
		if (!s->on || v >= s->size)
			return;
		s->tail = v;
	}
	nvme_fetch(n);
}

static uint32_t reg(const struct nvme *n, unsigned off)
{
	switch (off) {
	case R_CAP:
		return (uint32_t)CAP;
	case R_CAP_HIGH:
		return (uint32_t)(CAP >> 32);
	case R_VS:
		return 0x00010300;
	case R_INTMS:
	case R_INTMC:
		return n->mask;
	case R_CC:
		return n->cc;
	case R_CSTS:
		return n->csts;
	case R_AQA:
		return n->aqa;
	case R_ASQ:
		return (uint32_t)n->asq;
	case R_ASQ + 4:
		return (uint32_t)(n->asq >> 32);
	case R_ACQ:
		return (uint32_t)n->acq;
	case R_ACQ + 4:
		return (uint32_t)(n->acq >> 32);
	default:
		return 0;
	}
}

static uint64_t regs_read(void *dev, uint64_t off, unsigned size)
{
	struct nvme *n = dev;
	unsigned at = (unsigned)off & ~7u;
	uint64_t v;

	pthread_mutex_lock(&n->lock);
	v = reg(n, at) | (uint64_t)reg(n, at + 4) << 32;
	pthread_mutex_unlock(&n->lock);
	v >>= 8 * (off & 7);
	return size < 8 ? v & ((UINT64_C(1) << 8 * size) - 1) : v;
}

static void set_half(uint64_t *to, bool high, uint32_t v)
{
	*to = high ? (uint32_t)*to | (uint64_t)v << 32 : (*to & ~UINT64_C(0xffffffff)) | v;
}

static void set(struct nvme *n, unsigned off, uint32_t v)
{
	if (off == R_CC) {
		set_cc(n, v);
		return;
	}
	pthread_mutex_lock(&n->lock);
	if (off >= DOORBELLS) {
		doorbell(n, (off - DOORBELLS) / 4, v);
	} else if (off == R_INTMS || off == R_INTMC) {
		n->mask = off == R_INTMS ? n->mask | v : n->mask & ~v;
		nvme_irq(n);
	} else if (!(n->cc & CC_ENABLE)) {
		if (off == R_AQA)
			n->aqa = v;
		else if ((off & ~4u) == R_ASQ)
			set_half(&n->asq, off & 4, v);
		else if ((off & ~4u) == R_ACQ)
			set_half(&n->acq, off & 4, v);
	}
	pthread_mutex_unlock(&n->lock);
}

static void regs_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	set(dev, (unsigned)off, (uint32_t)v);
	if (size == 8)
		set(dev, (unsigned)off + 4, (uint32_t)(v >> 32));
}

static const struct bus_ops regs_ops = { regs_read, regs_write, 4, 8 };

void nvme_reset(struct nvme *n)
{
	disable(n);
	pthread_mutex_lock(&n->lock);
	n->cc = n->aqa = n->mask = 0;
	n->asq = n->acq = 0;
	pthread_mutex_unlock(&n->lock);
}

int nvme_new(struct nvme **out, const struct nvme_env *env, struct err *e)
{
	struct nvme *n = mem_zalloc(1, sizeof(*n), e);
	int r;

	if (!n)
		return -ENOMEM;
	n->env = *env;
	if (n->env.queues > NVME_PAIRS_MAX)
		n->env.queues = NVME_PAIRS_MAX;
	pthread_mutex_init(&n->lock, NULL);
	n->req = mem_zalloc(NVME_REQUESTS, sizeof(*n->req), e);
	r = n->req ? jobs_new(&n->jobs, env->threads, e) : -ENOMEM;
	for (unsigned i = 0; i < NVME_REQUESTS && r == 0; i++) {
		struct nvme_req *q = &n->req[i];

		q->n = n;
		q->job = (struct job){ .run = nvme_run, .arg = q };
		q->feed.mem = env->mem;
		q->feed.owner = q;
	}
	if (r == 0) {
		n->pci.name = "nvme";
		pci_ids(&n->pci, VENDOR, DEVICE, 0x010802);
		n->pci.config[PCI_REVISION] = 2;
		store_le16(n->pci.config + PCI_SUB_VENDOR, 0x1af4);
		store_le16(n->pci.config + PCI_SUB_DEVICE, 0x1100);
		n->pci.config[PCI_INT_PIN] = 1;
		pci_bar(&n->pci, BAR_REGS, false, true, REGS_SIZE, &regs_ops, n, NULL);
		pci_msix(&n->pci, BAR_MSIX, n->env.queues + 1);
		r = pci_add(env->pci, &n->pci, env->slot ? (int)env->slot : -1, 0, e);
	}
	if (r < 0) {
		nvme_free(n);
		return r;
	}
	*out = n;
	return 0;
}

void nvme_free(struct nvme *n)
{
	if (!n)
		return;
	pci_remove(&n->pci);
	disk_wait(n->env.disk, true);
	jobs_free(n->jobs);
	for (unsigned i = 0; n->req && i < NVME_REQUESTS; i++)
		feed_fini(&n->req[i].feed);
	free(n->req);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

const struct pci_dev *nvme_pci(const struct nvme *n)
{
	return &n->pci;
}
