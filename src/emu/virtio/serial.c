/* SPDX-License-Identifier: MIT */
/* Specification 5.3. */
#include "emu/virtio/serial.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/chardev/chardev.h"

#include <stdlib.h>
#include <string.h>

#define Q_TO_DRIVER 2u /* of control; 3 is from it */
#define QUEUES      (2 * (VIRTIO_SERIAL_PORTS + 1))
#define NAME_MAX    64u
#define IN_SIZE     4096u
#define PIECE       2048u
#define OUT_MAX     (16u << 20) /* bytes of one request: no driver has so many */
#define WAITING     32u         /* control messages */

#define F_MULTIPORT (UINT64_C(1) << 1)

/* Events of control messages. */
enum { E_READY, E_ADD, E_REMOVE, E_PORT_READY, E_CONSOLE, E_RESIZE, E_OPEN, E_NAME };

struct message {
	uint8_t len, b[8 + NAME_MAX];
};

struct port {
	struct virtio_serial *s;
	unsigned n;
	struct virtio_serial_port is;
	char name[NAME_MAX], id[NAME_MAX];
	pthread_mutex_t lock; /* what follows */
	bool host, guest;     /* each side is there */
	uint8_t in[IN_SIZE];  /* that the guest has no buffers for yet */
	size_t in_n;
	bool busy; /* chain is a request whose bytes are not all out */
	size_t done;
	struct virtq_chain chain, to;
};

struct virtio_serial {
	struct virtio v;
	struct virtio_serial_config c;
	struct port port[VIRTIO_SERIAL_PORTS];
	pthread_mutex_t
		lock; /* what follows; not taken with a port's held, but the other way round */
	struct message message[WAITING];
	unsigned head, n;
	struct virtq_chain from, to;
};

static struct virtq *queue(struct port *p, bool to_device)
{
	unsigned n = p->n ? 2 * (p->n + 1) : 0;

	return &p->s->v.q[n + to_device];
}

static bool many(const struct virtio_serial *s)
{
	return s->v.accepted & F_MULTIPORT;
}

/* The guest reads and writes it. */
static bool talks(const struct port *p)
{
	return virtio_running(&p->s->v) && (many(p->s) ? p->guest : p->n == 0);
}

/* ---- control ---- */

/* The lock is held.  Those for which the driver has no buffer wait. */
static void send_messages(struct virtio_serial *s)
{
	struct virtq *q = &s->v.q[Q_TO_DRIVER];

	while (s->n) {
		const struct message *m = &s->message[s->head];
		int r = virtq_pop(q, &s->to);

		if (r == 0 && virtq_arm(q))
			r = virtq_pop(q, &s->to);
		if (r <= 0)
			return;
		virtq_push(q, &s->to, (uint32_t)virtq_write(&s->v, &s->to, 0, m->b, m->len));
		s->head = (s->head + 1) % WAITING;
		s->n--;
	}
}

/* A driver that asks for more than it takes loses the rest. */
static void say(struct virtio_serial *s, unsigned port, unsigned event, unsigned value,
		const char *name)
{
	size_t len = name ? strlen(name) : 0;
	struct message *m;

	if (!many(s) || !virtio_running(&s->v))
		return;
	pthread_mutex_lock(&s->lock);
	if (s->n < WAITING) {
		m = &s->message[(s->head + s->n++) % WAITING];
		store_le32(m->b, port);
		store_le16(m->b + 4, (uint16_t)event);
		store_le16(m->b + 6, (uint16_t)value);
		if (len)
			memcpy(m->b + 8, name, len);
		m->len = (uint8_t)(8 + len);
	}
	send_messages(s);
	pthread_mutex_unlock(&s->lock);
}

static void set_guest(struct port *p, bool there)
{
	bool was;

	pthread_mutex_lock(&p->lock);
	was = p->guest;
	p->guest = there;
	if (!there)
		p->in_n = 0;
	pthread_mutex_unlock(&p->lock);
	if (was == there)
		return;
	if (!p->is.console && p->s->c.opened)
		p->s->c.opened(p->s->c.arg, p->id, there);
	if (there && p->is.chardev)
		chardev_more(p->is.chardev);
}

static void port_ready(struct port *p)
{
	bool host;

	pthread_mutex_lock(&p->lock);
	host = p->host;
	pthread_mutex_unlock(&p->lock);
	if (p->is.console)
		say(p->s, p->n, E_CONSOLE, 1, NULL);
	if (*p->name)
		say(p->s, p->n, E_NAME, 1, p->name);
	if (host || p->is.console)
		say(p->s, p->n, E_OPEN, 1, NULL);
}

static void message(struct virtio_serial *s, unsigned id, unsigned event, unsigned value)
{
	struct port *p = id < VIRTIO_SERIAL_PORTS && s->port[id].is.there ? &s->port[id] : NULL;

	if (event == E_READY) {
		for (unsigned i = 0; value && i < VIRTIO_SERIAL_PORTS; i++)
			if (s->port[i].is.there)
				say(s, i, E_ADD, 1, NULL);
	} else if (p && event == E_PORT_READY && value) {
		port_ready(p);
	} else if (p && event == E_OPEN) {
		set_guest(p, value != 0);
	}
}

static void control(struct virtio_serial *s)
{
	struct virtq *q = &s->v.q[Q_TO_DRIVER + 1];
	uint8_t b[8];

	do {
		for (;;) {
			size_t got = 0;
			int r;

			pthread_mutex_lock(&s->lock);
			r = virtq_pop(q, &s->from);
			if (r > 0) {
				got = virtq_read(&s->from, 0, b, sizeof(b));
				virtq_push(q, &s->from, 0);
			}
			pthread_mutex_unlock(&s->lock);
			if (r <= 0)
				break;
			if (got == sizeof(b))
				message(s, load_le32(b), load_le16(b + 4), load_le16(b + 6));
		}
	} while (virtq_arm(q));
}

/* ---- bytes ---- */

/* What the host has given, into buffers of the guest; the port's lock is held. */
static void deliver(struct port *p)
{
	struct virtq *q = queue(p, false);

	while (p->in_n && talks(p)) {
		size_t n;
		int r = virtq_pop(q, &p->to);

		if (r == 0 && virtq_arm(q))
			r = virtq_pop(q, &p->to);
		if (r <= 0)
			return;
		n = virtq_write(&p->s->v, &p->to, 0, p->in, p->in_n);
		memmove(p->in, p->in + n, p->in_n - n);
		p->in_n -= n;
		virtq_push(q, &p->to, (uint32_t)n);
	}
}

/* A request goes on; false: the host takes no more now.  The lock is held. */
static bool send_on(struct port *p)
{
	uint8_t b[PIECE];
	size_t n;

	while ((n = virtq_read(&p->chain, p->done, b, sizeof(b)))) {
		/* with nobody there it is lost, as on a line without a plug */
		size_t took = p->is.chardev ? chardev_write(p->is.chardev, b, n) : n;

		p->done += took;
		if (took < n)
			return false;
	}
	return true;
}

static void send(struct port *p)
{
	struct virtq *q = queue(p, true);

	pthread_mutex_lock(&p->lock);
	do {
		for (;;) {
			if (!p->busy) {
				if (virtq_pop(q, &p->chain) <= 0)
					break;
				if (p->chain.out_len > OUT_MAX) {
					virtio_broken(&p->s->v);
					pthread_mutex_unlock(&p->lock);
					return;
				}
				p->busy = true;
				p->done = 0;
			}
			if (!send_on(p)) {
				pthread_mutex_unlock(&p->lock);
				return;
			}
			p->busy = false;
			virtq_push(q, &p->chain, 0);
		}
	} while (virtq_arm(q));
	pthread_mutex_unlock(&p->lock);
}

/* ---- the host's side ---- */

static size_t room(void *arg)
{
	struct port *p = arg;
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = talks(p) ? sizeof(p->in) - p->in_n : 0;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void input(void *arg, const uint8_t *from, size_t n)
{
	struct port *p = arg;

	pthread_mutex_lock(&p->lock);
	n = n < sizeof(p->in) - p->in_n ? n : sizeof(p->in) - p->in_n;
	memcpy(p->in + p->in_n, from, n);
	p->in_n += n;
	deliver(p);
	pthread_mutex_unlock(&p->lock);
}

static void drained(void *arg)
{
	struct port *p = arg;

	if (virtio_running(&p->s->v))
		send(p);
}

static void connected(void *arg, bool there)
{
	struct port *p = arg;

	pthread_mutex_lock(&p->lock);
	p->host = there;
	pthread_mutex_unlock(&p->lock);
	if (!p->is.console)
		say(p->s, p->n, E_OPEN, there, NULL);
}

/* ---- the guest's side ---- */

static void kick(struct virtio *v, unsigned n)
{
	struct virtio_serial *s = v->dev;
	struct port *p = n < 2 ? &s->port[0] : n < 4 ? NULL : &s->port[n / 2 - 1];

	if (!p) {
		if (n == Q_TO_DRIVER) {
			pthread_mutex_lock(&s->lock);
			send_messages(s);
			pthread_mutex_unlock(&s->lock);
		} else {
			control(s);
		}
		return;
	}
	if (n & 1) {
		send(p);
		return;
	}
	pthread_mutex_lock(&p->lock);
	deliver(p);
	pthread_mutex_unlock(&p->lock);
	if (p->is.chardev)
		chardev_more(p->is.chardev);
}

static void stop(struct virtio *v)
{
	struct virtio_serial *s = v->dev;

	for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
		struct port *p = &s->port[i];

		pthread_mutex_lock(&p->lock);
		p->busy = false;
		p->in_n = 0;
		pthread_mutex_unlock(&p->lock);
		set_guest(p, false);
	}
	pthread_mutex_lock(&s->lock);
	s->n = 0;
	pthread_mutex_unlock(&s->lock);
}

/* Bytes that came before the driver was ready. */
static void start(struct virtio *v)
{
	struct virtio_serial *s = v->dev;

	for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++)
		if (s->port[i].is.chardev)
			chardev_more(s->port[i].is.chardev);
}

static const struct virtio_ops ops = { .id = 3,
				       .legacy = 0x1003,
				       .class = 0x078000,
				       .name = "virtio-serial",
				       .kick = kick,
				       .start = start,
				       .stop = stop };

static int use(struct port *p, struct err *e)
{
	const struct chardev_user u = { .room = room,
					.input = input,
					.drained = drained,
					.connected = connected,
					.arg = p };

	return p->is.chardev ? chardev_use(p->is.chardev, p->id, &u, e) : 0;
}

static void name(char to[NAME_MAX], const char *from)
{
	size_t n = from ? strnlen(from, NAME_MAX - 1) : 0;

	if (n)
		memcpy(to, from, n);
	to[n] = '\0';
}

int virtio_serial_new(struct virtio_serial **out, struct pci *bus, struct mem *m,
		      const struct virtio_serial_config *c, struct err *e)
{
	struct virtio_serial *s = mem_zalloc(1, sizeof(*s), e);
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->c = *c;
	pthread_mutex_init(&s->lock, NULL);
	for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
		struct port *p = &s->port[i];

		p->s = s;
		p->n = i;
		p->is = c->port[i];
		name(p->name, p->is.name);
		name(p->id, p->is.id);
		pthread_mutex_init(&p->lock, NULL);
	}
	s->v.ops = &ops;
	s->v.dev = s;
	s->v.queues = QUEUES;
	s->v.offers = F_MULTIPORT;
	s->v.config_len = 12;
	store_le32(s->v.config + 4, VIRTIO_SERIAL_PORTS);
	r = virtio_add(&s->v, bus, m, c->where, e);
	for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS && r == 0; i++)
		r = use(&s->port[i], e);
	if (r < 0) {
		virtio_serial_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void virtio_serial_reset(struct virtio_serial *s)
{
	virtio_reset(&s->v);
}

void virtio_serial_free(struct virtio_serial *s)
{
	if (!s)
		return;
	virtio_remove(&s->v);
	for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
		chardev_leave(s->port[i].is.chardev, &s->port[i]);
		pthread_mutex_destroy(&s->port[i].lock);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}
