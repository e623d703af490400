/* SPDX-License-Identifier: MIT */
#include "emu/disk.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "emu/disk_filter.h"
#include "img/cache.h"
#include "img/img.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Metadata caches that nobody has sized are as large as the image needs, up to this. */
#define CACHE_BUDGET (UINT64_C(32) << 20)

static bool has_cache_size(const struct optset *set)
{
	static const char *const keys[] = { "cache-size", "l2-cache-size",
					    "refcount-cache-size", "l2-cache-entry-size" };

	for (size_t i = 0; i < set->n; i++)
		for (unsigned k = 0; k < ARRAY_SIZE(keys); k++)
			if (!strcmp(set->v[i].key, keys[k]))
				return true;
	return false;
}

static int advise(struct blk *b, struct cache_advice *out, struct err *e)
{
	struct img_info info = { .format = NULL };
	struct cache_geometry g;
	int r = b->format->info(b, &info, e);

	if (r < 0)
		return r;
	g = (struct cache_geometry){ .size = b->size,
				     .cluster_size = info.cluster_size,
				     .extended_l2 = info.subcluster_size != 0 };
	img_info_free(&info);
	return cache_advise(&g, 1, CACHE_BUDGET, out, e);
}

/* Looks at the image first.  What is wrong with it, its opening says. */
static int size_caches(const struct img_open *o, struct optset *set, struct err *e)
{
	struct img_open look = *o;
	struct cache_advice a;
	struct blk *b = NULL;
	char text[32];
	int r;

	if (has_cache_size(set))
		return 0;
	look.flags = BLK_NOIO | BLK_SHARE | BLK_NOBACKING;
	look.opts = set;
	look.log = NULL;
	if (img_open(&look, &b, NULL) < 0)
		return 0;
	r = !strcmp(b->format->name, "qcow2") ? advise(b, &a, NULL) : -ENOTSUP;
	blk_close(b, NULL);
	if (r < 0)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)a.l2_cache);
	r = optset_set(set, "l2-cache-size", text, e);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)a.l2_entry_size);
	return r < 0 ? r : optset_set(set, "l2-cache-entry-size", text, e);
}

static int open_image(const struct config_disk *c, const char *name, const char *format,
		      unsigned flags, const struct blk_log *log, struct blk **out,
		      struct err *e)
{
	struct optset set = OPTSET_INIT;
	struct img_open o = { .filename = c->node && name == c->file ? NULL : name,
			      .format = format,
			      .flags = flags,
			      .log = log };
	int r = c->blk_opts ? optset_parse(&set, c->blk_opts, NULL, e) : 0;

	if (r == 0 && !(flags & BLK_NOIO))
		r = size_caches(&o, &set, e);
	if (r == 0) {
		o.opts = set.n ? &set : NULL;
		r = img_open(&o, out, e);
	}
	optset_free(&set);
	return r;
}

/* An empty image over the guest's, in TMPDIR; its name goes as soon as it is open. */
static int open_overlay(const struct config_disk *c, const struct blk_log *log,
			struct blk **out, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	AUTO_FREE char *name = str_printf(e, "%s/vemu.XXXXXX", dir && *dir ? dir : "/tmp");
	AUTO_FREE char *base = realpath(c->file, NULL);
	struct img_create make;
	struct blk *under = NULL;
	int fd, r;

	if (!name)
		return -ENOMEM;
	if (!base)
		return err_errno(e, "%s", c->file);
	r = open_image(c, base, c->format, BLK_NOIO | BLK_SHARE, log, &under, e);
	if (r < 0)
		return r;
	img_create_defaults(&make);
	make.size = under->size;
	make.backing_file = base;
	make.backing_fmt = under->format->name;
	fd = mkostemp(name, 0);
	if (fd < 0) {
		r = err_errno(e, "%s", name);
		blk_close(under, NULL);
		return r;
	}
	io_close(fd);
	r = img_create_file(name, img_format_find("qcow2"), &make, BLK_NOFLUSH, NULL, log, e);
	blk_close(under, NULL);
	if (r == 0)
		r = open_image(c, name, "qcow2", BLK_WRITE | BLK_NOFLUSH | BLK_UNMAP, log, out,
			       e);
	unlink(name);
	return r;
}

int disk_open(const struct config_disk *c, const struct blk_log *log, struct blk **out,
	      struct err *e)
{
	unsigned flags = c->cache | (c->readonly ? 0 : BLK_WRITE);
	int r;

	if (c->snapshot)
		r = open_overlay(c, log, out, e);
	else
		r = open_image(c, c->file, c->format, flags, log, out, e);
	if (r == 0)
		r = disk_filter(out, c->zeroes, c->file, e);
	if (r == 0 && (*out)->size % 512)
		blk_warn(*out, "%s: the guest does not see the last %llu bytes", c->file,
			 (unsigned long long)((*out)->size % 512));
	return r < 0 ? err_wrap(e, r, "%s", c->file) : 0;
}

bool disk_failed(struct disk *d, int *r, bool write)
{
	enum disk_action a = write ? d->werror : d->rerror;
	int error = *r;
	bool again;

	/* the guest's own fault */
	if (error == -EINVAL || error == -EFAULT)
		return false;
	if (a == DISK_ENOSPC)
		a = error == -ENOSPC ? DISK_STOP : DISK_REPORT;
	if (d->error)
		d->error(d, -error, write,
			 a == DISK_IGNORE ? "ignore"
			 : a == DISK_STOP ? "stop"
					  : "report");
	if (a == DISK_IGNORE)
		*r = 0;
	if (a != DISK_STOP || !d->stop)
		return false;
	disk_end(d);
	again = d->stop(d);
	disk_begin(d);
	return again;
}
