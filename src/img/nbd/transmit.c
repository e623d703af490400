/* SPDX-License-Identifier: MIT */
/*
 * The requests of one client, done by several threads.  One of them at a time leads: it takes
 * the next request off the wire, passes the lead on and does the request itself, so that a
 * request never changes hands.  Where requests are quick and no other has come yet the leader
 * keeps the lead: waking somebody would take longer than the work.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/now.h"
#include "base/sock.h"
#include "img/nbd/answer.h"

#include <stdlib.h>

enum {
	STACK_BYTES = 256 << 10,
	QUICK_NS = 60000, /* shorter requests are not worth waking a thread for */
};

struct crew {
	struct nbd_session *s;
	pthread_mutex_t send;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t turn;
	bool led, ended;
	unsigned idle, started;
	pthread_t *threads;
	int code; /* first failure */
	struct err *e;
	_Atomic uint64_t usual_ns; /* how long a request takes, smoothed */
};

struct worker {
	struct crew *c;
	uint8_t *buf;
	size_t room;
	struct err e;
};

/* Nobody takes requests any more; those at work are answered if they can be. */
static void end(struct crew *c, int code, const struct err *e)
{
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	if (code < 0 && c->code == 0) {
		c->code = code;
		if (c->e)
			*c->e = *e;
	}
	pthread_cond_broadcast(&c->turn);
	pthread_mutex_unlock(&c->lock);
}

static void *follow(void *arg);

/* Passes the lead on, to a new thread if all have work. */
static void hand_over(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	c->led = false;
	if (c->idle) {
		pthread_cond_signal(&c->turn);
	} else if (c->started + 1 < c->s->x->threads && !c->ended) {
		pthread_attr_t attr;

		/* With fewer it works too: whoever is done leads. */
		if (pthread_attr_init(&attr) == 0) {
			(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
			if (pthread_create(&c->threads[c->started], &attr, follow, c) == 0)
				c->started++;
			(void)pthread_attr_destroy(&attr);
		}
	}
	pthread_mutex_unlock(&c->lock);
}

/* False: it is over. */
static bool take_lead(struct crew *c)
{
	bool on;

	pthread_mutex_lock(&c->lock);
	while (c->led && !c->ended) {
		c->idle++;
		pthread_cond_wait(&c->turn, &c->lock);
		c->idle--;
	}
	on = !c->ended;
	if (on)
		c->led = true;
	pthread_mutex_unlock(&c->lock);
	return on;
}

static int make_room(struct worker *k, size_t need)
{
	if (need <= k->room)
		return 0;
	free(k->buf);
	k->room = 0;
	k->buf = mem_aligned(4096, need, &k->e);
	if (!k->buf)
		return -ENOMEM;
	k->room = need;
	return 0;
}

/* The bytes of a write that is too long to be held: each piece is written as it comes. */
static int take_long_write(struct worker *k, struct nbd_work *w, struct err *e)
{
	struct blk *b = w->s->x->blk;
	uint64_t off = w->q.offset, left = w->q.length;

	while (left) {
		size_t n = (size_t)min_u64(left, NBD_PIECE);
		int r = nbd_chan_recv(w->s->c, k->buf, n, e);

		if (r < 0)
			return r;
		if (w->result == 0) {
			w->result = blk_pwrite(b, k->buf, n, off, &k->e);
			if (w->result < 0 && w->s->x->warn)
				w->s->x->warn(w->s->x->arg, k->e.msg);
		}
		off += n;
		left -= n;
	}
	return 0;
}

/* The bytes that follow a write's head, also of one that is to be refused. */
static int take_bytes(struct worker *k, struct nbd_work *w, struct err *e)
{
	if (w->q.length > NBD_PAYLOAD_MAX)
		return err_set(e, -EMSGSIZE, "the client writes %u bytes at once", w->q.length);
	if (w->result == 0)
		w->result = nbd_work_check(w->s->x, w->s->structured, &w->q, &k->e);
	if (w->result < 0)
		return nbd_chan_skip(w->s->c, w->q.length, e);
	if (w->q.length > NBD_PIECE)
		return take_long_write(k, w, e);
	return nbd_chan_recv(w->s->c, k->buf, w->q.length, e);
}

/* 1: @w is the next request; 0: the client leaves. */
static int next(struct worker *k, struct nbd_work *w, struct err *e)
{
	uint8_t head[NBD_REQUEST_HEAD];
	int r = nbd_chan_recv(w->s->c, head, sizeof(head), e);

	if (r == 0)
		r = nbd_request_parse(head, &w->q, e);
	if (r < 0)
		return r;
	if (w->q.type == NBD_CMD_DISC)
		return 0;
	w->result = make_room(k, nbd_work_room(&w->q));
	w->buf = k->buf;
	if (w->q.type == NBD_CMD_WRITE)
		r = take_bytes(k, w, e);
	return r < 0 ? r : 1;
}

static void learn(struct crew *c, uint64_t took)
{
	uint64_t old = atomic_load_explicit(&c->usual_ns, memory_order_relaxed);

	atomic_store_explicit(&c->usual_ns, old - old / 8 + took / 8, memory_order_relaxed);
}

static bool keeps_lead(struct crew *c)
{
	return !nbd_chan_pending(c->s->c) &&
	       atomic_load_explicit(&c->usual_ns, memory_order_relaxed) < QUICK_NS;
}

/* With the lead: one request, taken and done.  False: it is over.  *led: we still lead. */
static bool one(struct worker *k, bool *led)
{
	struct crew *c = k->c;
	struct nbd_work w = { .s = c->s, .send = &c->send, .e = &k->e };
	struct err e = { 0 };
	int r = next(k, &w, &e);
	int64_t began;

	if (r <= 0) {
		end(c, r, &e);
		return false;
	}
	*led = keeps_lead(c);
	if (!*led)
		hand_over(c);
	began = now_ns();
	r = nbd_work_do(&w, &e);
	learn(c, (uint64_t)(now_ns() - began));
	if (r == 0)
		return true;
	end(c, r, &e);
	/* The leader is waiting for what will not come. */
	if (c->s->c->fd >= 0)
		sock_shutdown(c->s->c->fd);
	return false;
}

static void work(struct crew *c)
{
	struct worker k = { .c = c };
	bool led = false, on = true;

	while (on && (led || take_lead(c)))
		on = one(&k, &led);
	free(k.buf);
}

static void *follow(void *arg)
{
	work(arg);
	return NULL;
}

int nbd_transmit(struct nbd_session *s, struct err *e)
{
	struct crew c = { .s = s, .e = e, .usual_ns = 0 };

	c.threads = mem_zalloc(s->x->threads, sizeof(*c.threads), e);
	if (!c.threads)
		return -ENOMEM;
	pthread_mutex_init(&c.send, NULL);
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.turn, NULL);
	work(&c);
	/* It has ended, so nobody starts another. */
	for (unsigned i = 0; i < c.started; i++)
		pthread_join(c.threads[i], NULL);
	pthread_cond_destroy(&c.turn);
	pthread_mutex_destroy(&c.lock);
	pthread_mutex_destroy(&c.send);
	free(c.threads);
	return c.code;
}
