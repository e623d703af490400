/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/qcow2.h"
#include "img/format/qcow2_bitmap.h"

#include <stdlib.h>
#include <string.h>

enum {
	TYPE_DIRTY = 1,
	FLAGS_KNOWN = QCOW2_BITMAP_IN_USE | QCOW2_BITMAP_AUTO | QCOW2_BITMAP_EXTRA_OK,
};
#define TABLE_RESERVED (~(QCOW2_BITMAP_OFFSET_MASK | QCOW2_BITMAP_ALL_ONES))

/* Field by field: offset 0 table offset, 8 table entries, 12 flags, 16 type, 17 granularity,
 * 18 name length, 20 extra length; extra data and name follow. */
static int check_entry(const struct qcow2_bitmap *b, const uint8_t *p, uint32_t i,
		       unsigned cluster_bits, uint64_t size, struct err *e)
{
	uint64_t cs = 1ull << cluster_bits, bytes = (uint64_t)b->table_entries << cluster_bits;

	if (p[16] != TYPE_DIRTY)
		return err_set(e, -ENOTSUP, "bitmap %u is of unknown type %u", i, p[16]);
	if (b->flags & ~(uint32_t)FLAGS_KNOWN)
		return err_set(e, -EUCLEAN, "bitmap %u has reserved flags %#x", i, b->flags);
	if (b->granularity_bits < QCOW2_BITMAP_GRANULARITY_MIN ||
	    b->granularity_bits > QCOW2_BITMAP_GRANULARITY_MAX)
		return err_set(e, -EUCLEAN, "bitmap %u has a granularity of 2^%u bytes", i,
			       b->granularity_bits);
	if (b->table_offset == 0 || b->table_offset & (cs - 1) ||
	    b->table_offset > INT64_MAX - 8ull * QCOW2_BITMAP_TABLE_MAX)
		return err_set(e, -EUCLEAN, "bitmap %u has its table at %#llx", i,
			       (unsigned long long)b->table_offset);
	if (b->table_entries == 0 || b->table_entries > QCOW2_BITMAP_TABLE_MAX ||
	    bytes > QCOW2_BITMAP_BYTES_MAX)
		return err_set(e, -EUCLEAN, "bitmap %u has a table of %u entries", i,
			       b->table_entries);
	/* An inconsistent bitmap may be of another size. */
	if (!(b->flags & QCOW2_BITMAP_IN_USE) &&
	    div_up(div_up(size, 1ull << b->granularity_bits), 8) > bytes)
		return err_set(e, -EUCLEAN,
			       "bitmap %u has %llu bytes of bits, too few for the disk", i,
			       (unsigned long long)bytes);
	return 0;
}

static int parse_entry(struct qcow2_bitmap *b, const uint8_t *p, size_t len, uint32_t i,
		       unsigned cluster_bits, uint64_t size, size_t *used, struct err *e)
{
	uint32_t name_len, extra_len;
	int r;

	if (len < QCOW2_BITMAP_ENTRY)
		return err_set(e, -EUCLEAN, "bitmap directory ends before bitmap %u", i);
	b->table_offset = load_be64(p);
	b->table_entries = load_be32(p + 8);
	b->flags = load_be32(p + 12);
	b->granularity_bits = p[17];
	name_len = load_be16(p + 18);
	extra_len = load_be32(p + 20);
	r = check_entry(b, p, i, cluster_bits, size, e);
	if (r < 0)
		return r;
	len -= QCOW2_BITMAP_ENTRY;
	if (extra_len > len || name_len > len - extra_len)
		return err_set(e, -EUCLEAN, "bitmap directory ends inside bitmap %u", i);
	if (name_len == 0 || name_len > QCOW2_BITMAP_NAME_MAX ||
	    memchr(p + QCOW2_BITMAP_ENTRY + extra_len, 0, name_len))
		return err_set(e, -EUCLEAN, "bitmap %u has a bad name of %u bytes", i,
			       name_len);
	if (extra_len) {
		b->extra = mem_zalloc(extra_len, 1, e);
		if (!b->extra)
			return -ENOMEM;
		memcpy(b->extra, p + QCOW2_BITMAP_ENTRY, extra_len);
		b->extra_len = extra_len;
	}
	b->name = mem_zalloc(name_len + 1u, 1, e);
	if (!b->name)
		return -ENOMEM;
	memcpy(b->name, p + QCOW2_BITMAP_ENTRY + extra_len, name_len);
	/* The last entry, too, is padded: what was read is written back in the same place. */
	*used = round_up(QCOW2_BITMAP_ENTRY + (size_t)extra_len + name_len, 8);
	if (*used > len + QCOW2_BITMAP_ENTRY)
		return err_set(e, -EUCLEAN, "bitmap directory ends inside bitmap %u", i);
	return 0;
}

int qcow2_bitmap_dir_parse(const uint8_t *buf, size_t len, uint32_t n, unsigned cluster_bits,
			   uint64_t size, struct qcow2_bitmap **out, struct err *e)
{
	struct qcow2_bitmap *v;
	size_t pos = 0, used = 0;
	int r = 0;

	if (n > QCOW2_BITMAPS_MAX || n > len / QCOW2_BITMAP_ENTRY)
		return err_set(e, -EUCLEAN, "bitmap directory of %zu bytes for %u bitmaps", len,
			       n);
	v = mem_zalloc(n ? n : 1, sizeof(*v), e);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		r = parse_entry(&v[i], buf + pos, len - pos, i, cluster_bits, size, &used, e);
		if (r < 0)
			break;
		pos += used;
	}
	if (r == 0 && pos != len)
		r = err_set(e, -EUCLEAN, "bitmap directory goes on after bitmap %u", n);
	if (r < 0)
		qcow2_bitmap_dir_free(v, n);
	else
		*out = v;
	return r;
}

int qcow2_bitmap_usable(const struct qcow2_bitmap *b, struct err *e)
{
	if (b->flags & QCOW2_BITMAP_IN_USE)
		return err_set(e, -ENOTSUP,
			       "Bitmap '%s' is inconsistent and cannot be used; it can only be "
			       "removed",
			       b->name);
	if (b->extra_len && !(b->flags & QCOW2_BITMAP_EXTRA_OK))
		return err_set(e, -ENOTSUP, "bitmap '%s' has unknown extra data", b->name);
	return 0;
}

static size_t entry_bytes(const struct qcow2_bitmap *b)
{
	return round_up(QCOW2_BITMAP_ENTRY + (size_t)b->extra_len + strlen(b->name), 8);
}

size_t qcow2_bitmap_dir_bytes(const struct qcow2_bitmap *v, uint32_t n)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += entry_bytes(&v[i]);
	return bytes;
}

void qcow2_bitmap_dir_write(const struct qcow2_bitmap *v, uint32_t n, uint8_t *buf)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct qcow2_bitmap *b = &v[i];
		size_t bytes = entry_bytes(b), name = strlen(b->name);

		memset(buf, 0, bytes);
		store_be64(buf, b->table_offset);
		store_be32(buf + 8, b->table_entries);
		store_be32(buf + 12, b->flags);
		buf[16] = TYPE_DIRTY;
		buf[17] = b->granularity_bits;
		store_be16(buf + 18, (uint16_t)name);
		store_be32(buf + 20, b->extra_len);
		if (b->extra_len)
			memcpy(buf + QCOW2_BITMAP_ENTRY, b->extra, b->extra_len);
		memcpy(buf + QCOW2_BITMAP_ENTRY + b->extra_len, b->name, name);
		buf += bytes;
	}
}

void qcow2_bitmap_dir_free(struct qcow2_bitmap *v, uint32_t n)
{
	for (uint32_t i = 0; v && i < n; i++) {
		free(v[i].name);
		free(v[i].extra);
	}
	free(v);
}

/* Memory is taken only for bytes that the file really has. */
static int check_in_file(struct qcow2 *s, const char *what, uint64_t off, uint64_t bytes,
			 struct err *e)
{
	uint64_t size = s->blk.child->size;

	if (off > size || bytes > size - off)
		return err_set(e, -EUCLEAN, "%s at %#llx is beyond the end of the file", what,
			       (unsigned long long)off);
	return 0;
}

int qcow2_bitmap_dir_load(struct qcow2 *s, struct qcow2_bitmap **out, struct err *e)
{
	const struct qcow2_header *h = &s->h;
	AUTO_FREE uint8_t *buf = NULL;
	int r = check_in_file(s, "bitmap directory", h->bitmap_dir_offset, h->bitmap_dir_size,
			      e);

	if (r < 0)
		return r;
	buf = mem_zalloc(h->bitmap_dir_size ? h->bitmap_dir_size : 1, 1, e);
	if (!buf)
		return -ENOMEM;
	r = blk_pread(s->blk.child, buf, h->bitmap_dir_size, h->bitmap_dir_offset, e);
	if (r < 0)
		return err_wrap(e, r, "reading the bitmap directory");
	return qcow2_bitmap_dir_parse(buf, h->bitmap_dir_size, h->bitmaps_n, h->cluster_bits,
				      h->size, out, e);
}

int qcow2_bitmap_table_load(struct qcow2 *s, const struct qcow2_bitmap *b, uint64_t **out,
			    struct err *e)
{
	uint64_t *t;
	int r = check_in_file(s, "bitmap table", b->table_offset, b->table_entries * 8ull, e);

	if (r < 0)
		return r;
	t = mem_zalloc(b->table_entries, 8, e);
	if (!t)
		return -ENOMEM;
	r = blk_pread(s->blk.child, t, b->table_entries * 8ull, b->table_offset, e);
	if (r < 0)
		err_wrap(e, r, "reading the table of bitmap '%s'", b->name);
	for (uint32_t i = 0; r == 0 && i < b->table_entries; i++) {
		uint64_t off;

		t[i] = load_be64((const uint8_t *)&t[i]);
		off = t[i] & QCOW2_BITMAP_OFFSET_MASK;
		if (t[i] & TABLE_RESERVED || off & (s->cluster_size - 1) ||
		    (off && t[i] & QCOW2_BITMAP_ALL_ONES))
			r = err_set(e, -EUCLEAN, "bitmap '%s' has a bad table entry %u: %#llx",
				    b->name, i, (unsigned long long)t[i]);
	}
	if (r < 0)
		free(t);
	else
		*out = t;
	return r;
}

int qcow2_bitmaps_list(struct qcow2 *s, struct img_bitmap **v, size_t *n, struct err *e)
{
	struct qcow2_bitmap *dir = NULL;
	struct img_bitmap *list;
	uint32_t count = s->h.bitmaps_n;
	int r;

	*v = NULL;
	*n = 0;
	if (!s->h.has_bitmaps)
		return 0;
	r = qcow2_bitmap_dir_load(s, &dir, e);
	if (r < 0)
		return r;
	list = mem_zalloc(count ? count : 1, sizeof(*list), e);
	for (uint32_t i = 0; list && i < count; i++) {
		list[i].name = dir[i].name;
		dir[i].name = NULL;
		list[i].granularity = 1ull << dir[i].granularity_bits;
		list[i].in_use = dir[i].flags & QCOW2_BITMAP_IN_USE;
		list[i].automatic = dir[i].flags & QCOW2_BITMAP_AUTO;
	}
	qcow2_bitmap_dir_free(dir, count);
	if (!list)
		return -ENOMEM;
	*v = list;
	*n = count;
	return 0;
}
