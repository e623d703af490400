/* SPDX-License-Identifier: MIT */
/* Specification 5.2. */
#include "emu/virtio/blk.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/now.h"
#include "emu/disk.h"
#include "emu/mem.h"
#include "img/blk.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR    512u
#define HEADER    16u
#define ID_LEN    20u
#define SEG_MAX   (VIRTQ_SEGS - 2u)
#define TRIM_SEGS 16u
#define TRIM_LEN  16u
#define SLOW_NS   20000u
#define SLOW_FOR  256u
#define TRIM_MAX  0x3fffffu /* sectors at a time */

#define F_SEG_MAX  (UINT64_C(1) << 2)
#define F_RO       (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH    (UINT64_C(1) << 9)
#define F_TOPOLOGY (UINT64_C(1) << 10)
#define F_MQ       (UINT64_C(1) << 12)
#define F_DISCARD  (UINT64_C(1) << 13)
#define F_ZEROES   (UINT64_C(1) << 14)

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_ID = 8, T_DISCARD = 11, T_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

struct worker {
	struct virtio_blk *b;
	pthread_t thread;
	bool started;
	uint8_t *bounce; /* when it is first needed */
	struct virtq_chain chain;
};

struct virtio_blk {
	struct virtio v;
	struct disk *disk;
	char id[ID_LEN];
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t work, idle;
	uint32_t kicked; /* queues with something in them */
	unsigned busy;
	bool ending;
	_Atomic unsigned asleep; /* workers; read without the lock, as a hint */
	_Atomic unsigned slow;   /* for how many requests more others are woken; a hint, too */
	unsigned threads;
	struct worker *worker;
};

/* ---- requests, in a worker's thread ---- */

static bool in_range(const struct virtio_blk *b, uint64_t sector, uint64_t len)
{
	uint64_t sectors = b->disk->image->size / SECTOR;

	return len % SECTOR == 0 && sector <= sectors && len / SECTOR <= sectors - sector;
}

static int do_read(struct worker *w, uint64_t sector)
{
	struct virtq_chain *c = &w->chain;
	struct sg_cursor at = { c->seg + c->n_out, c->n_in, 0 };
	size_t len = c->in_len - 1;

	if (!in_range(w->b, sector, len))
		return -EINVAL;
	return sg_transfer(&at, w->b->v.mem, w->b->disk->image, sector * SECTOR, len, true,
			   &w->bounce);
}

static int do_write(struct worker *w, uint64_t sector)
{
	struct virtq_chain *c = &w->chain;
	struct sg_cursor at = { c->seg, c->n_out, 0 };
	size_t len = c->out_len - HEADER;
	uint8_t skip[HEADER];

	if (w->b->disk->readonly || !in_range(w->b, sector, len))
		return -EINVAL;
	sg_copy(&at, w->b->v.mem, skip, HEADER, false);
	return sg_transfer(&at, w->b->v.mem, w->b->disk->image, sector * SECTOR, len, false,
			   &w->bounce);
}

static int do_trim(struct worker *w, bool zeroes)
{
	struct virtq_chain *c = &w->chain;
	size_t len = c->out_len - HEADER;
	uint8_t raw[TRIM_SEGS * TRIM_LEN];

	if (w->b->disk->readonly || !len || len % TRIM_LEN || len > sizeof(raw))
		return -EINVAL;
	virtq_read(c, HEADER, raw, len);
	for (size_t i = 0; i < len; i += TRIM_LEN) {
		uint64_t sector = load_le64(raw + i), n = load_le32(raw + i + 8);
		uint32_t flags = load_le32(raw + i + 12);
		int r;

		if (n > TRIM_MAX || !in_range(w->b, sector, n * SECTOR) ||
		    (flags & ~(zeroes ? 1u : 0u)))
			return -EINVAL;
		if (!n)
			continue;
		r = zeroes ? blk_zero(w->b->disk->image, sector * SECTOR, n * SECTOR,
				      flags & 1 ? BLK_MAY_UNMAP : 0, NULL)
			   : blk_discard(w->b->disk->image, sector * SECTOR, n * SECTOR, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint8_t serve(struct worker *w, uint32_t *written)
{
	struct virtq_chain *c = &w->chain;
	uint8_t head[HEADER];
	uint64_t sector;
	int r;

	virtq_read(c, 0, head, HEADER);
	sector = load_le64(head + 8);
	switch (load_le32(head)) {
	case T_IN:
		do
			r = do_read(w, sector);
		while (disk_again(w->b->disk, &r, false));
		*written += (uint32_t)(r < 0 ? 0 : c->in_len - 1);
		break;
	case T_OUT:
		do
			r = do_write(w, sector);
		while (disk_again(w->b->disk, &r, true));
		break;
	case T_FLUSH:
		do
			r = blk_flush(w->b->disk->image, NULL);
		while (disk_again(w->b->disk, &r, true));
		break;
	case T_ID:
		*written +=
			(uint32_t)virtq_write(&w->b->v, c, 0, w->b->id,
					      c->in_len - 1 < ID_LEN ? c->in_len - 1 : ID_LEN);
		r = 0;
		break;
	case T_DISCARD:
	case T_ZEROES:
		do
			r = do_trim(w, load_le32(head) == T_ZEROES);
		while (disk_again(w->b->disk, &r, true));
		break;
	default:
		return S_UNSUPP;
	}
	return (uint8_t)(r < 0 ? S_IOERR : S_OK);
}

static void kick(struct virtio *v, unsigned q)
{
	struct virtio_blk *b = v->dev;

	pthread_mutex_lock(&b->lock);
	b->kicked |= 1u << q;
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

/* Waking a thread costs more than a request that the page cache answers.  Others are woken while
 * one of the last requests took so long that they gain from it. */
static bool is_slow(struct virtio_blk *b)
{
	return atomic_load_explicit(&b->slow, memory_order_relaxed) != 0;
}

static void note_time(struct virtio_blk *b, uint64_t ns)
{
	unsigned slow = atomic_load_explicit(&b->slow, memory_order_relaxed);

	if (ns > SLOW_NS)
		atomic_store_explicit(&b->slow, SLOW_FOR, memory_order_relaxed);
	else if (slow)
		atomic_store_explicit(&b->slow, slow - 1, memory_order_relaxed);
}

/* All that is in queue @q, together with other workers. */
static void drain(struct worker *w, struct virtq *q)
{
	struct virtio *v = &w->b->v;

	do {
		int got;

		while ((got = virtq_pop(q, &w->chain)) > 0) {
			struct virtq_chain *c = &w->chain;
			uint32_t written = 0;
			uint8_t status;
			int64_t from;

			/* another worker may do the next meanwhile, if one has nothing to do; they
			 * are woken one by one */
			if (got == 2 && is_slow(w->b) &&
			    atomic_load_explicit(&w->b->asleep, memory_order_relaxed))
				kick(v, q->index);
			if (c->out_len < HEADER || c->in_len < 1) {
				virtio_broken(v);
				return;
			}
			from = now_ns();
			disk_begin(w->b->disk);
			status = serve(w, &written);
			disk_end(w->b->disk);
			note_time(w->b, (uint64_t)(now_ns() - from));
			virtq_write(v, c, c->in_len - 1, &status, 1);
			virtq_push(q, c, written + 1);
		}
	} while (virtq_arm(q));
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	struct virtio_blk *b = w->b;

	pthread_mutex_lock(&b->lock);
	while (!b->ending) {
		unsigned q;

		if (!b->kicked) {
			b->asleep++;
			pthread_cond_wait(&b->work, &b->lock);
			b->asleep--;
			continue;
		}
		q = (unsigned)__builtin_ctz(b->kicked);
		b->kicked &= ~(1u << q);
		b->busy++;
		pthread_mutex_unlock(&b->lock);
		drain(w, &b->v.q[q]);
		pthread_mutex_lock(&b->lock);
		if (--b->busy == 0)
			pthread_cond_broadcast(&b->idle);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* ---- the guest's side ---- */

static void stop(struct virtio *v)
{
	struct virtio_blk *b = v->dev;

	/* the queues are off: what is in work is the last */
	disk_wait(b->disk, true);
	pthread_mutex_lock(&b->lock);
	b->kicked = 0;
	while (b->busy)
		pthread_cond_wait(&b->idle, &b->lock);
	pthread_mutex_unlock(&b->lock);
	disk_wait(b->disk, false);
}

static const struct virtio_ops ops = { .id = 2,
				       .legacy = 0x1001,
				       .class = 0x010000,
				       .name = "virtio-blk",
				       .kick = kick,
				       .stop = stop };

static void fill_config(struct virtio_blk *b)
{
	const struct config_traits *t = &b->disk->traits;
	uint8_t *c = b->v.config;
	bool trim = !b->disk->readonly;

	store_le64(c, b->disk->image->size / SECTOR);
	store_le32(c + 12, SEG_MAX);
	store_le32(c + 20, SECTOR);
	store_le16(c + 34, (uint16_t)b->v.queues);
	store_le32(c + 36, TRIM_MAX);
	store_le32(c + 40, TRIM_SEGS);
	store_le32(c + 44, b->disk->image->cluster_size > SECTOR
				   ? b->disk->image->cluster_size / SECTOR
				   : 1);
	store_le32(c + 48, TRIM_MAX);
	store_le32(c + 52, TRIM_SEGS);
	c[56] = 1;
	b->v.config_len = 60;
	if (t->physical > SECTOR)
		c[24] = (uint8_t)__builtin_ctz(t->physical / SECTOR);
	store_le16(c + 26, (uint16_t)(t->min_io / SECTOR));
	store_le32(c + 28, t->opt_io / SECTOR);
	b->v.offers = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_MQ |
		      (t->physical || t->min_io || t->opt_io ? F_TOPOLOGY : 0) |
		      (trim ? F_DISCARD | F_ZEROES : 0) | (b->disk->readonly ? F_RO : 0);
}

static int start_workers(struct virtio_blk *b, struct err *e)
{
	sigset_t all, old;
	int r = 0;

	b->worker = mem_zalloc(b->threads, sizeof(*b->worker), e);
	if (!b->worker)
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (unsigned i = 0; i < b->threads && r == 0; i++) {
		b->worker[i].b = b;
		r = pthread_create(&b->worker[i].thread, NULL, worker, &b->worker[i]);
		b->worker[i].started = r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r ? err_set(e, -r, "no threads for a disk") : 0;
}

static void end_workers(struct virtio_blk *b)
{
	pthread_mutex_lock(&b->lock);
	b->ending = true;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	for (unsigned i = 0; b->worker && i < b->threads; i++) {
		if (b->worker[i].started)
			pthread_join(b->worker[i].thread, NULL);
		free(b->worker[i].bounce);
	}
	free(b->worker);
}

int virtio_blk_new(struct virtio_blk **out, struct pci *p, struct mem *m,
		   const struct virtio_blk_config *c, struct err *e)
{
	struct virtio_blk *b = mem_zalloc(1, sizeof(*b), e);
	int r;

	if (!b)
		return -ENOMEM;
	b->disk = c->disk;
	b->threads = c->threads;
	if (b->disk->serial)
		memcpy(b->id, b->disk->serial, strnlen(b->disk->serial, ID_LEN));
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->idle, NULL);
	b->slow = SLOW_FOR;
	b->v.ops = &ops;
	b->v.dev = b;
	b->v.queues = c->queues < VIRTIO_QUEUES ? c->queues : VIRTIO_QUEUES - 1;
	fill_config(b);
	r = start_workers(b, e);
	if (r == 0)
		r = virtio_add(&b->v, p, m, c->where, e);
	if (r < 0) {
		virtio_blk_free(b);
		return r;
	}
	*out = b;
	return 0;
}

void virtio_blk_reset(struct virtio_blk *b)
{
	virtio_reset(&b->v);
}

void virtio_blk_free(struct virtio_blk *b)
{
	if (!b)
		return;
	virtio_remove(&b->v);
	end_workers(b);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->idle);
	free(b);
}

const struct pci_dev *virtio_blk_pci(const struct virtio_blk *b)
{
	return &b->v.pci;
}
