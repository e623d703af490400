/* SPDX-License-Identifier: MIT */
#include "img/format/qcow.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/codec/codec.h"

#include <stdlib.h>
#include <string.h>

int qcow_header_parse(const uint8_t *buf, struct qcow_header *h, struct err *e)
{
	uint32_t version = load_be32(buf + 4);
	unsigned shift;

	*h = (struct qcow_header){
		.name_off = load_be64(buf + 8),
		.name_len = load_be32(buf + 16),
		.size = load_be64(buf + 24),
		.cluster_bits = buf[32],
		.l2_bits = buf[33],
		.crypt = load_be32(buf + 36),
		.l1_off = load_be64(buf + 40),
	};
	if (memcmp(buf, "QFI\xfb", 4))
		return err_set(e, -EINVAL, "Image not in qcow format");
	if (version != 1)
		return err_set(e, -ENOTSUP, "qcow (v1) does not support qcow version %u.%s",
			       version,
			       version == 2 || version == 3
				       ? " Try using the 'qcow2' driver instead."
				       : "");
	if (h->size <= 1)
		return err_set(e, -EUCLEAN,
			       "Image size is too small (must be at least 2 bytes)");
	if (h->cluster_bits < 9 || h->cluster_bits > 16)
		return err_set(e, -EUCLEAN, "Cluster size must be between 512 and 64k");
	if (h->l2_bits < 6 || h->l2_bits > 13)
		return err_set(e, -EUCLEAN, "L2 table size must be between 512 and 64k");
	if (h->crypt > 1)
		return err_set(e, -EUCLEAN, "invalid encryption method in qcow header: %u",
			       h->crypt);
	if (h->size > INT64_MAX || h->l1_off > INT64_MAX)
		return err_set(e, -EUCLEAN, "Image too large: %llu bytes",
			       (unsigned long long)h->size);
	if (h->name_len > IMG_NAME_MAX)
		return err_set(e, -EUCLEAN, "Backing file name too long: %u bytes",
			       h->name_len);
	if (h->name_off > INT64_MAX - IMG_NAME_MAX)
		return err_set(e, -EUCLEAN, "the backing file's name is at %llu",
			       (unsigned long long)h->name_off);
	shift = h->cluster_bits + h->l2_bits;
	h->l1_n = div_up(h->size, UINT64_C(1) << shift);
	return 0;
}

void qcow_header_write(const struct qcow_header *h, uint8_t *buf)
{
	memset(buf, 0, QCOW_HEADER);
	memcpy(buf, "QFI\xfb", 4);
	store_be32(buf + 4, 1);
	store_be64(buf + 8, h->name_off);
	store_be32(buf + 16, h->name_len);
	store_be64(buf + 24, h->size);
	buf[32] = (uint8_t)h->cluster_bits;
	buf[33] = (uint8_t)h->l2_bits;
	store_be32(buf + 36, h->crypt);
	store_be64(buf + 40, h->l1_off);
}

/* ---- the tables ---- */

static int qcow_decode(const struct l2map *m, uint64_t v, enum l2_state *state, uint64_t *off,
		       struct err *e)
{
	*off = v;
	*state = !v ? L2_HOLE : v & QCOW_PACKED ? L2_PACKED : L2_DATA;
	if (*state == L2_DATA && (v % 512 || v > INT64_MAX / 2))
		return err_set(e, -EUCLEAN, "%s: a cluster at %#llx", m->blk.filename,
			       (unsigned long long)v);
	return 0;
}

static int qcow_table(const struct l2map *m, uint64_t v, uint64_t *off, struct err *e)
{
	*off = v;
	if (v > INT64_MAX / 2)
		return err_set(e, -EUCLEAN, "%s: a table at %#llx", m->blk.filename,
			       (unsigned long long)v);
	return 0;
}

static int qcow_unpack(struct l2map *m, uint64_t entry, void *out, struct err *e)
{
	struct qcow *s = (struct qcow *)m;
	unsigned shift = 63 - s->h.cluster_bits;
	uint64_t off = entry & ((UINT64_C(1) << shift) - 1);
	size_t len = (size_t)(entry >> shift & (m->cluster - 1));
	AUTO_FREE uint8_t *buf = mem_zalloc(1, (size_t)m->cluster, e);
	struct codec *c = NULL;
	int r = buf ? blk_pread(m->blk.child, buf, len, off, e) : -ENOMEM;

	if (r == 0)
		r = codec_pool_get(s->codecs, &c, e);
	if (r == 0)
		r = codec_expand(c, out, (size_t)m->cluster, buf, len, e);
	codec_pool_put(s->codecs, c);
	return r < 0 ? err_wrap(e, r, "%s: compressed cluster at %llu", m->blk.filename,
				(unsigned long long)off)
		     : 0;
}

static const struct l2map_kind qcow_kind = {
	.load = load_be64,
	.store = store_be64,
	.decode = qcow_decode,
	.table = qcow_table,
	.unpack = qcow_unpack,
	.end_max = INT64_MAX / 2,
};

/* ---- the node ---- */

static int qcow_close(struct blk *b, struct err *e)
{
	struct qcow *s = to_qcow(b);

	(void)e;
	l2map_fini(&s->m);
	codec_pool_free(s->codecs);
	free(s->backing);
	free(s);
	return 0;
}

static const struct blk_ops qcow_ops = {
	.name = "qcow",
	.parallel = true,
	.pread = l2map_pread,
	.pwrite = l2map_pwrite,
	.pwrite_compressed = qcow_pwrite_compressed,
	.zero = l2map_zero,
	.extent = l2map_extent,
	.flush = l2map_flush,
	.close = qcow_close,
};

static int read_name(struct qcow *s, struct blk *file, struct err *e)
{
	if (!s->h.name_off || !s->h.name_len)
		return 0;
	s->backing = mem_zalloc(1, s->h.name_len + 1, e);
	return s->backing ? blk_pread(file, s->backing, s->h.name_len, s->h.name_off, e)
			  : -ENOMEM;
}

static int setup(struct qcow *s, struct blk *file, unsigned flags, struct err *e)
{
	struct l2map *m = &s->m;
	int r;

	m->cluster = UINT64_C(1) << s->h.cluster_bits;
	m->l2_n = UINT64_C(1) << s->h.l2_bits;
	m->l1_off = s->h.l1_off;
	m->l1_n = s->h.l1_n;
	m->blk.size = round_down(s->h.size, 512);
	m->blk.cluster_size = (uint32_t)m->cluster;
	m->blk.format = &img_format_qcow;
	m->blk.child = file;
	r = read_name(s, file, e);
	if (r == 0)
		r = codec_pool_new(CODEC_DEFLATE, CODEC_FAST, &s->codecs, e);
	if (r < 0 || flags & BLK_NOIO)
		return r;
	if (s->h.crypt)
		return err_set(e, -ENOTSUP,
			       "%s is encrypted with AES as qcow version 1 has it, which is "
			       "not supported: convert it with qemu-img",
			       m->blk.filename);
	return l2map_load(m, e);
}

static int qcow_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		     struct err *e)
{
	struct qcow *s = mem_zalloc(1, sizeof(*s), e);
	uint8_t buf[QCOW_HEADER];
	int r;

	(void)opts;
	if (!s)
		return -ENOMEM;
	r = blk_pread(file, buf, sizeof(buf), 0, e);
	if (r == 0)
		r = qcow_header_parse(buf, &s->h, e);
	if (r == 0)
		r = l2map_init(&s->m, &qcow_ops, &qcow_kind, file, flags, e);
	if (r < 0) {
		free(s);
		return r;
	}
	r = setup(s, file, flags, e);
	if (r < 0) {
		(void)qcow_close(&s->m.blk, NULL);
		return r;
	}
	*out = &s->m.blk;
	return 0;
}

static int qcow_probe(const uint8_t *head, size_t len, const char *filename)
{
	(void)filename;
	return len >= QCOW_HEADER && !memcmp(head, "QFI\xfb", 4) && load_be32(head + 4) == 1
		       ? 100
		       : 0;
}

static int qcow_info(struct blk *b, struct img_info *out, struct err *e)
{
	struct qcow *s = to_qcow(b);
	int r = l2map_info(&s->m, s->backing, NULL, out, e);

	out->encrypted = s->h.crypt != 0;
	return r;
}

static void qcow_backing_name(struct blk *b, const char **file, const char **fmt)
{
	*file = to_qcow(b)->backing;
	*fmt = NULL;
}

static int qcow_make_empty(struct blk *b, struct err *e)
{
	struct qcow *s = to_qcow(b);
	int r;

	pthread_mutex_lock(&s->m.lock);
	r = l2map_empty(&s->m, s->m.l1_n * 8, e);
	pthread_mutex_unlock(&s->m.lock);
	return r;
}

const struct img_format img_format_qcow = {
	.name = "qcow",
	.backing = true,
	.compression = true,
	.backing_unnamed = true,
	.probe = qcow_probe,
	.open = qcow_open,
	.create = qcow_create,
	.create_opts = qcow_create_opts,
	.info = qcow_info,
	.backing_name = qcow_backing_name,
	.make_empty = qcow_make_empty,
};
