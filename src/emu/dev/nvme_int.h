/* SPDX-License-Identifier: MIT */
/* Between nvme.c, nvme_queue.c, nvme_admin.c and nvme_io.c. */
#ifndef EMU_DEV_NVME_INT_H
#define EMU_DEV_NVME_INT_H

#include "emu/dev/feed.h"
#include "emu/dev/nvme.h"
#include "emu/jobs.h"

#define NVME_PAGE      4096u
#define NVME_PAIRS_MAX 16u
#define NVME_QUEUES    (NVME_PAIRS_MAX + 1)
#define NVME_ENTRIES   1024u /* of a queue, at most */
#define NVME_REQUESTS  64u
#define NVME_EVENTS    4u
#define NVME_MDTS      7u /* a transfer is at most 2^7 pages */
#define NVME_SQE       64u
#define NVME_CQE       16u
#define NVME_FEATURES  16u

/* Status: type << 8 | code (figure 31 and on); all of ours ask not to be tried again. */
enum nvme_status {
	NVME_OK = 0,
	NVME_DNR = 0x4000,
	NVME_OPCODE = NVME_DNR | 0x001,
	NVME_FIELD = NVME_DNR | 0x002,
	NVME_TRANSFER = NVME_DNR | 0x004,
	NVME_INTERNAL = NVME_DNR | 0x006,
	NVME_NAMESPACE = NVME_DNR | 0x00b,
	NVME_SEQUENCE = NVME_DNR | 0x00c,
	NVME_OFFSET = NVME_DNR | 0x013,
	NVME_RANGE = NVME_DNR | 0x080,
	NVME_CAPACITY = NVME_DNR | 0x081,
	NVME_CQ_INVALID = NVME_DNR | 0x100,
	NVME_QID_INVALID = NVME_DNR | 0x101,
	NVME_SIZE_INVALID = NVME_DNR | 0x102,
	NVME_TOO_MANY_EVENTS = NVME_DNR | 0x105,
	NVME_VECTOR_INVALID = NVME_DNR | 0x108,
	NVME_LOG_INVALID = NVME_DNR | 0x109,
	NVME_READ_ONLY = NVME_DNR | 0x182,
	NVME_WRITE_FAULT = NVME_DNR | 0x280,
	NVME_READ_FAULT = NVME_DNR | 0x281,
	NVME_NO_ANSWER = 0xffff, /* of ours: it is answered later, or never */
};

struct nvme_sq {
	bool on;
	uint64_t base;
	uint32_t size, head, tail;
	unsigned cq;
};

struct nvme_cq {
	bool on, interrupts;
	uint64_t base;
	uint32_t size, head, tail;
	unsigned vector;
	bool phase;
	uint32_t promised; /* entries for commands in work */
	unsigned users;    /* submission queues */
};

/* A command in work. */
struct nvme_req {
	struct nvme *n;
	struct job job;
	bool busy;
	unsigned sq, generation;
	uint8_t cmd[NVME_SQE];
	struct feed feed;
	/* where in the list of pages */
	uint64_t list, gpa, left; /* left: of the whole transfer */
	uint32_t piece;           /* of the page at gpa */
	unsigned step;
	uint8_t buf[NVME_PAGE];
};

struct nvme {
	struct nvme_env env;
	struct pci_dev pci;
	struct jobs *jobs;
	pthread_mutex_t lock; /* what follows */
	uint32_t cc, csts, aqa, mask;
	uint64_t asq, acq;
	unsigned generation; /* changes with each reset: jobs from before are forgotten */
	struct nvme_sq sq[NVME_QUEUES];
	struct nvme_cq cq[NVME_QUEUES];
	uint32_t feature[NVME_FEATURES];
	unsigned events;      /* requests for events that wait */
	struct nvme_req *req; /* NVME_REQUESTS */
};

/* nvme_queue.c, with the lock. */
void nvme_fetch(struct nvme *n);
void nvme_complete(struct nvme *n, unsigned sq, const uint8_t *cmd, uint32_t result,
		   unsigned status);
void nvme_irq(struct nvme *n);
unsigned nvme_create_sq(struct nvme *n, const uint8_t *cmd);
unsigned nvme_create_cq(struct nvme *n, const uint8_t *cmd);
unsigned nvme_delete_sq(struct nvme *n, const uint8_t *cmd);
unsigned nvme_delete_cq(struct nvme *n, const uint8_t *cmd);

/* nvme_admin.c: in the guest's thread, with the lock. */
unsigned nvme_admin(struct nvme *n, struct nvme_req *r, uint32_t *result);
/* nvme_io.c: in a job, without it. */
void nvme_run(struct job *j, unsigned worker);
/* Sets up r->feed for @len bytes at the pages that the command names. */
unsigned nvme_pages(struct nvme_req *r, uint64_t len);

#endif
