/* SPDX-License-Identifier: MIT */
/* Specification 5.4. */
#include "emu/virtio/rng.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/clock.h"
#include "emu/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#define AT_MOST 256u /* bytes a request: getrandom() gives so many without waiting */

struct virtio_rng {
	struct virtio v;
	struct loop *loop;
	struct loop_fd file;  /* fd -1: getrandom() */
	pthread_mutex_t lock; /* what follows; taken in vCPUs' threads and the loop's */
	uint8_t have[AT_MOST];
	size_t n;
	bool ended; /* the file */
	/* No more than @most in each @period: @left of it, until the timer. */
	uint64_t most, left, period;
	struct timer timer;
	struct virtq_chain chain;
};

/* What can be had without waiting.  False: nothing; the loop tells when that changes. */
static bool refill(struct virtio_rng *r)
{
	ssize_t got;
	int code;

	if (r->most && !r->left)
		return false;
	if (r->n)
		return true;
	if (r->file.fd < 0) {
		got = getrandom(r->have, sizeof(r->have), 0);
		r->n = got > 0 ? (size_t)got : 0;
		return r->n > 0;
	}
	if (r->ended)
		return false;
	code = io_read_some(r->file.fd, r->have, sizeof(r->have), &r->n, NULL);
	if (code == 0 && r->n)
		return true;
	/* a file that is at its end has no more to give, and the guest waits */
	r->ended = code != -EAGAIN;
	r->n = 0;
	loop_events(r->loop, &r->file, r->ended ? 0 : POLLIN);
	return false;
}

/* What may still be given of @len bytes; there is some.  The period begins with the first of them. */
static size_t take_share(struct virtio_rng *r, size_t len)
{
	if (r->left == r->most)
		timer_set(&r->timer, clock_now(r->timer.clock) + r->period);
	if (len > r->left)
		len = (size_t)r->left;
	r->left -= len;
	return len;
}

/* The lock is held. */
static void serve(struct virtio_rng *r)
{
	struct virtq *q = &r->v.q[0];
	struct virtq_chain *c = &r->chain;

	do {
		/* numbers first: a request that was taken is answered at once */
		while (virtq_more(q) && refill(r)) {
			size_t len;

			if (virtq_pop(q, c) <= 0)
				return;
			len = r->n < c->in_len ? r->n : c->in_len;
			if (r->most)
				len = take_share(r, len);
			r->n -= len;
			virtq_push(q, c,
				   (uint32_t)virtq_write(&r->v, c, 0, r->have + r->n, len));
		}
	} while (virtq_arm(q) && refill(r));
}

/* In the vCPU's thread: it is short. */
static void kick(struct virtio *v, unsigned n)
{
	struct virtio_rng *r = v->dev;

	(void)n;
	pthread_mutex_lock(&r->lock);
	serve(r);
	pthread_mutex_unlock(&r->lock);
}

/* Under the lock, in the loop's thread. */
static void next_period(void *arg)
{
	struct virtio_rng *r = arg;

	r->left = r->most;
	if (virtio_running(&r->v))
		serve(r);
}

static void ready(void *arg, short revents)
{
	struct virtio_rng *r = arg;

	(void)revents;
	pthread_mutex_lock(&r->lock);
	loop_events(r->loop, &r->file, 0);
	if (virtio_running(&r->v))
		serve(r);
	pthread_mutex_unlock(&r->lock);
}

static void stop(struct virtio *v)
{
	struct virtio_rng *r = v->dev;

	/* who serves ends first */
	pthread_mutex_lock(&r->lock);
	if (r->file.fd >= 0)
		loop_events(r->loop, &r->file, 0);
	pthread_mutex_unlock(&r->lock);
}

static const struct virtio_ops ops = { .id = 4,
				       .legacy = 0x1005,
				       .class = 0x00ff00,
				       .name = "virtio-rng",
				       .kick = kick,
				       .stop = stop };

int virtio_rng_new(struct virtio **out, struct pci *p, struct mem *m, struct loop *l,
		   const struct virtio_rng_config *c, struct err *e)
{
	const char *file = c->file;
	struct virtio_rng *r = mem_zalloc(1, sizeof(*r), e);
	int code = 0;

	if (!r)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->loop = l;
	r->most = r->left = c->most;
	r->period = c->period;
	r->timer = (struct timer){ .clock = l ? loop_clock(l) : NULL,
				   .fire = next_period,
				   .arg = r,
				   .lock = &r->lock };
	r->file = (struct loop_fd){ -1, 0, ready, r };
	if (file) {
		r->file.fd = io_open(file, O_RDONLY | O_NONBLOCK, 0, e);
		code = r->file.fd < 0 ? r->file.fd : loop_watch(l, &r->file, e);
	}
	r->v.ops = &ops;
	r->v.dev = r;
	r->v.queues = 1;
	if (code == 0)
		code = virtio_add(&r->v, p, m, c->where, e);
	if (code < 0) {
		if (file)
			loop_unwatch(l, &r->file);
		io_close(r->file.fd);
		free(r);
		return err_wrap(e, code, "virtio-rng-pci");
	}
	*out = &r->v;
	return 0;
}

void virtio_rng_free(struct virtio *v)
{
	struct virtio_rng *r;

	if (!v)
		return;
	r = v->dev;
	virtio_remove(v);
	pthread_mutex_lock(&r->lock);
	if (r->most)
		timer_cancel(&r->timer);
	pthread_mutex_unlock(&r->lock);
	if (r->file.fd >= 0)
		loop_unwatch(r->loop, &r->file);
	io_close(r->file.fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
