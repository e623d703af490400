/* SPDX-License-Identifier: MIT */
/*
 * Making, changing and removing persistent bitmaps.  All operations of one call are done on
 * a draft of the directory: clusters that change are written to new places, then the tables
 * and the directory, and one write of the header makes all of it count.  So a crash or a
 * failure leaves the bitmaps as they were.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_bitmap_bits.h"

#include <stdlib.h>
#include <string.h>

struct draft {
	struct qcow2_bitmap b; /* table_offset 0: no table in the file */
	uint64_t *table;       /* NULL: not looked at, as in the file */
};

struct edit {
	struct qcow2 *s;
	struct draft *v;
	size_t n;
	struct qcow2_swap swap;
};

static const char *shown(const struct qcow2 *s)
{
	return s->blk.filename;
}

static struct draft *find(struct edit *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (!strcmp(x->v[i].b.name, name))
			return &x->v[i];
	return NULL;
}

static int not_found(const char *name, struct err *e)
{
	return err_set(e, -ENOENT, "Dirty bitmap '%s' not found", name);
}

static int load_table(struct edit *x, struct draft *d, struct err *e)
{
	return d->table ? 0 : qcow2_bitmap_table_load(x->s, &d->b, &d->table, e);
}

/* ---- one operation each ---- */

static int check_new(const struct edit *x, const struct img_bitmap_op *op, unsigned bits,
		     struct err *e)
{
	const struct qcow2 *s = x->s;
	uint64_t count = qcow2_bits_count(s->h.size, bits), bytes = QCOW2_BITMAP_ENTRY + 8;
	const char *why = NULL;

	for (size_t i = 0; i < x->n; i++)
		bytes += QCOW2_BITMAP_ENTRY + 8 + x->v[i].b.extra_len + strlen(x->v[i].b.name);
	if (s->h.version < 3)
		why = "Cannot store dirty bitmaps in qcow2 v2 files";
	else if (strlen(op->name) > QCOW2_BITMAP_NAME_MAX)
		why = "Name length exceeds maximum (1023 characters)";
	else if (x->n >= QCOW2_BITMAPS_MAX)
		why = "Maximum number of persistent bitmaps is already reached";
	else if (bytes + strlen(op->name) > QCOW2_BITMAP_DIR_MAX)
		why = "Not enough space in the bitmap directory";
	else if (qcow2_bits_clusters(count, s->cluster_bits) << s->cluster_bits >
		 QCOW2_BITMAP_BYTES_MAX)
		why = "Too much space will be occupied by the bitmap. Use larger granularity";
	return why ? err_set(e, -EINVAL, "Can't make bitmap '%s' persistent in '%s': %s",
			     op->name, shown(s), why)
		   : 0;
}

/* As much as a cluster, from 4 to 64 KiB. */
static uint64_t usual_granularity(const struct qcow2 *s)
{
	return min_u64(max_u64(s->cluster_size, 4096), 65536);
}

static int add(struct edit *x, const struct img_bitmap_op *op, struct err *e)
{
	uint64_t gran = op->granularity ? op->granularity : usual_granularity(x->s);
	struct qcow2_bitmap b = { .flags = op->disabled ? 0 : QCOW2_BITMAP_AUTO };
	void *p = x->v;
	int r;

	if (!op->name[0])
		return err_set(e, -EINVAL, "Bitmap name cannot be empty");
	if (gran & (gran - 1) || gran < 512 || gran > 1ull << QCOW2_BITMAP_GRANULARITY_MAX)
		return err_set(e, -EINVAL, "Granularity must be power of 2 and at least 512");
	if (find(x, op->name))
		return err_set(e, -EEXIST, "Bitmap already exists: %s", op->name);
	b.granularity_bits = (uint8_t)__builtin_ctzll(gran);
	r = check_new(x, op, b.granularity_bits, e);
	if (r == 0)
		r = mem_grow(&p, x->n + 1, sizeof(*x->v), e);
	if (r < 0)
		return r;
	x->v = p;
	b.table_entries = (uint32_t)qcow2_bits_clusters(qcow2_bits_count(x->s->h.size,
									 b.granularity_bits),
							x->s->cluster_bits);
	b.name = mem_strdup(op->name, e);
	x->v[x->n] = (struct draft){ b, b.name ? mem_zalloc(b.table_entries, 8, e) : NULL };
	if (!x->v[x->n].table) {
		free(b.name);
		return -ENOMEM;
	}
	x->n++;
	return 0;
}

/* The clusters of bits of a bitmap are no longer wanted. */
static int drop_bits(struct edit *x, struct draft *d, struct err *e)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->b.table_entries; i++) {
		if (d->table[i] & QCOW2_BITMAP_OFFSET_MASK)
			r = qcow2_swap_drop(&x->swap, d->table[i], x->s->cluster_size, e);
		d->table[i] = 0;
	}
	return r;
}

static uint64_t table_bytes(const struct qcow2 *s, const struct qcow2_bitmap *b)
{
	return round_up(b->table_entries * 8ull, s->cluster_size);
}

static int drop_table(struct edit *x, struct draft *d, struct err *e)
{
	uint64_t off = d->b.table_offset;

	d->b.table_offset = 0;
	return off ? qcow2_swap_drop(&x->swap, off, table_bytes(x->s, &d->b), e) : 0;
}

/* A table that cannot be read is left where it is: a leak that check finds is better than a
 * bitmap that cannot be got rid of. */
static int remove_bitmap(struct edit *x, struct draft *d, struct err *e)
{
	struct err why = { 0 };
	int r = load_table(x, d, &why);

	if (r == 0) {
		r = drop_bits(x, d, e);
		if (r == 0)
			r = drop_table(x, d, e);
	} else if (r != -EUCLEAN) {
		return err_set(e, r, "%s", why.msg);
	} else {
		blk_warn(&x->s->blk, "%s: its clusters stay in use until check -r leaks",
			 why.msg);
		r = 0;
	}
	free(d->b.name);
	free(d->b.extra);
	free(d->table);
	x->n--;
	memmove(d, d + 1, (size_t)(x->v + x->n - d) * sizeof(*d));
	return r;
}

static int merge_from(struct edit *x, struct draft *d, struct qcow2 *s,
		      const struct qcow2_bitmap *b, const uint64_t *table, struct err *e)
{
	struct qcow2_bits_src src = { s, table, b->table_entries, b->granularity_bits };

	if (s->h.size != x->s->h.size)
		return err_set(e, -EINVAL,
			       "Bitmaps are of different sizes (destination size is %llu, "
			       "source size is %llu) and can't be merged",
			       (unsigned long long)x->s->h.size, (unsigned long long)s->h.size);
	return qcow2_bits_merge(x->s, d->table, d->b.granularity_bits, &src, &x->swap, e);
}

/* From another bitmap of the image that is changed. */
static int merge_own(struct edit *x, struct draft *d, const char *name, struct err *e)
{
	struct draft *from = find(x, name);
	int r;

	if (!from)
		return not_found(name, e);
	r = qcow2_bitmap_usable(&from->b, e);
	if (r == 0)
		r = load_table(x, from, e);
	if (r < 0 || from == d)
		return r;
	return merge_from(x, d, x->s, &from->b, from->table, e);
}

/* From an image that is open beside it. */
static int merge_other(struct edit *x, struct draft *d, struct blk *blk, const char *name,
		       struct err *e)
{
	struct qcow2 *s = to_qcow2(blk);
	struct qcow2_bitmap *dir = NULL, *b = NULL;
	uint64_t *table = NULL;
	int r;

	if (blk->format != x->s->blk.format || !s->h.has_bitmaps)
		return not_found(name, e);
	r = qcow2_bitmap_dir_load(s, &dir, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < s->h.bitmaps_n && !b; i++)
		if (!strcmp(dir[i].name, name))
			b = &dir[i];
	r = b ? qcow2_bitmap_usable(b, e) : not_found(name, e);
	if (r == 0)
		r = qcow2_bitmap_table_load(s, b, &table, e);
	if (r == 0)
		r = merge_from(x, d, s, b, table, e);
	free(table);
	qcow2_bitmap_dir_free(dir, s->h.bitmaps_n);
	return r;
}

static int change(struct edit *x, const struct img_bitmap_op *op, struct err *e)
{
	struct draft *d;
	int r;

	if (op->verb == BITMAP_ADD)
		return add(x, op, e);
	d = find(x, op->name);
	if (!d)
		return not_found(op->name, e);
	if (op->verb == BITMAP_REMOVE)
		return remove_bitmap(x, d, e);
	r = qcow2_bitmap_usable(&d->b, e);
	if (r == 0)
		r = load_table(x, d, e);
	if (r < 0)
		return r;
	switch (op->verb) {
	case BITMAP_CLEAR:
		return drop_bits(x, d, e);
	case BITMAP_ENABLE:
		d->b.flags |= QCOW2_BITMAP_AUTO;
		return 0;
	case BITMAP_DISABLE:
		d->b.flags &= ~(uint32_t)QCOW2_BITMAP_AUTO;
		return 0;
	default:
		return op->src ? merge_other(x, d, op->src, op->src_name, e)
			       : merge_own(x, d, op->src_name, e);
	}
}

/* ---- the whole ---- */

static int begin(struct edit *x, struct err *e)
{
	struct qcow2 *s = x->s;
	uint32_t n = s->h.has_bitmaps ? s->h.bitmaps_n : 0;
	struct qcow2_bitmap *dir;
	int r = qcow2_bitmaps_store(s, e);

	if (r < 0 || !n)
		return r;
	x->v = mem_zalloc(n, sizeof(*x->v), e);
	if (!x->v)
		return -ENOMEM;
	r = qcow2_bitmap_dir_load(s, &dir, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		x->v[i].b = dir[i];
	x->n = n;
	free(dir);
	return 0;
}

static void end(struct edit *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].b.name);
		free(x->v[i].b.extra);
		free(x->v[i].table);
	}
	free(x->v);
}

static int write_tables(struct edit *x, struct err *e)
{
	struct qcow2 *s = x->s;
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->n; i++) {
		struct draft *d = &x->v[i];

		if (!d->table)
			continue;
		r = drop_table(x, d, e);
		if (r == 0)
			r = qcow2_swap_alloc(s, &x->swap,
					     table_bytes(s, &d->b) >> s->cluster_bits,
					     &d->b.table_offset, e);
		if (r == 0)
			r = qcow2_bitmap_table_write(s, d->table, d->b.table_entries,
						     d->b.table_offset, e);
	}
	return r;
}

static int finish(struct edit *x, struct err *e)
{
	struct qcow2 *s = x->s;
	struct qcow2_header saved = s->h;
	AUTO_FREE struct qcow2_bitmap *dir = mem_zalloc(x->n ? x->n : 1, sizeof(*dir), e);
	int r = dir ? write_tables(x, e) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < x->n; i++)
		dir[i] = x->v[i].b;
	if (r == 0)
		r = qcow2_bitmap_dir_move(s, dir, (uint32_t)x->n, &x->swap, e);
	if (r == 0)
		r = qcow2_swap_commit(s, &x->swap, e);
	if (r < 0)
		s->h = saved;
	return r;
}

int qcow2_bitmap_edit(struct blk *b, const struct img_bitmap_op *ops, size_t n, size_t *failed,
		      struct err *e)
{
	struct edit x = { .s = to_qcow2(b) };
	struct qcow2 *s = x.s;
	int r;

	*failed = n;
	pthread_rwlock_wrlock(&s->io);
	pthread_mutex_lock(&s->lock);
	r = qcow2_may_change(s, e);
	if (r == 0)
		r = qcow2_begin_change(s, e);
	if (r == 0)
		r = qcow2_flush_meta(s, e);
	if (r == 0)
		r = begin(&x, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = change(&x, &ops[i], e);
		if (r < 0)
			*failed = i;
	}
	if (r == 0)
		r = finish(&x, e);
	if (r < 0)
		qcow2_swap_undo(s, &x.swap);
	end(&x);
	if (qcow2_regions_load(s, r < 0 ? NULL : e) < 0) {
		s->broken = true; /* no more writes without knowing where not to */
		r = r < 0 ? r : -EIO;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->io);
	return r;
}
