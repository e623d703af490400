/* SPDX-License-Identifier: MIT */
/*
 * One thread at a time walks the map and cuts off the next piece: a run of blocks that are
 * zero, or up to PIECE bytes to read.  All read and digest the pieces they cut, and hand the
 * results in; they are put together in the order of the disk.
 */
#include "img/checksum.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/zero.h"
#include "img/order.h"
#include "img/proto/stream.h"

#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 1 << 20, /* bytes; a multiple of a block */
	BLOCKS = PIECE / CHECKSUM_BLOCK,
	THREADS_MAX = 16,
};

/* Zeroes that one piece stands for: not too long without a look at the stop flag. */
#define ZEROES       (64ull << 30)
#define ZEROES_PLAIN (64ull << 20)

struct piece {
	uint64_t off, len;
	bool zero;    /* len is any length, and buf is not filled */
	uint8_t *buf; /* PIECE bytes */
	uint8_t sums[BLOCKS * DIGEST_MAX];
};

struct checksum {
	struct img_checksum *c;
	struct blk *b;
	struct order order;
	pthread_mutex_t lock; /* over the next three lines */
	uint64_t at;
	struct blk_extent x; /* the run [x_from, x_end), which may lie behind @at */
	uint64_t x_from, x_end;
	struct digest kind;    /* only read */
	struct digest root;    /* whose turn it is */
	const uint8_t *zeroes; /* PIECE bytes */
	uint8_t zero_sum[DIGEST_MAX];
};

static uint64_t block_down(uint64_t off)
{
	return round_down(off, CHECKSUM_BLOCK);
}

static int look(struct checksum *k, uint64_t off, struct err *e)
{
	int r;

	if (off >= k->x_from && off < k->x_end)
		return 0;
	r = blk_extent_above(k->b, NULL, off, k->b->size - off, &k->x, NULL, e);
	k->x_from = off;
	k->x_end = r == 0 ? off + k->x.len : off;
	return r;
}

/* Where the zeroes that begin at or before block @off end, in whole blocks; @off if there
 * are none.  The end of the disk ends the last block. */
static int zero_end(struct checksum *k, uint64_t off, uint64_t *end, struct err *e)
{
	uint64_t to = off;
	int r = 0;

	while (r == 0 && to < k->b->size) {
		r = look(k, to, e);
		if (r < 0 || !(k->x.flags & BLK_EXT_ZERO))
			break;
		to = k->x_end;
	}
	*end = to == k->b->size ? to : max_u64(block_down(to), off);
	return r;
}

/* Cuts the next piece off.  1: done; 0: no more. */
static int cut(struct checksum *k, struct piece *p, struct err *e)
{
	uint64_t size = k->b->size, end, zeroes;
	int r;

	if (k->at >= size)
		return 0;
	p->off = k->at;
	r = zero_end(k, k->at, &zeroes, e);
	end = min_u64(zeroes, k->at + (k->c->plain ? ZEROES_PLAIN : ZEROES));
	p->zero = end > k->at;
	if (!p->zero) {
		do {
			end = min_u64(end + CHECKSUM_BLOCK, size);
			r = zero_end(k, end, &zeroes, e);
		} while (r == 0 && end < size && end - k->at < PIECE && zeroes == end);
	}
	if (r < 0)
		return err_wrap(e, r, "the map of '%s' at offset %llu", k->b->filename,
				(unsigned long long)end);
	p->len = end - k->at;
	k->at = end;
	return 1;
}

/* The same of a stream, which is read here. */
static int cut_stream(struct checksum *k, struct piece *p, struct err *e)
{
	size_t got;
	int r = stream_in_read(k->c->in, p->buf, PIECE, &got, e);

	if (r < 0 || !got)
		return r;
	*p = (struct piece){ .off = k->at, .len = got, .buf = p->buf };
	k->at += got;
	return 1;
}

/* A piece and its ticket, in one step, so that tickets are in the order of the disk. */
static int next_piece(struct checksum *k, struct piece *p, uint64_t *ticket, struct err *e)
{
	int r;

	pthread_mutex_lock(&k->lock);
	r = k->c->stop && atomic_load(k->c->stop) ? err_set(e, -EINTR, "interrupted") : 0;
	if (r == 0)
		r = k->c->in ? cut_stream(k, p, e) : cut(k, p, e);
	if (r > 0)
		*ticket = order_ticket(&k->order);
	else if (!k->c->in)
		k->at = k->b->size;
	pthread_mutex_unlock(&k->lock);
	return r;
}

static int prepare(struct checksum *k, struct piece *p, struct err *e)
{
	size_t step = digest_size(&k->kind);
	int r;

	if (p->zero)
		return 0;
	r = k->c->in ? 0 : blk_pread(k->b, p->buf, p->len, p->off, e);
	if (r < 0)
		return err_wrap(e, r, "reading '%s' at offset %llu", k->b->filename,
				(unsigned long long)p->off);
	for (size_t at = 0, i = 0; !k->c->plain && at < p->len; at += CHECKSUM_BLOCK, i++) {
		size_t n = (size_t)min_u64(CHECKSUM_BLOCK, p->len - at);

		if (n == CHECKSUM_BLOCK && zero_is(p->buf + at, n))
			memcpy(p->sums + i * step, k->zero_sum, step);
		else
			digest_of(&k->kind, p->buf + at, n, p->sums + i * step);
	}
	return 0;
}

static void add_zeroes(struct checksum *k, uint64_t len)
{
	size_t step = digest_size(&k->kind);
	uint8_t sum[DIGEST_MAX], many[BLOCKS * DIGEST_MAX];

	if (k->c->plain) {
		for (uint64_t n; len; len -= n) {
			n = min_u64(len, PIECE);
			digest_add(&k->root, k->zeroes, (size_t)n);
		}
		return;
	}
	for (size_t i = 0; i < BLOCKS; i++)
		memcpy(many + i * step, k->zero_sum, step);
	for (uint64_t n, left = len / CHECKSUM_BLOCK; left; left -= n) {
		n = min_u64(left, BLOCKS);
		digest_add(&k->root, many, (size_t)n * step);
	}
	if (len % CHECKSUM_BLOCK) {
		digest_of(&k->kind, k->zeroes, len % CHECKSUM_BLOCK, sum);
		digest_add(&k->root, sum, step);
	}
}

/* The piece's turn has come. */
static int put_together(void *arg, void *item, struct err *e)
{
	struct checksum *k = arg;
	struct piece *p = item;

	(void)e;
	if (p->zero)
		add_zeroes(k, p->len);
	else if (k->c->plain)
		digest_add(&k->root, p->buf, p->len);
	else
		digest_add(&k->root, p->sums,
			   div_up(p->len, CHECKSUM_BLOCK) * digest_size(&k->kind));
	progress_add(k->c->progress, p->len);
	return 0;
}

static int work(void *arg, unsigned worker, struct err *e)
{
	struct checksum *k = arg;
	struct piece *p;
	uint64_t ticket = 0;
	int r = 1;

	(void)worker;
	while (r > 0 && (p = order_get(&k->order))) {
		r = next_piece(k, p, &ticket, e);
		if (r <= 0) {
			order_put(&k->order, p);
			break;
		}
		r = prepare(k, p, e);
		if (r == 0)
			r = order_hand_in(&k->order, ticket, p, e);
		r = r < 0 ? r : 1;
	}
	if (r < 0)
		order_fail(&k->order);
	return r < 0 ? r : 0;
}

static int run(struct checksum *k, unsigned threads, struct err *e)
{
	struct piece *v[ORDER_MAX] = { 0 };
	unsigned n = threads * 2 < ORDER_MAX ? threads * 2 : ORDER_MAX;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		v[i] = mem_zalloc(1, sizeof(*v[i]), e);
		if (v[i])
			v[i]->buf = mem_aligned(4096, PIECE, e);
		r = v[i] && v[i]->buf ? 0 : -ENOMEM;
	}
	if (r == 0) {
		order_init(&k->order, (void *const *)v, n, put_together, k);
		r = threads_run(threads, work, k, e);
		order_fini(&k->order);
	}
	for (unsigned i = 0; i < n && v[i]; i++) {
		free(v[i]->buf);
		free(v[i]);
	}
	return r;
}

int img_checksum(struct blk *b, struct img_checksum *c, struct err *e)
{
	unsigned threads = c->threads ? c->threads : threads_cpus();
	AUTO_FREE uint8_t *zeroes = mem_zalloc(1, PIECE, e);
	struct checksum k = { .c = c, .b = b, .zeroes = zeroes };
	uint8_t size[8];
	int r;

	if (!zeroes)
		return -ENOMEM;
	r = digest_init(&k.kind, c->algorithm, e);
	if (r < 0)
		return r;
	k.root = k.kind;
	digest_of(&k.kind, zeroes, CHECKSUM_BLOCK, k.zero_sum);
	progress_total(c->progress, c->in ? 0 : b->size);
	pthread_mutex_init(&k.lock, NULL);
	r = run(&k, (unsigned)min_u64(threads, THREADS_MAX), e);
	pthread_mutex_destroy(&k.lock);
	if (r < 0)
		return r;
	c->size = k.at;
	if (!c->plain) {
		store_le64(size, c->size);
		digest_add(&k.root, size, sizeof(size));
	}
	c->sum_len = digest_size(&k.kind);
	digest_take(&k.root, c->sum);
	return 0;
}
