/* SPDX-License-Identifier: MIT */
/* Checking and repairing a Parallels image, as qemu-img does, and what it does not look for:
 * clusters that lie over the table or over each other. */
#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/parallels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void tell(struct img_check *c, bool fix, const char *fmt, ...) PRINTF(3, 4);
static void tell(struct img_check *c, bool fix, const char *fmt, ...)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%s ", fix ? "Repairing" : "ERROR");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	if (c->report)
		c->report(c->arg, line);
}

static int check_mark(struct parallels *v, struct img_check *c, struct err *e)
{
	bool fix = c->repair & IMG_FIX_ERRORS;
	int r = 0;

	if (v->h.in_use != PARALLELS_OPEN)
		return 0;
	tell(c, fix, "image was not closed correctly");
	if (!fix) {
		c->corruptions++;
		return 0;
	}
	r = parallels_mark(v, 0, e);
	if (r < 0)
		return r;
	v->h.in_use = 0;
	c->corruptions_fixed++;
	return 0;
}

static void drop(struct parallels *v, uint64_t n)
{
	store_le32(bat_entry(&v->bat, n), 0);
	bat_mark(&v->bat, n);
}

/* Clusters that are nowhere, or over the table: with a repair they become holes. */
static void check_places(struct parallels *v, struct img_check *c)
{
	bool fix = c->repair & IMG_FIX_ERRORS;
	struct bat *t = &v->bat;
	uint64_t size = t->blk.child->size, last = 0;

	c->total_clusters = t->blocks;
	for (uint64_t n = 0; n < t->blocks; n++) {
		uint64_t at = parallels_place(v, n);
		const char *what = at >= size                       ? "outside image"
				   : at < t->map_off + t->map_bytes ? "inside the table"
								    : NULL;

		if (!at) {
			last = 0;
			continue;
		}
		if (what) {
			tell(c, fix, "cluster %llu is %s", (unsigned long long)n, what);
			c->corruptions += !fix;
			c->corruptions_fixed += fix;
			if (fix) {
				drop(v, n);
				continue;
			}
		}
		c->image_end_offset = max_u64(c->image_end_offset, at + t->block_size);
		c->allocated_clusters++;
		c->fragmented_clusters += last && at != last + t->block_size;
		last = at;
	}
}

static int by_place(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Two clusters with one place: nobody can say whose it is. */
static int check_twice(struct parallels *v, struct img_check *c, struct err *e)
{
	AUTO_FREE uint64_t *all = NULL;
	uint64_t n = 0, cap = 0;

	for (uint64_t i = 0; i < v->bat.blocks; i++)
		cap += parallels_place(v, i) != 0;
	all = mem_zalloc(cap + 1, sizeof(*all), e);
	if (!all)
		return -ENOMEM;
	for (uint64_t i = 0; i < v->bat.blocks; i++)
		if (parallels_place(v, i))
			all[n++] = parallels_place(v, i);
	qsort(all, n, sizeof(*all), by_place);
	for (uint64_t i = 1; i < n; i++)
		if (all[i] < all[i - 1] + v->bat.block_size) {
			tell(c, false, "the cluster at %llu lies over another",
			     (unsigned long long)all[i]);
			c->corruptions++;
		}
	return 0;
}

static int check_leaks(struct parallels *v, struct img_check *c, struct err *e)
{
	bool fix = c->repair & IMG_FIX_LEAKS;
	struct blk *file = v->bat.blk.child;
	uint64_t size = file->size, count;
	int r = 0;

	if (!c->image_end_offset)
		c->image_end_offset = (uint64_t)v->h.data_off * 512;
	if (size <= c->image_end_offset || file->fixed)
		return 0;
	count = div_up(size - c->image_end_offset, v->bat.block_size);
	tell(c, fix, "space leaked at the end of the image %llu",
	     (unsigned long long)(size - c->image_end_offset));
	if (!fix) {
		c->leaks += count;
		return 0;
	}
	r = blk_resize(file, c->image_end_offset, PREALLOC_OFF, e);
	c->leaks_fixed += r == 0 ? count : 0;
	return r;
}

int parallels_check(struct blk *b, struct img_check *c, struct err *e)
{
	struct parallels *v = (struct parallels *)b;
	uint64_t outside;
	int r = check_mark(v, c, e);

	if (r < 0)
		return r;
	check_places(v, c);
	parallels_find_end(v, &outside);
	if (c->repair & IMG_FIX_ERRORS)
		r = bat_flush(b, e);
	if (r == 0)
		r = check_twice(v, c, e);
	return r < 0 ? r : check_leaks(v, c, e);
}
