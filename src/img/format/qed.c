/* SPDX-License-Identifier: MIT */
#include "img/format/qed.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

bool qed_place_ok(const struct qed *s, uint64_t off, uint64_t len)
{
	uint64_t first = (uint64_t)s->h.header * s->h.cluster, size = s->m.blk.child->size;

	return off % s->h.cluster == 0 && off >= first && off < size && len <= size - off;
}

static int bad_place(const struct l2map *m, const char *what, uint64_t v, struct err *e)
{
	return err_set(e, -EUCLEAN, "%s: %s at %#llx", m->blk.filename, what,
		       (unsigned long long)v);
}

static int qed_decode(const struct l2map *m, uint64_t v, enum l2_state *state, uint64_t *off,
		      struct err *e)
{
	*state = v == 0 ? L2_HOLE : v == 1 ? L2_ZERO : L2_DATA;
	*off = v;
	/* its last cluster may be cut */
	if (v > 1 && !qed_place_ok((const struct qed *)m, v, 1))
		return bad_place(m, "a cluster", v, e);
	return 0;
}

static int qed_table(const struct l2map *m, uint64_t v, uint64_t *off, struct err *e)
{
	*off = v;
	if (!qed_place_ok((const struct qed *)m, v, 1))
		return bad_place(m, "a table", v, e);
	return 0;
}

static const struct l2map_kind qed_kind = {
	.load = load_le64,
	.store = store_le64,
	.decode = qed_decode,
	.table = qed_table,
	.zero_entry = 1,
	.end_max = INT64_MAX / 2,
};

static int qed_close(struct blk *b, struct err *e)
{
	struct qed *s = to_qed(b);

	(void)e;
	l2map_fini(&s->m);
	free(s->backing);
	free(s);
	return 0;
}

static const struct blk_ops qed_ops = {
	.name = "qed",
	.parallel = true,
	.pread = l2map_pread,
	.pwrite = l2map_pwrite,
	.zero = l2map_zero,
	.extent = l2map_extent,
	.resize = qed_resize,
	.flush = l2map_flush,
	.close = qed_close,
};

int qed_store_header(struct qed *s, struct err *e)
{
	uint8_t buf[QED_HEADER];
	int r;

	qed_header_write(&s->h, buf);
	r = blk_pwrite(s->m.blk.child, buf, sizeof(buf), 0, e);
	return r == 0 ? blk_flush(s->m.blk.child, e) : r;
}

static int read_name(struct qed *s, struct blk *file, struct err *e)
{
	if (!(s->h.features & QED_F_BACKING) || !s->h.name_len)
		return 0;
	s->backing = mem_zalloc(1, s->h.name_len + 1, e);
	return s->backing ? blk_pread(file, s->backing, s->h.name_len, s->h.name_off, e)
			  : -ENOMEM;
}

/* Somebody wrote without telling in what order, or we do not know what else there is. */
static int make_sane(struct qed *s, unsigned flags, struct err *e)
{
	struct img_check c = { .repair = IMG_FIX_LEAKS | IMG_FIX_ERRORS };
	int r = 0;

	if (!(flags & BLK_WRITE) || flags & BLK_NOIO)
		return 0;
	if (s->h.autoclear) {
		s->h.autoclear = 0;
		r = qed_store_header(s, e);
	}
	if (r < 0 || !(s->h.features & QED_F_NEED_CHECK) || flags & BLK_CHECK)
		return r;
	r = qed_check(&s->m.blk, &c, e);
	if (r == 0 && s->h.features & QED_F_NEED_CHECK)
		r = err_set(e, -EUCLEAN,
			    "%s was not closed, and %llu errors cannot be repaired",
			    s->m.blk.filename, (unsigned long long)c.corruptions);
	return r;
}

static int setup(struct qed *s, struct blk *file, unsigned flags, struct err *e)
{
	struct l2map *m = &s->m;
	int r;

	m->cluster = s->h.cluster;
	m->l2_n = (uint64_t)s->h.table * s->h.cluster / 8;
	m->l1_off = s->h.l1_off;
	m->l1_n = div_up(s->h.size, m->l2_n * m->cluster);
	m->blk.size = s->h.size;
	m->blk.cluster_size = s->h.cluster;
	m->blk.format = &img_format_qed;
	m->blk.child = file;
	r = read_name(s, file, e);
	if (r == 0 && !(flags & BLK_NOIO))
		r = l2map_load(m, e);
	return r == 0 ? make_sane(s, flags, e) : r;
}

static int qed_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		    struct err *e)
{
	struct qed *s = mem_zalloc(1, sizeof(*s), e);
	uint8_t buf[QED_HEADER];
	int r;

	(void)opts;
	if (!s)
		return -ENOMEM;
	r = blk_pread(file, buf, sizeof(buf), 0, e);
	if (r == 0)
		r = qed_header_parse(buf, &s->h, e);
	if (r == 0)
		r = l2map_init(&s->m, &qed_ops, &qed_kind, file, flags, e);
	if (r < 0) {
		free(s);
		return r;
	}
	r = setup(s, file, flags, e);
	if (r < 0) {
		(void)qed_close(&s->m.blk, NULL);
		return r;
	}
	*out = &s->m.blk;
	return 0;
}

static int qed_probe(const uint8_t *head, size_t len, const char *filename)
{
	(void)filename;
	return len >= QED_HEADER && !memcmp(head, "QED", 4) ? 100 : 0;
}

int qed_resize(struct blk *b, uint64_t size, enum blk_prealloc p, const struct blk_watch *w,
	       struct err *e)
{
	struct qed *s = to_qed(b);
	uint64_t old = s->h.size, max = qed_size_max(s->h.cluster, s->h.table);
	int r;

	(void)w;
	if (p != PREALLOC_OFF)
		return err_set(e, -ENOTSUP, "Unsupported preallocation mode '%s'",
			       p == PREALLOC_METADATA ? "metadata"
			       : p == PREALLOC_FALLOC ? "falloc"
						      : "full");
	if (size % 512 || (max && size > max))
		return err_set(e, -EINVAL, "Invalid image size specified");
	if (size < old)
		return err_set(e, -ENOTSUP, "Shrinking images is currently not supported");
	r = l2map_grow(&s->m, div_up(size, s->m.l2_n * s->m.cluster), e);
	if (r < 0)
		return r;
	s->h.size = size;
	r = qed_store_header(s, e);
	if (r < 0)
		s->h.size = old;
	else
		b->size = size;
	return r;
}

static const char *format_name(const struct qed *s)
{
	return s->backing && s->h.features & QED_F_NO_PROBE ? "raw" : NULL;
}

static int qed_info(struct blk *b, struct img_info *out, struct err *e)
{
	struct qed *s = to_qed(b);
	int r = l2map_info(&s->m, s->backing, format_name(s), out, e);

	out->dirty = s->h.features & QED_F_NEED_CHECK;
	return r;
}

static void qed_backing_name(struct blk *b, const char **file, const char **fmt)
{
	*file = to_qed(b)->backing;
	*fmt = format_name(to_qed(b));
}

static int qed_make_empty(struct blk *b, struct err *e)
{
	struct qed *s = to_qed(b);
	int r;

	pthread_mutex_lock(&s->m.lock);
	r = l2map_empty(&s->m, (uint64_t)s->h.table * s->h.cluster, e);
	pthread_mutex_unlock(&s->m.lock);
	return r;
}

const struct img_format img_format_qed = {
	.name = "qed",
	.backing = true,
	.backing_unnamed = true,
	.probe = qed_probe,
	.open = qed_open,
	.create = qed_create,
	.create_opts = qed_create_opts,
	.info = qed_info,
	.check = qed_check,
	.set_backing = qed_set_backing,
	.backing_name = qed_backing_name,
	.make_empty = qed_make_empty,
};
