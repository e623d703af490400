/* SPDX-License-Identifier: MIT */
/*
 * A new refcount structure from the references that were counted.  It is written past
 * every cluster that anything refers to or that has a refcount, synced, and only then put
 * into force by one write of the header; until that write the image is what it was.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_check.h"

#include <stdlib.h>
#include <string.h>

enum { OFF_REFTABLE_OFFSET = 48 }; /* in the header; its clusters (32 bits) follow */

/* Where the new structure goes: blocks first, then the table. */
struct layout {
	uint64_t start;  /* first cluster */
	uint64_t blocks; /* refcount blocks, one cluster each */
	uint64_t table;  /* clusters of the table */
	uint64_t end;    /* first cluster behind */
	uint64_t *entry; /* the table, host endian; zero where no block is needed */
	uint64_t entries;
};

static bool block_used(const struct checker *k, uint64_t rb)
{
	uint64_t first = rb << k->rb_bits, end = first + (1ull << k->rb_bits);

	for (uint64_t c = first; c < min_u64(end, k->clusters); c += CHECK_WORD) {
		uint64_t word, marks, counts[CHECK_WORD];

		if (check_map_word(&k->map, c, &word, &marks)) {
			if (word)
				return true;
			continue;
		}
		check_map_load(&k->map, c, counts);
		for (unsigned i = 0; i < CHECK_WORD; i++)
			if (counts[i])
				return true;
	}
	return false;
}

/* Behind cluster @last and all that is in use.  The structure must cover itself: its size is
 * found by going round until it stays. */
static int lay_out(struct checker *k, uint64_t last, struct layout *l, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t per = 1ull << k->rb_bits, before = 0, own;

	/* refcounts that could not be read do not tell of the highest cluster in use */
	l->start = max_u64(k->highest, check_map_highest(&k->map));
	l->start = max_u64(l->start, last) + 1;
	own = l->start >> k->rb_bits; /* the first block that the structure itself needs */
	for (uint64_t rb = 0; rb < own; rb++)
		before += block_used(k, rb);
	l->blocks = before + 1;
	l->table = 1;
	for (;;) {
		uint64_t blocks, table;

		l->end = l->start + l->blocks + l->table;
		l->entries = div_up(l->end, per);
		blocks = before + l->entries - own;
		table = div_up(l->entries * 8, s->cluster_size);
		if (blocks <= l->blocks && table <= l->table)
			break;
		l->blocks = blocks;
		l->table = table;
		if (l->table << s->cluster_bits > QCOW2_REFTABLE_BYTES_MAX)
			return err_set(e, -EFBIG, "ERROR allocating reftable");
	}
	l->entry = mem_zalloc(l->entries, sizeof(*l->entry), e);
	return l->entry ? 0 : -ENOMEM;
}

/*
 * Where the file grows past clusters that something refers to although they were not there,
 * these become clusters like others, reading as zeroes as before.  So they are counted, as
 * if the file had grown already, until the structure fits what was counted.
 */
static int lay_out_past(struct checker *k, uint64_t last, struct layout *l, struct err *e)
{
	enum { ROUNDS = 16 };
	int r = 0;

	for (int i = 0; i < ROUNDS; i++) {
		free(l->entry);
		l->entry = NULL;
		r = lay_out(k, last, l, e);
		if (r < 0 || l->end <= k->clusters)
			return r;
		r = check_length(k, l->end << k->s->cluster_bits, e);
		if (r == 0)
			r = check_quietly(k, e);
		if (r < 0)
			return r;
	}
	return err_set(e, -EFBIG, "ERROR allocating reftable");
}

static void fill_block(const struct checker *k, const struct layout *l, uint64_t rb,
		       uint8_t *block)
{
	unsigned order = k->s->h.refcount_order;
	uint64_t first = rb << k->rb_bits, end = first + (1ull << k->rb_bits);
	uint64_t counts[CHECK_WORD];

	memset(block, 0, k->s->cluster_size);
	for (uint64_t c = first; c < min_u64(end, k->clusters); c += CHECK_WORD) {
		check_map_load(&k->map, c, counts);
		for (unsigned i = 0; i < CHECK_WORD && c + i < k->clusters; i++)
			qcow2_rb_set(block, order, c + i - first, counts[i]);
	}
	for (uint64_t c = max_u64(first, l->start); c < min_u64(end, l->end); c++)
		qcow2_rb_set(block, order, c - first, 1);
}

static int write_blocks(struct checker *k, struct layout *l, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t own = l->start >> k->rb_bits, next = l->start;
	uint8_t *block = mem_aligned(4096, s->cluster_size, e);
	int r = block ? 0 : -ENOMEM;

	for (uint64_t rb = 0; r == 0 && rb < l->entries; rb++) {
		if (rb < own && !block_used(k, rb))
			continue;
		fill_block(k, l, rb, block);
		l->entry[rb] = next++ << s->cluster_bits;
		r = check_write(k, l->entry[rb], block, s->cluster_size, 0, e);
	}
	free(block);
	return r < 0 ? err_wrap(e, r, "ERROR writing refblock") : 0;
}

static int write_table(struct checker *k, const struct layout *l, uint64_t off, struct err *e)
{
	uint64_t len = l->table << k->s->cluster_bits;
	uint8_t *buf = mem_zalloc(len, 1, e);
	int r;

	if (!buf)
		return -ENOMEM;
	for (uint64_t i = 0; i < l->entries; i++)
		store_be64(buf + i * 8, l->entry[i]);
	r = check_write(k, off, buf, len, 0, e);
	free(buf);
	return r < 0 ? err_wrap(e, r, "ERROR writing reftable") : 0;
}

/* Twelve bytes of one sector: the file names the old table or the new one. */
static int switch_header(struct checker *k, const struct layout *l, uint64_t off, struct err *e)
{
	uint8_t buf[12];
	int r;

	store_be64(buf, off);
	store_be32(buf + 8, (uint32_t)l->table);
	r = check_write(k, OFF_REFTABLE_OFFSET, buf, sizeof(buf), QCOW2_R_HEADER, e);
	if (r == 0)
		r = check_sync(k, e);
	return r < 0 ? err_wrap(e, r, "ERROR setting reftable") : 0;
}

/* The new table takes the place of the old one in memory. */
static int adopt(struct checker *k, struct layout *l, uint64_t off, struct err *e)
{
	struct qcow2 *s = k->s;
	uint64_t entries = l->table << s->cluster_bits >> 3;
	void *p = l->entry;
	int r = mem_grow(&p, entries, sizeof(*l->entry), e);

	if (r < 0)
		return r;
	l->entry = p;
	memset(l->entry + l->entries, 0, (entries - l->entries) * sizeof(*l->entry));
	free(s->reftable);
	s->reftable = l->entry;
	l->entry = NULL;
	s->reftable_entries = (uint32_t)entries;
	s->rt_dirty_lo = s->rt_dirty_hi = 0;
	s->h.reftable_offset = off;
	s->h.reftable_clusters = (uint32_t)l->table;
	return 0;
}

int check_rebuild(struct checker *k, struct err *e)
{
	struct qcow2 *s = k->s;
	struct layout l = { 0 };
	uint64_t off;
	int r = lay_out(k, 0, &l, e);

	if (r == 0 && l.end > k->clusters && k->beyond >= k->clusters)
		r = lay_out_past(k, k->beyond, &l, e);
	if (r < 0) {
		free(l.entry);
		return r;
	}
	/* what lies there may be in a cache, or known as something else */
	check_forget(k);
	off = (l.start + l.blocks) << s->cluster_bits;
	r = write_blocks(k, &l, e);
	if (r == 0)
		r = write_table(k, &l, off, e);
	if (r == 0)
		r = check_sync(k, e);
	if (r == 0)
		r = switch_header(k, &l, off, e);
	if (r == 0)
		r = adopt(k, &l, off, e);
	free(l.entry);
	if (r < 0)
		return r;
	if (s->file_end < l.end)
		s->file_end = l.end;
	/* the file may have grown */
	r = check_length(k, s->blk.child->size, e);
	return r < 0 ? r : qcow2_regions_load(s, e);
}
