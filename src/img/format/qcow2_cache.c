/* SPDX-License-Identifier: MIT */
/*
 * Tables of one kind held in memory: least recently used ones make room.  All tables
 * lie in one arena whose pages cost nothing until used; a table's address gives its
 * entry, so callers hold plain byte pointers.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define NONE UINT32_MAX

enum { ARENA_ALIGN = 4096 };

struct entry {
	uint64_t off; /* in the file; 0: unused */
	uint32_t next_hash;
	uint32_t newer, older; /* in order of use */
	uint32_t pins;
	bool dirty;
	bool used; /* since the last cleaning */
};

struct qcow2_cache {
	struct qcow2 *s;
	size_t bytes;
	uint32_t max;
	uint32_t touched; /* entries [0, touched) were used at some time */
	uint32_t newest, oldest;
	uint32_t dirty_n;
	bool refcounts;
	struct entry *v;
	uint32_t *hash;
	uint32_t hash_mask;
	uint32_t *order; /* scratch for writing in file order */
	uint8_t *arena;
	time_t cleaned;
};

int qcow2_cache_new(struct qcow2 *s, size_t bytes, size_t max, bool refcounts,
		    struct qcow2_cache **out, struct err *e)
{
	if (max < 4)
		max = 4;
	if (max > UINT32_MAX / 4 || max > SIZE_MAX / bytes)
		return err_set(e, -EINVAL, "%s cache size too big",
			       refcounts ? "refcount" : "L2");

	uint32_t slots = 8;

	while (slots < max * 2)
		slots *= 2;

	struct qcow2_cache *c = mem_zalloc(1, sizeof(*c), e);

	if (!c)
		return -ENOMEM;
	c->s = s;
	c->bytes = bytes;
	c->max = (uint32_t)max;
	c->refcounts = refcounts;
	c->newest = c->oldest = NONE;
	c->hash_mask = slots - 1;
	c->cleaned = time(NULL);
	c->v = mem_zalloc(max, sizeof(*c->v), e);
	c->order = c->v ? mem_zalloc(max, sizeof(*c->order), e) : NULL;
	c->hash = c->order ? mem_zalloc(slots, sizeof(*c->hash), e) : NULL;
	c->arena = c->hash ? mem_aligned(ARENA_ALIGN, max * bytes, e) : NULL;
	if (!c->arena) {
		qcow2_cache_free(c);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < slots; i++)
		c->hash[i] = NONE;
	*out = c;
	return 0;
}

void qcow2_cache_free(struct qcow2_cache *c)
{
	if (!c)
		return;
	free(c->arena);
	free(c->hash);
	free(c->order);
	free(c->v);
	free(c);
}

static uint8_t *table_of(const struct qcow2_cache *c, uint32_t i)
{
	return c->arena + (size_t)i * c->bytes;
}

static struct entry *entry_of(struct qcow2_cache *c, const uint8_t *table)
{
	return &c->v[(size_t)(table - c->arena) / c->bytes];
}

static uint32_t *slot_of(const struct qcow2_cache *c, uint64_t off)
{
	uint64_t h = off / c->bytes * 0x9e3779b97f4a7c15ull;

	return &c->hash[(uint32_t)(h >> 32) & c->hash_mask];
}

static uint32_t find(const struct qcow2_cache *c, uint64_t off)
{
	/* runs of lookups in one table are the common case */
	if (c->newest != NONE && c->v[c->newest].off == off)
		return c->newest;

	uint32_t i = *slot_of(c, off);

	while (i != NONE && c->v[i].off != off)
		i = c->v[i].next_hash;
	return i;
}

static void lru_remove(struct qcow2_cache *c, uint32_t i)
{
	struct entry *n = &c->v[i];

	if (n->newer != NONE)
		c->v[n->newer].older = n->older;
	else
		c->newest = n->older;
	if (n->older != NONE)
		c->v[n->older].newer = n->newer;
	else
		c->oldest = n->newer;
}

static void lru_add_newest(struct qcow2_cache *c, uint32_t i)
{
	struct entry *n = &c->v[i];

	n->newer = NONE;
	n->older = c->newest;
	if (c->newest != NONE)
		c->v[c->newest].newer = i;
	c->newest = i;
	if (c->oldest == NONE)
		c->oldest = i;
}

static void lru_add_oldest(struct qcow2_cache *c, uint32_t i)
{
	struct entry *n = &c->v[i];

	n->older = NONE;
	n->newer = c->oldest;
	if (c->oldest != NONE)
		c->v[c->oldest].older = i;
	c->oldest = i;
	if (c->newest == NONE)
		c->newest = i;
}

/* Takes the entry out of the hash; its table is unused from now on. */
static void drop(struct qcow2_cache *c, uint32_t i)
{
	struct entry *n = &c->v[i];
	uint32_t *p = slot_of(c, n->off);

	while (*p != i)
		p = &c->v[*p].next_hash;
	*p = n->next_hash;
	if (n->dirty)
		c->dirty_n--;
	n->off = 0;
	n->dirty = false;
	n->used = false;
}

static int write_entry(struct qcow2_cache *c, uint32_t i, struct err *e)
{
	struct entry *n = &c->v[i];
	unsigned may = c->refcounts ? QCOW2_R_REFBLOCK : QCOW2_R_L2 | QCOW2_R_SNAP_L2;
	int r = qcow2_check_overlap(c->s, n->off, c->bytes, may, e);

	if (r < 0)
		return r;
	r = blk_pwrite(c->s->blk.child, table_of(c, i), c->bytes, n->off, e);
	if (r < 0)
		return err_wrap(e, r, "writing the %s at offset %#llx",
				c->refcounts ? "refcount block" : "L2 table",
				(unsigned long long)n->off);
	n->dirty = false;
	c->dirty_n--;
	if (c->refcounts)
		c->s->meta_unsynced = true;
	else
		c->s->l2_unsynced = true;
	return 0;
}

static int by_offset(const void *a, const void *b, void *arg)
{
	const struct qcow2_cache *c = arg;
	uint64_t x = c->v[*(const uint32_t *)a].off;
	uint64_t y = c->v[*(const uint32_t *)b].off;

	return x < y ? -1 : x > y;
}

int qcow2_cache_write(struct qcow2_cache *c, struct err *e)
{
	uint32_t n = 0;

	if (!c->dirty_n)
		return 0;
	for (uint32_t i = 0; i < c->touched; i++)
		if (c->v[i].dirty)
			c->order[n++] = i;
	qsort_r(c->order, n, sizeof(*c->order), by_offset, c);
	for (uint32_t i = 0; i < n; i++) {
		int r = write_entry(c, c->order[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

bool qcow2_cache_is_dirty(const struct qcow2_cache *c)
{
	return c->dirty_n != 0;
}

/*
 * Writes one table out together with all other dirty ones: what an L2 table waits for
 * (refcounts, a sync) is the same for all, and would else be paid once for each.
 */
static int write_back(struct qcow2_cache *c, struct err *e)
{
	if (!c->refcounts) {
		int r = qcow2_before_l2(c->s, e);

		if (r < 0)
			return r;
	}
	return qcow2_cache_write(c, e);
}

/* An entry for a new table; not in the hash, not in the order of use. */
static int take_entry(struct qcow2_cache *c, uint32_t *out, struct err *e)
{
	uint32_t i = c->oldest;

	/* a table given back lies at the old end, unused */
	if (c->touched < c->max && (i == NONE || c->v[i].off)) {
		*out = c->touched++;
		return 0;
	}
	while (i != NONE && c->v[i].pins)
		i = c->v[i].newer;
	if (i == NONE)
		return err_set(e, -EBUSY, "all %u tables of the %s cache are in use", c->max,
			       c->refcounts ? "refcount" : "L2");
	if (c->v[i].dirty) {
		int r = write_back(c, e);

		if (r < 0)
			return r;
	}
	lru_remove(c, i);
	if (c->v[i].off)
		drop(c, i);
	*out = i;
	return 0;
}

static void put_entry(struct qcow2_cache *c, uint32_t i, uint64_t off)
{
	uint32_t *slot = slot_of(c, off);

	c->v[i].off = off;
	c->v[i].used = true;
	c->v[i].next_hash = *slot;
	*slot = i;
	lru_add_newest(c, i);
}

/* Gives memory back that nobody used for a whole interval. */
static void clean(struct qcow2_cache *c)
{
	unsigned interval = c->s->cache_clean_interval;

	if (!interval)
		return;

	time_t now = time(NULL);

	if (now - c->cleaned < (time_t)interval)
		return;
	c->cleaned = now;
	for (uint32_t i = 0; i < c->touched; i++) {
		struct entry *n = &c->v[i];
		bool idle = !n->used && !n->dirty && !n->pins;

		n->used = false;
		if (!n->off || !idle)
			continue;
		lru_remove(c, i);
		drop(c, i);
		lru_add_oldest(c, i);
		if (c->bytes % ARENA_ALIGN == 0)
			(void)madvise(table_of(c, i), c->bytes, MADV_DONTNEED);
	}
}

/* What lies past the end of the file reads as zeroes, as long as the cluster
 * starts in it: the last one may have been cut short. */
static int read_table(struct qcow2_cache *c, uint64_t off, uint8_t *table, struct err *e)
{
	struct blk *file = c->s->blk.child;
	const char *what = c->refcounts ? "refcount block" : "L2 table";
	uint64_t size = file->size;

	if (!off || off % c->bytes)
		return err_set(e, -EUCLEAN, "%s at offset %#llx is not aligned", what,
			       (unsigned long long)off);
	if (round_down(off, c->s->cluster_size) >= size)
		return err_set(e, -EUCLEAN,
			       "%s at offset %#llx lies beyond the end of the file", what,
			       (unsigned long long)off);

	size_t have = off < size ? (size_t)min_u64(c->bytes, size - off) : 0;

	memset(table + have, 0, c->bytes - have);
	if (!have)
		return 0;

	int r = blk_pread(file, table, have, off, e);

	if (r < 0)
		return err_wrap(e, r, "reading the %s at offset %#llx", what,
				(unsigned long long)off);
	return 0;
}

static int get(struct qcow2_cache *c, uint64_t off, bool fresh, uint8_t **table, struct err *e)
{
	uint32_t i = find(c, off);

	if (i != NONE && off) {
		c->v[i].used = true;
		if (i != c->newest) {
			lru_remove(c, i);
			lru_add_newest(c, i);
		}
		*table = table_of(c, i);
		return 0;
	}
	clean(c);

	int r = take_entry(c, &i, e);

	if (r < 0)
		return r;
	if (!fresh)
		r = read_table(c, off, table_of(c, i), e);
	if (r < 0) {
		lru_add_oldest(c, i);
		return r;
	}
	put_entry(c, i, off);
	*table = table_of(c, i);
	return 0;
}

int qcow2_cache_get(struct qcow2_cache *c, uint64_t off, uint8_t **table, struct err *e)
{
	return get(c, off, false, table, e);
}

int qcow2_cache_new_table(struct qcow2_cache *c, uint64_t off, uint8_t **table, struct err *e)
{
	if (!off || off % c->bytes)
		return err_set(e, -EINVAL, "no place for a table: offset %#llx",
			       (unsigned long long)off);

	uint64_t cluster = round_down(off, c->s->cluster_size);
	int r = qcow2_region_add(c->s, cluster, c->s->cluster_size,
				 c->refcounts ? QCOW2_R_REFBLOCK : QCOW2_R_L2, e);

	if (r < 0)
		return r;
	r = get(c, off, true, table, e);
	if (r < 0) {
		/* an L2 table's cluster is freed by whoever took it, and leaves then */
		if (c->refcounts)
			qcow2_region_del(c->s, cluster, c->s->cluster_size);
		return r;
	}
	memset(*table, 0, c->bytes);
	qcow2_cache_dirty(c, *table);
	return 0;
}

void qcow2_cache_pin(struct qcow2_cache *c, uint8_t *table)
{
	entry_of(c, table)->pins++;
}

void qcow2_cache_unpin(struct qcow2_cache *c, uint8_t *table)
{
	entry_of(c, table)->pins--;
}

void qcow2_cache_dirty(struct qcow2_cache *c, uint8_t *table)
{
	struct entry *n = entry_of(c, table);

	if (!n->dirty)
		c->dirty_n++;
	n->dirty = true;
}

static void forget(struct qcow2_cache *c, uint32_t i)
{
	lru_remove(c, i);
	drop(c, i);
	lru_add_oldest(c, i);
}

void qcow2_cache_forget(struct qcow2_cache *c, uint64_t off)
{
	uint64_t end = off + c->s->cluster_size;

	/* no more slices in a cluster than tables held: else look at these */
	if (c->s->cluster_size / c->bytes > c->touched) {
		for (uint32_t i = 0; i < c->touched; i++)
			if (c->v[i].off >= off && c->v[i].off < end)
				forget(c, i);
		return;
	}
	for (; off < end; off += c->bytes) {
		uint32_t i = off ? find(c, off) : NONE;

		if (i != NONE)
			forget(c, i);
	}
}

void qcow2_cache_forget_all(struct qcow2_cache *c)
{
	for (uint32_t i = 0; i < c->touched; i++)
		if (c->v[i].off)
			forget(c, i);
}
