/* SPDX-License-Identifier: MIT */
/*
 * Workers take pieces of the source in order, read them side by side, and write
 * them in that same order (each has a ticket), so that the destination is laid out like the
 * source and the same input always gives the same output.  Reading, expanding, looking for
 * zeroes and compressing overlap with writing; writes to one file would wait
 * for each other in the kernel anyway.  With out_of_order nobody waits.
 */
#include "img/convert_copy.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pace.h"
#include "base/threads.h"
#include "base/zero.h"
#include "img/order.h"
#include "img/proto/stream.h"

#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 1 << 20, /* bytes read at once: fits a core's cache with its copy */
	UNIT_MIN = 4096, /* no hole is smaller: the block size of most file systems */
	UNITS_MAX = (2 << 20) / UNIT_MIN,
	SECTOR = 512,
	BUFFER_ALIGN = 4096,
	THREADS_DEFAULT_MAX = 4,
};
#define SHARE_MAX (256ull << 20) /* bytes shared by one call: progress moves, stop works */
/* How much a destination grows at least and at most while nobody knows the length. */
#define GROW_MIN  (1ull << 30)
#define GROW_MAX  (64ull << 30)

enum piece_kind { PIECE_SKIP, PIECE_ZERO, PIECE_DATA, PIECE_SHARE };

struct piece {
	enum piece_kind kind;
	uint64_t off, len, ticket;
	struct blk *file; /* SHARE: the bytes lie here ... */
	uint64_t host;    /* ... at this offset */
};

/* A piece and what was read of it. */
struct job {
	struct piece p;
	uint8_t *buf; /* step bytes */
	size_t units; /* DATA: how many there are */
	bool hole[UNITS_MAX];
};

/* Whether blocks can be shared is known only after the first try, which is a small one: had
 * every worker taken a large run to share, each would copy it alone when that fails. */
enum sharing { SHARE_NO, SHARE_UNKNOWN, SHARE_TRYING, SHARE_YES };

struct copy {
	struct img_convert *c;
	struct blk *dst;
	uint64_t total, backing_size;
	uint64_t unit; /* granularity of holes in dst, power of two */
	uint64_t step; /* bytes of one data piece, a multiple of unit */
	bool zero_init, backing;
	bool grown; /* the destination is longer than what came so far */

	struct pace pace;
	struct order order;
	pthread_mutex_t lock; /* over the rest */
	uint64_t next;        /* first byte not handed out yet */
	enum sharing share;
};

/* ---- the sources as one ---- */

static struct blk *source_at(const struct copy *k, uint64_t off, uint64_t *in, uint64_t *left)
{
	for (size_t i = 0; i < k->c->src_n; i++) {
		uint64_t size = k->c->src[i]->size;

		if (off < size) {
			*in = off;
			*left = size - off;
			return k->c->src[i];
		}
		off -= size;
	}
	return NULL;
}

/* What cannot be read becomes zeroes, sector by sector. */
static void salvage(struct copy *k, struct blk *b, uint8_t *buf, uint64_t len, uint64_t off)
{
	for (uint64_t at = 0; at < len; at += SECTOR) {
		struct err e = { 0 };
		size_t n = (size_t)min_u64(SECTOR, len - at);

		if (blk_pread(b, buf + at, n, off + at, &e) == 0)
			continue;
		memset(buf + at, 0, n);
		pthread_mutex_lock(&k->lock);
		k->c->read_errors++;
		pthread_mutex_unlock(&k->lock);
		blk_warn(b, "error while reading offset %llu: %s",
			 (unsigned long long)(off + at), e.msg);
	}
}

static int read_sources(struct copy *k, uint8_t *buf, uint64_t len, uint64_t off, struct err *e)
{
	while (len) {
		uint64_t in, left;
		struct blk *b = source_at(k, off, &in, &left);
		uint64_t n = min_u64(len, left);
		int r = blk_pread(b, buf, (size_t)n, in, e);

		if (r < 0 && !k->c->salvage)
			return err_wrap(e, r, "error while reading at byte %llu",
					(unsigned long long)off);
		if (r < 0)
			salvage(k, b, buf, n, in);
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* ---- handing out pieces; all under lock ---- */

static enum piece_kind kind_of(const struct copy *k, const struct blk_extent *x, uint64_t off)
{
	if (k->c->sparse == 0 && !k->backing)
		return PIECE_DATA; /* -S 0: everything is written */
	if (k->backing && !(x->flags & (BLK_EXT_DATA | BLK_EXT_ZERO | BLK_EXT_ALLOCATED)))
		return PIECE_SKIP;
	if (!(x->flags & BLK_EXT_ZERO))
		return PIECE_DATA;
	if (k->zero_init || (k->backing && off >= k->backing_size))
		return PIECE_SKIP;
	return PIECE_ZERO;
}

static bool can_share(const struct copy *k, const struct blk_extent *x)
{
	return (k->share == SHARE_UNKNOWN || k->share == SHARE_YES) &&
	       (x->flags & BLK_EXT_DATA) && (x->flags & BLK_EXT_OFFSET) &&
	       !(x->flags & BLK_EXT_COMPRESSED) && x->host_off % UNIT_MIN == 0 && x->file;
}

/* Says what @p, which starts at k->next, is and how long. */
static int classify(struct copy *k, struct piece *p, struct err *e)
{
	struct blk_extent x = { 0 };
	unsigned depth;
	uint64_t in, left, end;
	struct blk *b = source_at(k, p->off, &in, &left);
	int r;

	if (k->backing)
		r = blk_extent(b, in, left, &x, e);
	else
		r = blk_extent_above(b, NULL, in, left, &x, &depth, e);
	if (r < 0 && !k->c->salvage)
		return r;
	if (r < 0) /* a map that cannot be read is found out while reading */
		x = (struct blk_extent){ .len = k->step, .flags = BLK_EXT_DATA };
	p->kind = kind_of(k, &x, p->off);
	end = p->off + x.len;
	if (p->kind != PIECE_DATA || can_share(k, &x)) {
		/* Only whole units: the rest of a unit has to be looked at as data.  The
		 * very end of all sources counts as a whole one, but not for sharing. */
		bool all = end == k->total && p->kind != PIECE_DATA;
		uint64_t whole = all ? end : round_down(end, k->unit);

		if (whole > p->off) {
			p->len = whole - p->off;
			if (p->kind == PIECE_ZERO && k->c->to_stdout)
				p->len = min_u64(p->len, SHARE_MAX);
			if (p->kind != PIECE_DATA)
				return 0;
			p->kind = PIECE_SHARE;
			p->file = x.file;
			p->host = x.host_off;
			p->len = min_u64(p->len, k->share == SHARE_YES ? SHARE_MAX : k->unit);
			if (k->share == SHARE_UNKNOWN)
				k->share = SHARE_TRYING;
			return 0;
		}
	}
	p->kind = PIECE_DATA;
	/* Pieces end at multiples of the step, so that allocations stay in large runs. */
	end = min_u64(round_up(end, k->unit), round_down(p->off, k->step) + k->step);
	p->len = min_u64(end, k->total) - p->off;
	return 0;
}

/* Makes room up to @end.  All that was handed out is written first: a node that is resized has no
 * other call in it. */
static int make_room(struct copy *k, uint64_t end, struct err *e)
{
	uint64_t more = min_u64(max_u64(k->dst->size, GROW_MIN), GROW_MAX);
	int r;

	if (k->dst->grows || end <= k->dst->size)
		return 0;
	if (k->c->no_create)
		return err_set(e, -ENOSPC, "output file is smaller than input file");
	if (!order_wait(&k->order, order_ticket(&k->order)))
		return err_set(e, -ECANCELED, "another thread failed");
	r = blk_resize(k->dst, round_up(k->dst->size + more, GROW_MIN), PREALLOC_OFF, e);
	k->grown = true;
	order_end(&k->order);
	return r;
}

/* The next bytes of a stream, which are read here: there is but one order. */
static int take_stream(struct copy *k, struct job *j, struct err *e)
{
	size_t got;
	int r = stream_in_read(k->c->in, j->buf, (size_t)k->step, &got, e);

	if (r == 0 && got)
		r = make_room(k, k->next + got, e);
	if (r < 0 || !got)
		return r;
	j->p = (struct piece){ .kind = PIECE_DATA, .off = k->next, .len = got };
	k->next += got;
	j->p.ticket = order_ticket(&k->order);
	return 0;
}

/* The next piece, or one of length 0 at the end. */
static int take(struct copy *k, struct job *j, struct err *e)
{
	struct piece *p = &j->p;
	int r = 0;

	memset(p, 0, sizeof(*p));
	pthread_mutex_lock(&k->lock);
	if (k->c->in)
		r = take_stream(k, j, e);
	if (k->next >= k->total)
		goto out;
	if (k->c->stop && atomic_load(k->c->stop)) {
		r = err_set(e, -EINTR, "interrupted");
		goto out;
	}
	p->off = k->next;
	r = classify(k, p, e);
	if (r < 0)
		goto out;
	k->next += p->len;
	p->ticket = order_ticket(&k->order);
out:
	pthread_mutex_unlock(&k->lock);
	return r;
}

/* ---- one piece ---- */

struct piece_turn {
	struct blk_turn turn; /* first: what the engine gets */
	struct copy *k;
	uint64_t ticket;
};

static int piece_turn_wait(const struct blk_turn *t, struct err *e)
{
	const struct piece_turn *pt = (const struct piece_turn *)t;

	if (pt->k->c->out_of_order || order_wait(&pt->k->order, pt->ticket))
		return 0;
	return err_set(e, -ECANCELED, "another thread failed");
}

/* Marks the units of @buf that may stay holes: runs of zeroes of at least
 * `sparse` bytes.  Returns how many units there are. */
static size_t find_zeroes(const struct copy *k, const uint8_t *buf, uint64_t len,
			  bool hole[UNITS_MAX])
{
	size_t n = (size_t)div_up(len, k->unit), need;

	if (!k->c->sparse || k->c->by_map) {
		memset(hole, 0, n * sizeof(*hole));
		return n;
	}
	for (size_t i = 0; i < n; i++)
		hole[i] =
			zero_is(buf + i * k->unit, (size_t)min_u64(k->unit, len - i * k->unit));
	need = (size_t)div_up(k->c->sparse, k->unit);
	for (size_t i = 0, j; i < n && need > 1; i = j) {
		for (j = i + 1; j < n && hole[j] == hole[i]; j++)
			;
		if (hole[i] && j - i < need)
			memset(hole + i, 0, (j - i) * sizeof(*hole));
	}
	return n;
}

static int write_zero(struct copy *k, uint64_t off, uint64_t len, struct err *e)
{
	if (k->zero_init)
		return 0;
	return blk_zero(k->dst, off, len, BLK_MAY_UNMAP, e);
}

static int write_runs(struct copy *k, const uint8_t *buf, uint64_t off, uint64_t len,
		      const bool *hole, size_t n, const struct blk_turn *turn, struct err *e)
{
	int r = 0;

	for (size_t i = 0, j; i < n && r == 0; i = j) {
		uint64_t at = i * k->unit, end;

		for (j = i + 1; j < n && hole[j] == hole[i]; j++)
			;
		end = min_u64(j * k->unit, len);
		if (hole[i])
			r = write_zero(k, off + at, end - at, e);
		else if (k->c->compress)
			r = blk_pwrite_compressed(k->dst, buf + at, (size_t)(end - at),
						  off + at, turn, e);
		else
			r = blk_pwrite(k->dst, buf + at, (size_t)(end - at), off + at, e);
	}
	return r < 0 ? err_wrap(e, r, "error while writing at byte %llu",
				(unsigned long long)off)
		     : 0;
}

/* A piece that was to be shared, but cannot be: by way of @buf, in our turn. */
static int copy_instead(struct copy *k, const struct piece *p, uint8_t *buf, struct err *e)
{
	int r = 0;

	for (uint64_t done = 0; done < p->len && r == 0;) {
		uint64_t len = min_u64(k->step, p->len - done);
		bool hole[UNITS_MAX];

		r = read_sources(k, buf, len, p->off + done, e);
		if (r == 0)
			r = write_runs(k, buf, p->off + done, len, hole,
				       find_zeroes(k, buf, len, hole), NULL, e);
		done += len;
	}
	return r;
}

static int share(struct copy *k, const struct piece *p, uint8_t *buf, struct err *e)
{
	int r = blk_clone(k->dst, p->off, p->len, p->file, p->host, !k->c->copy_range, NULL);

	pthread_mutex_lock(&k->lock);
	/* if not: this file system, or these two files, cannot */
	k->share = r < 0 ? SHARE_NO : SHARE_YES;
	pthread_mutex_unlock(&k->lock);
	return r < 0 ? copy_instead(k, p, buf, e) : 0;
}

/* What can be done before the turn. */
static int prepare(struct copy *k, struct job *j, struct err *e)
{
	int r;

	if (j->p.kind != PIECE_DATA)
		return 0;
	r = 0;
	if (!k->c->in && !k->c->map_only)
		r = read_sources(k, j->buf, j->p.len, j->p.off, e);
	if (r == 0)
		j->units = find_zeroes(k, j->buf, j->p.len, j->hole);
	return r;
}

/* What can not. */
static int write_job(void *arg, void *item, struct err *e)
{
	struct copy *k = arg;
	struct job *j = item;
	const struct piece *p = &j->p;

	switch (p->kind) {
	case PIECE_SKIP:
		return 0;
	case PIECE_ZERO:
		return blk_zero(k->dst, p->off, p->len, BLK_MAY_UNMAP, e);
	case PIECE_SHARE:
		return share(k, p, j->buf, e);
	case PIECE_DATA:
		break;
	}
	return write_runs(k, j->buf, p->off, p->len, j->hole, j->units, NULL, e);
}

/* Compressing takes long and the engine does it, so it waits for the turn in between. */
static int compress_job(struct copy *k, struct job *j, struct err *e)
{
	struct piece_turn t = { { piece_turn_wait }, k, j->p.ticket };
	int r = 0;

	if (j->p.kind == PIECE_DATA)
		r = write_runs(k, j->buf, j->p.off, j->p.len, j->hole, j->units, &t.turn, e);
	if (r == 0) /* nothing was to be compressed, perhaps */
		r = piece_turn_wait(&t.turn, e);
	if (r == 0 && j->p.kind != PIECE_DATA)
		r = write_job(k, j, e);
	if (r == 0)
		order_end(&k->order);
	order_put(&k->order, j);
	return r == -ECANCELED ? 0 : r; /* whoever failed says why */
}

static int finish(struct copy *k, struct job *j, struct err *e)
{
	int r;

	if (k->c->compress)
		return compress_job(k, j, e);
	if (!k->c->out_of_order)
		return order_hand_in(&k->order, j->p.ticket, j, e);
	r = write_job(k, j, e);
	order_put(&k->order, j);
	return r;
}

static int work(void *arg, unsigned worker, struct err *e)
{
	struct copy *k = arg;
	struct job *j;
	int r = 0;

	while (r == 0 && (j = order_get(&k->order))) {
		struct piece p;

		r = take(k, j, e);
		p = j->p;
		if (r < 0 || p.len == 0) {
			order_put(&k->order, j);
			break;
		}
		r = prepare(k, j, e);
		if (r == 0)
			r = finish(k, j, e);
		else
			order_put(&k->order, j);
		progress_add(k->c->progress, p.len);
		if (p.kind == PIECE_DATA || p.kind == PIECE_SHARE)
			pace_step(&k->pace, p.len, k->c->stop);
	}
	if (r < 0)
		order_fail(&k->order);
	return r;
}

/* Runs @threads over @n jobs. */
static int run(struct copy *k, unsigned threads, unsigned n, struct err *e)
{
	AUTO_FREE struct job *jobs = mem_zalloc(n, sizeof(*jobs), e);
	void *items[ORDER_MAX];
	int r = jobs ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n && r == 0; i++) {
		jobs[i].buf = mem_aligned(BUFFER_ALIGN, (size_t)k->step, e);
		items[i] = &jobs[i];
		r = jobs[i].buf ? 0 : -ENOMEM;
	}
	if (r == 0) {
		order_init(&k->order, items, n, write_job, k);
		r = threads_run(threads, work, k, e);
		order_fini(&k->order);
	}
	for (unsigned i = 0; jobs && i < n; i++)
		free(jobs[i].buf);
	return r;
}

/* A stream has ended: the disk is as long as what came, in whole sectors. */
static int end_stream(struct copy *k, struct err *e)
{
	uint64_t size = round_up(k->next, SECTOR);

	if (k->dst->grows)
		return blk_zero(k->dst, k->next, size - k->next, 0, e);
	if (k->next > 0 && size > k->dst->size)
		return err_set(e, -ENOSPC, "output file is smaller than input file");
	return k->grown ? blk_resize(k->dst, size, PREALLOC_OFF, e) : 0;
}

int convert_copy(struct img_convert *c, struct blk *dst, bool zero_init, bool backing,
		 uint64_t backing_size, struct err *e)
{
	struct copy k = {
		.c = c,
		.dst = dst,
		.zero_init = zero_init,
		.backing = backing,
		.backing_size = backing_size,
		.unit = max_u64(UNIT_MIN, dst->cluster_size),
		/* Looking for zeroes and sharing blocks exclude each other: what -S asks
		 * for by name, and compression, need the bytes. */
		.share = !c->compress && !c->sparse_given && c->sparse && !c->salvage &&
					 !c->to_stdout && !c->in
				 ? SHARE_UNKNOWN
				 : SHARE_NO,
	};
	unsigned n = c->parallel ? c->parallel : threads_cpus();
	int r;

	if (!c->parallel && n > THREADS_DEFAULT_MAX && !c->compress)
		n = THREADS_DEFAULT_MAX;
	if (n > CONVERT_PARALLEL_MAX)
		n = CONVERT_PARALLEL_MAX;
	for (size_t i = 0; i < c->src_n; i++)
		k.total += c->src[i]->size;
	k.step = max_u64(PIECE, k.unit);
	pthread_mutex_init(&k.lock, NULL);
	pace_start(&k.pace, c->rate);
	progress_total(c->progress,
		       k.total * (c->rounds > 1 ? c->rounds : 1) + (c->verify ? dst->size : 0));
	/* More jobs than threads: who is done early hands in and begins the next. */
	r = run(&k, n, c->compress || c->out_of_order ? n : 2 * n, e);
	if (r == 0 && c->in)
		r = end_stream(&k, e);
	pthread_mutex_destroy(&k.lock);
	return r;
}
