/* SPDX-License-Identifier: MIT */
#include "img/convert.h"

#include "img/compare.h"
#include "img/convert_bitmaps.h"
#include "img/convert_copy.h"
#include "img/convert_stream.h"
#include "img/guard.h"
#include "img/output.h"

#include <stdlib.h>
#include <string.h>

static int check_options(const struct img_convert *c, const struct img_format *f, struct err *e)
{
	if (c->compress && !f->compression)
		return err_set(e, -ENOTSUP, "Compression not supported for this file format");
	if (c->copy_range && c->compress)
		return err_set(e, -EINVAL, "Cannot enable copy offloading when -c is used");
	if (c->copy_range && c->sparse_given)
		return err_set(e, -EINVAL, "Cannot enable copy offloading when -S is used");
	if (c->copy_range && c->salvage)
		return err_set(e, -EINVAL, "Cannot use copy offloading in salvaging mode");
	if (c->compress && c->create.prealloc != PREALLOC_OFF)
		return err_set(e, -EINVAL,
			       "Compression and preallocation not supported at the same time");
	if (c->verify && c->src_n > 1)
		return err_set(e, -EINVAL, "Only a single source can be verified");
	if (c->verify && c->salvage)
		return err_set(e, -EINVAL,
			       "What salvaging mode replaces by zeroes cannot be verified");
	if (c->parallel > CONVERT_PARALLEL_MAX)
		return err_set(e, -EINVAL,
			       "Invalid number of coroutines. Allowed number of "
			       "coroutines is between 1 and 16");
	return c->in || c->to_stdout ? convert_stream_check(c, e) : 0;
}

static uint64_t total_size(const struct img_convert *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->src_n; i++)
		total += c->src[i]->size;
	return total;
}

/* What the new image is opened with: the keys it was made with, and how to compress. */
static int target_opts(const struct img_convert *c, struct optset *out, struct err *e)
{
	const struct optset *own = c->create.own;
	const char *level = c->create.compression_level;
	int r = level ? optset_set(out, "compression-level", level, e) : 0;

	for (size_t i = 0; r == 0 && own && i < own->n; i++) {
		const char *at = strstr(own->v[i].key, "key-secret");

		if (at && !strcmp(at, "key-secret"))
			r = optset_set(out, own->v[i].key, own->v[i].val, e);
	}
	return r;
}

/* Opens what lies at @path under the name the user gave, which messages and
 * relative backing names go by. */
static int open_target(const struct img_convert *c, const char *path, unsigned flags,
		       struct blk **out, struct err *e)
{
	struct optset made = OPTSET_INIT;
	struct img_open o = {
		.filename = c->dst_by_opts ? NULL : c->dst,
		.path = strcmp(path, c->dst) ? path : NULL,
		.format = c->dst_by_opts ? NULL : c->dst_format,
		.flags = BLK_WRITE | BLK_UNMAP | flags | c->dst_flags,
		.opts = c->dst_opts,
		.secrets = c->create.secrets,
		.log = c->log,
	};
	int r = 0;

	if (!c->dst_opts) {
		r = target_opts(c, &made, e);
		o.opts = &made;
	}
	if (r == 0)
		r = img_open(&o, out, e);
	optset_free(&made);
	return r;
}

/* True if what was never written reads as zeroes.  A raw block device shows what
 * was on it before, an overlay what its backing image holds. */
static bool starts_zero(const struct img_convert *c, const struct blk *dst, bool fresh)
{
	const struct blk *bottom = dst->child ? dst->child : dst;

	if (c->target_is_zero)
		return true;
	if (!fresh || c->create.backing_file)
		return false;
	if (!strcmp(dst->ops->name, "luks")) /* encrypted or not, that shows what was there */
		return false;
	return strcmp(dst->ops->name, "raw") != 0 || !strcmp(bottom->ops->name, "file");
}

static int run(struct img_convert *c, struct blk *dst, bool fresh, struct err *e)
{
	bool backing = fresh && c->create.backing_file;
	uint64_t backing_size = dst->backing ? dst->backing->size : 0;

	if (dst->size < total_size(c))
		return err_set(e, -ENOSPC, "output file is smaller than input file");
	c->compress |= dst->compressed_only;

	int r = convert_copy(c, dst, starts_zero(c, dst, fresh), backing, backing_size, e);

	return r == 0 && c->bitmaps ? convert_bitmaps(c, dst, e) : r;
}

/* Is what was written what the source holds?  The file is opened anew: what the engine has in
 * memory does not count. */
static int verify(const struct img_convert *c, const char *path, struct err *e)
{
	struct img_compare k = { .progress = c->progress, .part = true };
	struct optset made = OPTSET_INIT;
	AUTO_BLK struct blk *dst = NULL;
	struct img_open o = {
		.filename = c->dst_by_opts ? NULL : c->dst,
		.path = strcmp(path, c->dst) ? path : NULL,
		.format = c->dst_by_opts ? NULL : c->dst_format,
		.flags = c->dst_flags & ~(unsigned)BLK_WRITETHROUGH,
		.opts = c->dst_opts,
		.secrets = c->create.secrets,
		.log = c->log,
	};
	int r = 0;

	if (!c->dst_opts) {
		r = target_opts(c, &made, e);
		o.opts = &made;
	}
	if (r == 0)
		r = img_open(&o, &dst, e);
	optset_free(&made);
	if (r == 0)
		r = img_compare(c->src[0], dst, &k, e);
	if (r < 0)
		return err_wrap(e, r, "verifying '%s'", c->dst);
	/* -n into a larger image: the rest is not ours */
	if (k.verdict == COMPARE_IDENTICAL || k.offset >= c->src[0]->size)
		return 0;
	return err_set(e, -EIO,
		       "'%s' does not hold what was written: the first difference is "
		       "at offset %llu",
		       c->dst, (unsigned long long)k.offset);
}

static int finish(const struct img_convert *c, struct blk **dst, const char *path,
		  struct err *e)
{
	struct blk *done = *dst;
	int r;

	*dst = NULL;
	r = blk_close(done, e);
	return r == 0 && c->verify ? verify(c, path, e) : r;
}

/* Writes into the image that is there. */
static int into_existing(struct img_convert *c, struct err *e)
{
	AUTO_BLK struct blk *dst = NULL;
	int r = open_target(c, c->dst, 0, &dst, e);

	c->in_place = true;
	c->in_place_why = "-n was given";
	if (r < 0)
		return err_wrap(e, r, "Could not open '%s'", c->dst);
	r = run(c, dst, false, e);
	return r < 0 ? r : finish(c, &dst, c->dst, e);
}

static int not_made(const struct img_convert *c, int r, struct err *e)
{
	return err_wrap(e, r, "%s: error while converting %s", c->dst, c->dst_format);
}

int convert_into_new(struct img_convert *c, const char *path, struct err *e)
{
	bool reserved =
		c->create.prealloc == PREALLOC_FALLOC || c->create.prealloc == PREALLOC_FULL;
	AUTO_BLK struct blk *dst = NULL;
	int r;

	if (!c->create.size)
		c->create.size = total_size(c);
	c->create.name = c->dst;
	r = img_create_file(path, img_format_find(c->dst_format), &c->create, c->dst_flags,
			    NULL, c->log, e);
	if (r < 0)
		return not_made(c, r, e);
	r = open_target(c, path, reserved ? 0 : BLK_FILL, &dst, e);
	if (r < 0)
		return err_wrap(e, r, "Could not open '%s'", c->dst);
	r = run(c, dst, true, e);
	return r < 0 ? r : finish(c, &dst, path, e);
}

int img_convert(struct img_convert *c, struct err *e)
{
	const struct img_format *f = img_format_find(c->dst_format);
	struct output *out;
	int r;

	if (!f)
		return err_set(e, -EINVAL, "Unknown file format '%s'", c->dst_format);
	r = check_options(c, f, e);
	if (r == 0 && c->bitmaps)
		r = convert_bitmaps_check(c, e);
	if (r == 0 && c->to_stdout)
		return convert_to_stdout(c, f, e);
	if (r == 0 && !c->force && !c->dst_by_opts)
		r = img_guard(c->dst, c->content_guard && !c->no_create, e);
	if (r < 0)
		return r;
	if (c->no_create)
		return into_existing(c, e);
	if (c->create.data_file || (f->many_files && f->many_files(&c->create))) {
		/* Several files cannot change their names in one step. */
		c->in_place = true;
		c->in_place_why = "its data is in a file of its own";
		return convert_into_new(c, c->dst, e);
	}
	r = output_begin(c->dst, &out, e);
	if (r < 0)
		return not_made(c, r, e);
	c->in_place_why = output_in_place(out);
	c->in_place = c->in_place_why != NULL;
	r = convert_into_new(c, output_path(out), e);
	if (r < 0) {
		output_abandon(out);
		return r;
	}
	return output_commit(out, !(c->dst_flags & BLK_NOFLUSH), e);
}
