/* SPDX-License-Identifier: MIT */
/*
 * References against refcounts.  Both sides are compared 32 clusters at a time where all
 * of these are used equally often, which in most images is nearly everywhere.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_check.h"

#include <stdlib.h>
#include <string.h>

#define ONES            0x5555555555555555ull /* 32 2-bit counts of 1 */
#define REFTABLE_OFFSET 0xfffffffffffffe00ull

/* One refcount block being compared. */
struct side {
	struct checker *k;
	const uint8_t *block;     /* NULL: there is none, all refcounts are zero */
	uint8_t *fixed;           /* a copy with what was set right, or NULL */
	uint64_t first;           /* cluster */
	uint64_t off;             /* of the block */
	uint64_t corrupt, leaked; /* fixed in the copy, but not yet in the file */
	size_t group;             /* bytes of 32 refcounts */
	uint8_t all[4][256];      /* 32 refcounts of 0, 1, 2 and 3 */
};

static void side_init(struct side *d, struct checker *k)
{
	unsigned order = k->s->h.refcount_order;

	memset(d, 0, sizeof(*d));
	d->k = k;
	d->group = (size_t)4 << order;
	for (unsigned v = 1; v < ARRAY_SIZE(d->all); v++)
		for (unsigned i = 0; i < CHECK_WORD; i++)
			qcow2_rb_set(d->all[v], order, i, v);
}

/* Who asked for leaks alone leaves the image damaged, and others shall know. */
static void unreadable(struct checker *k, uint64_t rb, uint64_t n)
{
	uint64_t first = rb << k->rb_bits;

	if (!k->warned)
		qcow2_corrupt(k->s, k->c->repair == IMG_FIX_LEAKS, NULL,
			      "Refblock offset %#llx unaligned (reftable index: %#llx)",
			      (unsigned long long)(k->s->reftable[rb] & REFTABLE_OFFSET),
			      (unsigned long long)rb);
	k->warned = true;
	for (uint64_t i = 0; i < n; i++)
		check_say(k, "Can't get refcount for cluster %llu: %s",
			  (unsigned long long)(first + i), strerror(EIO));
	k->n.check_errors += n;
}

/* The block @rb: *p is NULL if there is none.  -EIO: unaligned. */
static int block_read(struct checker *k, uint64_t rb, uint8_t **p, uint64_t *off, struct err *e)
{
	*p = NULL;
	*off = 0;
	if (rb >= k->s->reftable_entries)
		return 0;
	*off = k->s->reftable[rb] & REFTABLE_OFFSET;
	if (!*off)
		return 0;
	if (*off & (k->s->cluster_size - 1))
		return -EIO;
	return check_read(k, &k->blocks, *off, k->s->cluster_size, p, e);
}

int check_refcount(struct checker *k, uint64_t cluster, uint64_t *out, struct err *e)
{
	uint8_t *block;
	uint64_t off;
	int r = block_read(k, cluster >> k->rb_bits, &block, &off, e);

	if (r < 0)
		return r;
	*out = 0;
	if (block)
		*out = qcow2_rb_get(block, k->s->h.refcount_order,
				    cluster & ((1ull << k->rb_bits) - 1));
	return 0;
}

/* Sets one refcount right in the copy of the block. */
static int fix(struct side *d, uint64_t i, uint64_t v, struct err *e)
{
	struct checker *k = d->k;

	if (!d->fixed) {
		d->fixed = mem_zalloc(k->s->cluster_size, 1, e);
		if (!d->fixed)
			return -ENOMEM;
		memcpy(d->fixed, d->block, k->s->cluster_size);
	}
	qcow2_rb_set(d->fixed, k->s->h.refcount_order, i, v);
	return 0;
}

static int mismatch(struct side *d, uint64_t i, uint64_t have, uint64_t want, struct err *e)
{
	struct checker *k = d->k;
	bool mend = false;

	/* no refcount at all where there should be one: mostly the block is gone */
	if (!have)
		k->rebuild = true;
	else if (have > want)
		mend = k->fix & IMG_FIX_LEAKS;
	else
		mend = k->fix & IMG_FIX_ERRORS;
	check_say(k, "%s cluster %llu refcount=%llu reference=%llu",
		  mend          ? "Repairing"
		  : have < want ? "ERROR"
				: "Leaked",
		  (unsigned long long)(d->first + i), (unsigned long long)have,
		  (unsigned long long)want);
	if (mend && have < want)
		d->corrupt++;
	else if (mend)
		d->leaked++;
	else if (have < want)
		k->n.corruptions++;
	else
		k->n.leaks++;
	return mend ? fix(d, i, want, e) : 0;
}

/* @n clusters from the block's entry @i on, one by one. */
static int compare_each(struct side *d, uint64_t i, unsigned n, uint64_t marks, struct err *e)
{
	struct checker *k = d->k;
	uint64_t want[CHECK_WORD];

	check_map_load(&k->map, d->first + i, want);
	for (unsigned j = 0; j < n; j++) {
		uint64_t have = 0;
		unsigned mark = marks >> (j * 2) & 3;
		int r;

		if (d->block)
			have = qcow2_rb_get(d->block, k->s->h.refcount_order, i + j);
		if (have || want[j])
			k->highest = d->first + i + j;
		/* referred to with the flag but shared, or without it and not shared */
		if (mark & (have == 1 ? 2 : 1))
			k->each_flag = true;
		if (have == want[j])
			continue;
		r = mismatch(d, i + j, have, want[j], e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* 32 clusters that are all free, or all used equally often, on both sides. */
static bool compare_fast(struct side *d, uint64_t i, uint64_t word, uint64_t marks)
{
	const uint8_t *have = d->block ? d->block + i / CHECK_WORD * d->group : d->all[0];
	unsigned v = word & 3;

	/* a width that cannot say @v holds something else in all[v] */
	if (word != v * ONES || v > d->k->map.max)
		return false;
	/* the flag belongs to what is used once, and to nothing else */
	if (marks & (v == 1 ? ONES << 1 : ONES) || memcmp(have, d->all[v], d->group) != 0)
		return false;
	if (v)
		d->k->highest = d->first + i + CHECK_WORD - 1;
	return true;
}

static int compare_block(struct side *d, uint64_t n, struct err *e)
{
	struct checker *k = d->k;

	for (uint64_t i = 0; i < n; i += CHECK_WORD) {
		unsigned now = (unsigned)min_u64(CHECK_WORD, n - i);
		uint64_t word, marks;
		bool narrow = check_map_word(&k->map, d->first + i, &word, &marks);
		int r;

		if (narrow && now == CHECK_WORD && compare_fast(d, i, word, marks))
			continue;
		r = compare_each(d, i, now, marks, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_fixed(struct side *d, struct err *e)
{
	struct checker *k = d->k;
	int r = 0;

	if (d->fixed)
		r = check_write(k, d->off, d->fixed, k->s->cluster_size, QCOW2_R_REFBLOCK, e);
	free(d->fixed);
	d->fixed = NULL;
	if (r < 0) {
		k->n.corruptions += d->corrupt;
		k->n.leaks += d->leaked;
		k->n.check_errors++;
	} else {
		k->n.corruptions_fixed += d->corrupt;
		k->n.leaks_fixed += d->leaked;
	}
	d->corrupt = d->leaked = 0;
	return r;
}

int check_compare(struct checker *k, struct err *e)
{
	struct side d;
	uint64_t per = 1ull << k->rb_bits;
	int r = 0;

	side_init(&d, k);
	k->highest = 0;
	check_plan(k, div_up(k->clusters, per));
	for (uint64_t rb = 0; r == 0 && rb << k->rb_bits < k->clusters; rb++) {
		uint64_t n;
		uint8_t *p;

		d.first = rb << k->rb_bits;
		n = min_u64(per, k->clusters - d.first);
		progress_add(k->c->progress, 1);
		r = block_read(k, rb, &p, &d.off, e);
		if (r == -EIO && d.off & (k->s->cluster_size - 1)) {
			unreadable(k, rb, n);
			r = 0;
			continue;
		}
		d.block = p;
		if (r == 0)
			r = compare_block(&d, n, e);
		if (r == 0)
			r = write_fixed(&d, e);
	}
	free(d.fixed);
	return r;
}

int check_tail(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	struct side d;
	int r = 0;

	if (k->beyond >= k->clusters)
		return 0;
	side_init(&d, k);
	for (uint64_t rb = k->clusters >> k->rb_bits; r == 0 && rb < s->reftable_entries;
	     rb++) {
		uint8_t *p;

		d.first = rb << k->rb_bits;
		/* the structure was found sound, or there would be no repair by now */
		r = block_read(k, rb, &p, &d.off, e);
		if (r < 0 || !p)
			continue;
		d.block = p;
		for (uint64_t i = k->clusters > d.first ? k->clusters - d.first : 0;
		     r == 0 && i < 1ull << k->rb_bits; i++)
			if (qcow2_rb_get(p, s->h.refcount_order, i))
				r = fix(&d, i, 0, e);
		if (r == 0)
			r = write_fixed(&d, e);
	}
	free(d.fixed);
	return r;
}
