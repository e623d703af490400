/* SPDX-License-Identifier: MIT */
#include "img/proto/nbd.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/nbd_link.h"
#include "img/proto/nbd_name.h"
#include "img/tls_creds.h"

#include <stdlib.h>

enum {
	REQUEST_MAX = 4 << 20, /* bytes that travel in one request */
	RANGE_MAX = 1 << 30,   /* bytes of one that has no bytes with it */
	STATE_HOLE = 1,
	STATE_ZERO = 2,
	SECONDS_MAX = 7 * 86400,
};

struct nbd {
	struct blk blk; /* first */
	struct nbd_name name;
	struct nbd_link *link;
	struct nbd_link_info info;
	/* What the server told last of a read-only export, from states.off on. */
	pthread_mutex_t lock;
	struct nbd_link_request states;
	uint64_t states_end;
};

static struct nbd *to_nbd(struct blk *b)
{
	return (struct nbd *)b;
}

static int ask(struct nbd *n, struct nbd_link_request *q, const char *doing, struct err *e)
{
	int r = nbd_link_do(n->link, q, e);

	if (r == 0 || r == -ENOTSUP)
		return r;
	if (q->verb == NBD_LINK_FLUSH)
		return err_wrap(e, r, "%s: %s", n->blk.filename, doing);
	return err_wrap(e, r, "%s: %s %llu bytes at %llu", n->blk.filename, doing,
			(unsigned long long)q->len, (unsigned long long)q->off);
}

/* In pieces that the server takes.  What lies in the last block past the end of the export,
 * where that ends within one, has no bytes. */
static int move(struct blk *b, enum nbd_link_verb verb, uint8_t *buf, size_t len, uint64_t off,
		struct err *e)
{
	struct nbd *n = to_nbd(b);
	size_t most = (size_t)min_u64(round_down(n->info.max_block, b->align), REQUEST_MAX);
	uint64_t inside = off < b->size ? min_u64(len, b->size - off) : 0;

	if (verb == NBD_LINK_READ && inside < len)
		memset(buf + inside, 0, len - (size_t)inside);
	while (inside) {
		struct nbd_link_request q = { .verb = verb, .buf = buf, .off = off };
		int r;

		q.len = min_u64(inside, most);
		r = ask(n, &q, verb == NBD_LINK_READ ? "reading" : "writing", e);
		if (r < 0)
			return r;
		buf += q.len;
		off += q.len;
		inside -= q.len;
	}
	return 0;
}

static int nbd_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return move(b, NBD_LINK_READ, buf, len, off, e);
}

static int nbd_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	/* only read from */
	return move(b, NBD_LINK_WRITE, (uint8_t *)(uintptr_t)buf, len, off, e);
}

/* Requests that carry no bytes. */
static int mark(struct blk *b, struct nbd_link_request q, uint64_t off, uint64_t len,
		const char *doing, struct err *e)
{
	uint64_t end = min_u64(off + len, b->size);

	while (off < end) {
		int r;

		q.off = off;
		q.len = min_u64(end - off, round_down(RANGE_MAX, b->align));
		r = ask(to_nbd(b), &q, doing, e);
		if (r < 0)
			return r;
		off += q.len;
	}
	return 0;
}

static int nbd_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	const struct nbd_link_info *i = &to_nbd(b)->info;
	const struct nbd_link_request q = { .verb = NBD_LINK_ZERO,
					    .no_hole = !(flags & BLK_MAY_UNMAP),
					    .fast = flags & BLK_NO_FALLBACK };

	if (!i->zero || (q.fast && !i->fast_zero))
		return err_set(e, -ENOTSUP, "%s: cannot zero without writing", b->filename);
	return mark(b, q, off, len, "zeroing", e);
}

static int nbd_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	const struct nbd_link_request q = { .verb = NBD_LINK_TRIM };

	if (!to_nbd(b)->info.trim)
		return err_set(e, -ENOTSUP, "%s: cannot discard", b->filename);
	return mark(b, q, off, len, "discarding", e);
}

static int nbd_flush(struct blk *b, struct err *e)
{
	struct nbd_link_request q = { .verb = NBD_LINK_FLUSH };

	return to_nbd(b)->info.flush ? ask(to_nbd(b), &q, "flushing", e) : 0;
}

/* ---- extents ---- */

static unsigned flags_of(uint32_t state)
{
	unsigned zero = state & STATE_ZERO ? BLK_EXT_ZERO : 0;

	/* A hole that may read as anything is there to be read. */
	return BLK_EXT_ALLOCATED | BLK_EXT_OFFSET | zero |
	       (state & STATE_HOLE && zero ? 0 : BLK_EXT_DATA);
}

/* What @q says of @off: how far it is one state. */
static bool find_state(const struct nbd_link_request *q, uint64_t off, uint64_t *len,
		       uint32_t *state)
{
	uint64_t at = q->off;

	for (unsigned i = 0; i < q->n; i++) {
		uint64_t end = at + q->states[i].len;

		if (off >= at && off < end) {
			*len = end - off;
			*state = q->states[i].flags;
			return true;
		}
		at = end;
	}
	return false;
}

static bool known_state(struct nbd *n, uint64_t off, uint64_t *len, uint32_t *state)
{
	bool found;

	pthread_mutex_lock(&n->lock);
	found = find_state(&n->states, off, len, state);
	pthread_mutex_unlock(&n->lock);
	return found;
}

/* Somebody may write to what can be written. */
static void remember(struct nbd *n, const struct nbd_link_request *q)
{
	if (!n->info.read_only)
		return;
	pthread_mutex_lock(&n->lock);
	n->states = *q;
	pthread_mutex_unlock(&n->lock);
}

static int nbd_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		      struct err *e)
{
	struct nbd *n = to_nbd(b);
	uint64_t len = max, start = round_down(off, b->align);
	uint32_t state = 0;
	int r;

	if (n->info.status && !known_state(n, off, &len, &state)) {
		struct nbd_link_request q = { .verb = NBD_LINK_STATUS, .off = start };

		q.len = min_u64(max + (off - start), round_down(RANGE_MAX, b->align));
		/* Farther than asked if it can be kept. */
		if (n->info.read_only)
			q.len = round_down(RANGE_MAX, b->align);
		q.len = min_u64(round_up(q.len, b->align), b->size - start);
		r = ask(n, &q, "looking for holes in", e);
		if (r < 0)
			return r;
		if (!find_state(&q, off, &len, &state))
			return err_set(e, -EIO, "%s: the server told nothing of offset %llu",
				       b->filename, (unsigned long long)off);
		remember(n, &q);
	}
	*out = (struct blk_extent){
		.len = min_u64(len, max), .flags = flags_of(state), .file = b, .host_off = off
	};
	return 0;
}

static int nbd_close(struct blk *b, struct err *e)
{
	struct nbd *n = to_nbd(b);

	nbd_link_close(n->link);
	nbd_name_free(&n->name);
	pthread_mutex_destroy(&n->lock);
	blk_fini(b);
	free(n);
	return 0;
}

static const struct blk_ops ops = {
	.name = "nbd",
	.parallel = true,
	.pread = nbd_pread,
	.pwrite = nbd_pwrite,
	.zero = nbd_zero,
	.discard = nbd_discard,
	.extent = nbd_extent,
	.flush = nbd_flush,
	.close = nbd_close,
};

/* ---- open ---- */

static int seconds(struct optset *o, const char *key, unsigned *out, struct err *e)
{
	uint64_t v = 0;
	int r = optset_u64(o, key, &v, e);

	if (r == 0 && v > SECONDS_MAX)
		return err_set(e, -EINVAL, "%s: %llu seconds are more than %d", key,
			       (unsigned long long)v, SECONDS_MAX);
	*out = (unsigned)v;
	return r;
}

static int parse(const struct proto_open *o, struct nbd_name *n, struct err *e)
{
	int r = o->name ? nbd_name_parse(o->name, n, e) : 0;

	if (r == 0)
		r = nbd_name_options(o->opts, n, e);
	return r == 0 ? tls_creds_apply(o->secrets, o->opts, n, e) : r;
}

static int connect_to(struct nbd *n, const struct proto_open *o, unsigned *flags, struct err *e)
{
	struct nbd_link_options lo = { .name = &n->name, .writable = *flags & BLK_WRITE };
	int r = seconds(o->opts, "open-timeout", &lo.open_timeout, e);

	if (r == 0)
		r = seconds(o->opts, "reconnect-delay", &lo.reconnect_delay, e);
	if (r == 0)
		r = nbd_link_open(&lo, &n->link, &n->info, e);
	if (r < 0)
		return r;
	if (*flags & BLK_WRITE && n->info.read_only) {
		if (!(*flags & BLK_AUTO_RDONLY))
			return err_set(e, -EACCES,
				       "request on write denied without write permission: the "
				       "export is read-only");
		*flags &= ~(unsigned)BLK_WRITE;
	}
	if (n->info.size > INT64_MAX)
		return err_set(e, -EFBIG, "the export is too large");
	if (n->info.min_block & (n->info.min_block - 1) || n->info.min_block > 65536)
		return err_set(e, -ENOTSUP, "blocks of %u bytes are not supported",
			       n->info.min_block);
	if (n->info.max_block < n->info.min_block || n->info.max_block < 4096)
		return err_set(e, -ENOTSUP, "requests of at most %u bytes are not supported",
			       n->info.max_block);
	return 0;
}

static void drop(struct nbd *n)
{
	if (n->link)
		nbd_link_close(n->link);
	nbd_name_free(&n->name);
	free(n);
}

static int nbd_open(const struct proto_open *o, struct blk **out, struct err *e)
{
	struct nbd *n = mem_zalloc(1, sizeof(*n), e);
	AUTO_FREE char *uri = NULL;
	unsigned flags = o->flags;
	int r;

	if (!n)
		return -ENOMEM;
	r = parse(o, &n->name, e);
	uri = r == 0 ? nbd_name_uri(&n->name, e) : NULL;
	if (r == 0 && !uri)
		r = -ENOMEM;
	if (r == 0) {
		r = connect_to(n, o, &flags, e);
		if (r < 0)
			r = err_wrap(e, r, "'%s'", uri);
	}
	if (r == 0)
		r = blk_init(&n->blk, &ops, uri, flags, e);
	if (r < 0) {
		drop(n);
		return r;
	}
	pthread_mutex_init(&n->lock, NULL);
	n->blk.size = n->info.size;
	n->blk.align = n->info.min_block;
	n->blk.grows = n->blk.fixed = true;
	n->blk.log = o->log;
	*out = &n->blk;
	return 0;
}

/* Exports are made by whoever serves them: this one has to be there and large enough. */
static int nbd_create(const char *name, uint64_t size, bool *made, struct err *e)
{
	AUTO_BLK struct blk *b = NULL;
	int r = proto_open_name(&proto_nbd, name, BLK_WRITE, NULL, &b, e);

	*made = false;
	if (r == 0 && b->size < size)
		return err_set(e, -ENOSPC,
			       "The image size is %llu bytes, the export '%s' has only %llu",
			       (unsigned long long)size, name, (unsigned long long)b->size);
	return r;
}

static const char *const names[] = { "nbd",      "nbd+tcp",   "nbd+unix", "nbds",
				     "nbds+tcp", "nbds+unix", NULL };

const struct img_protocol proto_nbd = { .names = names,
					.open = nbd_open,
					.create = nbd_create };
