/* SPDX-License-Identifier: MIT */
#include "img/nbd/server.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/sock.h"
#include "img/nbd/tls.h"

#include <stdlib.h>
#include <sys/eventfd.h>

enum { STACK_BYTES = 256 << 10, RETRY_MS = 200 };

struct server;

struct client {
	struct server *s;
	struct nbd_chan c;
	pthread_t thread;
	bool taken, left; /* under lock: in use; its thread is done and to be joined */
};

struct server {
	const struct nbd_server *v;
	pthread_mutex_t lock;
	struct client *clients;
	unsigned busy; /* under lock, as are taken and left */
	int wake;      /* an eventfd: a client has left */
};

static void drop(const struct nbd_server *v, const struct err *e)
{
	if (v->dropped)
		v->dropped(v->arg, e->msg);
}

static void *serve_client(void *arg)
{
	const uint64_t one = 1;
	struct client *k = arg;
	struct server *s = k->s;
	struct nbd_session session = { .x = s->v->x, .c = &k->c };
	struct err e = { 0 };
	int r = nbd_handshake(&session, &e);

	if (r > 0)
		r = nbd_transmit(&session, &e);
	/* Many just hang up. */
	if (r < 0 && r != -ECONNRESET && r != -EPIPE)
		drop(s->v, &e);
	nbd_tls_end(&k->c);
	pthread_mutex_lock(&s->lock);
	k->left = true;
	pthread_mutex_unlock(&s->lock);
	(void)!io_write(s->wake, &one, sizeof(one), NULL);
	return NULL;
}

/* Takes back the places of those who left. */
static void reap(struct server *s)
{
	for (unsigned i = 0; i < s->v->clients; i++) {
		struct client *k = &s->clients[i];
		bool left;

		pthread_mutex_lock(&s->lock);
		left = k->taken && k->left;
		pthread_mutex_unlock(&s->lock);
		if (!left)
			continue;
		pthread_join(k->thread, NULL);
		io_close(k->c.fd);
		k->taken = k->left = false;
		s->busy--;
	}
}

static int start(struct server *s, int fd, struct err *e)
{
	struct client *k = s->clients;
	pthread_attr_t attr;
	int r;

	while (k->taken)
		k++;
	nbd_chan_socket(&k->c, fd);
	k->s = s;
	r = pthread_attr_init(&attr);
	if (r)
		return err_set(e, -r, "no thread for a client");
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(&k->thread, &attr, serve_client, k);
	(void)pthread_attr_destroy(&attr);
	if (r)
		return err_set(e, -r, "no thread for a client");
	k->taken = true;
	s->busy++;
	return 0;
}

/* What passes by itself, when clients leave or memory is freed. */
static bool passes(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS || r == -EAGAIN;
}

/* 1: the lack of something passes, so wait a little before the next. */
static int welcome(struct server *s, struct err *e)
{
	int fd = -1, r = sock_accept(s->v->listener, &fd, e);

	if (r > 0) {
		r = start(s, fd, e);
		if (r < 0)
			io_close(fd);
	}
	if (passes(r)) {
		drop(s->v, e);
		return 1;
	}
	return r;
}

static bool stopped(const struct nbd_server *v)
{
	return v->stop && atomic_load(v->stop);
}

/* How long to wait for anything: -1 for ever. */
static int patience(const struct server *s, bool had_any, uint64_t since, bool *enough)
{
	uint64_t gone;

	*enough = false;
	if (s->busy || s->v->idle_ms < 0)
		return -1;
	if (s->v->idle_ms == 0) {
		*enough = had_any;
		return -1;
	}
	gone = nbd_chan_now() - since;
	*enough = gone >= (uint64_t)s->v->idle_ms;
	return *enough ? 0 : (int)((uint64_t)s->v->idle_ms - gone);
}

static int loop(struct server *s, struct err *e)
{
	uint64_t since = nbd_chan_now();
	bool had_any = false, enough, tired = false;
	int r = 0;

	while (r >= 0 && !stopped(s->v)) {
		bool full = s->busy == s->v->clients;
		int ms = patience(s, had_any, since, &enough);
		/* Nobody else is let in while all places are taken. */
		const int fds[] = { s->wake, s->v->listener };
		unsigned ready;
		uint64_t n;
		size_t got;

		if (enough)
			break;
		if (tired && (ms < 0 || ms > RETRY_MS))
			ms = RETRY_MS;
		r = sock_wait(fds, full || tired ? 1 : 2, ms, s->v->signals, &ready, e);
		tired = false;
		if (ready & 1) {
			if (io_read_some(s->wake, &n, sizeof(n), &got, e) < 0)
				return -EIO;
			reap(s);
			since = nbd_chan_now();
		}
		if (r == 0 && ready & 2 && !stopped(s->v)) {
			r = welcome(s, e);
			had_any = had_any || s->busy;
			tired = r > 0;
		}
	}
	return r < 0 ? r : 0;
}

static void cut_all(struct server *s)
{
	for (unsigned i = 0; i < s->v->clients; i++)
		if (s->clients[i].taken)
			sock_shutdown(s->clients[i].c.fd);
	for (unsigned i = 0; i < s->v->clients; i++) {
		if (!s->clients[i].taken)
			continue;
		pthread_join(s->clients[i].thread, NULL);
		io_close(s->clients[i].c.fd);
	}
}

int nbd_serve(const struct nbd_server *v, struct err *e)
{
	struct server s = { .v = v };
	struct err late = { 0 };
	int r, f;

	s.clients = mem_zalloc(v->clients, sizeof(*s.clients), e);
	if (!s.clients)
		return -ENOMEM;
	s.wake = eventfd(0, EFD_CLOEXEC);
	if (s.wake < 0) {
		free(s.clients);
		return err_errno(e, "eventfd");
	}
	pthread_mutex_init(&s.lock, NULL);
	r = loop(&s, e);
	cut_all(&s);
	pthread_mutex_destroy(&s.lock);
	io_close(s.wake);
	free(s.clients);
	f = blk_flush(v->x->blk, &late);
	if (f < 0 && r == 0)
		return err_set(e, f, "%s", late.msg);
	return r;
}
