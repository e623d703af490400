/* SPDX-License-Identifier: MIT */
/*
 * One thread at a time walks both maps and cuts off the next piece that has to be
 * looked at; all threads read and compare the pieces they cut.  Pieces are cut in order,
 * so once something is found all before it are already on their way: the finding
 * with the lowest offset is the one that reading from front to back would have met.
 */
#include "img/compare.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/zero.h"
#include "img/proto/file.h"

#include <sys/stat.h>

enum {
	PIECE = 2 << 20,  /* no smaller than a cluster */
	STEP = 256 << 10, /* two of these stay in a processor's own cache */
	BUFFERS_MAX = 32 << 20,
	THREADS_MAX = 16,
	SECTOR = 512,
};

/* One image and the run of its map at the place where the walk is. */
struct side {
	struct blk *b;
	uint64_t end; /* of the run; the walk is within it, or asks again */
	unsigned flags;
	struct blk *file;
	uint64_t shift; /* host offset less guest offset */
};

struct finding {
	bool any;
	uint64_t off;
	int code; /* negative: reading or mapping failed */
	enum compare_verdict verdict;
	enum compare_failure failure;
	struct err why;
};

struct compare {
	struct img_compare *c;
	size_t step;
	pthread_mutex_t lock; /* over all below */
	struct side side[2];
	uint64_t at, common, end; /* bytes: where the walk is, shorter and longer image */
	struct finding first;
};

/* What one thread looks at: [off, off + len). */
struct piece {
	uint64_t off;
	size_t len;
	struct blk *b[2]; /* NULL: this side is known to be zero */
	bool exact;       /* a mismatch is a byte, else a sector */
};

enum { STATUS = BLK_EXT_DATA | BLK_EXT_ZERO | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET };

/* Under lock. */
static void found(struct compare *c, const struct finding *f)
{
	if (!c->first.any || f->off < c->first.off)
		c->first = *f;
}

static void found_verdict(struct compare *c, uint64_t off, enum compare_verdict v)
{
	struct finding f = { .any = true, .off = off, .verdict = v };

	found(c, &f);
}

static int look(struct compare *c, struct side *s)
{
	struct finding f = { .any = true, .off = c->at, .failure = COMPARE_FAIL_STATUS };
	struct blk_extent x;
	struct err why;

	if (c->at < s->end)
		return 0;
	f.code = blk_extent_above(s->b, NULL, c->at, s->b->size - c->at, &x, NULL, &why);
	if (f.code < 0) {
		f.code = err_set(&f.why, f.code, "Sector allocation test failed for %s: %s",
				 s->b->filename, why.msg);
		found(c, &f);
		return f.code;
	}
	s->end = c->at + x.len;
	s->flags = x.flags;
	s->file = x.file;
	s->shift = x.host_off - c->at;
	return 0;
}

/* The same bytes of the same file, as below two overlays of one image. */
static bool is_shared(const struct side *a, const struct side *b)
{
	unsigned need = BLK_EXT_DATA | BLK_EXT_OFFSET;
	struct stat sa, sb;

	if ((a->flags & need) != need || (b->flags & need) != need || a->shift != b->shift ||
	    !file_is_node(a->file) || !file_is_node(b->file))
		return false;
	return a->file == b->file ||
	       (io_fstat(file_fd(a->file), &sa, NULL) == 0 &&
		io_fstat(file_fd(b->file), &sb, NULL) == 0 && S_ISREG(sa.st_mode) &&
		sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

/* Makes a piece of the runs at the walk, up to @end; false if there is nothing to read. */
static bool cut(struct compare *c, uint64_t end, struct piece *p)
{
	struct side *a = &c->side[0], *b = &c->side[1];
	bool both = c->at < c->common;
	bool own_a = c->at < a->b->size && a->flags & BLK_EXT_ALLOCATED;
	bool own_b = c->at < b->b->size && b->flags & BLK_EXT_ALLOCATED;
	bool zero_a = !own_a || a->flags & BLK_EXT_ZERO;
	bool zero_b = !own_b || b->flags & BLK_EXT_ZERO;

	if ((zero_a && zero_b) || (both && is_shared(a, b)))
		return false;
	p->off = c->at;
	p->len = (size_t)min_u64(end, round_down(c->at + PIECE, PIECE)) - c->at;
	p->b[0] = zero_a ? NULL : a->b;
	p->b[1] = zero_b ? NULL : b->b;
	p->exact = own_a != own_b;
	return true;
}

/* The next piece.  False: no more, or something was found. */
static bool next_piece(struct compare *c, struct piece *p)
{
	bool got = false;

	pthread_mutex_lock(&c->lock);
	while (!got && !c->first.any && c->at < c->end) {
		struct side *a = &c->side[0], *b = &c->side[1];
		uint64_t end = c->end;

		for (int i = 0; i < 2; i++) {
			struct side *s = &c->side[i];

			if (c->at >= s->b->size)
				continue;
			if (look(c, s) < 0)
				goto out;
			end = min_u64(end, s->end);
		}
		if (c->c->strict && (a->flags & STATUS) != (b->flags & STATUS)) {
			found_verdict(c, c->at, COMPARE_STATUS);
			break;
		}
		got = cut(c, end, p);
		if (got)
			end = p->off + p->len;
		else
			progress_add(c->c->progress, end - c->at);
		c->at = end;
	}
out:
	pthread_mutex_unlock(&c->lock);
	return got;
}

/* Offset of the first mismatch in @len bytes, or @len. */
static size_t mismatch(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t n;

	if (!a || !b)
		return zero_prefix(a ? a : b, len);
	if (!memcmp(a, b, len))
		return len;
	for (n = 0; n + SECTOR < len && !memcmp(a + n, b + n, SECTOR); n += SECTOR)
		;
	return n;
}

static int read_failed(struct finding *f, const struct blk *b, uint64_t off)
{
	struct err why = f->why;

	f->failure = COMPARE_FAIL_READ;
	return err_set(&f->why, f->code, "Error while reading offset %llu of %s: %s",
		       (unsigned long long)off, b->filename, why.msg);
}

/* True if @f says something about @p. */
static bool look_at_piece(struct compare *c, const struct piece *p, uint8_t *const buf[2],
			  struct finding *f)
{
	uint64_t off = p->off, end = p->off + p->len;

	while (off < end) {
		size_t n = (size_t)(min_u64(end, round_down(off + c->step, c->step)) - off);
		size_t same;

		for (int i = 0; i < 2; i++) {
			if (!p->b[i])
				continue;
			f->code = blk_pread(p->b[i], buf[i], n, off, &f->why);
			if (f->code < 0) {
				f->off = off;
				return read_failed(f, p->b[i], off) < 0;
			}
		}
		same = mismatch(p->b[0] ? buf[0] : NULL, p->b[1] ? buf[1] : NULL, n);
		if (same < n) {
			f->off = p->exact ? off + same : off + round_down(same, SECTOR);
			f->verdict = COMPARE_CONTENT;
			return true;
		}
		off += n;
		progress_add(c->c->progress, n);
	}
	return false;
}

static int work(void *arg, unsigned worker, struct err *e)
{
	struct compare *c = arg;
	AUTO_FREE uint8_t *a = mem_aligned(4096, c->step, e);
	AUTO_FREE uint8_t *b = mem_aligned(4096, c->step, e);
	uint8_t *const buf[2] = { a, b };
	struct piece p;

	if (!a || !b)
		return -ENOMEM;
	while (next_piece(c, &p)) {
		struct finding f = { .any = true };

		if (!look_at_piece(c, &p, buf, &f))
			continue;
		pthread_mutex_lock(&c->lock);
		found(c, &f);
		pthread_mutex_unlock(&c->lock);
	}
	return 0;
}

/* Reading less than a compressed cluster would expand it several times. */
static size_t largest_cluster(const struct blk *b, size_t least)
{
	for (; b; b = b->backing)
		if (b->cluster_size > least && b->cluster_size <= PIECE)
			least = b->cluster_size;
	return least;
}

static unsigned count_threads(const struct compare *c)
{
	unsigned n = c->c->threads ? c->c->threads : threads_cpus();
	unsigned room = (unsigned)(BUFFERS_MAX / (2 * c->step));

	n = n > room ? room : n;
	return n > THREADS_MAX ? THREADS_MAX : n;
}

int img_compare(struct blk *a, struct blk *b, struct img_compare *in, struct err *e)
{
	struct compare c = {
		.c = in,
		.side = { { .b = a }, { .b = b } },
		.common = min_u64(a->size, b->size),
		.end = max_u64(a->size, b->size),
		.step = largest_cluster(b, largest_cluster(a, STEP)),
	};
	int r;

	in->verdict = COMPARE_IDENTICAL;
	in->size_differs = false;
	in->failure = COMPARE_FAIL_READ;
	in->offset = 0;
	if (!in->part)
		progress_total(in->progress, c.end);
	if (in->strict && c.common != c.end) {
		in->verdict = COMPARE_SIZE;
		return 0;
	}
	pthread_mutex_init(&c.lock, NULL);
	r = threads_run(count_threads(&c), work, &c, e);
	pthread_mutex_destroy(&c.lock);
	if (r < 0)
		return r;
	in->size_differs = c.common != c.end && (!c.first.any || c.first.off >= c.common);
	if (!c.first.any)
		return 0;
	in->verdict = c.first.verdict;
	in->failure = c.first.failure;
	in->offset = c.first.off;
	return c.first.code < 0 ? err_set(e, c.first.code, "%s", c.first.why.msg) : 0;
}
