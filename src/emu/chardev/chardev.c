/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "emu/chardev/chardev_int.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A pipe that poll() calls writable takes this much without blocking. */
#define CHUNK 2048u

const char *chardev_about(const struct chardev *c)
{
	return c->fds.about;
}

const char *chardev_id(const struct chardev *c)
{
	return c->config->id;
}

bool chardev_open(const struct chardev *c)
{
	return c->open;
}

bool chardev_public(const struct chardev *c)
{
	return c->fds.reachable;
}

bool chardev_used(const struct chardev *c)
{
	for (unsigned i = 0; i < CHARDEV_FRONTS; i++)
		if (c->front[i].used)
			return true;
	return false;
}

/* ---- out ---- */

static void ring_put(struct chardev *c, const uint8_t *p, size_t n)
{
	size_t size = (size_t)c->config->size;

	for (size_t i = 0; i < n; i++) {
		c->ring[(c->ring_head + c->ring_n) % size] = p[i];
		if (c->ring_n < size)
			c->ring_n++;
		else
			c->ring_head = (c->ring_head + 1) % size;
	}
}

int chardev_ring_take(struct chardev *c, void *to, size_t max, size_t *n, struct err *e)
{
	uint8_t *p = to;

	if (!c->ring)
		return err_set(e, -EINVAL, "the chardev '%s' is no ringbuf", c->config->id);
	pthread_mutex_lock(&c->lock);
	for (*n = 0; *n < max && c->ring_n; ++*n) {
		p[*n] = c->ring[c->ring_head];
		c->ring_head = (c->ring_head + 1) % (size_t)c->config->size;
		c->ring_n--;
	}
	pthread_mutex_unlock(&c->lock);
	return 0;
}

static bool put(struct chardev *c, uint8_t v)
{
	bool twice = c->config->telnet && v == TELNET_IAC;

	if (c->n + (twice ? 2 : 1) > CHARDEV_BUFFER)
		return false;
	for (unsigned i = twice ? 2 : 1; i; i--)
		c->buf[(c->head + c->n++) % CHARDEV_BUFFER] = v;
	return true;
}

size_t chardev_write(struct chardev *c, const void *p, size_t n)
{
	const uint8_t *from = p;
	bool wake = false;

	pthread_mutex_lock(&c->lock);
	if (c->ring) {
		ring_put(c, from, n);
	} else if (c->open && !c->mute && c->config->kind != CHARDEV_NULL) {
		/* else nobody is there: as a serial line without a plug */
		size_t i = 0;

		while (i < n && put(c, from[i]))
			i++;
		c->was_full |= i < n || c->n == CHARDEV_BUFFER;
		n = i;
		wake = n > 0;
	}
	/* a log that cannot be written to is no reason to stop the guest */
	if (c->fds.log >= 0 && n && io_write(c->fds.log, from, n, NULL) < 0) {
		io_close(c->fds.log);
		c->fds.log = -1;
	}
	pthread_mutex_unlock(&c->lock);
	if (wake)
		loop_do(c->env->loop, &c->flush);
	return n;
}

void chardev_more(struct chardev *c)
{
	loop_do(c->env->loop, &c->more);
}

static void tell_drained(struct chardev *c)
{
	for (unsigned i = 0; i < CHARDEV_FRONTS; i++)
		if (c->front[i].used && c->front[i].u.drained)
			c->front[i].u.drained(c->front[i].u.arg);
}

/* ---- who is there ---- */

static void greet(struct chardev *c, struct chardev_front *f)
{
	if (f->u.connected)
		f->u.connected(f->u.arg, true);
	if (f == &c->front[c->focus] && f->u.focus)
		f->u.focus(f->u.arg);
}

static void come(struct chardev *c)
{
	pthread_mutex_lock(&c->lock);
	c->open = true;
	c->n = 0;
	c->ended = false;
	pthread_mutex_unlock(&c->lock);
	c->escaped = false;
	c->telnet = (struct telnet){ 0 };
	if (c->config->telnet &&
	    io_write(c->fds.out, telnet_hello, sizeof(telnet_hello), NULL) < 0)
		c->ended = true;
	for (unsigned i = 0; i < CHARDEV_FRONTS; i++)
		if (c->front[i].used)
			greet(c, &c->front[i]);
	chardev_more(c);
}

static void look_again(struct chardev *c, bool on)
{
	const struct itimerspec every = { { 0, on ? 250000000 : 0 },
					  { 0, on ? 250000000 : 0 } };

	timerfd_settime(c->tick.fd, 0, &every, NULL);
	loop_events(c->env->loop, &c->tick, on ? POLLIN : 0);
}

static void go(struct chardev *c)
{
	struct loop *l = c->env->loop;

	loop_events(l, &c->in, 0);
	loop_events(l, &c->out, 0);
	pthread_mutex_lock(&c->lock);
	c->open = false;
	c->n = 0;
	c->was_full = false;
	pthread_mutex_unlock(&c->lock);
	if (c->fds.pty) {
		look_again(c, true);
	} else {
		io_close(c->fds.in);
		c->fds.in = c->fds.out = -1;
		if (c->fds.listener >= 0)
			loop_events(l, &c->listener, POLLIN);
	}
	for (unsigned i = 0; i < CHARDEV_FRONTS; i++)
		if (c->front[i].used && c->front[i].u.connected)
			c->front[i].u.connected(c->front[i].u.arg, false);
	tell_drained(c);
}

/* A connection or terminal ends as a whole, of the others each direction by itself. */
static bool whole(const struct chardev *c)
{
	return c->fds.pty || c->config->kind == CHARDEV_UNIX || c->config->kind == CHARDEV_TCP;
}

static void accept_ready(void *arg, short revents)
{
	struct chardev *c = arg;
	int fd = accept4(c->fds.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)revents;
	if (fd < 0)
		return;
	fds_connected(c->config, fd);
	c->fds.in = c->fds.out = c->in.fd = c->out.fd = fd;
	/* one at a time; others wait */
	loop_events(c->env->loop, &c->listener, 0);
	come(c);
}

static void tick_ready(void *arg, short revents)
{
	struct chardev *c = arg;
	struct pollfd p = { .fd = c->fds.in, .events = POLLIN };
	uint64_t times;
	size_t got;

	(void)revents;
	if (io_read_some(c->tick.fd, &times, sizeof(times), &got, NULL) < 0)
		return;
	poll(&p, 1, 0);
	if (c->open || (p.revents & POLLHUP))
		return;
	look_again(c, false);
	come(c);
}

/* ---- out, in the loop's thread ---- */

/* Writes a chunk if that cannot block.  False: no more for now. */
static bool flush_some(struct chardev *c)
{
	struct pollfd p = { .fd = c->fds.out, .events = POLLOUT };
	uint8_t chunk[CHUNK];
	size_t n, done;

	pthread_mutex_lock(&c->lock);
	n = c->n < CHUNK ? c->n : CHUNK;
	for (size_t i = 0; i < n; i++)
		chunk[i] = c->buf[(c->head + i) % CHARDEV_BUFFER];
	pthread_mutex_unlock(&c->lock);
	if (!n || poll(&p, 1, 0) <= 0)
		return false;
	if (io_write_some(c->fds.out, chunk, n, &done, NULL) < 0) {
		if (whole(c)) {
			go(c);
			return false;
		}
		pthread_mutex_lock(&c->lock);
		c->mute = true;
		done = c->n;
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_lock(&c->lock);
	c->head = (c->head + done) % CHARDEV_BUFFER;
	c->n -= done;
	pthread_mutex_unlock(&c->lock);
	return done > 0;
}

static void flush(void *arg)
{
	struct chardev *c = arg;
	bool drained, left;

	while (flush_some(c))
		;
	pthread_mutex_lock(&c->lock);
	left = c->n > 0;
	drained = c->was_full && c->n < CHARDEV_BUFFER / 2;
	if (drained)
		c->was_full = false;
	pthread_mutex_unlock(&c->lock);
	loop_events(c->env->loop, &c->out, left ? POLLOUT : 0);
	if (drained)
		tell_drained(c);
}

static void out_ready(void *arg, short revents)
{
	(void)revents;
	flush(arg);
}

/* ---- in ---- */

static size_t room(struct chardev *c)
{
	const struct chardev_front *f = &c->front[c->focus];

	if (!f->used)
		return 0;
	return c->config->mux ? mux_room(c) : f->u.room(f->u.arg);
}

/* Watches for input when somebody takes it. */
static void more(void *arg)
{
	struct chardev *c = arg;
	bool want;

	if (c->config->mux)
		mux_deliver(c);
	want = c->fds.in >= 0 && c->open && !c->ended && room(c) > 0;
	loop_events(c->env->loop, &c->in, want ? POLLIN : 0);
}

static void deliver(struct chardev *c, uint8_t *p, size_t n)
{
	const struct chardev_user *u = &c->front[c->focus].u;
	bool brk = false;

	if (c->config->telnet)
		n = telnet_input(&c->telnet, p, n, &brk);
	if (c->config->mux)
		mux_input(c, p, n);
	else if (n)
		u->input(u->arg, p, n);
	u = &c->front[c->focus].u;
	if (brk && u->brk)
		u->brk(u->arg);
}

static void in_ready(void *arg, short revents)
{
	struct chardev *c = arg;
	size_t n = room(c), got = 0;
	uint8_t buf[512];
	int r;

	(void)revents;
	if (!n) {
		loop_events(c->env->loop, &c->in, 0);
		return;
	}
	r = io_read_some(c->fds.in, buf, n < sizeof(buf) ? n : sizeof(buf), &got, NULL);
	if (r == -EAGAIN)
		return;
	if (r < 0 || !got) {
		if (whole(c))
			go(c);
		/* end of input is not the end of output */
		c->ended = true;
		loop_events(c->env->loop, &c->in, 0);
		return;
	}
	deliver(c, buf, got);
	more(c);
}

/* ---- users ---- */

int chardev_use(struct chardev *c, const char *id, const struct chardev_user *u, struct err *e)
{
	unsigned i = 0;

	if (!c)
		return err_set(e, -EINVAL, "there is no -chardev with the id '%s'", id);
	if (!c->config->mux && chardev_used(c))
		return err_set(e, -EBUSY,
			       "the chardev '%s' has a user; mux=on lets several share it", id);
	while (i < CHARDEV_FRONTS && c->front[i].used)
		i++;
	if (i == CHARDEV_FRONTS)
		return err_set(e, -EBUSY, "the chardev '%s' has %u users and takes no more", id,
			       CHARDEV_FRONTS);
	/* the first has the keys until it is switched */
	if (!chardev_used(c))
		c->focus = i;
	c->front[i] = (struct chardev_front){ .u = *u, .used = true };
	if (c->open)
		greet(c, &c->front[i]);
	chardev_more(c);
	return 0;
}

void chardev_leave(struct chardev *c, const void *arg)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CHARDEV_FRONTS; i++)
		if (c->front[i].used && c->front[i].u.arg == arg)
			c->front[i] = (struct chardev_front){ 0 };
	for (unsigned i = 0; i < CHARDEV_FRONTS && !c->front[c->focus].used; i++)
		if (c->front[i].used)
			c->focus = i;
	chardev_more(c);
}

/* ---- life ---- */

/* Each key as it is pressed: the guest does the rest. */
static void make_raw(struct chardev *c)
{
	struct termios t;

	if (!c->fds.terminal || tcgetattr(c->fds.in, &c->saved) < 0)
		return;
	t = c->saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	if (!c->config->no_signal)
		t.c_lflag |= ISIG;
	c->raw = tcsetattr(c->fds.in, TCSANOW, &t) == 0;
}

static int watch(struct chardev *c, struct err *e)
{
	struct loop *l = c->env->loop;
	int r;

	if (c->fds.pty)
		c->tick.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->fds.pty && c->tick.fd < 0)
		return err_errno(e, "timerfd");
	r = c->fds.in >= 0 || c->fds.listener >= 0 ? loop_watch(l, &c->in, e) : 0;
	if (r == 0 && (c->fds.out >= 0 || c->fds.listener >= 0))
		r = loop_watch(l, &c->out, e);
	if (r == 0 && c->fds.listener >= 0)
		r = loop_watch(l, &c->listener, e);
	if (r == 0 && c->fds.pty)
		r = loop_watch(l, &c->tick, e);
	return r;
}

static void shut(struct chardev *c)
{
	struct timespec ms = { .tv_nsec = 10000000 };
	struct loop *l = c->env->loop;

	for (unsigned tries = 0; c->open && c->n > 0 && tries < 100; tries++)
		if (!flush_some(c))
			nanosleep(&ms, NULL);
	loop_unwatch(l, &c->in);
	loop_unwatch(l, &c->out);
	loop_unwatch(l, &c->listener);
	loop_unwatch(l, &c->tick);
	loop_forget(l, &c->flush);
	loop_forget(l, &c->more);
	if (c->raw)
		tcsetattr(c->fds.in, TCSANOW, &c->saved);
	fds_close(&c->fds);
	io_close(c->tick.fd);
	pthread_mutex_destroy(&c->lock);
	free(c->ring);
	free(c);
}

static int start(struct chardev **out, const struct chardev_env *env,
		 const struct config_chardev *config, struct err *e)
{
	struct chardev *c = mem_zalloc(1, sizeof(*c), e);
	int r;

	if (!c)
		return -ENOMEM;
	if (config->kind == CHARDEV_RING) {
		c->ring = mem_zalloc(1, (size_t)config->size, e);
		if (!c->ring) {
			free(c);
			return -ENOMEM;
		}
	}
	c->config = config;
	c->env = env;
	r = fds_open(config, env, &c->fds, e);
	if (r < 0) {
		free(c->ring);
		free(c);
		return err_wrap(e, r, "%s", config->id);
	}
	pthread_mutex_init(&c->lock, NULL);
	c->in = (struct loop_fd){ c->fds.in, 0, in_ready, c };
	c->out = (struct loop_fd){ c->fds.out, 0, out_ready, c };
	c->listener = (struct loop_fd){ c->fds.listener, 0, accept_ready, c };
	c->tick = (struct loop_fd){ -1, 0, tick_ready, c };
	c->flush = (struct loop_job){ .run = flush, .arg = c };
	c->more = (struct loop_job){ .run = more, .arg = c };
	*out = c;
	r = watch(c, e);
	if (r < 0)
		return err_wrap(e, r, "%s", config->id);
	make_raw(c);
	if (c->fds.pty)
		look_again(c, true);
	else if (c->fds.listener >= 0 && c->fds.in < 0)
		loop_events(env->loop, &c->listener, POLLIN);
	else
		come(c);
	return 0;
}

/* ---- the table ---- */

struct chardevs {
	struct chardev_env env;
	struct chardev *c[CONFIG_CHARDEVS];
	unsigned n;
};

int chardevs_new(struct chardevs **out, const struct chardev_env *env,
		 const struct config_chardev *config, unsigned n, struct err *e)
{
	struct chardevs *s = mem_zalloc(1, sizeof(*s), e);
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->env = *env;
	for (unsigned i = 0; i < n && i < CONFIG_CHARDEVS && r == 0; i++) {
		r = start(&s->c[i], &s->env, &config[i], e);
		if (s->c[i])
			s->n = i + 1;
	}
	if (r < 0) {
		chardevs_free(s);
		return r;
	}
	*out = s;
	return 0;
}

struct chardev *chardevs_at(const struct chardevs *s, unsigned i)
{
	return s && i < s->n ? s->c[i] : NULL;
}

struct chardev *chardevs_find(const struct chardevs *s, const char *id)
{
	for (unsigned i = 0; s && id && i < s->n; i++)
		if (!strcmp(s->c[i]->config->id, id))
			return s->c[i];
	return NULL;
}

void chardevs_free(struct chardevs *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		shut(s->c[i]);
	free(s);
}
