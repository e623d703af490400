/* SPDX-License-Identifier: MIT */
/* Specification 5.2. */
#include "emu/virtio/blk.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/mem.h"
#include "img/blk.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR      512u
#define HEADER      16u
#define ID_LEN      20u
#define BOUNCE      (1u << 20)
#define SEG_MAX     (VIRTQ_SEGS - 2u)
#define TRIM_SEGS   16u
#define TRIM_LEN    16u
#define TRIM_MAX    0x3fffffu /* sectors at a time */
/* Pieces from this size on go to the image by themselves. */
#define DIRECT_FROM 65536u

#define F_SEG_MAX  (UINT64_C(1) << 2)
#define F_RO       (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH    (UINT64_C(1) << 9)
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
	struct blk *image;
	bool readonly;
	char id[ID_LEN];
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t work, idle;
	uint32_t kicked; /* queues with something in them */
	unsigned busy;
	bool ending;
	unsigned threads;
	struct worker *worker;
};

/* ---- requests, in a worker's thread ---- */

static bool in_range(const struct virtio_blk *b, uint64_t sector, uint64_t len)
{
	uint64_t sectors = b->image->size / SECTOR;

	return len % SECTOR == 0 && sector <= sectors && len / SECTOR <= sectors - sector;
}

static uint8_t *bounce(struct worker *w)
{
	if (!w->bounce)
		w->bounce = mem_aligned(MEM_PAGE, BOUNCE, NULL);
	return w->bounce;
}

/* One way through: pieces that are large go by themselves, small ones gathered. */
struct cursor {
	struct virtq_seg *seg;
	unsigned n;
	size_t skip; /* of the first */
};

static size_t gather(struct cursor *c, uint8_t *buf, size_t max, bool to_guest, struct mem *m)
{
	size_t done = 0;

	while (done < max && c->n) {
		size_t n = c->seg->len - c->skip;

		if (n >= DIRECT_FROM && done)
			break;
		n = n < max - done ? n : max - done;
		if (to_guest) {
			memcpy(c->seg->host + c->skip, buf + done, n);
			mem_written(m, c->seg->gpa + c->skip, n);
		} else {
			memcpy(buf + done, c->seg->host + c->skip, n);
		}
		done += n;
		c->skip += n;
		if (c->skip == c->seg->len) {
			c->seg++;
			c->n--;
			c->skip = 0;
		}
	}
	return done;
}

/* How much the next gather() will move. */
static size_t gathers(const struct cursor *c, size_t max)
{
	size_t done = 0, skip = c->skip;

	for (unsigned i = 0; i < c->n && done < max; i++) {
		size_t n = c->seg[i].len - skip;

		if (n >= DIRECT_FROM && done)
			break;
		done += n < max - done ? n : max - done;
		skip = 0;
	}
	return done;
}

static int transfer(struct worker *w, struct cursor *c, uint64_t off, size_t len, bool read)
{
	struct blk *image = w->b->image;
	struct mem *m = w->b->v.mem;
	int r = 0;

	while (len && r == 0) {
		size_t n = c->n ? c->seg->len - c->skip : 0;
		uint8_t *p = c->n ? c->seg->host + c->skip : NULL;

		if (!n)
			return -EINVAL;
		if (n >= DIRECT_FROM || c->n == 1) {
			n = n < len ? n : len;
			r = read ? blk_pread(image, p, n, off, NULL)
				 : blk_pwrite(image, p, n, off, NULL);
			if (read)
				mem_written(m, c->seg->gpa + c->skip, n);
			c->skip += n;
			if (c->skip == c->seg->len) {
				c->seg++;
				c->n--;
				c->skip = 0;
			}
		} else {
			if (!bounce(w))
				return -ENOMEM;
			n = gathers(c, len < BOUNCE ? len : BOUNCE);
			if (!read)
				n = gather(c, w->bounce, n, false, m);
			r = read ? blk_pread(image, w->bounce, n, off, NULL)
				 : blk_pwrite(image, w->bounce, n, off, NULL);
			if (read && r == 0)
				n = gather(c, w->bounce, n, true, m);
		}
		off += n;
		len -= n;
	}
	return r;
}

static int do_read(struct worker *w, uint64_t sector, uint32_t *written)
{
	struct virtq_chain *c = &w->chain;
	struct cursor at = { c->seg + c->n_out, c->n_in, 0 };
	size_t len = c->in_len - 1;

	if (!in_range(w->b, sector, len))
		return -EINVAL;
	*written += (uint32_t)len;
	return transfer(w, &at, sector * SECTOR, len, true);
}

static int do_write(struct worker *w, uint64_t sector)
{
	struct virtq_chain *c = &w->chain;
	struct cursor at = { c->seg, c->n_out, 0 };
	size_t len = c->out_len - HEADER;
	uint8_t skip[HEADER];

	if (w->b->readonly || !in_range(w->b, sector, len))
		return -EINVAL;
	gather(&at, skip, HEADER, false, w->b->v.mem);
	return transfer(w, &at, sector * SECTOR, len, false);
}

static int do_trim(struct worker *w, bool zeroes)
{
	struct virtq_chain *c = &w->chain;
	size_t len = c->out_len - HEADER;
	uint8_t raw[TRIM_SEGS * TRIM_LEN];

	if (w->b->readonly || !len || len % TRIM_LEN || len > sizeof(raw))
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
		r = zeroes ? blk_zero(w->b->image, sector * SECTOR, n * SECTOR,
				      flags & 1 ? BLK_MAY_UNMAP : 0, NULL)
			   : blk_discard(w->b->image, sector * SECTOR, n * SECTOR, NULL);
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
		r = do_read(w, sector, written);
		break;
	case T_OUT:
		r = do_write(w, sector);
		break;
	case T_FLUSH:
		r = blk_flush(w->b->image, NULL);
		break;
	case T_ID:
		*written +=
			(uint32_t)virtq_write(&w->b->v, c, 0, w->b->id,
					      c->in_len - 1 < ID_LEN ? c->in_len - 1 : ID_LEN);
		r = 0;
		break;
	case T_DISCARD:
		r = do_trim(w, false);
		break;
	case T_ZEROES:
		r = do_trim(w, true);
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

/* All that is in queue @q, together with other workers. */
static void drain(struct worker *w, struct virtq *q)
{
	struct virtio *v = &w->b->v;

	do {
		while (virtq_pop(q, &w->chain) > 0) {
			struct virtq_chain *c = &w->chain;
			uint32_t written = 0;
			uint8_t status;

			/* another worker may do the next meanwhile */
			if (w->b->threads > 1 && virtq_more(q))
				kick(v, q->index);
			if (c->out_len < HEADER || c->in_len < 1) {
				virtio_broken(v);
				return;
			}
			status = serve(w, &written);
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
			pthread_cond_wait(&b->work, &b->lock);
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
	pthread_mutex_lock(&b->lock);
	b->kicked = 0;
	while (b->busy)
		pthread_cond_wait(&b->idle, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static const struct virtio_ops ops = { .id = 2,
				       .class = 0x010000,
				       .name = "virtio-blk",
				       .kick = kick,
				       .stop = stop };

static void fill_config(struct virtio_blk *b)
{
	uint8_t *c = b->v.config;
	bool trim = !b->readonly;

	store_le64(c, b->image->size / SECTOR);
	store_le32(c + 12, SEG_MAX);
	store_le32(c + 20, SECTOR);
	store_le16(c + 34, (uint16_t)b->v.queues);
	store_le32(c + 36, TRIM_MAX);
	store_le32(c + 40, TRIM_SEGS);
	store_le32(c + 44,
		   b->image->cluster_size > SECTOR ? b->image->cluster_size / SECTOR : 1);
	store_le32(c + 48, TRIM_MAX);
	store_le32(c + 52, TRIM_SEGS);
	c[56] = 1;
	b->v.config_len = 60;
	b->v.offers = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_MQ |
		      (trim ? F_DISCARD | F_ZEROES : 0) | (b->readonly ? F_RO : 0);
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
	b->image = c->image;
	b->readonly = c->readonly;
	b->threads = c->threads;
	if (c->serial)
		memcpy(b->id, c->serial, strnlen(c->serial, ID_LEN));
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->idle, NULL);
	b->v.ops = &ops;
	b->v.dev = b;
	b->v.queues = c->queues < VIRTIO_QUEUES ? c->queues : VIRTIO_QUEUES - 1;
	fill_config(b);
	r = start_workers(b, e);
	if (r == 0)
		r = virtio_add(&b->v, p, m, e);
	if (r < 0) {
		b->image = NULL;
		virtio_blk_free(b, NULL);
		return r;
	}
	*out = b;
	return 0;
}

void virtio_blk_reset(struct virtio_blk *b)
{
	virtio_reset(&b->v);
}

int virtio_blk_free(struct virtio_blk *b, struct err *e)
{
	int r;

	if (!b)
		return 0;
	virtio_remove(&b->v);
	end_workers(b);
	r = blk_close(b->image, e);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->idle);
	free(b);
	return r;
}
