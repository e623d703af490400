/* SPDX-License-Identifier: MIT */
/* New qcow images, and compressed clusters, which lie byte by byte behind each other. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"
#include "img/format/qcow.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

const struct img_create_opt qcow_create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "backing_file", "str", "File name of a base image", false, NULL },
	{ "backing_fmt", "str", "Image format of the base image", false, NULL },
	{ "encryption", "bool (on/off)", "Not supported: the old encryption", false, NULL },
	{ "encrypt.format", "str", "Not supported: aes", false, NULL },
	{ "encrypt.key-secret", "str", "Not supported: the secret with the key", false, NULL },
	{ NULL, NULL, NULL, false, NULL },
};

static int refuse_encryption(const struct img_create *c, struct err *e)
{
	bool on = false;
	int r = img_create_bool(c->own, "encryption", &on, e);

	if (r == 0 && (on || (c->own && optset_get(c->own, "encrypt.format"))))
		r = err_set(e, -ENOTSUP,
			    "qcow's AES encryption is not supported: it is weak, use luks");
	return r;
}

int qcow_create(struct blk *file, struct blk *data, const struct img_create *c,
		struct progress *p, struct err *e)
{
	size_t n = c->backing_file ? strlen(c->backing_file) : 0;
	uint8_t buf[QCOW_HEADER + IMG_NAME_MAX + 1];
	struct qcow_header h = {
		.size = c->size > INT64_MAX - 512 ? c->size : round_up(c->size, 512),
		/* copying on write takes less, and tables are larger for it */
		.cluster_bits = n ? 9 : 12,
		.l2_bits = n ? 12 : 9,
	};
	uint64_t bytes;
	int r = refuse_encryption(c, e);

	(void)data;
	(void)p;
	if (r < 0)
		return r;
	if (!h.size)
		return err_set(e, -EINVAL, "Image size is too small, cannot be zero length");
	h.l1_n = div_up(h.size, UINT64_C(1) << (h.cluster_bits + h.l2_bits));
	bytes = round_up(h.l1_n * 8, 512);
	if (h.size > INT64_MAX || bytes > 32 << 20)
		return err_set(e, -EFBIG,
			       "Image size too large: its table would have %llu entries",
			       (unsigned long long)h.l1_n);
	if (n > IMG_NAME_MAX)
		return err_set(e, -EINVAL,
			       "the name of the backing file has %zu bytes, too many", n);
	h.name_off = n ? QCOW_HEADER : 0;
	h.name_len = (uint32_t)n;
	h.l1_off = round_up(QCOW_HEADER + n, 8);
	memset(buf, 0, sizeof(buf));
	qcow_header_write(&h, buf);
	memcpy(buf + QCOW_HEADER, n ? c->backing_file : "", n);
	if (file->size) /* a device */
		r = blk_zero(file, 0, min_u64(file->size, h.l1_off + bytes), 0, e);
	else
		r = blk_resize(file, h.l1_off + bytes, PREALLOC_OFF, e);
	if (r == 0)
		r = blk_pwrite(file, buf, (size_t)h.l1_off, 0, e);
	return r == 0 ? blk_flush(file, e) : r;
}

/* ---- compressed clusters ---- */

struct batch {
	const uint8_t *data; /* whole clusters */
	uint64_t first;
	size_t n, used;
	uint8_t *buf;
	uint32_t len
		[BATCH]; /* compressed bytes in buf, one behind the other; 0: does not shrink */
};

static int compress_batch(struct qcow *s, struct batch *b, struct err *e)
{
	size_t cluster = (size_t)s->m.cluster;
	struct codec *c = NULL;
	int r = codec_pool_get(s->codecs, &c, e);

	b->used = 0;
	if (r == 0)
		codec_begin(c, b->n);
	for (size_t i = 0; i < b->n && r == 0; i++) {
		struct err why = { 0 };
		long n = codec_compress(c, b->buf + b->used, cluster - 1, b->data + i * cluster,
					cluster, &why);

		b->len[i] = n > 0 ? (uint32_t)n : 0;
		b->used += b->len[i];
		if (n < 0 && n != -ENOSPC)
			r = err_set(e, (int)n, "%s", why.msg);
	}
	codec_pool_put(s->codecs, c);
	return r;
}

/* Those that shrank go to the end of the file in one request. */
static int place_batch(struct qcow *s, const struct batch *b, struct err *e)
{
	struct l2map *m = &s->m;
	uint64_t at;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	at = m->end;
	if (at + b->used >= UINT64_C(1) << (63 - s->h.cluster_bits))
		r = err_set(e, -EFBIG, "%s: compressed clusters cannot lie there",
			    m->blk.filename);
	if (r == 0 && b->used)
		r = blk_pwrite(m->blk.child, b->buf, b->used, at, e);
	if (r == 0)
		m->end = at + b->used;
	for (size_t i = 0; i < b->n && r == 0; i++) {
		if (b->len[i])
			r = l2map_enter(m, b->first + i, qcow_packed_entry(s, at, b->len[i]),
					e);
		at += b->len[i];
	}
	pthread_mutex_unlock(&m->lock);
	for (size_t i = 0; i < b->n && r == 0; i++)
		if (!b->len[i])
			r = l2map_pwrite(&m->blk, b->data + i * m->cluster, (size_t)m->cluster,
					 (b->first + i) * m->cluster, e);
	return r;
}

static int write_whole(struct qcow *s, const uint8_t *buf, size_t len, uint64_t off,
		       const struct blk_turn *turn, struct err *e)
{
	size_t cluster = (size_t)s->m.cluster;
	struct batch b = { .buf = mem_aligned(512, BATCH * cluster, e) };
	int r = b.buf ? 0 : -ENOMEM;

	while (len && r == 0) {
		b.n = (size_t)min_u64(len / cluster, BATCH);
		b.data = buf;
		b.first = off / cluster;
		r = compress_batch(s, &b, e);
		if (r == 0 && turn)
			r = turn->wait(turn, e);
		if (r == 0)
			r = place_batch(s, &b, e);
		buf += b.n * cluster;
		off += b.n * cluster;
		len -= b.n * cluster;
	}
	free(b.buf);
	return r;
}

int qcow_pwrite_compressed(struct blk *b, const void *buf, size_t len, uint64_t off,
			   const struct blk_turn *turn, struct err *e)
{
	struct qcow *s = to_qcow(b);
	uint64_t cluster = s->m.cluster, rest = len % cluster;
	const uint8_t *p = buf;
	int r;

	if (off % cluster || (rest && off + len != b->size))
		return err_set(e, -EINVAL, "compressed writes are of whole clusters");
	r = len > rest ? write_whole(s, p, len - (size_t)rest, off, turn, e) : 0;
	/* the last, cut one is not worth a copy */
	if (r == 0 && rest && turn)
		r = turn->wait(turn, e);
	return r == 0 && rest
		       ? l2map_pwrite(b, p + len - rest, (size_t)rest, off + len - rest, e)
		       : r;
}
