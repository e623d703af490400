/* SPDX-License-Identifier: MIT */
#include "emu/net/net.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/net/backend.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define WAITING 256u /* frames that wait for a guest without room; more are lost */

struct frame {
	uint8_t *p;
	size_t len;
};

struct net {
	const struct net_ops *ops;
	void *back;
	struct net_user user;
	pthread_t thread;
	bool started;
	int wake;
	_Atomic bool ending;
	pthread_mutex_t lock; /* held while the thread works */
	struct pollfd fd[NET_FDS];
	int n_fds;
	struct frame wait[WAITING];
	unsigned head, n;
};

int net_add_fd(struct net *n, int fd, short events)
{
	if (n->n_fds == NET_FDS)
		return -1;
	n->fd[n->n_fds] = (struct pollfd){ .fd = fd, .events = events };
	return n->n_fds++;
}

short net_events(struct net *n, int index)
{
	return index >= 0 && index < n->n_fds ? n->fd[index].revents : 0;
}

bool net_has_room(const struct net *n)
{
	return n->n == 0;
}

void net_receive(struct net *n, const uint8_t *frame, size_t len)
{
	struct frame *f;

	if (len > NET_FRAME || (n->n == 0 && n->user.receive(n->user.arg, frame, len)))
		return;
	if (n->n == WAITING)
		return;
	f = &n->wait[(n->head + n->n) % WAITING];
	f->p = malloc(len);
	if (!f->p)
		return;
	memcpy(f->p, frame, len);
	f->len = len;
	n->n++;
}

static void drop_first(struct net *n)
{
	free(n->wait[n->head].p);
	n->head = (n->head + 1) % WAITING;
	n->n--;
}

void net_send(struct net *n, const uint8_t *frame, size_t len)
{
	n->ops->send(n->back, frame, len);
}

void net_kick(struct net *n)
{
	eventfd_write(n->wake, 1);
}

void net_settle(struct net *n)
{
	pthread_mutex_lock(&n->lock);
	pthread_mutex_unlock(&n->lock);
}

static bool nobody_receives(void *arg, const uint8_t *frame, size_t len)
{
	(void)arg;
	(void)frame;
	(void)len;
	return true;
}

static void nobody_transmits(void *arg, struct net *n)
{
	(void)arg;
	(void)n;
}

void net_use(struct net *n, const struct net_user *u)
{
	static const struct net_user none = { nobody_receives, nobody_transmits, NULL };

	pthread_mutex_lock(&n->lock);
	n->user = u ? *u : none;
	while (n->n)
		drop_first(n);
	pthread_mutex_unlock(&n->lock);
}

int net_forward(struct net *n, const char *rule, bool add, struct err *e)
{
	int r;

	if (!n->ops->forward)
		return err_set(e, -ENOTSUP, "only networks of the kind user forward ports");
	pthread_mutex_lock(&n->lock);
	r = n->ops->forward(n->back, rule, add, e);
	pthread_mutex_unlock(&n->lock);
	/* it waits for other descriptors now */
	net_kick(n);
	return r;
}

static void *run(void *arg)
{
	struct net *n = arg;

	while (!n->ending) {
		int timeout = -1;
		eventfd_t count;

		pthread_mutex_lock(&n->lock);
		n->n_fds = 0;
		net_add_fd(n, n->wake, POLLIN);
		n->ops->prepare(n->back, &timeout);
		pthread_mutex_unlock(&n->lock);
		poll(n->fd, (nfds_t)n->n_fds, timeout);
		pthread_mutex_lock(&n->lock);
		if (n->fd[0].revents) {
			eventfd_read(n->wake, &count);
			while (n->n && n->user.receive(n->user.arg, n->wait[n->head].p,
						       n->wait[n->head].len))
				drop_first(n);
			n->user.transmit(n->user.arg, n);
		}
		n->ops->work(n->back);
		pthread_mutex_unlock(&n->lock);
	}
	return NULL;
}

static int start(struct net *n, struct err *e)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&n->thread, NULL, run, n);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	n->started = r == 0;
	return r ? err_set(e, -r, "no thread for a network") : 0;
}

static int open_nobody(struct net *n, struct optset *o, void **back, struct err *e)
{
	(void)n;
	(void)o;
	(void)back;
	(void)e;
	return 0;
}

static void nothing(void *back)
{
	(void)back;
}

static void no_wait(void *back, int *timeout)
{
	(void)back;
	(void)timeout;
}

static void lose(void *back, const uint8_t *frame, size_t len)
{
	(void)back;
	(void)frame;
	(void)len;
}

static const struct net_ops nobody = { open_nobody, no_wait, nothing, lose, nothing, NULL };

int net_open(const char *kind, const char *options, const struct net_user *u, struct net **out,
	     struct err *e)
{
	struct optset o = OPTSET_INIT;
	struct net *n = mem_zalloc(1, sizeof(*n), e);
	int r;

	if (!n)
		return -ENOMEM;
	pthread_mutex_init(&n->lock, NULL);
	net_use(n, u);
	n->ops = !*kind                    ? &nobody
		 : !strcmp(kind, "tap")    ? &net_tap_ops
		 : !strcmp(kind, "bridge") ? &net_bridge_ops
					   : &net_user_ops;
	n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = n->wake < 0 ? err_errno(e, "eventfd") : 0;
	if (r == 0 && *options)
		r = optset_parse(&o, options, NULL, e);
	if (r == 0)
		r = n->ops->open(n, &o, &n->back, e);
	if (r == 0 && optset_unused(&o))
		r = err_set(e, -EINVAL, "network '%s' has no '%s'", kind, optset_unused(&o));
	if (r == 0)
		r = start(n, e);
	optset_free(&o);
	if (r < 0) {
		net_close(n);
		return r;
	}
	*out = n;
	return 0;
}

void net_close(struct net *n)
{
	if (!n)
		return;
	n->ending = true;
	if (n->started) {
		net_kick(n);
		pthread_join(n->thread, NULL);
	}
	if (n->back)
		n->ops->close(n->back);
	while (n->n)
		drop_first(n);
	io_close(n->wake);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
