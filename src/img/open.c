/* SPDX-License-Identifier: MIT */
#include "img/open.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "img/format/raw.h"
#include "img/proto/dry.h"
#include "img/proto/file.h"

#include <stdlib.h>
#include <string.h>

const struct img_format *img_probe_bytes(const uint8_t *head, size_t len, const char *filename)
{
	const struct img_format *found = &img_format_raw;
	int best = 0;

	for (const struct img_format *const *f = img_formats; *f; f++) {
		int score = (*f)->probe ? (*f)->probe(head, len, filename) : 0;

		if (score > best) {
			best = score;
			found = *f;
		}
	}
	return found;
}

int img_probe(struct blk *file, const struct img_format **out, struct err *e)
{
	uint8_t head[IMG_PROBE_BYTES] = { 0 };
	size_t len = (size_t)min_u64(file->size, sizeof(head));
	int r = blk_pread(file, head, len, 0, e);

	if (r == 0)
		*out = img_probe_bytes(head, len, file->filename);
	return r;
}

/* Messages and relative names shall not tell of a path under /proc. */
static int rename_node(struct blk *b, const char *name, struct err *e)
{
	char *copy = mem_strdup(name, e);

	if (!copy)
		return -ENOMEM;
	free(b->filename);
	b->filename = copy;
	return 0;
}

static int open_bottom(struct open_plan *p, const struct img_open *o, unsigned flags,
		       struct blk **out, struct err *e)
{
	const struct proto_open po = {
		.driver = p->driver,
		.name = p->path,
		.opts = &p->file,
		.flags = flags,
		.secrets = o->secrets,
		.log = o->log,
	};

	if (p->proto)
		return p->proto->open(&po, out, e);
	return file_open_unlocked(o->path ? o->path : p->path, &p->file, flags, out, e);
}

/* The file with its locks, which depend on what it holds. */
static int open_file(struct open_plan *p, const struct img_open *o, struct blk **out,
		     struct err *e)
{
	/* A format decides itself what is flushed and discarded when. */
	unsigned flags = (p->flags & ~(unsigned)BLK_WRITETHROUGH) | BLK_UNMAP;
	const char *unknown;
	struct blk *file = NULL;
	int r;

	if (flags & BLK_DRY)
		flags &= ~(unsigned)BLK_WRITE;
	r = open_bottom(p, o, flags, &file, e);
	if (r < 0)
		return r;
	if (o->path && !p->proto)
		r = rename_node(file, p->path, e);
	unknown = optset_unused(&p->file);
	if (r == 0 && unknown)
		r = err_set(e, -EINVAL, "Block protocol '%s' doesn't support the option '%s'",
			    p->proto ? p->driver : file->ops->name, unknown);
	if (r == 0 && !p->format)
		r = img_probe(file, &p->format, e);
	if (r == 0 && !p->proto)
		r = file_lock(file, p->format == &img_format_raw ? FILE_RAW : FILE_METADATA, e);
	if (r < 0) {
		(void)blk_close(file, NULL);
		return r;
	}
	*out = file;
	return 0;
}

static int open_planned(struct open_plan *p, const struct img_open *o,
			const struct open_seen *up, struct blk **out, struct err *e)
{
	struct blk *file = NULL, *b = NULL;
	struct open_seen seen;
	const char *unknown;
	bool probed = !p->format;
	unsigned flags;
	int r;

	r = open_file(p, o, &file, e);
	if (r < 0)
		return r;
	file->log = o->log;
	file->secrets = o->secrets;
	flags = p->flags;
	r = open_seen_add(&seen, up, file, e);
	if (r == 0 && flags & BLK_DRY && flags & BLK_WRITE)
		r = dry_new(file, &file, e);
	if (!(file->flags & BLK_WRITE)) /* BLK_AUTO_RDONLY */
		flags &= ~(unsigned)BLK_WRITE;
	if (r == 0)
		r = p->format->open(file, &p->own, flags, &b, e);
	if (r < 0) {
		(void)blk_close(file, NULL);
		return r;
	}
	b->log = o->log;
	b->secrets = o->secrets;
	b->probed = probed;
	unknown = optset_unused(&p->own);
	if (unknown)
		r = err_set(e, -EINVAL, "Block format '%s' does not support the option '%s'",
			    p->format->name, unknown);
	else if (flags & (BLK_NOBACKING | BLK_NOIO) && p->backing.n)
		r = err_set(e, -EINVAL,
			    "Block format '%s' does not support the option 'backing.%s'",
			    p->format->name, p->backing.v[0].key);
	if (r == 0 && !p->no_backing && !(flags & (BLK_NOBACKING | BLK_NOIO)))
		r = open_backing(b, &p->backing, &seen, e);
	if (r < 0) {
		(void)blk_close(b, NULL);
		return r;
	}
	*out = b;
	return 0;
}

int open_image(const struct img_open *o, const struct open_seen *up, struct blk **out,
	       struct err *e)
{
	struct open_plan p;
	int r = open_plan_make(&p, o, e);

	if (r < 0)
		return r;
	r = open_planned(&p, o, up, out, e);
	open_plan_free(&p);
	return r;
}

int img_open(const struct img_open *o, struct blk **out, struct err *e)
{
	return open_image(o, NULL, out, e);
}
