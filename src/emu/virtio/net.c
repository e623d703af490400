/* SPDX-License-Identifier: MIT */
/* Specification 5.1. */
#include "emu/virtio/net.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "emu/net/net.h"

#include <stdlib.h>
#include <string.h>

#define HEADER   12u /* of a frame; 10 for drivers of before 1.0 */
#define Q_RX     0
#define Q_TX     1
#define F_MAC    (UINT64_C(1) << 5)
#define F_MTU    (UINT64_C(1) << 3)
#define F_STATUS (UINT64_C(1) << 16)
#define F_SPEED  (UINT64_C(1) << 63)
#define LINK_UP  1
#define SHORTEST 60u

struct virtio_net {
	struct virtio v;
	struct net *net;
	/* The network's thread alone uses these.  Sending may receive an answer at once, so each
	 * way has its own. */
	struct virtq_chain in, out;
	uint8_t frame[NET_FRAME];
};

static size_t header(const struct virtio_net *n)
{
	return n->v.accepted & VIRTIO_F_VERSION_1 ? HEADER : HEADER - 2;
}

static bool receive(void *arg, const uint8_t *frame, size_t len)
{
	struct virtio_net *n = arg;
	struct virtq *q = &n->v.q[Q_RX];
	uint8_t head[HEADER] = { 0 };
	size_t before = header(n);
	int r;

	/* a card that is not set up loses what comes */
	if (!virtio_running(&n->v))
		return true;
	r = virtq_pop(q, &n->in);
	if (r == 0 && virtq_arm(q))
		r = virtq_pop(q, &n->in);
	if (r <= 0)
		return r < 0;
	head[10] = 1; /* one buffer */
	/* what does not fit is lost, and the buffer comes back empty */
	if (n->in.in_len < before + len) {
		virtq_push(q, &n->in, 0);
		return true;
	}
	virtq_write(&n->v, &n->in, 0, head, before);
	virtq_write(&n->v, &n->in, before, frame, len);
	virtq_push(q, &n->in, (uint32_t)(before + len));
	return true;
}

static void transmit(void *arg, struct net *net)
{
	struct virtio_net *n = arg;
	struct virtq *q = &n->v.q[Q_TX];
	size_t before = header(n);

	do {
		while (virtq_pop(q, &n->out) > 0) {
			size_t len = virtq_read(&n->out, before, n->frame, sizeof(n->frame));

			if (len < SHORTEST && len >= 14) {
				memset(n->frame + len, 0, SHORTEST - len);
				len = SHORTEST;
			}
			if (len >= SHORTEST && n->out.out_len <= before + sizeof(n->frame))
				net_send(net, n->frame, len);
			virtq_push(q, &n->out, 0);
		}
	} while (virtq_arm(q));
}

static void kick(struct virtio *v, unsigned q)
{
	struct virtio_net *n = v->dev;

	(void)q;
	if (n->net)
		net_kick(n->net);
}

static void stop(struct virtio *v)
{
	struct virtio_net *n = v->dev;

	if (n->net)
		net_settle(n->net);
}

static const struct virtio_ops ops = { .id = 1,
				       .legacy = 0x1000,
				       .class = 0x020000,
				       .name = "virtio-net",
				       .kick = kick,
				       .stop = stop };

int virtio_net_new(struct virtio_net **out, struct pci *p, struct mem *m,
		   const struct config_net *c, struct err *e)
{
	struct virtio_net *n = mem_zalloc(1, sizeof(*n), e);
	const struct net_user u = { receive, transmit, n };
	int r;

	if (!n)
		return -ENOMEM;
	n->v.ops = &ops;
	n->v.dev = n;
	n->v.queues = 2;
	n->v.offers = F_MAC | F_STATUS;
	memcpy(n->v.config, c->mac, 6);
	store_le16(n->v.config + 6, LINK_UP);
	store_le16(n->v.config + 8, 1); /* pairs of queues */
	store_le16(n->v.config + 10, c->mtu);
	store_le32(n->v.config + 12, c->speed);
	n->v.config[16] = c->duplex;
	n->v.config_len = c->has_speed ? 17 : c->mtu ? 12 : 8;
	n->v.offers |= (c->mtu ? F_MTU : 0) | (c->has_speed ? F_SPEED : 0);
	r = virtio_add(&n->v, p, m, &c->pci, e);
	if (r == 0)
		r = c->net ? 0 : net_open(c->kind, c->options, &u, &n->net, e);
	if (r == 0 && c->net) {
		n->net = c->net;
		net_use(n->net, &u);
	}
	if (r < 0) {
		virtio_net_free(n);
		return r;
	}
	*out = n;
	return 0;
}

void virtio_net_reset(struct virtio_net *n)
{
	virtio_reset(&n->v);
}

void virtio_net_free(struct virtio_net *n)
{
	if (!n)
		return;
	virtio_remove(&n->v);
	net_close(n->net);
	free(n);
}

const struct pci_dev *virtio_net_pci(const struct virtio_net *n)
{
	return &n->v.pci;
}

struct net *virtio_net_net(const struct virtio_net *n)
{
	return n->net;
}

struct net *virtio_net_let_go(struct virtio_net *n)
{
	struct net *net = n->net;

	n->net = NULL;
	if (net)
		net_use(net, NULL);
	return net;
}
