/* SPDX-License-Identifier: MIT */
/* Specification 5.5. */
#include "emu/virtio/balloon.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

#define Q_INFLATE 0u
#define Q_DEFLATE 1u
#define QUEUES    5u /* that of reports is the third or, as the specification counts, the fifth */
#define PAGE      UINT64_C(4096)
#define PFNS      256u       /* that are read at a time */
#define PFNS_MAX  (1u << 20) /* bytes of them; no driver gives so many at once */

#define F_OOM     (UINT64_C(1) << 2)
#define F_REPORTS (UINT64_C(1) << 5)

/* Of the configuration. */
#define AT_WANTED 0u
#define AT_ACTUAL 4u
#define CONFIG    16u

struct virtio_balloon {
	struct virtio v;
	struct virtio_balloon_config c;
	pthread_mutex_t lock; /* around a queue's requests: one chain is enough */
	struct virtq_chain chain;
};

/* Pages that follow each other go in one piece. */
static void inflate(struct virtio_balloon *b)
{
	uint64_t from = 0, len = 0;
	uint8_t raw[4 * PFNS];
	size_t off = 0, got;

	while (off < PFNS_MAX && (got = virtq_read(&b->chain, off, raw, sizeof(raw))) >= 4) {
		for (size_t i = 0; i + 4 <= got; i += 4) {
			uint64_t at = load_le32(raw + i) * PAGE;

			if (len && at == from + len) {
				len += PAGE;
			} else if (len && at + PAGE == from) {
				from = at;
				len += PAGE;
			} else {
				if (len)
					b->c.give_back(b->c.arg, from, len);
				from = at;
				len = PAGE;
			}
		}
		off += got & ~(size_t)3;
	}
	if (len)
		b->c.give_back(b->c.arg, from, len);
}

/* What the driver would let be written to is free. */
static void reported(struct virtio_balloon *b)
{
	const struct virtq_chain *c = &b->chain;

	for (unsigned i = c->n_out; i < c->n_out + c->n_in; i++) {
		uint64_t first = round_up(c->seg[i].gpa, PAGE);
		uint64_t end = round_down(c->seg[i].gpa + c->seg[i].len, PAGE);

		if (first < end)
			b->c.give_back(b->c.arg, first, end - first);
	}
}

/* In the vCPU's thread: what it waits for is its own memory. */
static void kick(struct virtio *v, unsigned n)
{
	struct virtio_balloon *b = v->dev;
	struct virtq *q = &v->q[n];

	pthread_mutex_lock(&b->lock);
	do {
		while (virtq_pop(q, &b->chain) > 0) {
			if (n == Q_INFLATE)
				inflate(b);
			else if (n != Q_DEFLATE && (v->accepted & F_REPORTS))
				reported(b);
			/* pages that are taken back are there as soon as they are touched */
			virtq_push(q, &b->chain, 0);
		}
	} while (virtq_arm(q));
	pthread_mutex_unlock(&b->lock);
}

static void config(struct virtio *v, unsigned off, unsigned len)
{
	struct virtio_balloon *b = v->dev;

	if (off < AT_ACTUAL + 4 && off + len > AT_ACTUAL && b->c.changed)
		b->c.changed(b->c.arg, load_le32(v->config + AT_ACTUAL));
}

/* Who is at a request is done with it before. */
static void stop(struct virtio *v)
{
	struct virtio_balloon *b = v->dev;

	pthread_mutex_lock(&b->lock);
	pthread_mutex_unlock(&b->lock);
}

static const struct virtio_ops ops = { .id = 5,
				       .legacy = 0x1002,
				       .class = 0x00ff00,
				       .name = "virtio-balloon",
				       .kick = kick,
				       .stop = stop,
				       .config = config };

int virtio_balloon_new(struct virtio_balloon **out, struct pci *p, struct mem *m,
		       const struct virtio_balloon_config *c, struct err *e)
{
	struct virtio_balloon *b = mem_zalloc(1, sizeof(*b), e);
	int r;

	if (!b)
		return -ENOMEM;
	b->c = *c;
	pthread_mutex_init(&b->lock, NULL);
	b->v.ops = &ops;
	b->v.dev = b;
	b->v.queues = c->reports ? QUEUES : 2;
	b->v.offers = (c->reports ? F_REPORTS : 0) | (c->oom ? F_OOM : 0);
	b->v.config_len = CONFIG;
	store_le32(b->v.config_writable + AT_ACTUAL, UINT32_MAX);
	r = virtio_add(&b->v, p, m, c->where, e);
	if (r < 0) {
		virtio_balloon_free(b);
		return r;
	}
	*out = b;
	return 0;
}

void virtio_balloon_reset(struct virtio_balloon *b)
{
	virtio_reset(&b->v);
	pthread_mutex_lock(&b->v.lock);
	store_le32(b->v.config + AT_ACTUAL, 0);
	pthread_mutex_unlock(&b->v.lock);
}

void virtio_balloon_free(struct virtio_balloon *b)
{
	if (!b)
		return;
	virtio_remove(&b->v);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void virtio_balloon_want(struct virtio_balloon *b, uint32_t pages)
{
	pthread_mutex_lock(&b->v.lock);
	store_le32(b->v.config + AT_WANTED, pages);
	pthread_mutex_unlock(&b->v.lock);
	virtio_config_changed(&b->v);
}

uint32_t virtio_balloon_pages(struct virtio_balloon *b)
{
	uint32_t n;

	pthread_mutex_lock(&b->v.lock);
	n = load_le32(b->v.config + AT_ACTUAL);
	pthread_mutex_unlock(&b->v.lock);
	return n;
}

const struct pci_dev *virtio_balloon_pci(const struct virtio_balloon *b)
{
	return &b->v.pci;
}
