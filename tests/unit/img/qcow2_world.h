/* SPDX-License-Identifier: MIT */
/*
 * A qcow2 image in memory, a list of operations done to it, and what must be readable
 * afterwards.  Shared by the crash and the fault tests.
 *
 * Each sector that an operation writes is filled with that operation's number, so
 * that what is read back says who wrote it.  Number 0 is zeroes.
 */
#ifndef TESTS_QCOW2_WORLD_H
#define TESTS_QCOW2_WORLD_H

#include "img/format/qcow2.h"
#include "img/img.h"
#include "tests/lib/memblk.h"

enum { SECTOR = 512, DISK = 1 << 20, SECTORS = 2 * DISK / SECTOR };

/* Who may have written what: the content of a range from log position @from on. */
struct claim {
	size_t from;
	uint32_t first, n; /* sectors */
	uint32_t id;
	uint32_t *whole; /* or: content of each sector of the disk, owned */
};

struct mark {
	size_t at;         /* log position of the acknowledged sync */
	uint32_t *content; /* of each sector, owned */
};

struct world {
	struct blk *b;
	struct memblk *mem; /* the child of b, or what is left after closing */
	struct memlog log;
	uint32_t content[SECTORS]; /* as acknowledged operations left it */
	uint32_t snap[SECTORS];    /* content when the snapshot was made */
	struct claim *claims;
	size_t claims_n;
	struct mark *marks;
	size_t marks_n;
	uint32_t next_id;
	uint64_t rng;
	bool recording;
	unsigned bitmap_step;
};

/* The features of one image. */
struct world_kind {
	const char *name;
	unsigned compat, refcount_bits;
	uint64_t cluster_size;
	bool lazy, extended_l2, zstd;
};

static inline uint32_t world_random(struct world *w, uint32_t below)
{
	w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->rng >> 33) % below;
}

static inline void sector_fill(uint8_t *p, uint32_t id)
{
	for (size_t i = 0; i < SECTOR; i += sizeof(id))
		memcpy(p + i, &id, sizeof(id));
}

/* The number in a sector; UINT32_MAX when it is torn. */
static inline uint32_t sector_id(const uint8_t *p)
{
	uint32_t id, other;

	memcpy(&id, p, sizeof(id));
	for (size_t i = sizeof(id); i < SECTOR; i += sizeof(id)) {
		memcpy(&other, p + i, sizeof(other));
		if (other != id)
			return UINT32_MAX;
	}
	return id;
}

static inline void world_claim(struct world *w, uint32_t first, uint32_t n, uint32_t id,
			       const uint32_t *whole)
{
	struct claim *c;

	w->claims = realloc(w->claims, (w->claims_n + 1) * sizeof(*w->claims));
	if (!w->claims)
		abort();
	c = &w->claims[w->claims_n++];
	*c = (struct claim){ w->log.n, first, n, id, NULL };
	if (whole) {
		c->whole = malloc(sizeof(w->content));
		if (!c->whole)
			abort();
		memcpy(c->whole, whole, sizeof(w->content));
	}
}

static inline void world_mark(struct world *w)
{
	struct mark *m;

	w->marks = realloc(w->marks, (w->marks_n + 1) * sizeof(*w->marks));
	if (!w->marks)
		abort();
	m = &w->marks[w->marks_n++];
	m->at = w->log.n;
	m->content = malloc(sizeof(w->content));
	if (!m->content)
		abort();
	memcpy(m->content, w->content, sizeof(w->content));
}

/* An image of @kind with nothing in it, open for writing. */
static inline int world_start(struct world *w, const struct world_kind *kind, uint64_t seed,
			      struct err *e)
{
	struct img_create c;
	struct blk *file = memblk_new(NULL, 0);
	int r;

	file->flags |= BLK_UNMAP;
	memset(w, 0, sizeof(*w));
	w->rng = seed;
	w->next_id = 1;
	img_create_defaults(&c);
	c.size = DISK;
	c.compat = kind->compat;
	c.cluster_size = kind->cluster_size;
	c.refcount_bits = kind->refcount_bits;
	c.lazy_refcounts = kind->lazy;
	c.extended_l2 = kind->extended_l2;
	c.compression_zstd = kind->zstd;
	r = img_format_qcow2.create(file, NULL, &c, NULL, e);
	if (r == 0)
		r = img_format_qcow2.open(file, NULL, BLK_WRITE | BLK_UNMAP, &w->b, e);
	w->mem = memblk(file);
	return r;
}

static inline void world_record(struct world *w)
{
	w->mem->log = &w->log;
	w->recording = true;
	world_mark(w);
}

static inline void world_end(struct world *w)
{
	if (w->b)
		w->mem->log = NULL;
	(void)blk_close(w->b, NULL);
	for (size_t i = 0; i < w->claims_n; i++)
		free(w->claims[i].whole);
	for (size_t i = 0; i < w->marks_n; i++)
		free(w->marks[i].content);
	free(w->claims);
	free(w->marks);
	memlog_free(&w->log);
}

/* ---- operations; each returns 0 or the engine's error ---- */

enum op_kind {
	OP_WRITE,
	OP_ZERO,
	OP_DISCARD,
	OP_COMPRESS,
	OP_FLUSH,
	OP_SNAP_CREATE,
	OP_SNAP_APPLY,
	OP_SNAP_DELETE,
	OP_GROW,
	OP_SHRINK,
	OP_COMPAT2,
	OP_COMPAT3,
	OP_REFBITS,
	OP_EMPTY,
	OP_EMPTY_PART,
	OP_BITMAP,
	OP_KINDS
};

static inline void world_set(struct world *w, uint32_t first, uint32_t n, uint32_t id)
{
	for (uint32_t i = first; i < first + n; i++)
		w->content[i] = id;
}

static inline int world_bytes(struct world *w, enum op_kind kind, uint32_t first, uint32_t n,
			      struct err *e)
{
	uint32_t id = kind == OP_WRITE || kind == OP_COMPRESS ? w->next_id++ : 0;
	uint64_t off = (uint64_t)first * SECTOR, len = (uint64_t)n * SECTOR;
	uint8_t *buf;
	int r;

	world_claim(w, first, n, id, NULL);
	/* What a discarded range reads as is not promised sector by sector. */
	if (kind == OP_ZERO)
		r = blk_zero(w->b, off, len, BLK_MAY_UNMAP, e);
	else if (kind == OP_DISCARD)
		r = blk_discard(w->b, off, len, e);
	else {
		buf = malloc(len);
		if (!buf)
			abort();
		for (uint32_t i = 0; i < n; i++)
			sector_fill(buf + (size_t)i * SECTOR, id);
		r = kind == OP_WRITE ? blk_pwrite(w->b, buf, len, off, e)
				     : blk_pwrite_compressed(w->b, buf, len, off, NULL, e);
		free(buf);
	}
	return r;
}

/* Reads the disk; sectors past its end are 0. */
static inline int world_read(struct blk *b, uint32_t content[SECTORS], struct err *e)
{
	uint64_t size = b->size < (uint64_t)SECTORS * SECTOR ? b->size : SECTORS * SECTOR;
	uint8_t *buf = calloc(SECTORS, SECTOR);
	int r;

	if (!buf)
		abort();
	r = size ? blk_pread(b, buf, size, 0, e) : 0;
	for (uint32_t i = 0; i < SECTORS && r == 0; i++)
		content[i] = sector_id(buf + (size_t)i * SECTOR);
	free(buf);
	return r;
}

static inline int world_amend(struct world *w, const char *key, const char *value,
			      struct err *e)
{
	struct optset o = OPTSET_INIT;
	int r = optset_set(&o, key, value, e);

	if (r == 0)
		r = img_format_qcow2.amend(w->b, &o, false, NULL, e);
	optset_free(&o);
	return r;
}

static inline int world_snapshot(struct world *w, enum img_snapshot_verb verb, struct err *e)
{
	if (verb == SNAPSHOT_APPLY)
		world_claim(w, 0, SECTORS, 0, w->snap);
	return img_format_qcow2.snapshot(w->b, verb, "s", NULL, e);
}

/* Some tables, not the last one; those of a disk that has one only are none. */
static inline int world_empty_part(struct world *w, struct err *e)
{
	uint64_t unit = img_format_qcow2.empty_unit(w->b), off, end;
	uint32_t tables, a, n;
	int r;

	if (!unit)
		return err_set(e, -EINVAL, "nothing can be dropped in part");
	tables = (uint32_t)(w->b->size / unit);
	if (!tables)
		return 0;
	a = world_random(w, tables);
	n = 1 + world_random(w, tables - a);
	off = a * unit;
	end = off + n * unit;
	world_claim(w, (uint32_t)(off / SECTOR), (uint32_t)((end - off) / SECTOR), 0, NULL);
	r = img_format_qcow2.empty_part(w->b, off, end, e);
	if (r == 0)
		world_set(w, (uint32_t)(off / SECTOR), (uint32_t)((end - off) / SECTOR), 0);
	return r;
}

static inline int world_has_bitmap(struct world *w, const char *name, bool *has, struct err *e)
{
	struct img_info i = { 0 };
	int r = img_format_qcow2.info(w->b, &i, e);

	*has = false;
	for (size_t k = 0; r == 0 && k < i.bitmaps_n; k++)
		*has |= !strcmp(i.bitmaps[k].name, name);
	img_info_free(&i);
	return r;
}

/* By turns: makes one bitmap, makes another from it, empties the first, removes it. */
static inline int world_bitmap(struct world *w, struct err *e)
{
	static const struct img_bitmap_op steps[][2] = {
		{ { .verb = BITMAP_ADD, .name = "x", .granularity = 512 },
		  { .verb = BITMAP_ENABLE, .name = "x" } },
		{ { .verb = BITMAP_ADD, .name = "y", .granularity = 65536 },
		  { .verb = BITMAP_MERGE, .name = "y", .src_name = "x" } },
		{ { .verb = BITMAP_CLEAR, .name = "x" },
		  { .verb = BITMAP_MERGE, .name = "x", .src_name = "y" } },
		{ { .verb = BITMAP_REMOVE, .name = "y" },
		  { .verb = BITMAP_REMOVE, .name = "x" } },
	};
	const struct img_bitmap_op *ops = steps[w->bitmap_step++ % 4];
	bool add = ops[0].verb == BITMAP_ADD, has;
	size_t at;
	int r = world_has_bitmap(w, add ? ops[0].name : "y", &has, e);

	/* after a failure the turns are mixed up */
	if (r < 0 || has == add)
		return r;
	return img_format_qcow2.bitmap(w->b, ops, 2, &at, e);
}

/* Does one operation at a random place.  On success the content is what must be read. */
static inline int world_do(struct world *w, enum op_kind kind, struct err *e)
{
	uint32_t disk = (uint32_t)(w->b->size / SECTOR);
	uint32_t unit = w->b->cluster_size / SECTOR, first, n;
	int r;

	if (kind <= OP_COMPRESS) {
		n = 1 + world_random(w, unit * 3 < 300 ? unit * 3 : 300);
		first = world_random(w, disk - n);
		if (kind == OP_COMPRESS || kind == OP_DISCARD) {
			first = first / unit * unit;
			n = (n + unit - 1) / unit * unit;
			if (first + n > disk)
				n = disk - first;
		}
		r = world_bytes(w, kind, first, n, e);
		if (r == 0)
			world_set(w, first, n,
				  kind == OP_ZERO || kind == OP_DISCARD ? 0 : w->next_id - 1);
		return r;
	}
	switch (kind) {
	case OP_FLUSH:
		r = blk_flush(w->b, e);
		if (r == 0 && w->recording)
			world_mark(w);
		return r;
	case OP_SNAP_CREATE:
		/* A failed one may be there all the same; only applying it would tell. */
		memcpy(w->snap, w->content, sizeof(w->snap));
		return world_snapshot(w, SNAPSHOT_CREATE, e);
	case OP_SNAP_APPLY:
		r = world_snapshot(w, SNAPSHOT_APPLY, e);
		if (r == 0)
			memcpy(w->content, w->snap, sizeof(w->snap));
		return r;
	case OP_SNAP_DELETE:
		return world_snapshot(w, SNAPSHOT_DELETE, e);
	case OP_GROW:
		return blk_resize(w->b, w->b->size + 128 * 1024, PREALLOC_OFF, e);
	case OP_SHRINK:
		n = (uint32_t)(w->b->size - 256 * 1024) / SECTOR;
		world_claim(w, n, SECTORS - n, 0, NULL);
		r = blk_resize(w->b, (uint64_t)n * SECTOR, PREALLOC_OFF, e);
		if (r == 0)
			world_set(w, n, SECTORS - n, 0);
		return r;
	case OP_COMPAT2:
		return world_amend(w, "compat", "0.10", e);
	case OP_COMPAT3:
		return world_amend(w, "compat", "1.1", e);
	case OP_REFBITS:
		return world_amend(w, "refcount_bits", "64", e);
	case OP_EMPTY:
		world_claim(w, 0, SECTORS, 0, NULL);
		r = img_format_qcow2.make_empty(w->b, e);
		if (r == 0)
			world_set(w, 0, SECTORS, 0);
		return r;
	case OP_EMPTY_PART:
		return world_empty_part(w, e);
	case OP_BITMAP:
		return world_bitmap(w, e);
	default:
		abort();
	}
}

#endif
