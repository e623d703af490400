/* SPDX-License-Identifier: MIT */
#include "img/format/parallels.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/proto/file.h"

#include <stdlib.h>

enum { SECTOR = 512, IN_USE = 44 };

int parallels_mark(struct parallels *v, uint32_t in_use, struct err *e)
{
	uint8_t raw[4];
	int r;

	store_le32(raw, in_use);
	r = blk_pwrite(v->bat.blk.child, raw, sizeof(raw), IN_USE, e);
	return r < 0 ? r : blk_flush(v->bat.blk.child, e);
}

/* Before the first change: who finds the mark later knows that the end was not clean. */
static int mark_first(struct parallels *v, struct err *e)
{
	int r = 0;

	if (v->marked)
		return 0;
	pthread_mutex_lock(&v->first);
	if (!v->marked)
		r = parallels_mark(v, PARALLELS_OPEN, e);
	if (r == 0)
		v->marked = true;
	pthread_mutex_unlock(&v->first);
	return r;
}

/* ---- the table ---- */

uint64_t parallels_place(const struct parallels *v, uint64_t n)
{
	return load_le32(bat_entry(&v->bat, n)) * v->unit;
}

static int lookup(const struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	*off = parallels_place(to_parallels(t), n);
	if (!*off)
		return BAT_HOLE;
	if (*off < t->map_off + t->map_bytes)
		return err_set(
			e, -EUCLEAN,
			"Parallels image is damaged (cluster %llu lies at %llu, where the "
			"image has its table)",
			(unsigned long long)n, (unsigned long long)*off);
	return BAT_DATA;
}

static int place(struct bat *t, uint64_t n, uint64_t *off, struct err *e)
{
	struct parallels *v = to_parallels(t);

	*off = div_up(*off, v->unit) * v->unit;
	if (*off / v->unit > UINT32_MAX)
		return err_set(e, -EFBIG, "%s: no room for cluster %llu", t->blk.filename,
			       (unsigned long long)n);
	return mark_first(v, e);
}

static void enter(struct bat *t, uint64_t n, uint64_t off)
{
	store_le32(bat_entry(t, n), (uint32_t)(off / to_parallels(t)->unit));
	bat_mark(t, n);
}

static int touch(struct bat *t, uint64_t n, uint64_t off, struct err *e)
{
	return mark_first(to_parallels(t), e);
}

static const struct bat_kind kind = {
	.entry = 4,
	.lookup = lookup,
	.place = place,
	.enter = enter,
	.touch = touch,
};

/* ---- opening ---- */

void parallels_find_end(struct parallels *v, uint64_t *outside)
{
	struct bat *t = &v->bat;
	uint64_t size = t->blk.child->size;

	*outside = 0;
	t->end = max_u64((uint64_t)v->h.data_off * SECTOR,
			 round_up(t->map_off + t->map_bytes, SECTOR));
	for (uint64_t n = 0; n < t->blocks; n++) {
		uint64_t at = parallels_place(v, n);

		*outside += at >= size && at;
		if (at)
			t->end = max_u64(t->end, at + t->block_size);
	}
}

static int check_usable(struct parallels *v, struct err *e)
{
	unsigned flags = v->bat.blk.flags;
	uint64_t outside;

	parallels_find_end(v, &outside);
	for (uint64_t n = 0; outside && !(flags & (BLK_CHECK | BLK_NOIO)) && n < v->bat.blocks;
	     n++) {
		uint64_t at = parallels_place(v, n);

		if (at && at >= v->bat.blk.child->size)
			return err_set(
				e, -EINVAL,
				"parallels: Offset %llu in BAT[%llu] entry is larger than "
				"file size (%llu)",
				(unsigned long long)at, (unsigned long long)n,
				(unsigned long long)v->bat.blk.child->size);
	}
	if (!(flags & BLK_WRITE))
		return 0;
	if (v->h.in_use == PARALLELS_OPEN && !(flags & BLK_CHECK))
		return err_set(e, -EACCES,
			       "parallels: Image was not closed correctly; cannot be opened "
			       "read/write");
	if (v->h.extension)
		return err_set(
			e, -ENOTSUP,
			"Parallels image with a format extension (at sector %llu) cannot "
			"be written: its bitmaps would no longer be right",
			(unsigned long long)v->h.extension);
	return 0;
}

static int load(struct parallels *v, struct err *e)
{
	uint8_t head[PARALLELS_HEADER];
	struct bat *t = &v->bat;
	int r = blk_pread(t->blk.child, head, sizeof(head), 0, e);

	if (r < 0)
		return err_wrap(e, r, "reading the image header");
	r = parallels_header_parse(&v->h, head, e);
	if (r < 0)
		return r;
	t->blk.size = v->h.sectors * SECTOR;
	t->block_size = (uint64_t)v->h.tracks * SECTOR;
	t->blocks = v->h.entries;
	v->unit = v->h.ext ? t->block_size : SECTOR;
	r = bat_load(t, PARALLELS_HEADER, (uint64_t)v->h.entries * 4, e);
	return r < 0 ? r : check_usable(v, e);
}

/* Only what was written out whole is closed cleanly. */
static int parallels_close(struct blk *b, struct err *e)
{
	struct parallels *v = (struct parallels *)b;
	int r = v->marked && !v->bat.changed ? parallels_mark(v, 0, e) : 0;

	pthread_mutex_destroy(&v->first);
	bat_fini(&v->bat);
	free(v);
	return r;
}

static const struct blk_ops parallels_ops = {
	.name = "parallels",
	.parallel = true,
	.pread = bat_pread,
	.pwrite = bat_pwrite,
	.zero = bat_zero,
	.discard = bat_discard,
	.extent = bat_extent,
	.flush = bat_flush,
	.close = parallels_close,
};

static int parallels_open(struct blk *file, struct optset *opts, unsigned flags,
			  struct blk **out, struct err *e)
{
	struct parallels *v = mem_zalloc(1, sizeof(*v), e);
	int r;

	if (!v)
		return -ENOMEM;
	r = bat_init(&v->bat, &parallels_ops, &kind, file, flags, e);
	if (r < 0) {
		free(v);
		return r;
	}
	pthread_mutex_init(&v->first, NULL);
	v->bat.blk.format = &img_format_parallels;
	r = load(v, e);
	if (r < 0) {
		parallels_close(&v->bat.blk, NULL);
		return r;
	}
	*out = &v->bat.blk;
	return 0;
}

static int probe(const uint8_t *head, size_t len, const char *filename)
{
	struct parallels_header h;

	return len >= PARALLELS_HEADER && parallels_header_parse(&h, head, NULL) != -EINVAL
		       ? 100
		       : 0;
}

static int parallels_info(struct blk *b, struct img_info *out, struct err *e)
{
	out->format = "parallels";
	out->virtual_size = b->size;
	out->no_flags = true;
	return file_is_node(b->child) ? file_allocated(b->child, &out->actual_size, e) : 0;
}

static const struct img_create_opt create_opts[] = {
	{ "size", "size", "Virtual disk size", false, NULL },
	{ "cluster_size", "size", "Size of a cluster, the unit of allocation", false,
	  "1048576" },
	{ NULL, NULL, NULL, false, NULL },
};

const struct img_format img_format_parallels = {
	.name = "parallels",
	.probe = probe,
	.open = parallels_open,
	.create = parallels_create,
	.create_opts = create_opts,
	.info = parallels_info,
	.check = parallels_check,
};
