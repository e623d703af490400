/* SPDX-License-Identifier: MIT */
/*
 * A hostile client of an NBD export: all it says, from the handshake to its last request.  The
 * first byte says what is served and where the client begins.  Each message of the server
 * has a head that says how long it is; a read-only disk stays as it is; no byte comes back
 * that the disk does not have.
 */
#include "base/bytes.h"
#include "img/nbd/session.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/memblk.h"

enum { DISK = 192 << 10, INPUT_MAX = 4096, WRITABLE = 1, DEPTH = 2, REQUESTS = 4, TREE = 8 };

struct client {
	struct nbd_chan c;
	const uint8_t *p;
	size_t len;
	bool asks;      /* the handshake is over */
	unsigned heads; /* messages */
};

static int hear(struct nbd_chan *c, void *buf, size_t len, size_t *got, struct err *e)
{
	struct client *k = (struct client *)c;

	/* in odd pieces */
	*got = k->len < len ? k->len : len;
	if (*got > 700)
		*got = 700;
	memcpy(buf, k->p, *got);
	k->p += *got;
	k->len -= *got;
	return 0;
}

static void judge_option(const uint8_t *p, size_t len, size_t total)
{
	if (len >= 18 && load_be64(p) == NBD_MAGIC)
		must(total == 18);
	else if (len >= 20 && load_be64(p) == NBD_REP_MAGIC)
		must(total == 20 + (uint64_t)load_be32(p + 16));
	else
		must(total == 10 || total == 134);
}

static void judge_answer(struct client *k, const struct iovec *v, unsigned n, size_t total)
{
	const uint8_t *p = v[0].iov_base;

	if (load_be32(p) == NBD_SIMPLE) {
		must(v[0].iov_len == 16 && (load_be32(p + 4) == 0 || total == 16));
		return;
	}
	for (size_t left = total; left; n--, v++) {
		uint64_t more;

		must(n && v->iov_len >= 20);
		p = v->iov_base;
		must(load_be32(p) == NBD_STRUCTURED);
		more = 20 + (uint64_t)load_be32(p + 16);
		must(more <= left);
		left -= more;
		for (more -= v->iov_len; more; more -= v->iov_len) {
			n--;
			v++;
			must(n && v->iov_len <= more);
		}
	}
}

static int listen_to(struct nbd_chan *c, struct iovec *v, unsigned n, struct err *e)
{
	struct client *k = (struct client *)c;
	size_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += v[i].iov_len;
	must(total);
	k->heads++;
	if (k->asks)
		judge_answer(k, v, n, total);
	else
		judge_option(v[0].iov_base, v[0].iov_len, total);
	return 0;
}

static const struct nbd_chan_ops ops = { hear, listen_to, NULL };

static struct blk *disk(void)
{
	static uint8_t bytes[DISK];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 4096);
	return memblk_new(bytes, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct client *k;
	struct nbd_export x = { .name = "disk", .description = "a disk", .threads = 1 };
	struct nbd_session s = { .x = &x };
	struct membytes *m;
	struct err e = { 0 };
	struct blk *b;
	int r = 1;

	if (!len || len > INPUT_MAX)
		return 0;
	k = calloc(1, sizeof(*k));
	must(k);
	*k = (struct client){ .c = { .ops = &ops, .fd = -1 }, .p = data + 1, .len = len - 1 };
	s.c = &k->c;
	b = disk();
	b->grows = false;
	b->flags |= BLK_UNMAP;
	m = &memblk(b)->m;
	x.blk = b;
	x.writable = data[0] & WRITABLE;
	x.depth = data[0] & DEPTH;
	if (data[0] & REQUESTS) {
		s.structured = data[0] & TREE;
		s.contexts = s.structured ? NBD_CONTEXT_ALLOCATION | NBD_CONTEXT_DEPTH : 0;
	} else {
		r = nbd_handshake(&s, &e);
		must(r >= 0 || e.code == r);
		must(s.structured || !s.contexts);
	}
	k->asks = true;
	if (r > 0) {
		memset(&e, 0, sizeof(e));
		r = nbd_transmit(&s, &e);
		must(r == 0 || e.code == r);
	}
	must(m->len == DISK);
	for (size_t i = 0; !x.writable && i < DISK; i++)
		must(m->p[i] == (uint8_t)(i * 7 + i / 4096));
	(void)blk_close(b, NULL);
	free(k);
	return 0;
}
