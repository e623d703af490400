/* SPDX-License-Identifier: MIT */
/* References of persistent bitmaps: their directory, their tables, and the clusters these
 * name. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2_check.h"

#include <stdlib.h>

#define ENTRY_RESERVED 0xff000000000001feull
#define ENTRY_OFFSET   0x00fffffffffffe00ull
#define ENTRY_ONES     1ull

enum {
	DIR_FIXED = 24,
	DIR_MAX = 65535 * (DIR_FIXED + 1024),
	TABLE_ENTRIES_MAX = 0x8000000,
	PHYS_MAX = 0x20000000,
	GRANULARITY_MIN = 9,
	GRANULARITY_MAX = 31,
	NAME_MAX_BYTES = 1023,
	FLAGS_KNOWN = 3,
	TYPE_DIRTY = 1,
	BATCH = 4096, /* bytes of a table looked at in one go */
};

struct dir_entry {
	uint64_t table;
	uint32_t entries;
};

/* The entry at @p, of which @left bytes follow; *len is what it takes. */
static bool dir_entry(const struct checker *k, const uint8_t *p, uint64_t left,
		      struct dir_entry *out, uint64_t *len)
{
	const struct qcow2 *s = k->s;
	uint64_t table, phys;
	uint32_t entries;
	unsigned granularity;

	if (left < DIR_FIXED)
		return false;
	table = load_be64(p);
	entries = load_be32(p + 8);
	granularity = p[17];
	*len = round_up(DIR_FIXED + (uint64_t)load_be16(p + 18) + load_be32(p + 20), 8);
	/* extra data (at 20) is not known to anyone yet */
	if (*len > left || load_be32(p + 20))
		return false;
	if (!entries || entries > TABLE_ENTRIES_MAX || !table ||
	    table & (s->cluster_size - 1) || granularity < GRANULARITY_MIN ||
	    granularity > GRANULARITY_MAX || load_be32(p + 12) & ~(uint32_t)FLAGS_KNOWN ||
	    load_be16(p + 18) > NAME_MAX_BYTES || p[16] != TYPE_DIRTY)
		return false;
	phys = (uint64_t)entries << s->cluster_bits;
	if (phys > PHYS_MAX || s->blk.size > (phys * 8) << granularity)
		return false;
	*out = (struct dir_entry){ .table = table, .entries = entries };
	return true;
}

static bool entry_ok(const struct checker *k, uint64_t entry)
{
	uint64_t off = entry & ENTRY_OFFSET;

	if (entry & ENTRY_RESERVED)
		return false;
	return !off || !(entry & ENTRY_ONES || off & (k->s->cluster_size - 1));
}

/* First all entries are looked at, then (@count) their clusters counted. */
static int table_pass(struct checker *k, const struct dir_entry *d, bool count, struct err *e)
{
	uint64_t bytes = (uint64_t)d->entries * 8;

	/* past the end of the file everything is zero */
	bytes = d->table < k->len ? min_u64(bytes, k->len - d->table) : 0;
	/* many bitmaps that name one table do not make the work endless */
	if (k->budget < bytes)
		return err_set(e, -EFBIG, "bitmap tables take more than the whole file");
	k->budget -= bytes;
	for (uint64_t at = 0; at < bytes; at += BATCH) {
		size_t n = (size_t)min_u64(BATCH, round_up(bytes - at, 8));
		uint8_t *p;
		int r = check_read(k, &k->blocks, d->table + at, n, &p, e);

		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i += 8) {
			uint64_t entry = load_be64(p + i);

			if (!count && !entry_ok(k, entry))
				return err_set(e, -EINVAL, "bitmap table entry %#llx",
					       (unsigned long long)entry);
			if (count && entry & ENTRY_OFFSET) {
				r = check_count(k, entry & ENTRY_OFFSET, k->s->cluster_size, 1,
						e);
				if (r < 0)
					return r;
			}
		}
	}
	return 0;
}

static int check_table(struct checker *k, const struct dir_entry *d, struct err *e)
{
	int r = check_count(k, d->table, (uint64_t)d->entries * 8, 1, e);

	if (r < 0)
		return r;
	r = table_pass(k, d, false, e);
	if (r < 0) {
		check_say(k, "ERROR bitmap table at offset 0x%llx is damaged",
			  (unsigned long long)d->table);
		k->n.corruptions++;
		return r;
	}
	return table_pass(k, d, true, e);
}

static int check_dir(struct checker *k, const uint8_t *dir, uint64_t len, struct dir_entry *v,
		     struct err *e)
{
	uint64_t at = 0, took;
	uint32_t n = 0;

	for (; at < len && n < k->s->h.bitmaps_n; at += took, n++)
		if (!dir_entry(k, dir + at, len - at, &v[n], &took))
			break;
	if (at == len && n == k->s->h.bitmaps_n)
		return 0;
	check_say(k, "ERROR bitmap directory is damaged in entry %u", n);
	k->n.corruptions++;
	return err_set(e, -EINVAL, "bitmap directory is damaged in entry %u", n);
}

int check_bitmaps(struct checker *k, struct err *e)
{
	const struct qcow2_header *h = &k->s->h;
	struct dir_entry *v = NULL;
	uint8_t *dir = NULL;
	int r;

	/* without that bit somebody wrote to the image who knows nothing of bitmaps */
	if (!h->has_bitmaps || !h->bitmaps_n || !(h->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0;
	r = check_count(k, h->bitmap_dir_offset, h->bitmap_dir_size, 1, e);
	if (r < 0)
		return r;
	if (!h->bitmap_dir_size || h->bitmap_dir_size > DIR_MAX ||
	    h->bitmap_dir_offset >= k->len ||
	    h->bitmap_dir_size > k->len - h->bitmap_dir_offset ||
	    h->bitmaps_n > h->bitmap_dir_size / DIR_FIXED) {
		k->n.corruptions++;
		return err_set(e, -EINVAL, "bitmap directory of %llu bytes at %#llx",
			       (unsigned long long)h->bitmap_dir_size,
			       (unsigned long long)h->bitmap_dir_offset);
	}
	dir = mem_zalloc(h->bitmap_dir_size, 1, e);
	v = dir ? mem_zalloc(h->bitmaps_n, sizeof(*v), e) : NULL;
	if (!v)
		r = -ENOMEM;
	if (r == 0)
		r = blk_pread(k->s->blk.child, dir, h->bitmap_dir_size, h->bitmap_dir_offset,
			      e);
	if (r == 0)
		r = check_dir(k, dir, h->bitmap_dir_size, v, e);
	for (uint32_t i = 0; r == 0 && i < h->bitmaps_n; i++)
		r = check_table(k, &v[i], e);
	free(v);
	free(dir);
	return r;
}
