/* SPDX-License-Identifier: MIT */
/* Grain tables: where a grain lies, and entering new ones. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/vmdk.h"

/* Grains that one lookup goes over at most: callers ask again. */
enum { LOOK_MAX = 16384 };

struct vmdk_extent *vmdk_extent_at(struct vmdk *s, uint64_t off)
{
	size_t a = 0, b = s->n;

	while (b - a > 1) {
		size_t mid = a + (b - a) / 2;

		if (s->v[mid].start <= off)
			a = mid;
		else
			b = mid;
	}
	return &s->v[a];
}

static uint64_t entry(const struct vmdk_extent *x, const uint8_t *table, uint64_t i)
{
	return x->h.entry_bytes == 8 ? load_le64(table + i * 8) : load_le32(table + i * 4);
}

static int damaged(const struct vmdk *s, const struct vmdk_extent *x, const char *what,
		   uint64_t index, uint64_t v, struct err *e)
{
	return err_set(e, -EUCLEAN, "%s: the entry of %s %llu is %#llx",
		       x->desc ? x->desc->name : s->blk.filename, what,
		       (unsigned long long)index, (unsigned long long)v);
}

/* Where in the file table @t is; 0: there is none. */
static int table_place(const struct vmdk *s, const struct vmdk_extent *x, const uint8_t *gd,
		       uint64_t t, uint64_t *out, struct err *e)
{
	uint64_t v = entry(x, gd, t);

	*out = 0;
	if (!v)
		return 0;
	if (x->kind == VMDK_SE) {
		/* the top half says that it is allocated */
		if (v >> 32 != 0x10000000)
			return damaged(s, x, "grain table", t, v, e);
		v = x->h.gts_off + (v & UINT32_MAX) * (x->gt_bytes / VMDK_SECTOR);
		if (v > UINT32_MAX)
			return damaged(s, x, "grain table", t, v, e);
	}
	*out = v * VMDK_SECTOR;
	return 0;
}

static int write_table(struct vmdk *s, struct vmdk_extent *x, const struct vmdk_gt *t,
		       struct err *e)
{
	uint64_t place;
	int r = table_place(s, x, x->gd, t->index, &place, e);

	if (r == 0 && place)
		r = blk_pwrite(x->file, t->data, x->gt_bytes, place, e);
	if (r < 0 || !x->rgd)
		return r;
	r = table_place(s, x, x->rgd, t->index, &place, e);
	return r == 0 && place ? blk_pwrite(x->file, t->data, x->gt_bytes, place, e) : r;
}

int vmdk_write_tables(struct vmdk *s, struct vmdk_extent *x, struct err *e)
{
	bool synced = false;

	for (uint32_t i = 0; i < x->cache_n; i++) {
		int r = 0;

		if (!x->cache[i].dirty)
			continue;
		if (!synced)
			r = blk_flush(x->file, e);
		synced = true;
		if (r == 0)
			r = write_table(s, x, &x->cache[i], e);
		if (r < 0)
			return r;
		x->cache[i].dirty = false;
	}
	return 0;
}

/* *out: NULL where the directory has no such table. */
static int get_table(struct vmdk *s, struct vmdk_extent *x, uint64_t t, struct vmdk_gt **out,
		     struct err *e)
{
	struct vmdk_gt *c = &x->cache[t % x->cache_n];
	uint64_t place;
	int r = 0;

	*out = c;
	if (c->valid && c->index == t)
		return 0;
	*out = NULL;
	r = table_place(s, x, x->gd, t, &place, e);
	if (r < 0 || !place)
		return r;
	if (c->dirty)
		r = vmdk_write_tables(s, x, e);
	if (r < 0)
		return r;
	c->valid = false;
	if (!c->data)
		c->data = mem_aligned(VMDK_SECTOR, x->gt_bytes, e);
	if (!c->data)
		return -ENOMEM;
	if (place >= x->file->size)
		return err_set(e, -EUCLEAN,
			       "%s: grain table %llu lies past the end of the file, at %llu",
			       x->file->filename, (unsigned long long)t,
			       (unsigned long long)place);
	r = blk_pread(x->file, c->data, x->gt_bytes, place, e);
	if (r < 0)
		return r;
	c->valid = true;
	c->index = t;
	*out = c;
	return 0;
}

/* What the entry @v of grain @g stands for; *host in bytes. */
static int decode(const struct vmdk *s, const struct vmdk_extent *x, uint64_t g, uint64_t v,
		  enum vmdk_state *state, uint64_t *host, struct err *e)
{
	*state = VMDK_UNALLOCATED;
	*host = 0;
	if (!v)
		return 0;
	if (x->kind != VMDK_SE) {
		bool zero =
			v == 1 && x->h.flags & VMDK_FLAG_ZERO_GRAIN && x->kind == VMDK_HOSTED;

		*state = zero ? VMDK_ZERO : x->h.compressed ? VMDK_PACKED : VMDK_DATA;
		*host = v * VMDK_SECTOR;
		return 0;
	}
	switch (v >> 60) {
	case 1: /* given back by the guest */
	case 2:
		*state = VMDK_ZERO;
		return 0;
	case 3:
		v = (v >> 48 & 0xfff) | (v & 0xffffffffffff) << 12;
		if (v >> 48) /* past any file */
			return damaged(s, x, "grain", g, v, e);
		*state = VMDK_DATA;
		*host = (x->h.grains_off + v * x->h.grain) * VMDK_SECTOR;
		return 0;
	default:
		return damaged(s, x, "grain", g, v, e);
	}
}

static int find(struct vmdk *s, struct vmdk_extent *x, uint64_t g, enum vmdk_state *state,
		uint64_t *host, uint64_t *same, struct err *e)
{
	uint64_t t = g / x->h.gt_entries, i = g % x->h.gt_entries, v;
	struct vmdk_gt *table = NULL;
	int r;

	*same = 1;
	if (x->stream) {
		v = vmdk_stream_find(x, g);
	} else {
		r = get_table(s, x, t, &table, e);
		if (r < 0)
			return r;
		v = table ? entry(x, table->data, i) : 0;
		if (!table)
			*same = x->h.gt_entries - i;
	}
	return decode(s, x, g, v, state, host, e);
}

/* How far compressed data may reach: to the next grain of the file, as a rule. */
static uint64_t packed_limit(struct vmdk *s, struct vmdk_extent *x, uint64_t g, uint64_t host)
{
	enum vmdk_state state;
	uint64_t next, same;

	if ((g + 1) % x->h.gt_entries == 0 ||
	    find(s, x, g + 1, &state, &next, &same, NULL) < 0 || state != VMDK_PACKED ||
	    next <= host)
		return 0;
	return next - host;
}

int vmdk_lookup(struct vmdk *s, struct vmdk_extent *x, uint64_t off, uint64_t len,
		struct vmdk_run *run, struct err *e)
{
	uint64_t g, end, same, host, in;
	int r;

	if (x->kind == VMDK_FLAT) {
		*run = (struct vmdk_run){ VMDK_DATA, len, x->flat_off + off, 0 };
		return 0;
	}
	g = off / x->grain;
	in = off % x->grain;
	end = min_u64(div_up(off + len, x->grain), g + LOOK_MAX);
	r = find(s, x, g, &run->state, &run->host, &same, e);
	if (r < 0)
		return r;
	run->limit = 0;
	if (run->state == VMDK_PACKED) {
		run->limit = packed_limit(s, x, g, run->host);
		run->len = min_u64(x->grain - in, len);
		return 0;
	}
	for (uint64_t at = g + same; at < end; at += same) {
		enum vmdk_state state;

		/* what is wrong there will be told when it is asked for */
		r = find(s, x, at, &state, &host, &same, NULL);
		if (r < 0 || state != run->state ||
		    (state == VMDK_DATA && host != run->host + (at - g) * x->grain)) {
			end = at;
			break;
		}
	}
	run->host += run->state == VMDK_DATA ? in : 0;
	run->len = min_u64(end * x->grain - off, len);
	return 0;
}

/* Two new tables at the end of the file, for a part of the disk that has none yet. */
static int make_table(struct vmdk *s, struct vmdk_extent *x, uint64_t t, struct err *e)
{
	AUTO_FREE uint8_t *zero = mem_zalloc(1, x->gt_bytes, e);
	uint64_t at = x->next, n = x->rgd ? 2 : 1;
	int r = zero ? 0 : -ENOMEM;

	if (r == 0 && at / VMDK_SECTOR + n * x->gt_bytes > UINT32_MAX)
		r = err_set(e, -EFBIG, "%s: no room for another grain table",
			    x->file->filename);
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = blk_pwrite(x->file, zero, x->gt_bytes, at + i * x->gt_bytes, e);
	if (r == 0)
		r = blk_flush(x->file, e);
	if (r < 0)
		return r;
	x->next = round_up(at + n * x->gt_bytes, x->grain);
	store_le32(x->gd + t * 4, (uint32_t)(at / VMDK_SECTOR));
	r = blk_pwrite(x->file, x->gd + t * 4, 4, x->h.gd_off * VMDK_SECTOR + t * 4, e);
	if (r < 0 || !x->rgd)
		return r;
	store_le32(x->rgd + t * 4, (uint32_t)((at + x->gt_bytes) / VMDK_SECTOR));
	return blk_pwrite(x->file, x->rgd + t * 4, 4, x->h.rgd_off * VMDK_SECTOR + t * 4, e);
}

int vmdk_enter(struct vmdk *s, struct vmdk_extent *x, uint64_t g, uint32_t sector,
	       struct err *e)
{
	uint64_t t = g / x->h.gt_entries;
	struct vmdk_gt *table;
	int r = get_table(s, x, t, &table, e);

	if (r == 0 && !table) {
		r = make_table(s, x, t, e);
		if (r == 0)
			r = get_table(s, x, t, &table, e);
	}
	if (r < 0)
		return r;
	store_le32(table->data + g % x->h.gt_entries * 4, sector);
	table->dirty = true;
	return 0;
}
