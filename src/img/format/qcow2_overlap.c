/* SPDX-License-Identifier: MIT */
/*
 * Which host clusters hold metadata, so that no write meant for something else hits
 * them, whatever a damaged image claims.  A hash set with one word for each such
 * cluster: the size follows the metadata the file really has.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A word: cluster << 9 | kinds.  Host offsets have 56 bits and clusters at least
 * 2^9 bytes, so the two always fit.  No kinds, no entry: deleted ones stay as stones. */
enum { KIND_BITS = 9, KIND_MASK = (1 << KIND_BITS) - 1 };

struct qcow2_regions {
	uint64_t *v;
	size_t mask; /* slots - 1; a power of two */
	size_t used; /* slots that are not 0, stones among them */
	size_t live; /* of these, with kinds */
};

static size_t slot_of(const struct qcow2_regions *t, uint64_t cluster)
{
	return (size_t)(cluster * 0x9e3779b97f4a7c15ull >> 24) & t->mask;
}

/* The slot of @cluster, or the empty one where it would go. */
static uint64_t *find(const struct qcow2_regions *t, uint64_t cluster)
{
	size_t i = slot_of(t, cluster);

	while (t->v[i] && t->v[i] >> KIND_BITS != cluster)
		i = (i + 1) & t->mask;
	return &t->v[i];
}

static int resize(struct qcow2_regions *t, size_t slots, struct err *e)
{
	uint64_t *old = t->v;
	size_t old_slots = old ? t->mask + 1 : 0;
	uint64_t *v = mem_zalloc(slots, sizeof(*v), e);

	if (!v)
		return -ENOMEM;
	t->v = v;
	t->mask = slots - 1;
	t->used = t->live;
	for (size_t i = 0; i < old_slots; i++)
		if (old[i] & KIND_MASK)
			*find(t, old[i] >> KIND_BITS) = old[i];
	free(old);
	return 0;
}

static int reserve(struct qcow2_regions *t, struct err *e)
{
	size_t slots = t->mask + 1;

	if (t->used + 1 <= slots / 4 * 3)
		return 0;
	/* mostly stones: clean up rather than grow */
	return resize(t, t->live > slots / 2 ? slots * 2 : slots, e);
}

int qcow2_region_add(struct qcow2 *s, uint64_t off, uint64_t len, enum qcow2_region kind,
		     struct err *e)
{
	struct qcow2_regions *t = s->regions;

	if (!t || !len)
		return 0;

	uint64_t last = (off + len - 1) >> s->cluster_bits;

	for (uint64_t c = off >> s->cluster_bits; c <= last; c++) {
		int r = reserve(t, e);

		if (r < 0)
			return r;

		uint64_t *p = find(t, c);

		t->used += *p == 0;
		t->live += (*p & KIND_MASK) == 0;
		*p = *p | c << KIND_BITS | (uint64_t)kind;
	}
	return 0;
}

void qcow2_region_del(struct qcow2 *s, uint64_t off, uint64_t len)
{
	struct qcow2_regions *t = s->regions;

	if (!t || !len)
		return;

	uint64_t last = (off + len - 1) >> s->cluster_bits;

	for (uint64_t c = off >> s->cluster_bits; c <= last; c++) {
		uint64_t *p = find(t, c);
		uint64_t kinds = *p & KIND_MASK;

		if (kinds & (QCOW2_R_L2 | QCOW2_R_SNAP_L2))
			qcow2_cache_forget(s->l2c, c << s->cluster_bits);
		if (kinds & QCOW2_R_REFBLOCK)
			qcow2_cache_forget(s->rbc, c << s->cluster_bits);
		t->live -= kinds != 0;
		/* cluster 0 without kinds would read as an empty slot and cut a
		 * chain short; the header is never given up, though */
		if (c)
			*p &= ~(uint64_t)KIND_MASK;
	}
}

unsigned qcow2_region_kinds(const struct qcow2 *s, uint64_t off)
{
	if (!s->regions)
		return 0;
	return *find(s->regions, off >> s->cluster_bits) & KIND_MASK;
}

void qcow2_regions_free(struct qcow2 *s)
{
	if (s->regions)
		free(s->regions->v);
	free(s->regions);
	s->regions = NULL;
}

/* ---- loading ---- */

/* The L2 tables an L1 table in memory refers to; unaligned ones are for others to
 * complain about. */
static int add_l2_tables(struct qcow2 *s, const uint64_t *l1, uint32_t n,
			 enum qcow2_region kind, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t off = l1[i] & QCOW2_OFFSET_MASK;
		int r = off ? qcow2_region_add(s, off, s->cluster_size, kind, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_snapshot_l2(struct qcow2 *s, const struct qcow2_snapshot *sn, struct err *e)
{
	enum { BATCH = 128 };
	uint8_t buf[BATCH * 8];
	uint64_t l1[BATCH];
	uint64_t size = s->blk.child->size;
	uint64_t n = sn->l1_entries;

	if (sn->l1_offset >= size)
		return 0;
	n = min_u64(n, (size - sn->l1_offset) / 8);
	for (uint64_t i = 0; i < n; i += BATCH) {
		uint32_t k = (uint32_t)min_u64(BATCH, n - i);
		int r = blk_pread(s->blk.child, buf, (size_t)k * 8, sn->l1_offset + i * 8, e);

		if (r < 0)
			return err_wrap(e, r, "reading the L1 table of a snapshot");
		for (uint32_t j = 0; j < k; j++)
			l1[j] = load_be64(buf + (size_t)j * 8);
		r = add_l2_tables(s, l1, k, QCOW2_R_SNAP_L2, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_snapshots(struct qcow2 *s, struct err *e)
{
	uint64_t size = s->blk.child->size, left = size;
	int r = 0;

	if (s->snapshots_bytes)
		r = qcow2_region_add(s, s->h.snapshots_offset, s->snapshots_bytes,
				     QCOW2_R_SNAPTABLE, e);
	for (uint32_t i = 0; r == 0 && i < s->snapshots_n; i++) {
		const struct qcow2_snapshot *sn = &s->snapshots[i];
		uint64_t bytes = (uint64_t)sn->l1_entries * 8;

		/* An L1 table that cannot be one protects nothing.  Each has clusters of its
		 * own, so that all fit into the file; claims of more end here. */
		if (bytes > QCOW2_L1_BYTES_MAX || sn->l1_offset >= size)
			continue;
		bytes = min_u64(bytes, size - sn->l1_offset);
		if (bytes > left)
			break;
		left -= bytes;
		r = qcow2_region_add(s, sn->l1_offset, bytes, QCOW2_R_SNAP_L1, e);
		if (r == 0 && s->overlap_kinds & QCOW2_R_SNAP_L2)
			r = add_snapshot_l2(s, sn, e);
	}
	return r;
}

int qcow2_regions_load(struct qcow2 *s, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	uint64_t size = s->blk.child->size;

	qcow2_regions_free(s);
	s->regions = mem_zalloc(1, sizeof(*s->regions), e);
	if (!s->regions)
		return -ENOMEM;

	int r = resize(s->regions, 64, e);

	if (r == 0)
		r = qcow2_region_add(s, 0, s->cluster_size, QCOW2_R_HEADER, e);
	if (r == 0)
		r = qcow2_region_add(s, h->l1_offset, (uint64_t)h->l1_entries * 8, QCOW2_R_L1,
				     e);
	if (r == 0)
		r = qcow2_region_add(s, h->reftable_offset, (uint64_t)s->reftable_entries * 8,
				     QCOW2_R_REFTABLE, e);
	if (r == 0)
		r = add_l2_tables(s, s->l1, h->l1_entries, QCOW2_R_L2, e);
	for (uint32_t i = 0; r == 0 && i < s->reftable_entries; i++)
		if (s->reftable[i])
			r = qcow2_region_add(s, s->reftable[i], s->cluster_size,
					     QCOW2_R_REFBLOCK, e);
	if (r == 0)
		r = load_snapshots(s, e);
	if (r == 0 && h->has_bitmaps && h->bitmap_dir_offset < size)
		r = qcow2_region_add(s, h->bitmap_dir_offset,
				     min_u64(h->bitmap_dir_size, size - h->bitmap_dir_offset),
				     QCOW2_R_BITMAP_DIR, e);
	if (r < 0)
		qcow2_regions_free(s);
	return r;
}

/* ---- checking ---- */

static const char *kind_name(unsigned kinds)
{
	static const char *const names[] = {
		"qcow2_header",      "active L1 table",  "active L2 table",
		"refcount table",    "refcount block",   "snapshot table",
		"inactive L1 table", "bitmap directory", "inactive L2 table",
	};

	return names[__builtin_ctz(kinds)];
}

int qcow2_check_overlap(struct qcow2 *s, uint64_t off, uint64_t len, unsigned may,
			struct err *e)
{
	const struct qcow2_regions *t = s->regions;
	unsigned forbidden = s->overlap_kinds & ~may;

	if (s->broken)
		return err_set(e, -EIO, "the image is corrupt and takes no more writes");
	if (!t || !len || !forbidden)
		return 0;

	uint64_t first = off >> s->cluster_bits;
	uint64_t last = (off + len - 1) >> s->cluster_bits;
	unsigned hit = 0;

	if (last - first > t->mask) {
		for (size_t i = 0; i <= t->mask; i++)
			if (t->v[i] >> KIND_BITS >= first && t->v[i] >> KIND_BITS <= last)
				hit |= (unsigned)(t->v[i] & forbidden);
	} else {
		for (uint64_t c = first; c <= last && !hit; c++)
			hit = (unsigned)(*find(t, c) & forbidden);
	}
	if (!hit)
		return 0;
	return qcow2_corrupt(s, true, e,
			     "Preventing invalid write on metadata (overlaps with %s)",
			     kind_name(hit));
}

int qcow2_corrupt(struct qcow2 *s, bool fatal, struct err *e, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fatal = fatal && (s->blk.flags & BLK_WRITE);
	if (fatal && !s->broken) {
		blk_warn(
			&s->blk,
			"qcow2: Marking image as corrupt: %s; further corruption events will be suppressed",
			text);
		s->warned = true;
		/* the bit is a help to others; without it the image is no worse */
		(void)!qcow2_set_incompat(s, QCOW2_INCOMPAT_CORRUPT, true, NULL);
		s->broken = true;
	} else if (!s->warned) {
		blk_warn(
			&s->blk,
			"qcow2: Image is corrupt: %s; further non-fatal corruption events will be suppressed",
			text);
		s->warned = true;
	}
	return err_set(e, -EIO, "image is corrupt: %s", text);
}
