/* SPDX-License-Identifier: MIT */
/*
 * Entries of L2 tables.  In a healthy image nearly all are unallocated, or plain clusters
 * that follow each other in the file: both are taken in runs.  Everything else goes through
 * the slow form, which looks at one entry in every respect.
 */
#include "base/bytes.h"
#include "img/codec/codec.h"
#include "img/format/qcow2_check.h"

#include <string.h>

#define STD_RESERVED 0x3f000000000001feull
#define ALL_ALLOC    0x00000000ffffffffull

/* One table being looked at. */
struct scan {
	struct checker *k;
	const uint8_t *t;
	uint64_t off;
	uint32_t n, times, active;
	uint64_t next; /* where the cluster after the last one would lie; 0: none yet */
	bool noisy;
};

static uint64_t entry_at(const struct scan *c, uint32_t i)
{
	return load_be64(c->t + (size_t)i * c->k->s->l2_entry_bytes);
}

static uint64_t bitmap_at(const struct scan *c, uint32_t i)
{
	if (c->k->s->subclusters == 1)
		return 0;
	return load_be64(c->t + (size_t)i * c->k->s->l2_entry_bytes + 8);
}

static void corrupt(struct scan *c)
{
	c->k->n.corruptions++;
	c->k->each_flag = true;
	c->noisy = true;
}

/* @n clusters in a row from @off on are in use by the active disk. */
static void statistics(struct scan *c, uint64_t off, uint64_t n)
{
	if (!c->active)
		return;
	c->k->c->allocated_clusters += n * c->active;
	if (c->next && off != c->next)
		c->k->c->fragmented_clusters += c->active;
	c->next = off + n * c->k->s->cluster_size;
}

static int count(struct scan *c, uint64_t off, uint64_t len, struct err *e)
{
	uint64_t before = c->k->n.corruptions;
	int r = check_count(c->k, off, len, c->times, e);

	if (c->k->n.corruptions != before)
		c->noisy = true;
	return r;
}

/* The slow form's mark: an offset that was not counted has no place in the map. */
static int mark_one(struct scan *c, uint64_t off, bool flag, struct err *e)
{
	uint64_t cluster = off >> c->k->s->cluster_bits;

	if (!c->active)
		return 0;
	if (cluster < c->k->clusters)
		return check_map_mark(&c->k->map, cluster, 1, flag, e);
	c->k->each_flag = true;
	return 0;
}

static int compressed(struct scan *c, uint32_t i, uint64_t entry, uint64_t bitmap,
		      struct err *e)
{
	struct qcow2 *s = c->k->s;
	uint64_t off, len;
	int r;

	if (entry & QCOW2_OFLAG_COPIED) {
		qcow2_entry_compressed(s, entry, &off, &len);
		check_say(c->k,
			  "ERROR: coffset=0x%llx: copied flag must never be set for compressed "
			  "clusters",
			  (unsigned long long)off);
		entry &= ~QCOW2_OFLAG_COPIED;
		corrupt(c);
	}
	if (s->blk.data) {
		check_say(c->k, "ERROR compressed cluster %u with data file, entry=0x%llx", i,
			  (unsigned long long)entry);
		corrupt(c);
		return 0;
	}
	if (bitmap) {
		check_say(c->k,
			  "ERROR compressed cluster %u with non-zero subcluster allocation "
			  "bitmap, entry=0x%llx",
			  i, (unsigned long long)entry);
		corrupt(c);
		return 0;
	}
	qcow2_entry_compressed(s, entry, &off, &len);
	r = count(c, off, len, e);
	/* compressed clusters are fragmented by nature */
	c->k->c->allocated_clusters += c->active;
	c->k->c->compressed_clusters += c->active;
	c->k->c->fragmented_clusters += c->active;
	return r;
}

/* Makes the entry read as zeroes, which it did before.  Returns 1 if that was done. */
static int zero_entry(struct scan *c, uint32_t i, uint64_t bitmap, struct err *e)
{
	struct checker *k = c->k;
	unsigned bytes = k->s->l2_entry_bytes;
	uint8_t buf[16];
	int r;

	if (k->s->subclusters > 1) {
		bitmap |= bitmap << 32;
		store_be64(buf, 0);
		store_be64(buf + 8, bitmap & ~ALL_ALLOC);
	} else {
		store_be64(buf, QCOW2_OFLAG_ZERO);
	}
	r = check_write(k, c->off + (uint64_t)i * bytes, buf, bytes,
			QCOW2_R_L2 | QCOW2_R_SNAP_L2, e);
	if (r < 0) {
		check_say(k, "ERROR: Overlap check failed");
		k->n.check_errors++;
		return r;
	}
	k->n.corruptions--;
	k->n.corruptions_fixed++;
	return 1;
}

/* Returns 1 if the entry was made to read as zeroes and refers to nothing any more. */
static int unaligned(struct scan *c, uint32_t i, uint64_t entry, uint64_t bitmap, uint64_t off,
		     struct err *e)
{
	bool fix = c->k->fix & IMG_FIX_ERRORS;
	bool data = c->k->s->subclusters > 1 ? bitmap & ALL_ALLOC : !(entry & QCOW2_OFLAG_ZERO);

	corrupt(c);
	if (data) {
		check_say(c->k,
			  "ERROR offset=%llx: Data cluster is not properly aligned; L2 entry "
			  "corrupted.",
			  (unsigned long long)off);
		return 0;
	}
	check_say(c->k,
		  "%s offset=%llx: Preallocated cluster is not properly aligned; L2 entry "
		  "corrupted.",
		  fix ? "Repairing" : "ERROR", (unsigned long long)off);
	return fix ? zero_entry(c, i, bitmap, e) : 0;
}

/* QEMU's tables may be on disk before the file has grown to what they name.  In an image
 * that was not closed such a cluster was never synced: it reads as zeroes, and is made to
 * say so before somebody else gets that place. */
static bool never_written(const struct scan *c, uint64_t off)
{
	const struct checker *k = c->k;

	return k->s->h.incompat & QCOW2_INCOMPAT_DIRTY && k->fix & IMG_FIX_ERRORS &&
	       !k->s->blk.data && off > k->len;
}

static int allocated(struct scan *c, uint32_t i, uint64_t entry, uint64_t bitmap, struct err *e)
{
	struct qcow2 *s = c->k->s;
	uint64_t off = entry & QCOW2_OFFSET_MASK;
	int r;

	if (never_written(c, off)) {
		corrupt(c);
		check_say(
			c->k,
			"Repairing offset=%llx: cluster lies past the end of the file and was "
			"never synced; it reads as zeroes",
			(unsigned long long)off);
		r = zero_entry(c, i, bitmap, e);
		return r < 0 ? r : 0;
	}

	if (bitmap >> 32 & bitmap) {
		corrupt(c);
		check_say(c->k,
			  "ERROR offset=%llx: Allocated cluster has corrupted subcluster "
			  "allocation bitmap",
			  (unsigned long long)off);
	}
	if (off & (s->cluster_size - 1)) {
		r = unaligned(c, i, entry, bitmap, off, e);
		if (r)
			return r < 0 ? r : 0;
	}
	statistics(c, off, 1);
	if (s->blk.data) {
		/* a cluster of a data file is never shared */
		if (!(entry & QCOW2_OFLAG_COPIED))
			c->k->each_flag = true;
		return 0;
	}
	r = count(c, off, s->cluster_size, e);
	return r < 0 ? r : mark_one(c, off, entry & QCOW2_OFLAG_COPIED, e);
}

static int one_entry(struct scan *c, uint32_t i, struct err *e)
{
	uint64_t entry = entry_at(c, i), bitmap = bitmap_at(c, i);
	enum qcow2_entry_type type = qcow2_entry_type(c->k->s, entry);

	if (type != QCOW2_ENTRY_COMPRESSED && entry & STD_RESERVED) {
		check_say(c->k, "ERROR found l2 entry with reserved bits set: %llx",
			  (unsigned long long)entry);
		corrupt(c);
	}
	switch (type) {
	case QCOW2_ENTRY_COMPRESSED:
		return compressed(c, i, entry, bitmap, e);
	case QCOW2_ENTRY_NORMAL:
	case QCOW2_ENTRY_ZERO_ALLOC:
		return allocated(c, i, entry, bitmap, e);
	case QCOW2_ENTRY_NONE:
		if (bitmap & ALL_ALLOC) {
			corrupt(c);
			check_say(c->k, "ERROR: Unallocated cluster has non-zero subcluster "
					"allocation map");
		}
		return 0;
	default:
		return 0;
	}
}

/* Entries from @i on that are zero. */
static uint32_t zero_entries(const struct scan *c, uint32_t i)
{
	const uint8_t *p = c->t + (size_t)i * 8;
	uint32_t n = 0, left = c->n - i;
	uint64_t v;

	while (n < left) {
		memcpy(&v, p + (size_t)n * 8, sizeof(v));
		if (v)
			break;
		n++;
	}
	return n;
}

/* Entries from @i on that are plain clusters in a row, alike but for their offset. */
static uint32_t plain_entries(const struct scan *c, uint32_t i, uint64_t entry)
{
	const uint8_t *p = c->t + (size_t)i * 8;
	uint64_t step = c->k->s->cluster_size;
	uint32_t n = 1, left = c->n - i;

	while (n < left && load_be64(p + (size_t)n * 8) == entry + n * step)
		n++;
	return n;
}

/* The run at @i; 0 if what lies there needs the slow form. */
static int run(struct scan *c, uint32_t i, uint32_t *n, struct err *e)
{
	struct checker *k = c->k;
	uint64_t entry = entry_at(c, i), off = entry & QCOW2_OFFSET_MASK, end;
	uint64_t first = off >> k->s->cluster_bits;
	int r;

	*n = 0;
	if (!entry) {
		*n = zero_entries(c, i);
		return 0;
	}
	if (entry != off && entry != (off | QCOW2_OFLAG_COPIED))
		return 0;
	if (!off || off & (k->s->cluster_size - 1) || k->s->blk.data)
		return 0;
	*n = plain_entries(c, i, entry);
	end = off + *n * k->s->cluster_size;
	if (end > k->len || end > QCOW2_OFFSET_MASK) {
		*n = 0;
		return 0;
	}
	statistics(c, off, *n);
	r = count(c, off, end - off, e);
	if (r == 0 && c->active)
		r = check_map_mark(&k->map, first, *n, entry & QCOW2_OFLAG_COPIED, e);
	return r;
}

static int scan_table(struct scan *c, struct err *e)
{
	bool slow = c->k->s->subclusters > 1;

	for (uint32_t i = 0; i < c->n;) {
		uint32_t n = 0;
		int r = slow ? 0 : run(c, i, &n, e);

		if (r == 0 && !n) {
			r = one_entry(c, i, e);
			n = 1;
		}
		if (r < 0)
			return r;
		i += n;
	}
	return 0;
}

/* True if the table lies in a hole, which need not be read to know that it is empty. */
static bool in_hole(struct checker *k, uint64_t off)
{
	enum { ENOUGH = 256 };
	struct blk_extent x;

	if (k->empty_tables < ENOUGH || off >= k->len)
		return false;
	if (off < k->hole_off || off >= k->hole_end) {
		if (blk_extent(k->s->blk.child, off, k->len - off, &x, NULL) < 0 ||
		    !(x.flags & BLK_EXT_ZERO))
			return false;
		k->hole_off = off;
		k->hole_end = off + x.len;
	}
	return k->hole_end - off >= k->s->cluster_size;
}

int check_l2(struct checker *k, uint64_t off, uint32_t times, uint32_t active, bool *noisy,
	     struct err *e)
{
	struct qcow2 *s = k->s;
	struct scan c = { .k = k, .off = off, .times = times, .active = active };
	uint8_t *t;
	int r;

	*noisy = false;
	if (in_hole(k, off))
		return 0;
	if (k->budget < s->cluster_size) {
		check_say(k, "ERROR L2 tables take more than the whole file");
		k->n.check_errors++;
		return err_set(e, -EFBIG, "L2 tables take more than the whole file");
	}
	k->budget -= s->cluster_size;
	r = check_read(k, &k->tables, off, s->cluster_size, &t, e);
	if (r < 0) {
		check_say(k, "ERROR: I/O error in check_refcounts_l2");
		k->n.check_errors++;
		return r;
	}
	c.t = t;
	c.n = 1u << s->l2_bits;
	if (zero_is(t, s->cluster_size)) {
		k->empty_tables++;
		return 0;
	}
	r = scan_table(&c, e);
	*noisy = c.noisy;
	return r;
}
