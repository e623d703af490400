/* SPDX-License-Identifier: MIT */
#include "img/commit.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/pace.h"
#include "base/str.h"
#include "img/img.h"
#include "img/open.h"
#include "img/proto/file.h"
#include "img/units.h"

#include <string.h>
#include <sys/stat.h>

enum { STRETCH = 8 << 20, STEP = 1 << 20, PART = 64 << 20 };

struct commit {
	struct blk *top, *base;
	const struct img_commit *in;
	_Atomic bool no_clone; /* the file system cannot share blocks */
	struct pace pace;
	uint64_t unit; /* the top lets go of so many bytes at once, 0: of all at the end */
	pthread_mutex_t lock; /* over the rest */
	uint64_t part;        /* bytes, since the last part was dropped */
	uint64_t dropped;     /* the top has nothing below this offset any more */
	bool dropping;        /* one of us is at it */
};

/* Counts @len bytes, and waits until they fit the rate. */
static void count(struct commit *c, uint64_t len)
{
	pthread_mutex_lock(&c->lock);
	c->part += len;
	pthread_mutex_unlock(&c->lock);
	pace_step(&c->pace, len, NULL);
}

/* 1 if the run now shares the blocks of the image above, 0 if it has to be copied. */
static int share_run(struct commit *c, const struct blk_extent *x, uint64_t off, struct err *e)
{
	unsigned plain = BLK_EXT_DATA | BLK_EXT_OFFSET;
	uint64_t unit = max_u64(c->base->cluster_size, 4096);
	struct err why = { 0 };
	int r;

	/* What is not whole blocks cannot be shared, and says nothing about the rest. */
	if ((x->flags & plain) != plain || c->no_clone || (off | x->len) % unit ||
	    x->host_off % 4096)
		return 0;
	r = blk_clone(c->base, off, x->len, x->file, x->host_off, true, &why);
	if (r == -EOPNOTSUPP) {
		c->no_clone = true;
		return 0;
	}
	return r < 0 ? err_set(e, r, "%s", why.msg) : 1;
}

/* Moves one run that images above the base hold. */
static int copy_run(struct commit *c, uint8_t *buf, const struct blk_extent *x, uint64_t off,
		    struct err *e)
{
	uint64_t end = off + x->len;
	int r;

	if (x->flags & BLK_EXT_ZERO)
		return blk_zero(c->base, off, x->len, BLK_MAY_UNMAP, e);
	r = share_run(c, x, off, e);
	if (r == 1)
		count(c, x->len);
	if (r)
		return r < 0 ? r : 0;
	while (off < end) {
		size_t n = (size_t)min_u64(end - off, STEP - off % STEP);

		r = blk_pread(c->top, buf, n, off, e);
		if (r == 0)
			r = blk_pwrite(c->base, buf, n, off, e);
		if (r < 0)
			return r;
		count(c, n);
		off += n;
	}
	return 0;
}

static int do_stretch(void *arg, uint8_t *buf, uint64_t off, uint64_t end, struct err *e)
{
	struct commit *c = arg;

	while (off < end) {
		struct blk_extent x;
		int r = blk_extent_above(c->top, c->base, off, end - off, &x, NULL, e);

		if (r == 0 && x.flags)
			r = copy_run(c, buf, &x, off, e);
		if (r < 0)
			return r;
		off += x.len;
		progress_add(c->in->progress, x.len);
	}
	file_writeback(c->base);
	return 0;
}

/* True if it is for the caller to drop what lies in [c->dropped, *end). */
static bool take_part(struct commit *c, uint64_t *end)
{
	uint64_t part = c->in->part ? c->in->part : PART;
	bool mine;

	pthread_mutex_lock(&c->lock);
	*end = round_down(*end, c->unit);
	mine = !c->dropping && c->part >= part && *end > c->dropped;
	if (mine) {
		c->dropping = true;
		c->part = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return mine;
}

/* The top lets go of what is safe in the base, while others copy what comes next. */
static int drop_part(void *arg, uint64_t end, struct err *e)
{
	struct commit *c = arg;
	int r;

	if (!take_part(c, &end))
		return 0;
	r = blk_flush(c->base, e);
	if (r == 0) {
		r = c->top->format->empty_part(c->top, c->dropped, end, e);
		if (r < 0)
			r = err_wrap(e, r, "Could not empty %s", c->top->filename);
	}
	pthread_mutex_lock(&c->lock);
	if (r == 0)
		c->dropped = end;
	c->dropping = false;
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* True if @path, from where we are, is the file below @b. */
static bool is_file_of(const char *path, const struct blk *b)
{
	struct stat a, s;
	const char *local;

	if (!file_is_node(b->child))
		return b->child && !strcmp(path, b->child->filename);
	if (open_local_path(path, &local, NULL) < 0 || stat(local, &a) < 0 ||
	    io_fstat(file_fd(b->child), &s, NULL) < 0)
		return false;
	if (S_ISBLK(a.st_mode))
		return S_ISBLK(s.st_mode) && a.st_rdev == s.st_rdev;
	return a.st_dev == s.st_dev && a.st_ino == s.st_ino;
}

/* The image over the base called @name; NULL name: over the first backing image. */
static int find_above(struct blk *top, const char *name, struct blk **out, struct err *e)
{
	*out = top;
	if (!name)
		return top->backing ? 0
				    : err_set(e, -ENOENT, "Image does not have a backing file");
	for (struct blk *n = top; n->backing; n = n->backing) {
		AUTO_FREE char *full = img_relative_name(n->child->filename, name, NULL);

		*out = n;
		/* As that image would write it into its header, or as seen from here. */
		if (!strcmp(name, n->backing->filename) ||
		    (full && is_file_of(full, n->backing)) || is_file_of(name, n->backing))
			return 0;
	}
	return err_set(e, -ENOENT, "Did not find '%s' in the backing chain of '%s'", name,
		       top->filename);
}

/* Opens the image below @above for writing, instead of for reading. */
static int reopen_base(struct blk *above, const struct blk *top, struct err *e)
{
	enum { CACHE = BLK_DIRECT | BLK_NOFLUSH | BLK_WRITETHROUGH | BLK_NOLOCK };
	struct blk *old = above->backing, *b = NULL;
	AUTO_FREE char *name = str_printf(e, "%s%s", file_is_node(old->child) ? "file:" : "",
					  old->child->filename);
	struct img_open o = {
		.filename = name,
		.format = old->format->name,
		.flags = (top->flags & CACHE) | BLK_WRITE | BLK_UNMAP,
		.secrets = top->secrets,
		.log = top->log,
	};
	struct optset keys = OPTSET_INIT;
	int r = 0;

	if (name && old->key_id)
		r = optset_set(&keys, old->key_opt, old->key_id, e);
	o.opts = &keys;
	if (!name || r < 0) {
		optset_free(&keys);
		return -ENOMEM;
	}
	/* Our own lock on it would be in the way. */
	above->backing = NULL;
	(void)blk_close(old, NULL);
	r = img_open(&o, &b, e);
	if (r < 0) {
		o.flags &= ~(unsigned)(BLK_WRITE | BLK_UNMAP | BLK_WRITETHROUGH);
		(void)!img_open(&o, &b, NULL);
	}
	optset_free(&keys);
	above->backing = b;
	return r;
}

static int copy_all(struct commit *c, struct err *e)
{
	struct units u = {
		.size = c->top->size,
		.unit = c->in->part ? min_u64(STRETCH, c->in->part) : STRETCH,
		.buffer = STEP,
		.threads = c->in->threads,
		.work = do_stretch,
		.passed = c->unit ? drop_part : NULL,
		.arg = c,
	};
	int r = 0;

	if (c->base->size < c->top->size)
		r = blk_resize(c->base, c->top->size, PREALLOC_OFF, e);
	if (r == 0)
		r = units_run(&u, e);
	return r < 0 ? r : blk_flush(c->base, e);
}

int img_commit(struct blk *top, const struct img_commit *in, struct err *e)
{
	struct commit c = { .top = top, .in = in };
	struct blk *above = NULL;
	int r;

	pace_start(&c.pace, in->rate);
	r = find_above(top, in->base, &above, e);
	if (r == 0)
		r = reopen_base(above, top, e);
	if (r < 0)
		return r;
	c.base = above->backing;
	if (!in->keep && !in->base && top->format->empty_unit)
		c.unit = top->format->empty_unit(top);
	progress_total(in->progress, top->size);
	pthread_mutex_init(&c.lock, NULL);
	r = copy_all(&c, e);
	pthread_mutex_destroy(&c.lock);
	if (r < 0 || in->keep || in->base)
		return r;
	if (!top->format->make_empty) /* it keeps what it has, and reads the same */
		return 0;
	r = top->format->make_empty(top, e);
	if (r < 0)
		return err_wrap(e, r, "Could not empty %s", top->filename);
	return blk_flush(top, e);
}
