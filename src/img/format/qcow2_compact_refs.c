/* SPDX-License-Identifier: MIT */
/*
 * Who refers to what lies at or behind k->limit.  All references to one place are moved
 * together, so where there are more than can be remembered, those to the highest places
 * are, and k->floor says from where on.
 */
#include "base/bytes.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_compact.h"

#include <stdlib.h>

static int by_host(const void *a, const void *b)
{
	const struct compact_ref *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sort(struct compact *k)
{
	qsort(k->refs, k->refs_n, sizeof(*k->refs), by_host);
}

/* Forgets the lower half. */
static void make_room(struct compact *k)
{
	size_t from;

	sort(k);
	from = k->refs_n / 2;
	while (from < k->refs_n && k->refs[from].host == k->refs[from - 1].host)
		from++;
	if (from == k->refs_n) /* all to one place: it stays where it is */
		k->floor = k->refs[from - 1].host + 1;
	else
		k->floor = k->refs[from].host;
	k->refs_n -= from;
	memmove(k->refs, k->refs + from, k->refs_n * sizeof(*k->refs));
}

static void add(struct compact *k, const struct compact_ref *ref)
{
	if (ref->host < k->floor)
		return;
	if (k->refs_n == COMPACT_REFS_MAX)
		make_room(k);
	if (ref->host >= k->floor)
		k->refs[k->refs_n++] = *ref;
}

static void begin(struct compact *k)
{
	k->refs_n = 0;
	k->floor = 0;
}

static int read_table(struct compact *k, uint64_t off, struct err *e)
{
	struct qcow2 *s = k->s;
	int r = blk_pread(s->blk.child, k->table, (size_t)s->cluster_size, off, e);

	return r < 0 ? err_wrap(e, r, "the L2 table at %#llx", (unsigned long long)off) : 0;
}

static void data_of(struct compact *k, const struct compact_table *t)
{
	struct qcow2 *s = k->s;

	for (uint64_t i = 0; i < 1ull << s->l2_bits; i++) {
		uint64_t entry = qcow2_l2_entry(s, k->table, i);
		enum qcow2_entry_type type = qcow2_entry_type(s, entry);
		struct compact_ref ref = {
			.host = entry & QCOW2_OFFSET_MASK,
			.at = t->off + i * s->l2_entry_bytes,
			.value = entry,
			.uses = t->uses,
		};

		if (type != QCOW2_ENTRY_NORMAL && type != QCOW2_ENTRY_ZERO_ALLOC)
			continue;
		if (ref.host >= k->limit)
			add(k, &ref);
	}
}

int compact_find_data(struct compact *k, struct err *e)
{
	int r = 0;

	begin(k);
	for (size_t i = 0; i < k->tables_n && r == 0; i++) {
		r = read_table(k, k->tables[i].off, e);
		if (r == 0)
			data_of(k, &k->tables[i]);
	}
	sort(k);
	return r;
}

static void compressed_of(struct compact *k, const struct compact_table *t)
{
	struct qcow2 *s = k->s;

	for (uint64_t i = 0; i < 1ull << s->l2_bits; i++) {
		uint64_t entry = qcow2_l2_entry(s, k->table, i), off, len;
		struct compact_ref ref = {
			.at = t->off + i * s->l2_entry_bytes,
			.value = entry,
			.uses = t->uses,
		};

		if (qcow2_entry_type(s, entry) != QCOW2_ENTRY_COMPRESSED)
			continue;
		qcow2_entry_compressed(s, entry, &off, &len);
		ref.host = off;
		if (off + len > k->limit)
			add(k, &ref);
	}
}

int compact_find_compressed(struct compact *k, struct err *e)
{
	int r = 0;

	begin(k);
	for (size_t i = 0; i < k->tables_n && r == 0; i++) {
		r = read_table(k, k->tables[i].off, e);
		if (r == 0)
			compressed_of(k, &k->tables[i]);
	}
	sort(k);
	return r;
}

static int tables_of(struct compact *k, uint64_t at, const uint64_t *l1, uint32_t n,
		     struct err *e)
{
	(void)e;
	for (uint32_t i = 0; i < n; i++) {
		struct compact_ref ref = {
			.host = l1[i] & QCOW2_OFFSET_MASK,
			.at = at + (uint64_t)i * 8,
			.value = l1[i],
			.uses = 1,
		};

		if (ref.host && ref.host >= k->limit)
			add(k, &ref);
	}
	return 0;
}

int compact_find_tables(struct compact *k, struct err *e)
{
	int r;

	begin(k);
	r = compact_each_l1(k, tables_of, e);
	sort(k);
	return r;
}

static int bits_of(struct compact *k, const struct qcow2_bitmap *b, struct err *e)
{
	uint64_t *table = NULL;
	int r = qcow2_bitmap_table_load(k->s, b, &table, e);

	for (uint32_t i = 0; r == 0 && i < b->table_entries; i++) {
		struct compact_ref ref = {
			.host = table[i] & QCOW2_BITMAP_OFFSET_MASK,
			.at = b->table_offset + (uint64_t)i * 8,
			.value = table[i],
			.uses = 1,
		};

		if (ref.host && ref.host >= k->limit)
			add(k, &ref);
	}
	free(table);
	return r;
}

int compact_find_bitmaps(struct compact *k, struct err *e)
{
	struct qcow2_bitmap *v = NULL;
	int r = 0;

	begin(k);
	if (k->s->h.has_bitmaps)
		r = qcow2_bitmap_dir_load(k->s, &v, e);
	for (uint32_t i = 0; v && r == 0 && i < k->s->h.bitmaps_n; i++)
		r = bits_of(k, &v[i], e);
	qcow2_bitmap_dir_free(v, v ? k->s->h.bitmaps_n : 0);
	sort(k);
	return r;
}
