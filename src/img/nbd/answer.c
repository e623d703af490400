/* SPDX-License-Identifier: MIT */
/* "Transmission phase": doing what a request asks and answering it. */
#include "img/nbd/answer.h"

#include "base/bytes.h"
#include "img/img.h"
#include "img/proto/file.h"

#include <stdio.h>

enum {
	CHUNKS_MAX = 32,      /* of one read's piece */
	LOOK_FROM = 32 << 10, /* shorter reads are not searched for holes */
	STATES_MAX = 4096,    /* descriptors of one context */
	STATE_BYTES = 8,      /* one of them */
	DF_MAX = NBD_PIECE,   /* bytes that come in one chunk if asked */
	WORD_MAX = 64,        /* bytes of an error's text */
	DATA_HEAD = NBD_CHUNK_HEAD + 8,
	HOLE_BYTES = NBD_CHUNK_HEAD + 12,
};

static bool writes(unsigned type)
{
	return type == NBD_CMD_WRITE || type == NBD_CMD_TRIM || type == NBD_CMD_WRITE_ZEROES;
}

static unsigned flags_allowed(unsigned type, bool structured)
{
	switch (type) {
	case NBD_CMD_READ:
		return structured ? NBD_CMD_DF : 0;
	case NBD_CMD_WRITE:
	case NBD_CMD_TRIM:
		return NBD_CMD_FUA;
	case NBD_CMD_WRITE_ZEROES:
		return NBD_CMD_FUA | NBD_CMD_NO_HOLE | NBD_CMD_FAST_ZERO;
	case NBD_CMD_BLOCK_STATUS:
		return NBD_CMD_REQ_ONE;
	default:
		return 0;
	}
}

size_t nbd_work_room(const struct nbd_request *q)
{
	size_t need = 0;

	if (q->type == NBD_CMD_READ || q->type == NBD_CMD_WRITE || q->type == NBD_CMD_CACHE)
		need = (size_t)min_u64(q->length, NBD_PIECE);
	else if (q->type == NBD_CMD_BLOCK_STATUS)
		need = STATES_MAX * (sizeof(struct nbd_state) + STATE_BYTES) + 4;
	return (size_t)round_up(need, 4096);
}

int nbd_work_check(const struct nbd_export *x, bool structured, const struct nbd_request *q,
		   struct err *e)
{
	uint64_t size = x->blk->size;

	if (q->type > NBD_CMD_BLOCK_STATUS || q->type == NBD_CMD_DISC)
		return err_set(e, -EINVAL, "there is no command %u", q->type);
	if (q->flags & ~flags_allowed(q->type, structured))
		return err_set(e, -EINVAL, "command %u has no flags %#x", q->type, q->flags);
	if (writes(q->type) && !x->writable)
		return err_set(e, -EPERM, "the export is read-only");
	if (q->type == NBD_CMD_FLUSH)
		return q->offset || q->length ? err_set(e, -EINVAL, "a flush has no range") : 0;
	if (q->type == NBD_CMD_BLOCK_STATUS && !structured)
		return err_set(e, -EINVAL, "no meta context was chosen");
	if (!q->length)
		return err_set(e, -EINVAL, "a range of no bytes");
	if (q->offset > size || q->length > size - q->offset)
		return err_set(e,
			       q->type == NBD_CMD_WRITE || q->type == NBD_CMD_WRITE_ZEROES
				       ? -ENOSPC
				       : -EINVAL,
			       "past the end of the export");
	if (q->type == NBD_CMD_READ && q->length > NBD_PAYLOAD_MAX)
		return err_set(e, -EINVAL, "more than %d bytes", NBD_PAYLOAD_MAX);
	if (q->type == NBD_CMD_READ && q->flags & NBD_CMD_DF && q->length > DF_MAX)
		return err_set(e, -EOVERFLOW, "more than %d bytes in one piece", DF_MAX);
	return 0;
}

/* ---- answers ---- */

static int send_locked(struct nbd_work *w, struct iovec *v, unsigned n, struct err *e)
{
	int r;

	pthread_mutex_lock(w->send);
	r = nbd_chan_sendv(w->s->c, v, n, e);
	pthread_mutex_unlock(w->send);
	return r;
}

static int answer_simple(struct nbd_work *w, int code, struct err *e)
{
	uint8_t head[NBD_SIMPLE_HEAD];
	struct iovec v = { head, sizeof(head) };

	nbd_put_simple(head, code < 0 ? nbd_errno_of(code) : 0, w->q.cookie);
	return send_locked(w, &v, 1, e);
}

/* The whole text stays here: it may name files. */
static int answer_error(struct nbd_work *w, int code, struct err *e)
{
	uint8_t out[NBD_CHUNK_HEAD + 6 + WORD_MAX];
	struct iovec v = { out, 0 };
	char word[WORD_MAX];
	size_t n;

	if (!w->s->structured ||
	    (w->q.type != NBD_CMD_READ && w->q.type != NBD_CMD_BLOCK_STATUS))
		return answer_simple(w, code, e);
	snprintf(word, sizeof(word), "%s", strerror(-code));
	n = strlen(word);
	nbd_put_chunk(out, NBD_CHUNK_DONE, NBD_CHUNK_ERROR, w->q.cookie, (uint32_t)(6 + n));
	store_be32(out + NBD_CHUNK_HEAD, nbd_errno_of(code));
	store_be16(out + NBD_CHUNK_HEAD + 4, (uint16_t)n);
	memcpy(out + NBD_CHUNK_HEAD + 6, word, n);
	v.iov_len = NBD_CHUNK_HEAD + 6 + n;
	return send_locked(w, &v, 1, e);
}

/* An error that is the image's fault and not the request's. */
static int failed(struct nbd_work *w, int code, const struct err *why, struct err *e)
{
	const struct nbd_export *x = w->s->x;

	if (x->warn && code != -EOPNOTSUPP)
		x->warn(x->arg, why->msg);
	return answer_error(w, code, e);
}

/* ---- reads ---- */

/* The chunks of one piece, to be sent together. */
struct chunks {
	struct iovec v[2 * CHUNKS_MAX];
	uint8_t heads[CHUNKS_MAX][HOLE_BYTES];
	unsigned n, vn;
	/* Bytes that go from a file to the socket, each behind v[.. after). */
	struct {
		unsigned after;
		int fd;
		uint64_t off;
		size_t len;
	} files[CHUNKS_MAX];
	unsigned files_n;
};

static void chunk_hole(struct chunks *c, const struct nbd_work *w, uint64_t off, size_t len)
{
	uint8_t *p = c->heads[c->n++];

	nbd_put_chunk(p, 0, NBD_CHUNK_HOLE, w->q.cookie, 12);
	store_be64(p + NBD_CHUNK_HEAD, off);
	store_be32(p + NBD_CHUNK_HEAD + 8, (uint32_t)len);
	c->v[c->vn++] = (struct iovec){ p, HOLE_BYTES };
}

static int chunk_data(struct chunks *c, struct nbd_work *w, uint64_t off, size_t len,
		      uint8_t *buf, struct err *e)
{
	uint8_t *p = c->heads[c->n];
	int r = blk_pread(w->s->x->blk, buf, len, off, e);

	if (r < 0)
		return r;
	c->n++;
	nbd_put_chunk(p, 0, NBD_CHUNK_DATA, w->q.cookie, (uint32_t)(8 + len));
	store_be64(p + NBD_CHUNK_HEAD, off);
	c->v[c->vn++] = (struct iovec){ p, DATA_HEAD };
	c->v[c->vn++] = (struct iovec){ buf, len };
	return 0;
}

static void chunk_file(struct chunks *c, const struct nbd_work *w, uint64_t off, size_t len,
		       const struct blk_extent *ext)
{
	uint8_t *p = c->heads[c->n++];

	nbd_put_chunk(p, 0, NBD_CHUNK_DATA, w->q.cookie, (uint32_t)(8 + len));
	store_be64(p + NBD_CHUNK_HEAD, off);
	c->v[c->vn++] = (struct iovec){ p, DATA_HEAD };
	c->files[c->files_n].after = c->vn;
	c->files[c->files_n].fd = file_fd(ext->file);
	c->files[c->files_n].off = ext->host_off;
	c->files[c->files_n++].len = len;
}

/*
 * Whether the bytes may go straight from the file to the socket, where they are seen as they
 * are when the client takes them.  If others can write meanwhile they must have no other
 * meaning by then, as they could in a format that uses a freed place again.
 */
static bool is_plain(const struct nbd_work *w, const struct blk_extent *ext, size_t len)
{
	const struct nbd_export *x = w->s->x;

	if (!w->s->c->ops->sendfile || len < LOOK_FROM || !(ext->flags & BLK_EXT_OFFSET) ||
	    ext->flags & BLK_EXT_COMPRESSED || !ext->file || !file_is_node(ext->file) ||
	    ext->file->flags & BLK_DIRECT || ext->host_off > ext->file->size ||
	    len > ext->file->size - ext->host_off)
		return false;
	return !x->writable || (x->blk->format && !strcmp(x->blk->format->name, "raw"));
}

/* How much from @off on is of one kind, at most @len bytes. */
static int next_run(struct nbd_work *w, uint64_t off, size_t *len, struct blk_extent *ext,
		    struct err *e)
{
	int r = blk_extent_above(w->s->x->blk, NULL, off, *len, ext, NULL, e);

	if (r == 0)
		*len = (size_t)min_u64(*len, ext->len);
	return r;
}

static int make_chunks(struct chunks *c, struct nbd_work *w, uint64_t off, size_t len,
		       struct err *e)
{
	bool whole = w->q.flags & NBD_CMD_DF || len < LOOK_FROM;
	uint8_t *buf = w->buf;
	size_t data = 0; /* bytes before @off that are still to be read */
	int r = 0;

	c->n = c->vn = c->files_n = 0;
	while (r == 0 && len) {
		struct blk_extent ext = { 0 };
		size_t n = len;
		bool plain;

		/* Leave room for this run and for the data before it. */
		if (!whole && c->n + 2 < CHUNKS_MAX)
			r = next_run(w, off, &n, &ext, e);
		plain = r == 0 && is_plain(w, &ext, n);
		if (r == 0 && !plain && !(ext.flags & BLK_EXT_ZERO)) {
			data += n;
		} else if (r == 0) {
			if (data)
				r = chunk_data(c, w, off - data, data, buf, e);
			buf += data;
			data = 0;
			if (r == 0 && ext.flags & BLK_EXT_ZERO)
				chunk_hole(c, w, off, n);
			else if (r == 0)
				chunk_file(c, w, off, n, &ext);
		}
		off += n;
		len -= n;
	}
	return r == 0 && data ? chunk_data(c, w, off - data, data, buf, e) : r;
}

static int send_chunks(struct nbd_work *w, struct chunks *c, struct err *e)
{
	struct nbd_chan *chan = w->s->c;
	unsigned sent = 0;
	int r = 0;

	pthread_mutex_lock(w->send);
	for (unsigned i = 0; r == 0 && i < c->files_n; i++) {
		unsigned after = c->files[i].after;

		r = nbd_chan_sendv(chan, c->v + sent, after - sent, e);
		sent = after;
		if (r == 0)
			r = chan->ops->sendfile(chan, c->files[i].fd, c->files[i].off,
						c->files[i].len, e);
	}
	if (r == 0 && sent < c->vn)
		r = nbd_chan_sendv(chan, c->v + sent, c->vn - sent, e);
	pthread_mutex_unlock(w->send);
	return r;
}

static int read_structured(struct nbd_work *w, struct err *e)
{
	uint64_t off = w->q.offset;
	uint32_t left = w->q.length;
	struct chunks c;

	while (left) {
		size_t n = (size_t)min_u64(left, NBD_PIECE);
		int r = make_chunks(&c, w, off, n, w->e);

		if (r < 0)
			return failed(w, r, w->e, e);
		off += n;
		left -= (uint32_t)n;
		if (!left)
			store_be16(c.heads[c.n - 1] + 4, NBD_CHUNK_DONE);
		r = send_chunks(w, &c, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Nothing else may come between the pieces, and after the first there is no way to say that
 * another failed. */
static int read_simple(struct nbd_work *w, struct err *e)
{
	struct blk *b = w->s->x->blk;
	size_t n = (size_t)min_u64(w->q.length, NBD_PIECE);
	uint8_t head[NBD_SIMPLE_HEAD];
	struct iovec v[] = { { head, sizeof(head) }, { w->buf, n } };
	int r = blk_pread(b, w->buf, n, w->q.offset, w->e);

	if (r < 0)
		return failed(w, r, w->e, e);
	nbd_put_simple(head, 0, w->q.cookie);
	pthread_mutex_lock(w->send);
	r = nbd_chan_sendv(w->s->c, v, 2, e);
	for (size_t done = n; r == 0 && done < w->q.length; done += n) {
		n = (size_t)min_u64(w->q.length - done, NBD_PIECE);
		r = blk_pread(b, w->buf, n, w->q.offset + done, e);
		if (r == 0)
			r = nbd_chan_send(w->s->c, w->buf, n, e);
	}
	pthread_mutex_unlock(w->send);
	return r;
}

/* ---- block status ---- */

static int status_of(struct nbd_work *w, unsigned i, bool last, struct err *e)
{
	struct nbd_state *v = (struct nbd_state *)(void *)w->buf;
	uint8_t *out = w->buf + STATES_MAX * sizeof(*v), *p = out + 4;
	unsigned max = w->q.flags & NBD_CMD_REQ_ONE ? 1 : STATES_MAX;
	uint8_t head[NBD_CHUNK_HEAD];
	struct iovec iov[] = { { head, sizeof(head) }, { out, 0 } };
	int n = nbd_export_states(w->s->x, 1u << i, w->q.offset, w->q.length, v, max, w->e);

	if (n < 0)
		return failed(w, n, w->e, e) < 0 ? -EIO : 1;
	store_be32(out, i + 1);
	for (int k = 0; k < n; k++, p += STATE_BYTES) {
		store_be32(p, (uint32_t)v[k].len);
		store_be32(p + 4, v[k].flags);
	}
	iov[1].iov_len = (size_t)(p - out);
	nbd_put_chunk(head, last ? NBD_CHUNK_DONE : 0, NBD_CHUNK_STATUS, w->q.cookie,
		      (uint32_t)iov[1].iov_len);
	return send_locked(w, iov, 2, e);
}

static int block_status(struct nbd_work *w, struct err *e)
{
	unsigned contexts = w->s->contexts;
	int r = 0;

	if (!contexts)
		return answer_error(w, -EINVAL, e);
	for (unsigned i = 0; r == 0 && contexts >> i; i++)
		if (contexts & 1u << i)
			r = status_of(w, i, !(contexts >> (i + 1)), e);
	return r < 0 ? r : 0;
}

/* ---- the others ---- */

/* Brings the bytes to where the next read finds them quickly. */
static int cache(struct nbd_work *w)
{
	uint64_t off = w->q.offset, left = w->q.length;
	int r = 0;

	while (r == 0 && left) {
		size_t n = (size_t)min_u64(left, NBD_PIECE);

		r = blk_pread(w->s->x->blk, w->buf, n, off, w->e);
		off += n;
		left -= n;
	}
	return r;
}

static int zero(struct nbd_work *w)
{
	unsigned flags = w->q.flags & NBD_CMD_NO_HOLE ? 0 : BLK_MAY_UNMAP;

	if (w->q.flags & NBD_CMD_FAST_ZERO)
		flags |= BLK_NO_FALLBACK;
	return blk_zero(w->s->x->blk, w->q.offset, w->q.length, flags, w->e);
}

static int change(struct nbd_work *w)
{
	struct blk *b = w->s->x->blk;
	int r = 0;

	switch (w->q.type) {
	case NBD_CMD_WRITE:
		if (w->q.length <= NBD_PIECE)
			r = blk_pwrite(b, w->buf, w->q.length, w->q.offset, w->e);
		break;
	case NBD_CMD_TRIM:
		r = blk_discard(b, w->q.offset, w->q.length, w->e);
		break;
	case NBD_CMD_WRITE_ZEROES:
		r = zero(w);
		break;
	case NBD_CMD_CACHE:
		r = cache(w);
		break;
	default:
		r = blk_flush(b, w->e);
	}
	if (r == 0 && w->q.flags & NBD_CMD_FUA && writes(w->q.type))
		r = blk_flush(b, w->e);
	return r;
}

int nbd_work_do(struct nbd_work *w, struct err *e)
{
	bool structured = w->s->structured;
	int r = w->result;

	if (r == 0)
		r = nbd_work_check(w->s->x, structured, &w->q, w->e);
	if (r < 0)
		return answer_error(w, r, e);
	if (w->q.type == NBD_CMD_READ)
		return structured ? read_structured(w, e) : read_simple(w, e);
	if (w->q.type == NBD_CMD_BLOCK_STATUS)
		return block_status(w, e);
	r = change(w);
	return r < 0 ? failed(w, r, w->e, e) : answer_simple(w, 0, e);
}
