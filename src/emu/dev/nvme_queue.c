/* SPDX-License-Identifier: MIT */
/* Queues (4.1): commands are fetched only when there is room for their answers. */
#include "base/bytes.h"
#include "emu/dev/nvme_int.h"
#include "emu/mem.h"

void nvme_irq(struct nvme *n)
{
	bool level = false;

	if (pci_msix_on(&n->pci))
		return;
	for (unsigned i = 0; i < NVME_QUEUES; i++) {
		const struct nvme_cq *c = &n->cq[i];

		level |= c->on && c->interrupts && c->head != c->tail &&
			 !(c->vector < 32 && (n->mask >> c->vector & 1));
	}
	pci_intx(&n->pci, level);
}

static void post(struct nvme *n, struct nvme_cq *c, const uint8_t cqe[NVME_CQE])
{
	uint64_t at = c->base + (uint64_t)c->tail * NVME_CQE;
	/* the phase is what the guest looks for: it comes last */
	int r = mem_write(n->env.mem, at, cqe, 12);

	if (r == 0)
		r = mem_write(n->env.mem, at + 12, cqe + 12, 4);
	(void)r;
	if (++c->tail == c->size) {
		c->tail = 0;
		c->phase = !c->phase;
	}
	if (!c->interrupts)
		return;
	if (pci_msix_on(&n->pci))
		pci_msix_raise(&n->pci, c->vector);
	else
		nvme_irq(n);
}

void nvme_complete(struct nvme *n, unsigned sq, const uint8_t *cmd, uint32_t result,
		   unsigned status)
{
	struct nvme_sq *s = &n->sq[sq];
	struct nvme_cq *c = &n->cq[s->cq];
	uint8_t cqe[NVME_CQE] = { 0 };

	if (!s->on || !c->on)
		return;
	if (c->promised)
		c->promised--;
	if (status == NVME_NO_ANSWER)
		return;
	store_le32(cqe, result);
	store_le16(cqe + 8, (uint16_t)s->head);
	store_le16(cqe + 10, (uint16_t)sq);
	cqe[12] = cmd[2];
	cqe[13] = cmd[3];
	store_le16(cqe + 14, (uint16_t)(status << 1 | c->phase));
	post(n, c, cqe);
}

static bool has_room(const struct nvme_cq *c)
{
	uint32_t used = (c->tail + c->size - c->head) % c->size;

	return used + c->promised + 1 < c->size;
}

static struct nvme_req *free_request(struct nvme *n)
{
	for (unsigned i = 0; i < NVME_REQUESTS; i++)
		if (!n->req[i].busy)
			return &n->req[i];
	return NULL;
}

/* One command of queue @i.  False: there is none that could be begun. */
static bool fetch_one(struct nvme *n, unsigned i)
{
	struct nvme_sq *s = &n->sq[i];
	struct nvme_cq *c = &n->cq[s->cq];
	struct nvme_req *r =
		s->on && c->on && s->head != s->tail && has_room(c) ? free_request(n) : NULL;
	uint32_t result = 0;

	if (!r)
		return false;
	c->promised++;
	r->sq = i;
	r->generation = n->generation;
	if (mem_read(n->env.mem, s->base + (uint64_t)s->head * NVME_SQE, r->cmd, NVME_SQE) <
	    0) {
		n->csts |= 2; /* fatal: there is no way to tell */
		s->on = false;
		return false;
	}
	s->head = s->head + 1 == s->size ? 0 : s->head + 1;
	if (i == 0) {
		unsigned status;

		r->busy = true;
		status = nvme_admin(n, r, &result);
		r->busy = false;
		nvme_complete(n, 0, r->cmd, result, status);
		return true;
	}
	r->busy = true;
	jobs_do(n->jobs, &r->job);
	return true;
}

void nvme_fetch(struct nvme *n)
{
	bool more = true;

	/* round and round, one of each; the guest's entries are used up */
	for (unsigned round = 0; more && round < NVME_ENTRIES; round++) {
		more = false;
		for (unsigned i = 0; i < NVME_QUEUES; i++)
			more |= fetch_one(n, i);
	}
}

/* ---- made and taken away ---- */

static bool bad_size(uint32_t size)
{
	return size < 2 || size > NVME_ENTRIES;
}

unsigned nvme_create_cq(struct nvme *n, const uint8_t *cmd)
{
	unsigned id = load_le16(cmd + 40), flags = load_le16(cmd + 44),
		 vector = load_le16(cmd + 46);
	uint32_t size = load_le16(cmd + 42) + 1u;
	uint64_t base = load_le64(cmd + 24);

	if (!id || id > n->env.queues || n->cq[id].on)
		return NVME_QID_INVALID;
	if (bad_size(size))
		return NVME_SIZE_INVALID;
	if (vector > n->env.queues)
		return NVME_VECTOR_INVALID;
	if (!(flags & 1))
		return NVME_FIELD;
	if (base % NVME_PAGE)
		return NVME_OFFSET;
	n->cq[id] = (struct nvme_cq){ .on = true,
				      .interrupts = flags & 2,
				      .base = base,
				      .size = size,
				      .vector = vector,
				      .phase = true };
	return NVME_OK;
}

unsigned nvme_create_sq(struct nvme *n, const uint8_t *cmd)
{
	unsigned id = load_le16(cmd + 40), cq = load_le16(cmd + 46);
	uint32_t size = load_le16(cmd + 42) + 1u;
	uint64_t base = load_le64(cmd + 24);

	if (!cq || cq > n->env.queues || !n->cq[cq].on)
		return NVME_CQ_INVALID;
	if (!id || id > n->env.queues || n->sq[id].on)
		return NVME_QID_INVALID;
	if (bad_size(size))
		return NVME_SIZE_INVALID;
	if (!(load_le16(cmd + 44) & 1))
		return NVME_FIELD;
	if (base % NVME_PAGE)
		return NVME_OFFSET;
	n->sq[id] = (struct nvme_sq){ .on = true, .base = base, .size = size, .cq = cq };
	n->cq[cq].users++;
	return NVME_OK;
}

unsigned nvme_delete_sq(struct nvme *n, const uint8_t *cmd)
{
	unsigned id = load_le16(cmd + 40);

	if (!id || id > n->env.queues || !n->sq[id].on)
		return NVME_QID_INVALID;
	/* what is in work loses its queue: the guest asked for it */
	n->sq[id].on = false;
	n->cq[n->sq[id].cq].users--;
	for (unsigned i = 0; i < NVME_REQUESTS; i++)
		if (n->req[i].busy && n->req[i].sq == id)
			n->req[i].generation = n->generation - 1;
	return NVME_OK;
}

unsigned nvme_delete_cq(struct nvme *n, const uint8_t *cmd)
{
	unsigned id = load_le16(cmd + 40);

	if (!id || id > n->env.queues || !n->cq[id].on)
		return NVME_QID_INVALID;
	if (n->cq[id].users)
		return NVME_SEQUENCE;
	n->cq[id].on = false;
	nvme_irq(n);
	return NVME_OK;
}
