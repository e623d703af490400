/* SPDX-License-Identifier: MIT */
#include "img/proto/nbd_link.h"

#ifndef HAVE_LIBNBD

int nbd_link_open(const struct nbd_link_options *o, struct nbd_link **out,
		  struct nbd_link_info *info, struct err *e)
{
	return err_set(e, -ENOTSUP, "this program was built without libnbd");
}

int nbd_link_do(struct nbd_link *l, struct nbd_link_request *q, struct err *e)
{
	return err_set(e, -ENOTSUP, "this program was built without libnbd");
}

void nbd_link_close(struct nbd_link *l)
{
}

#else

#include "base/io.h"
#include "base/lib.h"
#include "base/mem.h"
#include "img/proto/nbd_name.h"

#include <libnbd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

enum { LINKS_MAX = 4, RETRY_MS = 100 };

#define CALLS(X, t)                    \
	X(t, nbd_create)               \
	X(t, nbd_close)                \
	X(t, nbd_get_error)            \
	X(t, nbd_get_errno)            \
	X(t, nbd_set_export_name)      \
	X(t, nbd_add_meta_context)     \
	X(t, nbd_set_tls)              \
	X(t, nbd_set_tls_certificates) \
	X(t, nbd_set_tls_verify_peer)  \
	X(t, nbd_set_tls_username)     \
	X(t, nbd_set_tls_psk_file)     \
	X(t, nbd_connect_unix)         \
	X(t, nbd_connect_tcp)          \
	X(t, nbd_get_size)             \
	X(t, nbd_get_block_size)       \
	X(t, nbd_is_read_only)         \
	X(t, nbd_can_flush)            \
	X(t, nbd_can_fua)              \
	X(t, nbd_can_trim)             \
	X(t, nbd_can_zero)             \
	X(t, nbd_can_fast_zero)        \
	X(t, nbd_can_multi_conn)       \
	X(t, nbd_can_meta_context)     \
	X(t, nbd_shutdown)             \
	X(t, nbd_aio_pread)            \
	X(t, nbd_aio_pwrite)           \
	X(t, nbd_aio_zero)             \
	X(t, nbd_aio_trim)             \
	X(t, nbd_aio_flush)            \
	X(t, nbd_aio_block_status)     \
	X(t, nbd_aio_get_fd)           \
	X(t, nbd_aio_get_direction)    \
	X(t, nbd_aio_notify_read)      \
	X(t, nbd_aio_notify_write)     \
	X(t, nbd_aio_is_dead)          \
	X(t, nbd_aio_is_closed)

struct calls {
	CALLS(LIB_MEMBER, )
};

static const struct lib_call calls[] = { CALLS(LIB_CALL, struct calls) };
static const struct lib libnbd = {
	.name = "libnbd",
	.sonames = { "libnbd.so.0" },
	.package = "libnbd0; Alpine: libnbd",
	.calls = calls,
	.n = ARRAY_SIZE(calls),
};

/* One connection.  Lives until nobody has a request on it, also when it is broken. */
struct conn {
	struct nbd_handle *h;
	unsigned users; /* under the link's lock; requests, and 1 while it can be chosen */
	int kick;       /* an eventfd: whoever polls is to look again */
	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool polling;          /* under lock: somebody waits for the socket for all */
	atomic_uint completed; /* requests */
};

struct nbd_link {
	struct calls f;
	struct nbd_link_options o;
	pthread_mutex_t lock;
	struct conn *conns[LINKS_MAX];
	unsigned n, max;
	bool growing;  /* under lock: one more is being made */
	uint64_t size; /* what it was at first: it must not change */
};

/* A request on its way, on its caller's stack. */
struct flight {
	struct conn *c;
	struct nbd_link_request *q;
	atomic_bool done;
	int error; /* errno */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- connecting ---- */

static void conn_free(struct nbd_link *l, struct conn *c)
{
	l->f.nbd_close(c->h);
	io_close(c->kick);
	pthread_cond_destroy(&c->turn);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int failed(const struct nbd_link *l, const char *doing, struct err *e)
{
	int code = l->f.nbd_get_errno();
	const char *why = l->f.nbd_get_error();

	return err_set(e, code ? -code : -EIO, "%s: %s", doing,
		       why ? why : strerror(code ? code : EIO));
}

static int set_up_tls(const struct nbd_link *l, struct nbd_handle *h)
{
	const struct nbd_name *n = l->o.name;
	int r = l->f.nbd_set_tls(h, LIBNBD_TLS_REQUIRE);

	if (r == 0 && n->certificates)
		r = l->f.nbd_set_tls_certificates(h, n->certificates);
	if (r == 0 && n->psk_file)
		r = l->f.nbd_set_tls_psk_file(h, n->psk_file);
	if (r == 0 && n->user)
		r = l->f.nbd_set_tls_username(h, n->user);
	return r == 0 && n->no_verify ? l->f.nbd_set_tls_verify_peer(h, false) : r;
}

static int shake_hands(const struct nbd_link *l, struct nbd_handle *h)
{
	const struct nbd_name *n = l->o.name;
	int r = l->f.nbd_set_export_name(h, n->export);

	if (r == 0)
		r = l->f.nbd_add_meta_context(h, LIBNBD_CONTEXT_BASE_ALLOCATION);
	if (r == 0 && n->tls)
		r = set_up_tls(l, h);
	if (r < 0)
		return r;
	return n->path ? l->f.nbd_connect_unix(h, n->path)
		       : l->f.nbd_connect_tcp(h, n->host, n->port);
}

static int conn_new(struct nbd_link *l, struct conn **out, struct err *e)
{
	struct conn *c = mem_zalloc(1, sizeof(*c), e);
	int r;

	if (!c)
		return -ENOMEM;
	c->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->kick < 0) {
		free(c);
		return err_errno(e, "eventfd");
	}
	c->h = l->f.nbd_create();
	if (!c->h || shake_hands(l, c->h) < 0) {
		r = failed(l, "connecting to the server", e);
		if (c->h)
			l->f.nbd_close(c->h);
		io_close(c->kick);
		free(c);
		return r;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->turn, NULL);
	c->users = 1;
	*out = c;
	return 0;
}

/* The same for up to @seconds. */
static int conn_new_patiently(struct nbd_link *l, unsigned seconds, struct conn **out,
			      struct err *e)
{
	uint64_t until = now_ms() + (uint64_t)seconds * 1000;
	const struct timespec pause = { 0, RETRY_MS * 1000000 };

	for (;;) {
		int r = conn_new(l, out, e);

		if (r == 0 || now_ms() >= until || r == -EINVAL || r == -ENOMEM)
			return r;
		(void)nanosleep(&pause, NULL);
	}
}

static bool is_broken(const struct nbd_link *l, const struct conn *c)
{
	return l->f.nbd_aio_is_dead(c->h) || l->f.nbd_aio_is_closed(c->h);
}

static void let_go(struct nbd_link *l, struct conn *c)
{
	bool last;

	pthread_mutex_lock(&l->lock);
	last = --c->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (last)
		conn_free(l, c);
}

/* Takes broken ones out of the choice.  Under lock. */
static void sort_out(struct nbd_link *l)
{
	for (unsigned i = 0; i < l->n;) {
		struct conn *c = l->conns[i];

		if (!is_broken(l, c)) {
			i++;
			continue;
		}
		l->conns[i] = l->conns[--l->n];
		if (--c->users == 0)
			conn_free(l, c);
	}
}

/* Under lock, which is dropped meanwhile: one more, in the background of the others' work. */
static void grow(struct nbd_link *l)
{
	struct conn *c = NULL;
	int r;

	l->growing = true;
	pthread_mutex_unlock(&l->lock);
	r = conn_new(l, &c, NULL);
	pthread_mutex_lock(&l->lock);
	l->growing = false;
	/* The server may have a limit of its own. */
	if (r < 0 && l->n)
		l->max = l->n;
	else if (r == 0)
		l->conns[l->n++] = c;
}

static int reconnect(struct nbd_link *l, struct err *e)
{
	struct conn *c = NULL;
	int r = conn_new_patiently(l, l->o.reconnect_delay, &c, e);

	if (r < 0)
		return r;
	if ((uint64_t)l->f.nbd_get_size(c->h) != l->size) {
		conn_free(l, c);
		return err_set(e, -EIO, "the export has another size after reconnecting");
	}
	l->conns[l->n++] = c;
	return 0;
}

/* The one with the fewest requests. */
static int choose(struct nbd_link *l, struct conn **out, struct err *e)
{
	struct conn *best = NULL;
	int r = 0;

	pthread_mutex_lock(&l->lock);
	sort_out(l);
	if (!l->n && l->o.reconnect_delay)
		r = reconnect(l, e);
	else if (!l->n)
		r = err_set(e, -EIO, "the connection to the server is lost");
	for (int again = 0; r == 0 && again < 2; again++) {
		best = l->conns[0];
		for (unsigned i = 1; i < l->n; i++)
			if (l->conns[i]->users < best->users)
				best = l->conns[i];
		if (best->users == 1 || l->n >= l->max || l->growing || again)
			break;
		best->users++; /* so that it stays */
		grow(l);
		if (--best->users == 0)
			conn_free(l, best);
		if (!l->n)
			r = err_set(e, -EIO, "the connection to the server is lost");
	}
	if (r == 0)
		best->users++;
	pthread_mutex_unlock(&l->lock);
	*out = best;
	return r;
}

/* ---- requests ---- */

/* Called by libnbd in whatever thread moves the connection on, with its lock. */
static int on_done(void *arg, int *error)
{
	struct flight *f = arg;
	struct conn *c = f->c;

	f->error = *error;
	atomic_store(&f->done, true);
	/* From here on the flight may be over and gone. */
	atomic_fetch_add(&c->completed, 1);
	return 1;
}

static int on_states(void *arg, const char *context, uint64_t off, uint32_t *entries, size_t n,
		     int *error)
{
	struct nbd_link_request *q = ((struct flight *)arg)->q;

	if (off != q->off || strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION))
		return 0;
	for (size_t i = 0; i + 1 < n && q->n < NBD_LINK_STATES; i += 2) {
		q->states[q->n].len = entries[i];
		q->states[q->n++].flags = entries[i + 1];
	}
	return 0;
}

static int64_t submit(const struct nbd_link *l, struct flight *f)
{
	const nbd_completion_callback done = { .callback = on_done, .user_data = f };
	const nbd_extent_callback states = { .callback = on_states, .user_data = f };
	struct nbd_link_request *q = f->q;
	struct nbd_handle *h = f->c->h;
	uint32_t flags = 0;

	switch (q->verb) {
	case NBD_LINK_READ:
		return l->f.nbd_aio_pread(h, q->buf, (size_t)q->len, q->off, done, 0);
	case NBD_LINK_WRITE:
		return l->f.nbd_aio_pwrite(h, q->buf, (size_t)q->len, q->off, done, 0);
	case NBD_LINK_ZERO:
		flags |= q->no_hole ? LIBNBD_CMD_FLAG_NO_HOLE : 0;
		flags |= q->fast ? LIBNBD_CMD_FLAG_FAST_ZERO : 0;
		return l->f.nbd_aio_zero(h, q->len, q->off, done, flags);
	case NBD_LINK_TRIM:
		return l->f.nbd_aio_trim(h, q->len, q->off, done, 0);
	case NBD_LINK_STATUS:
		q->n = 0;
		return l->f.nbd_aio_block_status(h, q->len, q->off, states, done, 0);
	default:
		return l->f.nbd_aio_flush(h, done, 0);
	}
}

/* Moves the connection on when its socket is ready, for everybody's requests.  Not under lock. */
static void poll_once(struct nbd_link *l, struct conn *c)
{
	unsigned dir = l->f.nbd_aio_get_direction(c->h);
	struct pollfd p[2] = { { .fd = c->kick, .events = POLLIN },
			       { .fd = l->f.nbd_aio_get_fd(c->h) } };
	uint64_t n;
	size_t got;

	if (dir & LIBNBD_AIO_DIRECTION_READ)
		p[1].events |= POLLIN;
	if (dir & LIBNBD_AIO_DIRECTION_WRITE)
		p[1].events |= POLLOUT;
	if (p[1].fd < 0 || poll(p, 2, -1) < 0)
		return;
	if (p[0].revents)
		(void)!io_read_some(c->kick, &n, sizeof(n), &got, NULL);
	if (dir & LIBNBD_AIO_DIRECTION_READ && p[1].revents & (POLLIN | POLLHUP | POLLERR))
		(void)l->f.nbd_aio_notify_read(c->h);
	else if (dir & LIBNBD_AIO_DIRECTION_WRITE && p[1].revents)
		(void)l->f.nbd_aio_notify_write(c->h);
}

static void kick(struct conn *c)
{
	const uint64_t one = 1;

	(void)!io_write(c->kick, &one, sizeof(one), NULL);
}

/* One of those who wait polls, the others wait for what it brings. */
static void wait_for(struct nbd_link *l, struct flight *f)
{
	struct conn *c = f->c;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&f->done)) {
		if (c->polling) {
			pthread_cond_wait(&c->turn, &c->lock);
			continue;
		}
		c->polling = true;
		pthread_mutex_unlock(&c->lock);
		poll_once(l, c);
		pthread_mutex_lock(&c->lock);
		c->polling = false;
		pthread_cond_broadcast(&c->turn);
	}
	pthread_mutex_unlock(&c->lock);
}

/* What was sent wants to be sent further, or a break has ended others' requests: whoever
 * polls must know. */
static void tell_others(struct nbd_link *l, struct conn *c, unsigned before)
{
	if (!(l->f.nbd_aio_get_direction(c->h) & LIBNBD_AIO_DIRECTION_WRITE) &&
	    atomic_load(&c->completed) == before)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->polling)
		kick(c);
	pthread_cond_broadcast(&c->turn);
	pthread_mutex_unlock(&c->lock);
}

static int try(struct nbd_link *l, struct nbd_link_request *q, bool *lost, struct err *e)
{
	struct flight f = { .q = q };
	unsigned before;
	int r = choose(l, &f.c, e);

	*lost = false;
	if (r < 0)
		return r;
	before = atomic_load(&f.c->completed);
	if (submit(l, &f) < 0) {
		*lost = is_broken(l, f.c);
		r = failed(l, "request", e);
	} else {
		tell_others(l, f.c, before);
		wait_for(l, &f);
		if (f.error) {
			*lost = is_broken(l, f.c);
			r = err_set(e, *lost ? -EIO : -f.error, "%s",
				    *lost ? "the connection to the server is lost"
					  : strerror(f.error));
		}
	}
	let_go(l, f.c);
	return r;
}

int nbd_link_do(struct nbd_link *l, struct nbd_link_request *q, struct err *e)
{
	bool lost;
	int r;

	/* Doing any of them twice does no harm; choose() gives up in the end. */
	do
		r = try(l, q, &lost, e);
	while (r < 0 && lost && l->o.reconnect_delay);
	return r;
}

/* ---- open and close ---- */

static uint32_t block_size(const struct nbd_link *l, struct nbd_handle *h, int which,
			   uint32_t otherwise)
{
	int64_t v = l->f.nbd_get_block_size(h, which);

	return v > 0 && v <= INT32_MAX ? (uint32_t)v : otherwise;
}

static void ask(struct nbd_link *l, struct nbd_handle *h, struct nbd_link_info *info)
{
	const struct calls *f = &l->f;

	info->min_block = block_size(l, h, LIBNBD_SIZE_MINIMUM, 1);
	info->max_block = block_size(l, h, LIBNBD_SIZE_MAXIMUM, 32 << 20);
	info->read_only = f->nbd_is_read_only(h) != 0;
	info->flush = f->nbd_can_flush(h) > 0;
	info->fua = f->nbd_can_fua(h) > 0;
	info->trim = f->nbd_can_trim(h) > 0;
	info->zero = f->nbd_can_zero(h) > 0;
	info->fast_zero = f->nbd_can_fast_zero(h) > 0;
	info->status = f->nbd_can_meta_context(h, LIBNBD_CONTEXT_BASE_ALLOCATION) > 0;
	l->max = f->nbd_can_multi_conn(h) > 0 ? LINKS_MAX : 1;
}

int nbd_link_open(const struct nbd_link_options *o, struct nbd_link **out,
		  struct nbd_link_info *info, struct err *e)
{
	struct nbd_link *l = mem_zalloc(1, sizeof(*l), e);
	int64_t size;
	int r;

	if (!l)
		return -ENOMEM;
	l->o = *o;
	r = lib_load(&libnbd, &l->f, e);
	if (r == 0)
		r = conn_new_patiently(l, o->open_timeout, &l->conns[0], e);
	if (r < 0) {
		free(l);
		return r;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->n = 1;
	size = l->f.nbd_get_size(l->conns[0]->h);
	if (size < 0) {
		r = failed(l, "size", e);
		nbd_link_close(l);
		return r;
	}
	info->size = l->size = (uint64_t)size;
	ask(l, l->conns[0]->h, info);
	*out = l;
	return 0;
}

void nbd_link_close(struct nbd_link *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (!is_broken(l, l->conns[i]))
			(void)l->f.nbd_shutdown(l->conns[i]->h, 0);
		conn_free(l, l->conns[i]);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

#endif
