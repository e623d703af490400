/* SPDX-License-Identifier: MIT */
#include "img/convert_stream.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "img/convert_copy.h"
#include "img/proto/file.h"
#include "img/proto/stream.h"

#include <string.h>

enum { SEND_STEP = 1 << 20 };

int convert_stream_check(const struct img_convert *c, struct err *e)
{
	const struct img_format *f = img_format_find(c->dst_format);
	const char *what = c->in ? "from a pipe" : "to standard output";

	if (c->out_of_order)
		return err_set(e, -EINVAL, "a stream has an order: no -W %s", what);
	if (c->copy_range)
		return err_set(e, -EINVAL, "no copy offloading %s", what);
	if (c->verify)
		return err_set(e, -EINVAL, "what goes %s cannot be read again to verify it",
			       what);
	if (c->to_stdout && c->no_create)
		return err_set(e, -EINVAL, "-n needs an image that is there, not '-'");
	if (c->to_stdout && c->create.data_file)
		return err_set(e, -EINVAL,
			       "an image on standard output cannot have a data file");
	if (c->to_stdout && f && f->many_files && f->many_files(&c->create))
		return err_set(e, -EINVAL,
			       "an image of several files cannot go to standard output");
	if (!c->in)
		return 0;
	if (c->salvage)
		return err_set(e, -EINVAL, "nothing can be salvaged from a pipe");
	if (c->create.backing_file || c->create.prealloc != PREALLOC_OFF)
		return err_set(e, -EINVAL,
			       "a backing file or preallocation needs the length of the disk, "
			       "which a pipe does not tell");
	return 0;
}

static int close_both(struct blk *node, struct blk *out, int r, struct err *e)
{
	int q = node ? blk_close(node, r < 0 ? NULL : e) : 0;

	if (r == 0)
		r = q;
	q = blk_close(out, r < 0 ? NULL : e);
	return r < 0 ? r : q;
}

static uint64_t total_size(const struct img_convert *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->src_n; i++)
		total += c->src[i]->size;
	return total;
}

static int raw_out(struct img_convert *c, struct err *e)
{
	uint64_t total = total_size(c), size = round_up(total, 512);
	struct blk *out;
	bool sparse;
	int r = stream_out_new(c->in ? UINT64_MAX : size, &sparse, &out, e);

	if (r < 0)
		return r;
	c->by_map = !sparse; /* all bytes go out: why look at them */
	r = convert_copy(c, out, false, false, 0, e);
	if (r == 0 && !c->in)
		r = blk_zero(out, total, size - total, 0, e);
	return close_both(NULL, out, r, e);
}

static int two_rounds(struct img_convert *c, const struct img_format *f, struct blk *node,
		      struct err *e)
{
	struct progress *p = c->progress;
	uint64_t rate = c->rate;
	int r;

	c->by_map = c->map_only = !c->sparse_given;
	if (c->map_only) { /* moves no bytes */
		c->progress = NULL;
		c->rate = 0;
	}
	c->rounds = c->map_only ? 1 : 2;
	r = convert_copy(c, node, true, false, 0, e);
	c->map_only = false;
	c->progress = p;
	c->rate = rate;
	if (r == 0)
		r = f->stream_begin(node, e);
	return r < 0 ? r : convert_copy(c, node, true, false, 0, e);
}

static int image_out(struct img_convert *c, const struct img_format *f, struct err *e)
{
	struct blk *out, *node = NULL;
	bool sparse;
	int r = stream_out_new(UINT64_MAX, &sparse, &out, e);

	if (r < 0)
		return r;
	if (!c->create.size)
		c->create.size = total_size(c);
	r = f->stream(&c->create, out, &node, e);
	if (r == 0)
		r = two_rounds(c, f, node, e);
	return close_both(node, out, r, e);
}

/* ---- by way of a file ---- */

static int send_range(int fd, struct blk *out, uint8_t *buf, uint64_t off, uint64_t end,
		      const struct img_convert *c, struct err *e)
{
	int r = 0;

	while (off < end && r == 0) {
		size_t n = (size_t)min_u64(SEND_STEP, end - off);

		if (c->stop && atomic_load(c->stop))
			return err_set(e, -EINTR, "interrupted");
		r = io_pread(fd, buf, n, off, e);
		if (r == 0)
			r = blk_pwrite(out, buf, n, off, e);
		off += n;
	}
	return r;
}

static int send_file(int fd, struct blk *out, const struct img_convert *c, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(4096, SEND_STEP, e);
	uint64_t size, off = 0, len;
	int r = buf ? io_size(fd, &size, e) : -ENOMEM;

	while (r == 0 && off < size) {
		bool data;

		r = io_extent(fd, off, &len, &data, e);
		if (r == 0 && data)
			r = send_range(fd, out, buf, off, off + len, c, e);
		else if (r == 0)
			r = blk_zero(out, off, len, 0, e);
		off += len;
	}
	return r;
}

static int by_file(struct img_convert *c, struct err *e)
{
	unsigned flags = c->dst_flags;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;
	struct blk *out;
	bool sparse;
	int r = stream_out_new(UINT64_MAX, &sparse, &out, e);

	if (r < 0)
		return r;
	r = stream_spool_new(&fd, &path, e);
	c->dst_flags = (flags & ~(unsigned)BLK_WRITETHROUGH) | BLK_NOFLUSH;
	if (r == 0)
		r = convert_into_new(c, path, e);
	c->dst_flags = flags;
	if (r == 0)
		r = send_file(fd, out, c, e);
	return close_both(NULL, out, r, e);
}

int convert_to_stdout(struct img_convert *c, const struct img_format *f, struct err *e)
{
	struct optset *own = c->create.own;
	/* what is encrypted needs its place first */
	bool secret =
		own && (optset_get(own, "encryption") || optset_get(own, "encrypt.format"));
	bool plain = !c->compress && !secret && !c->bitmaps && !c->create.backing_file &&
		     c->create.prealloc == PREALLOC_OFF;

	c->in_place = true; /* nothing to be put in place */
	if (plain && !strcmp(f->name, "raw"))
		return raw_out(c, e);
	if (plain && f->stream && !c->in)
		return image_out(c, f, e);
	return by_file(c, e);
}
