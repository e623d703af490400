/* SPDX-License-Identifier: MIT */
#include "emu/chardev/chardev.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/chardev/fds.h"
#include "emu/loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 65536u
/* A pipe that poll() calls writable takes this much without blocking. */
#define ESCAPE 1 /* C-a */
#define CHUNK  2048u

struct chardev {
	struct loop *loop;
	struct chardev_fds fds;
	struct loop_fd in, out, listener;
	struct loop_job flush, more;
	struct chardev_user users[2],
		user; /* the second by chardev_share(); who has the input */
	unsigned focus;
	bool shared, escaped; /* C-a was pressed */
	void (*quit)(void *arg);
	void *quit_arg;
	bool gone; /* the other side has ended */
	struct termios saved;
	bool raw;
	pthread_mutex_t lock; /* the buffer */
	size_t head, n;
	bool was_full;
	uint8_t buf[BUFFER];
};

const char *chardev_about(const struct chardev *c)
{
	return c->fds.about;
}

size_t chardev_write(struct chardev *c, const void *p, size_t n)
{
	const uint8_t *from = p;
	size_t room;

	pthread_mutex_lock(&c->lock);
	if (c->fds.out < 0) {
		/* nobody is there: as a serial line without a plug */
		pthread_mutex_unlock(&c->lock);
		return n;
	}
	room = BUFFER - c->n;
	if (n > room)
		n = room;
	for (size_t i = 0; i < n; i++)
		c->buf[(c->head + c->n + i) % BUFFER] = from[i];
	c->n += n;
	c->was_full |= c->n == BUFFER;
	pthread_mutex_unlock(&c->lock);
	if (n)
		loop_do(c->loop, &c->flush);
	return n;
}

void chardev_more(struct chardev *c)
{
	loop_do(c->loop, &c->more);
}

static void disconnect(struct chardev *c)
{
	pthread_mutex_lock(&c->lock);
	loop_events(c->loop, &c->in, 0);
	loop_events(c->loop, &c->out, 0);
	c->n = 0;
	if (c->fds.listener >= 0 && c->fds.in >= 0) {
		io_close(c->fds.in);
		c->fds.in = c->fds.out = -1;
		loop_events(c->loop, &c->listener, POLLIN);
	}
	pthread_mutex_unlock(&c->lock);
	if (c->user.connected)
		c->user.connected(c->user.arg, false);
}

/* Writes a chunk if that cannot block.  False: no more for now. */
static bool flush_some(struct chardev *c)
{
	struct pollfd p = { .fd = c->fds.out, .events = POLLOUT };
	uint8_t chunk[CHUNK];
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->n < CHUNK ? c->n : CHUNK;
	for (size_t i = 0; i < n; i++)
		chunk[i] = c->buf[(c->head + i) % BUFFER];
	pthread_mutex_unlock(&c->lock);
	if (!n || poll(&p, 1, 0) <= 0)
		return false;
	if (io_write(c->fds.out, chunk, n, NULL) < 0) {
		disconnect(c);
		return false;
	}
	pthread_mutex_lock(&c->lock);
	c->head = (c->head + n) % BUFFER;
	c->n -= n;
	pthread_mutex_unlock(&c->lock);
	return true;
}

static void flush(void *arg)
{
	struct chardev *c = arg;
	bool drained, left;

	while (flush_some(c))
		;
	pthread_mutex_lock(&c->lock);
	left = c->n > 0;
	drained = c->was_full && c->n < BUFFER / 2;
	if (drained)
		c->was_full = false;
	pthread_mutex_unlock(&c->lock);
	loop_events(c->loop, &c->out, left ? POLLOUT : 0);
	if (drained && c->user.drained)
		c->user.drained(c->user.arg);
}

static void out_ready(void *arg, short revents)
{
	(void)revents;
	flush(arg);
}

/* Watches for input when somebody takes it. */
static void more(void *arg)
{
	struct chardev *c = arg;
	bool want =
		c->fds.in >= 0 && !c->gone && c->user.input && c->user.room(c->user.arg) > 0;

	loop_events(c->loop, &c->in, want ? POLLIN : 0);
}

static void say(struct chardev *c, const char *text)
{
	chardev_write(c, text, strlen(text));
}

static void switch_focus(struct chardev *c)
{
	c->users[c->focus] = c->user;
	c->focus ^= 1;
	c->user = c->users[c->focus];
	if (c->user.connected)
		c->user.connected(c->user.arg, true);
	else
		say(c, "\r\n");
}

static void escape(struct chardev *c, uint8_t key)
{
	switch (key) {
	case 'x':
		c->quit(c->quit_arg);
		break;
	case 'c':
		switch_focus(c);
		break;
	case 'b':
		if (c->user.brk)
			c->user.brk(c->user.arg);
		break;
	case 'h':
	case '?':
		say(c, "\r\nC-a h    these keys\r\nC-a x    end the machine\r\n"
		       "C-a c    switch between the serial port and the monitor\r\n"
		       "C-a b    send a break\r\nC-a C-a  send C-a\r\n");
		break;
	case ESCAPE:
		c->user.input(c->user.arg, &key, 1);
		break;
	default:
		break;
	}
}

/* Input with our keys taken out. */
static void filter(struct chardev *c, const uint8_t *p, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (!c->escaped && p[i] != ESCAPE)
			continue;
		if (i > from)
			c->user.input(c->user.arg, p + from, i - from);
		from = i + 1;
		if (c->escaped)
			escape(c, p[i]);
		c->escaped = !c->escaped;
	}
	if (n > from)
		c->user.input(c->user.arg, p + from, n - from);
}

static void in_ready(void *arg, short revents)
{
	struct chardev *c = arg;
	uint8_t buf[512];
	size_t room = c->user.input ? c->user.room(c->user.arg) : 0, got = 0;

	(void)revents;
	if (!room) {
		loop_events(c->loop, &c->in, 0);
		return;
	}
	if (room > sizeof(buf))
		room = sizeof(buf);
	if (io_read_some(c->fds.in, buf, room, &got, NULL) < 0 || got == 0) {
		/* end of input is not the end of output; a socket is both */
		if (c->fds.listener >= 0)
			disconnect(c);
		else
			c->gone = true;
		loop_events(c->loop, &c->in, 0);
		return;
	}
	if (c->shared)
		filter(c, buf, got);
	else
		c->user.input(c->user.arg, buf, got);
	more(c);
}

void chardev_share(struct chardev *c, const struct chardev_user *second,
		   void (*quit)(void *arg), void *arg)
{
	c->users[1] = *second;
	c->shared = true;
	c->quit = quit;
	c->quit_arg = arg;
}

static void accept_ready(void *arg, short revents)
{
	struct chardev *c = arg;
	int fd = accept4(c->fds.listener, NULL, NULL, SOCK_CLOEXEC);

	(void)revents;
	if (fd < 0)
		return;
	pthread_mutex_lock(&c->lock);
	c->fds.in = c->fds.out = c->in.fd = c->out.fd = fd;
	c->n = 0;
	c->gone = false;
	/* one at a time; others wait */
	loop_events(c->loop, &c->listener, 0);
	pthread_mutex_unlock(&c->lock);
	if (c->user.connected)
		c->user.connected(c->user.arg, true);
	more(c);
}

void chardev_use(struct chardev *c, const struct chardev_user *u)
{
	c->user = u ? *u : (struct chardev_user){ 0 };
	if (u && c->user.connected && c->fds.out >= 0)
		c->user.connected(c->user.arg, true);
	chardev_more(c);
}

/* Each key as it is pressed: the guest does the rest. */
static void make_raw(struct chardev *c)
{
	struct termios t;

	if (!c->fds.terminal || tcgetattr(c->fds.in, &c->saved) < 0)
		return;
	t = c->saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	c->raw = tcsetattr(c->fds.in, TCSANOW, &t) == 0;
}

int chardev_open(struct loop *l, const char *id, const char *spec, struct chardev **out,
		 struct err *e)
{
	struct chardev *c = mem_zalloc(1, sizeof(*c), e);
	int r;

	if (!c)
		return -ENOMEM;
	r = fds_open(spec, &c->fds, e);
	if (r < 0) {
		free(c);
		return err_wrap(e, r, "%s", id);
	}
	c->loop = l;
	pthread_mutex_init(&c->lock, NULL);
	c->in = (struct loop_fd){ c->fds.in, 0, in_ready, c };
	c->out = (struct loop_fd){ c->fds.out, 0, out_ready, c };
	c->listener = (struct loop_fd){ c->fds.listener, POLLIN, accept_ready, c };
	if (c->fds.listener < 0 || c->fds.in >= 0)
		c->listener.events = 0;
	c->flush = (struct loop_job){ .run = flush, .arg = c };
	c->more = (struct loop_job){ .run = more, .arg = c };
	r = loop_watch(l, &c->in, e);
	if (r == 0)
		r = loop_watch(l, &c->out, e);
	if (r == 0)
		r = loop_watch(l, &c->listener, e);
	if (r < 0) {
		chardev_close(c);
		return r;
	}
	make_raw(c);
	*out = c;
	return 0;
}

static bool left(struct chardev *c)
{
	bool l;

	pthread_mutex_lock(&c->lock);
	l = c->n > 0;
	pthread_mutex_unlock(&c->lock);
	return l;
}

void chardev_close(struct chardev *c)
{
	struct timespec ms = { .tv_nsec = 10000000 };

	if (!c)
		return;
	for (unsigned tries = 0; c->fds.out >= 0 && left(c) && tries < 100; tries++)
		if (!flush_some(c))
			nanosleep(&ms, NULL);
	loop_unwatch(c->loop, &c->in);
	loop_unwatch(c->loop, &c->out);
	loop_unwatch(c->loop, &c->listener);
	loop_forget(c->loop, &c->flush);
	loop_forget(c->loop, &c->more);
	if (c->raw)
		tcsetattr(c->fds.in, TCSANOW, &c->saved);
	if (c->fds.in > STDERR_FILENO)
		io_close(c->fds.in);
	if (c->fds.out > STDERR_FILENO && c->fds.out != c->fds.in)
		io_close(c->fds.out);
	io_close(c->fds.listener);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
