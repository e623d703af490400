/* SPDX-License-Identifier: MIT */
/* What the guest sends (3.3): descriptors of three kinds, sums, segments. */
#include "emu/dev/e1000_int.h"

#define SHORTEST 60u
#define AT_ONCE  1024u /* descriptors, before others have a turn */

/* The second half of a descriptor. */
#define C_END   (1u << 24)
#define C_SUM   (1u << 26) /* of the first kind: insert a sum; of data: make segments */
#define C_TELL  (1u << 27)
#define C_EXT   (1u << 29)
#define DTYP    (15u << 20)
#define D_DATA  (1u << 20)
#define CTX_TCP (1u << 24)
#define CTX_IP4 (1u << 25)
#define OPT_IP  1u
#define OPT_TU  2u

/* The Internet's sum over [from, end) goes to @at; what is out of bounds is left alone. */
static void insert_sum(uint8_t *p, size_t len, size_t from, size_t at, size_t last)
{
	size_t end = last && last < len ? last + 1 : len;
	uint32_t sum = 0;

	if (from >= end || at + 2 > len)
		return;
	for (size_t i = from; i < end; i++)
		sum += (i - from) & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	store_be16(p + at, (uint16_t)~sum);
}

static void sums(struct e1000 *n, uint8_t *p, size_t len)
{
	const struct e1000_context *c = &n->context;

	if (n->options & OPT_TU)
		insert_sum(p, len, c->tucss, c->tucso, c->tucse);
	if (n->options & OPT_IP)
		insert_sum(p, len, c->ipcss, c->ipcso, c->ipcse);
}

static void send(struct e1000 *n, uint8_t *p, size_t len)
{
	if (len < 14)
		return;
	if (len < SHORTEST) {
		memset(p + len, 0, SHORTEST - len);
		len = SHORTEST;
	}
	(*e1000_reg(n, R_GPTC))++;
	/* who answers at once may be received meanwhile */
	pthread_mutex_unlock(&n->lock);
	net_send(n->net, p, len);
	pthread_mutex_lock(&n->lock);
}

static void add16(uint8_t *p, size_t at, size_t len, unsigned v)
{
	uint32_t sum;

	if (at + 2 > len)
		return;
	sum = load_be16(p + at) + v;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	store_be16(p + at, (uint16_t)sum);
}

/* Makes the headers of segment @i, whose bytes begin @off into the packet's (3.5.2). */
static void segment_headers(const struct e1000_context *c, uint8_t *p, size_t len, unsigned i,
			    size_t off, bool last)
{
	if (c->ip4 && c->ipcss + 6u <= len) {
		store_be16(p + c->ipcss + 2, (uint16_t)(len - c->ipcss));
		store_be16(p + c->ipcss + 4, (uint16_t)(load_be16(p + c->ipcss + 4) + i));
	} else if (!c->ip4 && c->ipcss + 40u <= len) {
		store_be16(p + c->ipcss + 4, (uint16_t)(len - c->ipcss - 40));
	}
	if (c->tcp && c->tucss + 14u <= len) {
		store_be32(p + c->tucss + 4, load_be32(p + c->tucss + 4) + (uint32_t)off);
		if (!last)
			p[c->tucss + 13] &= 0xf6; /* neither FIN nor PSH */
	} else if (!c->tcp && c->tucss + 6u <= len) {
		store_be16(p + c->tucss + 4, (uint16_t)(len - c->tucss));
	}
	/* the driver's sum of the pseudo header is without a length */
	if (len > c->tucss)
		add16(p, c->tucso, len, (unsigned)(len - c->tucss));
}

static void segments(struct e1000 *n)
{
	const struct e1000_context c = n->context;
	size_t total = n->len, head = c.hdr_len, done = head;
	unsigned resets = n->resets;

	if (!c.mss || head < 14 || head > total)
		return;
	for (unsigned i = 0; done < total && resets == n->resets; i++) {
		size_t take = total - done < c.mss ? total - done : c.mss;

		memcpy(n->frame, n->packet, head);
		memcpy(n->frame + head, n->packet + done, take);
		segment_headers(&c, n->frame, head + take, i, done - head,
				done + take == total);
		sums(n, n->frame, head + take);
		send(n, n->frame, head + take);
		done += take;
	}
}

static void whole(struct e1000 *n)
{
	if (!n->too_long && n->len) {
		if (n->segments) {
			segments(n);
		} else {
			sums(n, n->packet, n->len);
			send(n, n->packet, n->len);
		}
	}
	n->len = 0;
	n->too_long = n->segments = false;
	n->options = 0;
}

static void set_context(struct e1000_context *c, const uint8_t *d)
{
	uint32_t cmd = load_le32(d + 8);

	*c = (struct e1000_context){ .ipcss = d[0],
				     .ipcso = d[1],
				     .ipcse = load_le16(d + 2),
				     .tucss = d[4],
				     .tucso = d[5],
				     .tucse = load_le16(d + 6),
				     .hdr_len = d[13],
				     .mss = load_le16(d + 14),
				     .ip4 = cmd & CTX_IP4,
				     .tcp = cmd & CTX_TCP };
}

static void piece(struct e1000 *n, const uint8_t *d, uint32_t cmd)
{
	bool ext = cmd & C_EXT;
	size_t len = cmd & (ext ? 0xfffff : 0xffff);

	if (ext && !n->len) {
		n->options = d[13];
		n->segments = cmd & C_SUM;
	}
	if (len > sizeof(n->packet) - n->len) {
		n->too_long = true;
	} else if (len && mem_read(n->mem, load_le64(d), n->packet + n->len, len) == 0) {
		n->len += len;
	}
	if (!(cmd & C_END))
		return;
	if (!ext && (cmd & C_SUM) && !n->too_long)
		insert_sum(n->packet, n->len, d[13], cmd >> 16 & 0xff, 0);
	whole(n);
}

/* One descriptor; false: there is none, or the card was reset meanwhile. */
static bool one(struct e1000 *n)
{
	uint32_t *head = e1000_reg(n, R_TDH), size = n->reg[R_TDLEN / 4] / DESC, cmd;
	uint64_t at = ((uint64_t)n->reg[R_TDBAH / 4] << 32 | n->reg[R_TDBAL / 4]) +
		      (uint64_t)*head * DESC;
	unsigned resets = n->resets;
	uint8_t d[DESC];

	if (!(n->reg[R_TCTL / 4] & TCTL_EN) || !e1000_master(n) || *head >= size ||
	    n->reg[R_TDT / 4] >= size || *head == n->reg[R_TDT / 4] ||
	    mem_read(n->mem, at, d, DESC) < 0)
		return false;
	cmd = load_le32(d + 8);
	if ((cmd & C_EXT) && (cmd & DTYP) != D_DATA)
		set_context(&n->context, d);
	else
		piece(n, d, cmd);
	if (resets != n->resets)
		return false;
	if (cmd & C_TELL) {
		d[12] |= 1;
		if (mem_write(n->mem, at + 12, d + 12, 1) < 0)
			return false;
		e1000_raise(n, I_TXDW);
	}
	*head = *head + 1 < size ? *head + 1 : 0;
	if (*head == n->reg[R_TDT / 4])
		e1000_raise(n, I_TXQE);
	return true;
}

void e1000_transmit(void *arg, struct net *net)
{
	struct e1000 *n = arg;
	unsigned i = 0;

	pthread_mutex_lock(&n->lock);
	while (i < AT_ONCE && one(n))
		i++;
	pthread_mutex_unlock(&n->lock);
	if (i == AT_ONCE)
		net_kick(net);
}
