/* SPDX-License-Identifier: MIT */
/* A network behind the host's sockets, without rights: libslirp.  All of it is called in the
 * network's thread. */
#include "base/mem.h"
#include "base/now.h"
#include "emu/net/backend.h"
#include "emu/net/user_config.h"

#include <arpa/inet.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>

#define TIMERS 16

struct timer {
	bool used;
	int64_t at; /* ms; 0: not set */
	SlirpTimerCb fn;
	SlirpTimerId id;
	void *arg;
};

struct user {
	struct net *net;
	Slirp *slirp;
	struct timer timer[TIMERS];
};

static int64_t cb_now(void *opaque)
{
	(void)opaque;
	return now_ns();
}

static ssize_t cb_send(const void *buf, size_t len, void *opaque)
{
	struct user *u = opaque;

	net_receive(u->net, buf, len);
	return (ssize_t)len;
}

static void cb_error(const char *msg, void *opaque)
{
	(void)msg;
	(void)opaque;
}

static struct timer *new_timer(struct user *u)
{
	for (unsigned i = 0; i < TIMERS; i++) {
		if (u->timer[i].used)
			continue;
		u->timer[i] = (struct timer){ .used = true };
		return &u->timer[i];
	}
	return NULL;
}

static void *cb_timer_new(SlirpTimerCb fn, void *arg, void *opaque)
{
	struct timer *t = new_timer(opaque);

	if (t) {
		t->fn = fn;
		t->arg = arg;
	}
	return t;
}

static void *cb_timer_new_id(SlirpTimerId id, void *arg, void *opaque)
{
	struct timer *t = new_timer(opaque);

	if (t) {
		t->id = id;
		t->arg = arg;
	}
	return t;
}

static void cb_timer_free(void *timer, void *opaque)
{
	struct timer *t = timer;

	(void)opaque;
	if (t)
		t->used = false;
}

static void cb_timer_mod(void *timer, int64_t at, void *opaque)
{
	struct timer *t = timer;

	(void)opaque;
	if (t)
		t->at = at;
}

static void cb_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void cb_notify(void *opaque)
{
	struct user *u = opaque;

	net_kick(u->net);
}

static const SlirpCb callbacks = {
	.send_packet = cb_send,
	.guest_error = cb_error,
	.clock_get_ns = cb_now,
	.timer_new = cb_timer_new,
	.timer_free = cb_timer_free,
	.timer_mod = cb_timer_mod,
	.register_poll_fd = cb_fd,
	.unregister_poll_fd = cb_fd,
	.notify = cb_notify,
	.timer_new_opaque = cb_timer_new_id,
};

/* "tcp:[HOST]:PORT-[GUEST]:PORT" */
static int add_forward(Slirp *s, const char *rule, struct err *e)
{
	AUTO_FREE char *copy = mem_strdup(rule, e);
	struct in_addr host = { .s_addr = INADDR_ANY }, guest = { .s_addr = INADDR_ANY };
	char *proto, *haddr, *hport, *gaddr, *gport, *rest;
	unsigned long hp, gp;
	bool udp;

	if (!copy)
		return -ENOMEM;
	rest = copy;
	proto = strsep(&rest, ":");
	haddr = strsep(&rest, ":");
	hport = strsep(&rest, "-");
	gaddr = strsep(&rest, ":");
	gport = rest;
	if (!gport || (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0 && *proto))
		return err_set(e, -EINVAL, "hostfwd=%s: tcp:[HOST]:PORT-[GUEST]:PORT", rule);
	udp = *proto == 'u';
	hp = strtoul(hport, NULL, 10);
	gp = strtoul(gport, NULL, 10);
	if (!hp || hp > 65535 || !gp || gp > 65535 ||
	    (*haddr && inet_pton(AF_INET, haddr, &host) != 1) ||
	    (*gaddr && inet_pton(AF_INET, gaddr, &guest) != 1))
		return err_set(e, -EINVAL, "hostfwd=%s: not two addresses with ports", rule);
	if (slirp_add_hostfwd(s, udp, host, (int)hp, guest, (int)gp) < 0)
		return err_errno(e, "hostfwd=%s", rule);
	return 0;
}

/* "tcp:[HOST]:PORT" */
static int remove_forward(Slirp *s, const char *rule, struct err *e)
{
	AUTO_FREE char *copy = mem_strdup(rule, e);
	struct in_addr host = { .s_addr = INADDR_ANY };
	char *proto, *haddr, *rest, *end = NULL;
	unsigned long port;

	if (!copy)
		return -ENOMEM;
	rest = copy;
	proto = strsep(&rest, ":");
	haddr = strsep(&rest, ":");
	port = rest ? strtoul(rest, &end, 10) : 0;
	if (!end || *end || !port || port > 65535 ||
	    (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0 && *proto) ||
	    (*haddr && inet_pton(AF_INET, haddr, &host) != 1))
		return err_set(e, -EINVAL, "%s: tcp:[HOST]:PORT or udp:[HOST]:PORT", rule);
	if (slirp_remove_hostfwd(s, *proto == 'u', host, (int)port) < 0)
		return err_set(e, -ENOENT, "host forwarding rule for %s not found", rule);
	return 0;
}

static int user_forward(void *back, const char *rule, bool add, struct err *e)
{
	struct user *u = back;

	return add ? add_forward(u->slirp, rule, e) : remove_forward(u->slirp, rule, e);
}

static int open_forwards(struct user *u, struct optset *o, struct err *e)
{
	for (size_t i = 0; i < o->n; i++) {
		int r;

		if (strcmp(o->v[i].key, "hostfwd") != 0)
			continue;
		o->v[i].used = true;
		r = add_forward(u->slirp, o->v[i].val, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int user_open(struct net *n, struct optset *o, void **back, struct err *e)
{
	struct user_config c;
	struct user *u;
	int r = user_config_read(&c, o, e);

	if (r < 0)
		return r;
	u = mem_zalloc(1, sizeof(*u), e);
	if (!u)
		return -ENOMEM;
	u->net = n;
	u->slirp = slirp_new(&c.slirp, &callbacks, u);
	if (!u->slirp) {
		free(u);
		return err_set(e, -ENOMEM, "libslirp did not start");
	}
	*back = u;
	return open_forwards(u, o, e);
}

static int cb_add_poll(int fd, int events, void *opaque)
{
	struct user *u = opaque;

	return net_add_fd(u->net, fd,
			  (short)((events & SLIRP_POLL_IN ? POLLIN : 0) |
				  (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
				  (events & SLIRP_POLL_PRI ? POLLPRI : 0)));
}

static int cb_events(int index, void *opaque)
{
	struct user *u = opaque;
	short e = net_events(u->net, index);

	return (e & POLLIN ? SLIRP_POLL_IN : 0) | (e & POLLOUT ? SLIRP_POLL_OUT : 0) |
	       (e & POLLPRI ? SLIRP_POLL_PRI : 0) | (e & POLLERR ? SLIRP_POLL_ERR : 0) |
	       (e & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void user_prepare(void *back, int *timeout)
{
	struct user *u = back;
	uint32_t ms = UINT32_MAX;
	int64_t now = now_ns() / 1000000;

	slirp_pollfds_fill(u->slirp, &ms, cb_add_poll, u);
	for (unsigned i = 0; i < TIMERS; i++) {
		const struct timer *t = &u->timer[i];

		if (t->used && t->at && t->at - now < ms)
			ms = t->at > now ? (uint32_t)(t->at - now) : 0;
	}
	*timeout = ms > INT32_MAX ? -1 : (int)ms;
}

static void user_work(void *back)
{
	struct user *u = back;
	int64_t now = now_ns() / 1000000;

	slirp_pollfds_poll(u->slirp, 0, cb_events, u);
	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &u->timer[i];

		if (!t->used || !t->at || t->at > now)
			continue;
		t->at = 0;
		if (t->fn)
			t->fn(t->arg);
		else
			slirp_handle_timer(u->slirp, t->id, t->arg);
	}
}

static void user_send(void *back, const uint8_t *frame, size_t len)
{
	struct user *u = back;

	slirp_input(u->slirp, frame, (int)len);
}

static void user_close(void *back)
{
	struct user *u = back;

	slirp_cleanup(u->slirp);
	free(u);
}

const struct net_ops net_user_ops = { user_open, user_prepare, user_work,
				      user_send, user_close,   user_forward };
