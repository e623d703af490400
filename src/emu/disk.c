/* SPDX-License-Identifier: MIT */
#include "emu/disk.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/img.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

	if (r == 0) {
		o.opts = c->blk_opts ? &set : NULL;
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
	if (r == 0 && (*out)->size % 512)
		blk_warn(*out, "%s: the guest does not see the last %llu bytes", c->file,
			 (unsigned long long)((*out)->size % 512));
	return r < 0 ? err_wrap(e, r, "%s", c->file) : 0;
}
