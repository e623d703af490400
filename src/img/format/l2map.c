/* SPDX-License-Identifier: MIT */
#include "img/format/l2map.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>

enum {
	SLICE = 4096,      /* bytes of a second table that are cached together */
	SLICES_MAX = 1024, /* of them */
	LOOK_MAX = 16384,  /* clusters that one lookup goes over */
	L1_MAX = 32 << 20, /* bytes of the first table */
};

struct l2map_slice {
	uint64_t index; /* of the slice, counted over the whole disk */
	bool valid, dirty;
	uint8_t *data;
};

int l2map_init(struct l2map *m, const struct blk_ops *ops, const struct l2map_kind *kind,
	       struct blk *file, unsigned flags, struct err *e)
{
	int r = blk_init(&m->blk, ops, file->filename, flags, e);

	if (r < 0)
		return r;
	pthread_mutex_init(&m->lock, NULL);
	m->kind = kind;
	m->blk.log = file->log;
	m->blk.align = 512;
	return 0;
}

int l2map_load(struct l2map *m, struct err *e)
{
	struct blk *file = m->blk.child;
	uint64_t len = m->l1_n * 8;

	if (len > L1_MAX)
		return err_set(e, -EFBIG, "%s: the first table has %llu entries, too many",
			       m->blk.filename, (unsigned long long)m->l1_n);
	/* the last sector may be cut */
	if (m->l1_off > INT64_MAX - len || m->l1_off + len > round_up(file->size, 512))
		return err_set(e, -EUCLEAN,
			       "%s: the first table, %llu bytes at %llu, lies past the end of "
			       "the file",
			       m->blk.filename, (unsigned long long)len,
			       (unsigned long long)m->l1_off);
	m->end = round_up(max_u64(file->size, m->l1_off + len), m->cluster);
	m->slice_n = (uint32_t)min_u64(SLICE / 8, m->l2_n);
	m->cache_n =
		(uint32_t)min_u64(SLICES_MAX, max_u64(m->l1_n * (m->l2_n / m->slice_n), 1));
	m->cache = mem_zalloc(m->cache_n, sizeof(*m->cache), e);
	m->l1 = mem_zalloc(1, (size_t)max_u64(len, 8), e);
	if (!m->cache || !m->l1)
		return -ENOMEM;
	return blk_pread(file, m->l1, (size_t)len, m->l1_off, e);
}

void l2map_fini(struct l2map *m)
{
	for (uint32_t i = 0; m->cache && i < m->cache_n; i++)
		free(m->cache[i].data);
	free(m->cache);
	free(m->l1);
	pthread_mutex_destroy(&m->lock);
	blk_fini(&m->blk);
}

int l2map_grow(struct l2map *m, uint64_t l1_n, struct err *e)
{
	void *l1 = m->l1;
	int r;

	if (l1_n <= m->l1_n)
		return 0;
	if (l1_n > L1_MAX / 8)
		return err_set(e, -EFBIG, "%s: the first table would be too large",
			       m->blk.filename);
	r = mem_grow(&l1, (size_t)l1_n, 8, e);
	if (r < 0)
		return r;
	m->l1 = l1;
	r = blk_pread(m->blk.child, m->l1 + m->l1_n * 8, (size_t)(l1_n - m->l1_n) * 8,
		      m->l1_off + m->l1_n * 8, e);
	if (r == 0)
		m->l1_n = l1_n;
	return r;
}

/* ---- tables; under lock ---- */

static int table_place(struct l2map *m, uint64_t t, uint64_t *out, struct err *e)
{
	uint64_t entry = t < m->l1_n ? m->kind->load(m->l1 + t * 8) : 0;
	int r;

	*out = 0;
	if (!entry)
		return 0;
	r = m->kind->table(m, entry, out, e);
	if (r == 0 && (*out > INT64_MAX - m->l2_n * 8 || *out >= m->blk.child->size))
		r = err_set(e, -EUCLEAN,
			    "%s: table %llu lies past the end of the file, at %llu",
			    m->blk.filename, (unsigned long long)t, (unsigned long long)*out);
	return r;
}

static int write_slices(struct l2map *m, bool *wrote, struct err *e)
{
	for (uint32_t i = 0; i < m->cache_n; i++) {
		struct l2map_slice *c = &m->cache[i];
		uint64_t per = m->l2_n / m->slice_n, place;
		int r = 0;

		if (!c->dirty)
			continue;
		if (!*wrote)
			r = blk_flush(m->blk.child, e);
		*wrote = true;
		if (r == 0)
			r = table_place(m, c->index / per, &place, e);
		if (r == 0)
			r = blk_pwrite(m->blk.child, c->data, m->slice_n * 8,
				       place + c->index % per * m->slice_n * 8, e);
		if (r < 0)
			return r;
		c->dirty = false;
	}
	return 0;
}

int l2map_write_tables(struct l2map *m, struct err *e)
{
	bool wrote = false;
	int r = write_slices(m, &wrote, e);

	if (r < 0 || m->l1_first >= m->l1_end)
		return r;
	r = blk_flush(m->blk.child, e);
	if (r == 0)
		r = blk_pwrite(m->blk.child, m->l1 + m->l1_first * 8,
			       (size_t)(m->l1_end - m->l1_first) * 8,
			       m->l1_off + m->l1_first * 8, e);
	if (r == 0)
		m->l1_first = m->l1_end = 0;
	return r;
}

/* The slice of cluster @n; *out NULL: it has no table. */
static int get_slice(struct l2map *m, uint64_t n, struct l2map_slice **out, struct err *e)
{
	uint64_t index = n / m->slice_n, per = m->l2_n / m->slice_n, place;
	struct l2map_slice *c = &m->cache[index % m->cache_n];
	bool wrote = false;
	int r;

	*out = c;
	if (c->valid && c->index == index)
		return 0;
	*out = NULL;
	r = table_place(m, n / m->l2_n, &place, e);
	if (r < 0 || !place)
		return r;
	if (c->dirty)
		r = write_slices(m, &wrote, e);
	if (r < 0)
		return r;
	c->valid = false;
	if (!c->data)
		c->data = mem_aligned(512, m->slice_n * 8, e);
	if (!c->data)
		return -ENOMEM;
	r = blk_pread(m->blk.child, c->data, m->slice_n * 8,
		      place + index % per * m->slice_n * 8, e);
	if (r < 0)
		return r;
	c->valid = true;
	c->index = index;
	*out = c;
	return 0;
}

static int find(struct l2map *m, uint64_t n, struct l2map_run *run, uint64_t *same,
		struct err *e)
{
	struct l2map_slice *c;
	int r = get_slice(m, n, &c, e);

	*same = 1;
	run->state = L2_HOLE;
	run->host = run->entry = 0;
	if (r < 0)
		return r;
	if (!c) {
		*same = m->l2_n - n % m->l2_n;
		return 0;
	}
	run->entry = m->kind->load(c->data + n % m->slice_n * 8);
	return m->kind->decode(m, run->entry, &run->state, &run->host, e);
}

int l2map_lookup(struct l2map *m, uint64_t off, uint64_t len, struct l2map_run *run,
		 struct err *e)
{
	uint64_t n = off / m->cluster, in = off % m->cluster, same;
	uint64_t end = min_u64(div_up(off + len, m->cluster), n + LOOK_MAX);
	int r = find(m, n, run, &same, e);

	if (r < 0)
		return r;
	if (run->state == L2_PACKED)
		end = n + 1;
	for (uint64_t at = n + same; at < end; at += same) {
		struct l2map_run next;

		/* what is wrong there will be told when it is asked for */
		r = find(m, at, &next, &same, NULL);
		if (r < 0 || next.state != run->state ||
		    (next.state == L2_DATA && next.host != run->host + (at - n) * m->cluster)) {
			end = at;
			break;
		}
	}
	run->host += run->state == L2_DATA ? in : 0;
	run->len = min_u64(end * m->cluster - off, len);
	return 0;
}

static int no_room(const struct l2map *m, struct err *e)
{
	return err_set(e, -EFBIG, "%s: clusters cannot lie past %llu", m->blk.filename,
		       (unsigned long long)m->kind->end_max);
}

/* A second table of zeroes at the end of the file. */
static int make_table(struct l2map *m, uint64_t t, struct err *e)
{
	uint64_t at = round_up(m->end, m->cluster), len = round_up(m->l2_n * 8, m->cluster);
	int r;

	if (at + len > m->kind->end_max)
		return no_room(m, e);
	r = blk_zero(m->blk.child, at, len, BLK_MAY_UNMAP, e);
	if (r < 0)
		return r;
	m->end = at + len;
	m->kind->store(m->l1 + t * 8, at);
	if (m->l1_first >= m->l1_end) {
		m->l1_first = t;
		m->l1_end = t + 1;
	}
	m->l1_first = min_u64(m->l1_first, t);
	m->l1_end = max_u64(m->l1_end, t + 1);
	return 0;
}

int l2map_enter(struct l2map *m, uint64_t n, uint64_t entry, struct err *e)
{
	struct l2map_slice *c;
	int r = get_slice(m, n, &c, e);

	if (r == 0 && !c) {
		r = make_table(m, n / m->l2_n, e);
		if (r == 0)
			r = get_slice(m, n, &c, e);
	}
	if (r < 0)
		return r;
	m->kind->store(c->data + n % m->slice_n * 8, entry);
	c->dirty = true;
	return 0;
}

void l2map_forget(struct l2map *m)
{
	for (uint32_t i = 0; i < m->cache_n; i++)
		m->cache[i].valid = m->cache[i].dirty = false;
}

int l2map_empty(struct l2map *m, uint64_t l1_bytes, struct err *e)
{
	struct blk *file = m->blk.child;
	uint64_t end = round_up(m->l1_off + l1_bytes, m->cluster);
	int r;

	l2map_forget(m);
	memset(m->l1, 0, (size_t)m->l1_n * 8);
	m->l1_first = m->l1_end = 0;
	r = blk_pwrite(file, m->l1, (size_t)m->l1_n * 8, m->l1_off, e);
	if (r == 0)
		r = blk_flush(file, e);
	if (r == 0 && !file->fixed && end < file->size)
		r = blk_resize(file, end, PREALLOC_OFF, e);
	if (r == 0)
		m->end = round_up(max_u64(file->size, end), m->cluster);
	return r;
}

/* ---- reading ---- */

static int read_below(struct l2map *m, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct blk *under = m->blk.backing;
	size_t n = 0;
	int r = 0;

	if (under && off < under->size)
		n = (size_t)min_u64(len, under->size - off);
	if (n)
		r = blk_pread(under, buf, n, off, e);
	memset((uint8_t *)buf + n, 0, len - n);
	return r;
}

static int read_packed(struct l2map *m, const struct l2map_run *run, void *buf, uint64_t off,
		       struct err *e)
{
	size_t in = (size_t)(off % m->cluster);
	AUTO_FREE uint8_t *all = NULL;
	int r;

	if (run->len == m->cluster)
		return m->kind->unpack(m, run->entry, buf, e);
	all = mem_aligned(512, (size_t)m->cluster, e);
	r = all ? m->kind->unpack(m, run->entry, all, e) : -ENOMEM;
	if (r == 0)
		memcpy(buf, all + in, (size_t)run->len);
	return r;
}

static int read_run(struct l2map *m, const struct l2map_run *run, void *buf, uint64_t off,
		    struct err *e)
{
	switch (run->state) {
	case L2_HOLE:
		return read_below(m, buf, (size_t)run->len, off, e);
	case L2_ZERO:
		memset(buf, 0, (size_t)run->len);
		return 0;
	case L2_DATA:
		return blk_pread(m->blk.child, buf, (size_t)run->len, run->host, e);
	case L2_PACKED:
		break;
	}
	return read_packed(m, run, buf, off, e);
}

int l2map_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	struct l2map *m = (struct l2map *)b;
	uint8_t *p = buf;

	while (len) {
		struct l2map_run run = { .len = 0 };
		int r;

		pthread_mutex_lock(&m->lock);
		r = l2map_lookup(m, off, len, &run, e);
		pthread_mutex_unlock(&m->lock);
		if (r == 0)
			r = read_run(m, &run, p, off, e);
		if (r < 0)
			return r;
		p += run.len;
		off += run.len;
		len -= (size_t)run.len;
	}
	return 0;
}

int l2map_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
		 struct err *e)
{
	static const unsigned flags[] = {
		[L2_HOLE] = 0,
		[L2_ZERO] = BLK_EXT_ZERO | BLK_EXT_ALLOCATED,
		[L2_DATA] = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET,
		[L2_PACKED] = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_COMPRESSED,
	};
	struct l2map *m = (struct l2map *)b;
	struct l2map_run run, next;
	int r;

	pthread_mutex_lock(&m->lock);
	r = l2map_lookup(m, off, max, &run, e);
	for (int i = 0; r == 0 && run.state == L2_PACKED && run.len < max && i < LOOK_MAX;
	     i++) {
		if (l2map_lookup(m, off + run.len, max - run.len, &next, NULL) < 0 ||
		    next.state != L2_PACKED)
			break;
		run.len += next.len;
	}
	pthread_mutex_unlock(&m->lock);
	if (r == 0)
		*out = (struct blk_extent){ .len = run.len,
					    .flags = flags[run.state],
					    .file = b->child,
					    .host_off = run.host };
	return r;
}

/* ---- writing ---- */

/* A cluster of which only [in, in + len) is written: the rest is what it was. */
static int write_part(struct l2map *m, uint64_t n, const struct l2map_run *was, uint64_t host,
		      const uint8_t *buf, size_t in, size_t len, struct err *e)
{
	size_t cluster = (size_t)m->cluster;
	uint64_t at = n * m->cluster, disk = round_up(m->blk.size, 512);
	AUTO_FREE uint8_t *all = mem_aligned(512, cluster, e);
	int r = 0;

	if (!all)
		return -ENOMEM;
	memset(all, 0, cluster);
	if (was->state == L2_PACKED)
		r = m->kind->unpack(m, was->entry, all, e);
	else if (was->state == L2_HOLE)
		r = read_below(m, all, (size_t)min_u64(cluster, disk - at), at, e);
	memcpy(all + in, buf, len);
	return r < 0 ? r : blk_pwrite(m->blk.child, all, cluster, host, e);
}

/* Clusters that have no place yet: all of [off, off + run->len). */
static int write_new(struct l2map *m, const struct l2map_run *run, const uint8_t *buf,
		     uint64_t off, struct err *e)
{
	uint64_t first = off / m->cluster, n = div_up(off + run->len, m->cluster) - first;
	size_t done = 0, len = (size_t)run->len;
	uint64_t host;
	int r = 0;

	/* tables first: what is written together then lies together */
	for (uint64_t t = first / m->l2_n; t <= (first + n - 1) / m->l2_n && r == 0; t++)
		if (!m->kind->load(m->l1 + t * 8))
			r = make_table(m, t, e);
	if (r < 0)
		return r;
	host = round_up(m->end, m->cluster);
	if (host + n * m->cluster > m->kind->end_max)
		return no_room(m, e);
	m->end = host + n * m->cluster;
	while (done < len && r == 0) {
		uint64_t at = off + done, k = at / m->cluster;
		size_t in = (size_t)(at % m->cluster), left = len - done, take;

		if (in || left < m->cluster) {
			take = (size_t)min_u64(left, m->cluster - in);
			r = write_part(m, k, run, host + (k - first) * m->cluster, buf + done,
				       in, take, e);
		} else {
			take = (size_t)round_down(left, m->cluster);
			r = blk_pwrite(m->blk.child, buf + done, take,
				       host + (k - first) * m->cluster, e);
		}
		done += take;
	}
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = l2map_enter(m, first + i, host + i * m->cluster, e);
	return r;
}

int l2map_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct l2map *m = (struct l2map *)b;
	const uint8_t *p = buf;

	while (len) {
		struct l2map_run run = { .len = 0 };
		int r;

		pthread_mutex_lock(&m->lock);
		r = l2map_lookup(m, off, len, &run, e);
		if (r == 0 && run.state != L2_DATA)
			r = write_new(m, &run, p, off, e);
		pthread_mutex_unlock(&m->lock);
		if (r == 0 && run.state == L2_DATA)
			r = blk_pwrite(b->child, p, (size_t)run.len, run.host, e);
		if (r < 0)
			return r;
		p += run.len;
		off += run.len;
		len -= (size_t)run.len;
	}
	return 0;
}

/* *done: how far it got.  -ENOTSUP: these have to be written.  Under lock. */
static int zero_entries(struct l2map *m, uint64_t off, uint64_t len, uint64_t *done,
			struct err *e)
{
	uint64_t disk = round_up(m->blk.size, 512);
	bool whole = off % m->cluster == 0 && (len >= m->cluster || off + len >= disk);
	struct l2map_run run;
	int r = l2map_lookup(m, off, len, &run, e);

	if (r < 0)
		return r;
	*done = run.len;
	if (run.state == L2_ZERO || (run.state == L2_HOLE && !m->blk.backing))
		return 0;
	/* the place of a cluster that has one would be lost */
	if (!whole || !m->kind->zero_entry || run.state != L2_HOLE)
		return -ENOTSUP;
	*done = min_u64(len, m->cluster);
	return l2map_enter(m, off / m->cluster, m->kind->zero_entry, e);
}

int l2map_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct l2map *m = (struct l2map *)b;

	while (len) {
		uint64_t n = 0;
		int r;

		pthread_mutex_lock(&m->lock);
		r = zero_entries(m, off, len, &n, e);
		pthread_mutex_unlock(&m->lock);
		if (r == -ENOTSUP && flags & BLK_NO_FALLBACK)
			return err_set(e, r, "%s: cannot zero without writing", b->filename);
		if (r == -ENOTSUP) {
			AUTO_FREE uint8_t *zero = NULL;

			n = min_u64(len, m->cluster - off % m->cluster);
			zero = mem_zalloc(1, (size_t)n, e);
			r = zero ? l2map_pwrite(b, zero, (size_t)n, off, e) : -ENOMEM;
		}
		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

int l2map_flush(struct blk *b, struct err *e)
{
	struct l2map *m = (struct l2map *)b;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	if (m->l1)
		r = l2map_write_tables(m, e);
	pthread_mutex_unlock(&m->lock);
	return r < 0 ? r : blk_flush(b->child, e);
}

int l2map_info(struct l2map *m, const char *backing, const char *fmt, struct img_info *out,
	       struct err *e)
{
	struct err why = { 0 };
	struct blk *file = m->blk.child;

	*out = (struct img_info){ .format = m->blk.format->name,
				  .virtual_size = m->blk.size,
				  .cluster_size = m->cluster };
	if (backing) {
		out->backing_filename = mem_strdup(backing, e);
		out->backing_format = fmt ? mem_strdup(fmt, e) : NULL;
		if (!out->backing_filename || (fmt && !out->backing_format)) {
			img_info_free(out);
			return -ENOMEM;
		}
		/* A name that leads nowhere is no reason to say nothing about the image. */
		out->full_backing_filename = img_relative_name(m->blk.filename, backing, &why);
	}
	return file_is_node(file) ? file_allocated(file, &out->actual_size, e) : 0;
}
