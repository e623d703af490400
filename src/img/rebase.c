/* SPDX-License-Identifier: MIT */
#include "img/rebase.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/zero.h"
#include "img/img.h"
#include "img/proto/file.h"
#include "img/units.h"

#include <sys/stat.h>

enum { STRETCH = 8 << 20, WINDOW = 1 << 20, GRAIN_MIN = 512 };

struct rebase {
	struct blk *b;
	const struct img_rebase *in;
	const struct blk *same; /* image of the old chain that the new one is, or NULL */
	size_t grain;           /* bytes that are copied or not as a whole */
	size_t window;          /* bytes looked at at once, a multiple of grain */
};

/* What is known of one grain of the window. */
enum { GRAIN_DIFFERS = 1, GRAIN_UNREAD = 2 };

/* Working memory of one thread, in this order. */
struct window {
	uint8_t *was, *will; /* bytes through the old and the new chain */
	uint8_t *state;      /* of each grain */
	uint64_t off;
	size_t len;
};

static bool is_same_file(struct blk *a, struct blk *b)
{
	struct stat sa, sb;

	if (a == b)
		return true;
	if (!file_is_node(a) || !file_is_node(b) || io_fstat(file_fd(a), &sa, NULL) < 0 ||
	    io_fstat(file_fd(b), &sb, NULL) < 0)
		return false;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* A run of the window and what the two chains say of it. */
struct runs {
	struct blk_extent was, will;
	bool below; /* both read it from the image that the chains share */
	uint64_t len;
};

static int ask(const struct rebase *s, uint64_t off, uint64_t len, struct runs *x,
	       struct err *e)
{
	struct blk *will = s->in->backing;
	int r = blk_extent_above(s->b, s->same, off, len, &x->was, NULL, e);

	if (r < 0)
		return r;
	/* Nothing above the shared image has it: no flag at all. */
	x->below = s->same && !x->was.flags;
	x->will = (struct blk_extent){ .len = x->was.len, .flags = BLK_EXT_ZERO };
	if (!x->below && will && off < will->size)
		r = blk_extent_above(will, NULL, off, x->was.len, &x->will, NULL, e);
	x->len = min_u64(x->was.len, x->will.len);
	return r;
}

/* The same bytes after as before, seen from the maps alone. */
static bool is_same_run(const struct runs *x)
{
	unsigned need = BLK_EXT_DATA | BLK_EXT_OFFSET;

	if (x->below || (x->was.flags & x->will.flags & BLK_EXT_ZERO))
		return true;
	return (x->was.flags & need) == need && (x->will.flags & need) == need &&
	       x->was.host_off == x->will.host_off && is_same_file(x->was.file, x->will.file);
}

/* Reads one side of a run; zero where the chain is, or past its end. */
static int read_run(struct blk *b, const struct blk_extent *x, uint8_t *buf, size_t len,
		    uint64_t off, struct err *e)
{
	if (!(x->flags & BLK_EXT_ZERO))
		return blk_pread(b, buf, len, off, e);
	memset(buf, 0, len);
	return 0;
}

/* Marks the grains of [off, off + len) that will not read as they did. */
static int compare_run(const struct rebase *s, struct window *w, const struct runs *x,
		       uint64_t off, size_t len, struct err *e)
{
	size_t at = (size_t)(off - w->off);
	bool zero = x->will.flags & BLK_EXT_ZERO;
	int r;

	if (is_same_run(x)) {
		for (size_t i = at / s->grain; i <= (at + len - 1) / s->grain; i++)
			w->state[i] |= GRAIN_UNREAD;
		return 0;
	}
	r = read_run(s->b, &x->was, w->was + at, len, off, e);
	if (r == 0 && !zero)
		r = read_run(s->in->backing, &x->will, w->will + at, len, off, e);
	if (r < 0)
		return r;
	for (size_t done = 0; done < len;) {
		size_t pos = at + done;
		size_t n = (size_t)min_u64(len - done, s->grain - pos % s->grain);

		if (zero ? !zero_is(w->was + pos, n) : memcmp(w->was + pos, w->will + pos, n))
			w->state[pos / s->grain] |= GRAIN_DIFFERS;
		done += n;
	}
	return 0;
}

/* Zeroes that stay when the backing image goes.  To a format it is enough that the range
 * reads as zero already: what it left unallocated is written. */
static int store_zero(const struct rebase *s, const uint8_t *zero, uint64_t off, uint64_t len,
		      struct err *e)
{
	int r = blk_zero(s->b, off, len, 0, e);

	while (r == 0 && len) {
		struct blk_extent x;

		r = blk_extent(s->b, off, len, &x, e);
		if (r == 0 && !(x.flags & BLK_EXT_ALLOCATED))
			r = blk_pwrite(s->b, zero, (size_t)x.len, off, e);
		if (r < 0)
			break;
		off += x.len;
		len -= x.len;
	}
	return r;
}

/* Writes grains [i, j) of the window, which are all zero or all not, into the image. */
static int store(const struct rebase *s, const struct window *w, size_t i, size_t j, bool zero,
		 struct err *e)
{
	size_t at = i * s->grain;
	size_t len = (size_t)min_u64(j * s->grain, w->len) - at;
	uint64_t off = w->off + at;
	bool whole = off % s->grain == 0 && (len % s->grain == 0 || off + len == s->b->size);

	if (zero)
		return store_zero(s, w->was + at, off, len, e);
	if (s->in->compress && whole)
		return blk_pwrite_compressed(s->b, w->was + at, len, off, NULL, e);
	return blk_pwrite(s->b, w->was + at, len, off, e);
}

/* True if grain @i has to be copied; its bytes are then all there, and *zero is set. */
static int prepare(const struct rebase *s, struct window *w, size_t i, bool *zero,
		   struct err *e)
{
	size_t at = i * s->grain, len = (size_t)min_u64(s->grain, w->len - at);
	int r;

	if (!(w->state[i] & GRAIN_DIFFERS))
		return 0;
	if (w->state[i] & GRAIN_UNREAD) {
		r = blk_pread(s->b, w->was + at, len, w->off + at, e);
		if (r < 0)
			return r;
	}
	*zero = zero_is(w->was + at, len);
	return 1;
}

static int store_window(const struct rebase *s, struct window *w, struct err *e)
{
	size_t n = (size_t)div_up(w->len, s->grain), first = 0;
	int pending = 0, r;
	bool pending_zero = false;

	for (size_t i = 0; i <= n; i++) {
		bool zero = false;

		r = i < n ? prepare(s, w, i, &zero, e) : 0;
		if (r < 0)
			return r;
		if (pending && (!r || zero != pending_zero)) {
			int done = store(s, w, first, i, pending_zero, e);

			if (done < 0)
				return done;
			pending = 0;
		}
		if (r && !pending) {
			first = i;
			pending = 1;
			pending_zero = zero;
		}
	}
	return 0;
}

/* [off, off + len) within one window has nothing in the image itself. */
static int do_window(const struct rebase *s, struct window *w, uint64_t off, size_t len,
		     struct err *e)
{
	bool any = false;
	int r;

	w->off = off;
	w->len = len;
	memset(w->state, 0, div_up(len, s->grain));
	for (uint64_t at = off, end = off + len; at < end;) {
		struct runs x;

		r = ask(s, at, end - at, &x, e);
		if (r == 0)
			r = compare_run(s, w, &x, at, (size_t)x.len, e);
		if (r < 0)
			return r;
		any = any || !is_same_run(&x);
		at += x.len;
	}
	return any ? store_window(s, w, e) : 0;
}

static int do_stretch(void *arg, uint8_t *buf, uint64_t off, uint64_t end, struct err *e)
{
	const struct rebase *s = arg;
	struct window w = {
		.was = buf,
		.will = buf + s->window,
		.state = buf + 2 * s->window,
	};

	while (off < end) {
		struct blk_extent x;
		uint64_t stop;
		int r = blk_extent(s->b, off, end - off, &x, e);

		if (r < 0)
			return r;
		stop = off + x.len;
		while (off < stop) {
			uint64_t n = stop - off;

			if (!(x.flags & BLK_EXT_ALLOCATED)) {
				n = min_u64(n, s->window - off % s->window);
				r = do_window(s, &w, off, (size_t)n, e);
				if (r < 0)
					return r;
			}
			off += n;
			progress_add(s->in->progress, n);
		}
	}
	file_writeback(s->b);
	return 0;
}

/* What the image allocates at a time. */
static int find_grain(struct rebase *s, struct err *e)
{
	struct img_info info = { 0 };
	int r;

	s->grain = s->b->cluster_size ? s->b->cluster_size : 65536;
	if (s->b->format->info && !s->in->compress) {
		r = s->b->format->info(s->b, &info, e);
		if (r < 0)
			return r;
		if (info.subcluster_size)
			s->grain = (size_t)info.subcluster_size;
		img_info_free(&info);
	}
	if (s->grain < GRAIN_MIN)
		s->grain = GRAIN_MIN;
	s->window = s->grain > WINDOW ? s->grain : WINDOW;
	return 0;
}

static int copy(struct blk *b, const struct img_rebase *in, struct err *e)
{
	struct rebase s = { .b = b, .in = in };
	int r = find_grain(&s, e);

	if (r < 0)
		return r;
	for (struct blk *n = b->backing; n && in->backing && !s.same; n = n->backing)
		if (n->format == in->backing->format && n->size == in->backing->size &&
		    is_same_file(n->child, in->backing->child))
			s.same = n;
	struct units u = {
		.size = b->size,
		.unit = STRETCH,
		.buffer = 2 * s.window + s.window / GRAIN_MIN,
		.threads = in->threads,
		.work = do_stretch,
		.arg = &s,
	};

	progress_total(in->progress, b->size);
	r = units_run(&u, e);
	return r < 0 ? r : blk_flush(b, e);
}

int img_rebase(struct blk *b, const struct img_rebase *in, struct err *e)
{
	const char *name = in->name && *in->name ? in->name : NULL;
	struct err why = { 0 };
	int r = 0;

	if (!b->format || !b->format->set_backing)
		return err_set(e, -ENOTSUP,
			       "Could not change the backing file to '%s': "
			       "Operation not supported",
			       name ? name : "");
	if (in->compress && !b->format->compression)
		return err_set(e, -ENOTSUP, "Compression not supported for this file format");
	if (!in->unsafe)
		r = copy(b, in, e);
	if (r < 0)
		return r;
	r = b->format->set_backing(b, name, name ? in->fmt : NULL, &why);
	if (r == -ENOSPC)
		return err_set(e, r,
			       "Could not change the backing file to '%s': "
			       "No space left in the file header",
			       name ? name : "");
	if (r < 0)
		return err_set(e, r, "Could not change the backing file to '%s': %s",
			       name ? name : "", why.msg);
	return blk_flush(b, e);
}
