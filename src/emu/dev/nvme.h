/* SPDX-License-Identifier: MIT */
/* An NVMe controller (NVM Express 1.3) with one namespace, a disk of 512-byte blocks. */
#ifndef EMU_DEV_NVME_H
#define EMU_DEV_NVME_H

#include "emu/dev/pci.h"
#include "emu/disk.h"

struct nvme;
struct mem;

struct nvme_env {
	struct pci *pci;
	struct mem *mem;
	struct disk *disk; /* stays the caller's, and has an image */
	unsigned queues;   /* pairs of them beside the administrator's */
	unsigned threads;  /* requests in work at a time */
	unsigned slot;     /* of the bus; 0: any */
};

int nvme_new(struct nvme **out, const struct nvme_env *env, struct err *e) MUST_CHECK;
/* No request is in work when it returns. */
void nvme_free(struct nvme *n);
void nvme_reset(struct nvme *n);
/* Its place on the bus. */
const struct pci_dev *nvme_pci(const struct nvme *n);

#endif
