/* SPDX-License-Identifier: MIT */
/*
 * Random operations on qcow2 images with every feature, one thread and many, against a flat
 * buffer.  Seeds are fixed; HOSTKIT_LONG=1 does ten times as many operations, and
 * SCRIBBLE_SEED=n other ones.  test-timeout: 300
 */
/* clang-format off */
#include "tests/unit/unit.h"
/* clang-format on */

#include "tests/unit/img/qcow2_scribble.h"

#include <pthread.h>
#include <stdatomic.h>

enum { OPS = 400, THREADS = 4, THREAD_OPS = 120 };

static const struct setup setups[] = {
	{ "default", 65536, 3, 16, .compressed = true },
	{ "smallest clusters", 512, 3, 16, .compressed = true },
	{ "largest clusters", 2 << 20, 3, 16, .compressed = true },
	{ "version 2", 65536, 2, 16, .compressed = true },
	{ "version 2 over raw", 4096, 2, 16, .compressed = true, .backing = "raw" },
	{ "over raw", 65536, 3, 16, .compressed = true, .backing = "raw" },
	{ "over qcow2", 16384, 3, 16, .compressed = true, .backing = "qcow2" },
	{ "zstd", 65536, 3, 16, .compressed = true, .zstd = true },
	{ "zstd, 1 bit refcounts", 4096, 3, 1, .compressed = true, .zstd = true },
	{ "2 bit refcounts", 1024, 3, 2, .compressed = true },
	{ "64 bit refcounts", 8192, 3, 64, .compressed = true, .snapshots = true },
	{ "subclusters", 65536, 3, 16, .compressed = true, .extended_l2 = true },
	{ "small subclusters over raw", 16384, 3, 8, .compressed = true, .extended_l2 = true,
	  .backing = "raw" },
	{ "large subclusters over qcow2", 1 << 20, 3, 16, .compressed = true,
	  .extended_l2 = true, .backing = "qcow2", .snapshots = true },
	{ "lazy refcounts", 65536, 3, 16, .compressed = true, .lazy = true },
	{ "snapshots", 4096, 3, 16, .compressed = true, .snapshots = true },
	{ "snapshots over raw", 65536, 3, 4, .compressed = true, .snapshots = true,
	  .backing = "raw" },
	{ "snapshots in version 2", 512, 2, 16, .snapshots = true },
	{ "data file", 65536, 3, 16, .data_file = true },
	{ "data file over raw, subclusters", 16384, 3, 16, .data_file = true,
	  .extended_l2 = true, .backing = "raw" },
	{ "raw data file", 4096, 3, 16, .data_file = true, .data_raw = true },
	{ "preallocated", 32768, 3, 16, .compressed = true, .prealloc = PREALLOC_METADATA },
	{ "preallocated subclusters", 65536, 3, 32, .extended_l2 = true,
	  .prealloc = PREALLOC_METADATA },
	{ "preallocated by the file system", 65536, 2, 16, .compressed = true,
	  .prealloc = PREALLOC_FALLOC },
	{ "bitmap", 65536, 3, 16, .compressed = true, .bitmap = true },
	{ "small caches", 512, 3, 64, .compressed = true, .snapshots = true,
	  .small_caches = true },
	{ "slices", 16384, 3, 16, .compressed = true, .extended_l2 = true, .snapshots = true,
	  .backing = "raw", .small_caches = true },
	{ "slices of large tables", 1 << 20, 3, 16, .compressed = true, .small_caches = true },
	{ "synced", 65536, 3, 16, .compressed = true, .sync = true },
	{ "write through", 65536, 3, 16, .sync = true, .open_flags = BLK_WRITETHROUGH },
	{ "luks", 65536, 3, 16, .encrypt = "luks", .snapshots = true },
	{ "luks over raw, small clusters", 512, 3, 8, .encrypt = "luks", .backing = "raw",
	  .snapshots = true },
	{ "luks, subclusters over qcow2", 16384, 3, 16, .encrypt = "luks", .extended_l2 = true,
	  .backing = "qcow2" },
	{ "luks in version 2", 4096, 2, 16, .encrypt = "luks", .snapshots = true },
	{ "luks with a data file", 65536, 3, 16, .encrypt = "luks", .data_file = true },
	{ "luks, preallocated", 65536, 3, 16, .encrypt = "luks", .prealloc = PREALLOC_FALLOC },
	{ "luks, preallocated subclusters", 65536, 3, 16, .encrypt = "luks",
	  .extended_l2 = true, .prealloc = PREALLOC_METADATA },
	{ "luks, direct", 65536, 3, 16, .encrypt = "luks", .open_flags = BLK_DIRECT },
	{ "aes", 32768, 3, 16, .encrypt = "aes", .snapshots = true },
	{ "aes in version 2 over raw", 4096, 2, 16, .encrypt = "aes", .backing = "raw" },
	{ "direct", 65536, 3, 16, .compressed = true, .sync = true, .open_flags = BLK_DIRECT },
};

static unsigned scale(void)
{
	const char *s = getenv("HOSTKIT_LONG");

	return s && *s == '1' ? 10 : 1;
}

static uint64_t seed(uint64_t n)
{
	const char *s = getenv("SCRIBBLE_SEED");

	return n + (s ? strtoull(s, NULL, 0) * 1000003 : 0);
}

/* A range of [lo, hi): bytes, sectors, parts of clusters, runs of clusters. */
static void pick(struct world *w, uint64_t *rng, uint64_t lo, uint64_t hi, uint64_t *off,
		 uint64_t *len)
{
	static const uint64_t units[] = { 1, 512, 512, 4096 };
	uint64_t cluster = w->s->cluster;
	uint64_t unit = units[below(rng, 4)], max;

	switch (below(rng, 8)) {
	case 0:
		max = 512;
		break;
	case 1:
		max = hi - lo;
		break;
	case 2:
	case 3:
		max = cluster * 8;
		break;
	default:
		max = cluster + 512;
	}
	*off = lo + below(rng, hi - lo) / unit * unit;
	if (below(rng, 4) == 0)
		*off = max_u64(lo, round_down(*off, cluster));
	*len = max_u64(1, below(rng, max) / unit * unit);
	if (below(rng, 4) == 0)
		*len = round_up(*len, cluster);
	*len = min_u64(*len, min_u64(hi - *off, 2 << 20));
}

static void do_write(struct world *w, uint64_t *rng, uint64_t off, uint64_t len)
{
	struct err e = { 0 };

	fill_random(rng, w->model + off, (size_t)len);
	must(blk_pwrite(w->b, w->model + off, (size_t)len, off, &e), &e);
}

static void do_zero(struct world *w, uint64_t *rng, uint64_t off, uint64_t len)
{
	struct err e = { 0 };
	unsigned flags = (unsigned)below(rng, 4);
	int r = blk_zero(w->b, off, len, flags, &e);

	if (r == -ENOTSUP && flags & BLK_NO_FALLBACK)
		r = blk_zero(w->b, off, len, 0, &e);
	must(r, &e);
	memset(w->model + off, 0, (size_t)len);
}

/* Whole clusters only read as zeroes afterwards; the rest stays as it is. */
static void do_discard(struct world *w, uint64_t off, uint64_t len)
{
	uint64_t end = off + len, cluster = w->s->cluster;
	struct err e = { 0 };

	must(blk_discard(w->b, off, len, &e), &e);
	if (w->s->compat == 2 && w->s->backing)
		return;
	off = round_up(off, cluster);
	end = end == w->size ? end : round_down(end, cluster);
	if (off < end)
		memset(w->model + off, 0, (size_t)(end - off));
}

static void do_compressed(struct world *w, uint64_t *rng, uint64_t off, uint64_t len)
{
	uint64_t cluster = w->s->cluster;
	uint64_t end = min_u64(round_up(off + len, cluster), w->size);
	struct err e = { 0 };

	off = round_down(off, cluster);
	for (uint64_t at = off; at < end; at += cluster)
		fill_random(rng, w->model + at, (size_t)min_u64(cluster, end - at));
	must(blk_pwrite_compressed(w->b, w->model + off, (size_t)(end - off), off, NULL, &e),
	     &e);
}

static void do_read(struct world *w, uint64_t off, uint64_t len)
{
	uint8_t *buf = malloc((size_t)len);
	struct err e = { 0 };

	assert_non_null(buf);
	memset(buf, 0x5a, (size_t)len);
	must(blk_pread(w->b, buf, (size_t)len, off, &e), &e);
	must_equal(w->model, buf, off, (size_t)len, "read");
	free(buf);
}

/* What the image says about a range must be true of its bytes. */
static void do_extent(struct world *w, uint64_t off, uint64_t len)
{
	struct blk_extent x;
	struct err e = { 0 };

	must(blk_extent(w->b, off, len, &x, &e), &e);
	assert_in_range(x.len, 1, len);
	if (x.flags & BLK_EXT_ZERO)
		assert_true(zero_is(w->model + off, (size_t)x.len));
	if (!(x.flags & BLK_EXT_ALLOCATED))
		must_equal(w->model, w->base + off, off, (size_t)x.len, "unallocated");
	if (x.flags & BLK_EXT_OFFSET && x.flags & BLK_EXT_DATA) {
		uint8_t *buf = malloc((size_t)x.len);

		assert_non_null(buf);
		must(blk_pread(x.file, buf, (size_t)x.len, x.host_off, &e), &e);
		must_equal(w->model, buf, off, (size_t)x.len, "bytes at the extent's place");
		free(buf);
	}
	if (x.flags & BLK_EXT_COMPRESSED)
		assert_true(w->s->compressed);
}

/* Bytes of a file that the file system copies or shares. */
static void do_clone(struct world *w, uint64_t *rng, uint64_t off, uint64_t len)
{
	uint8_t *bytes = malloc((size_t)len);
	struct err e = { 0 };
	struct blk *src;
	int r;

	assert_non_null(bytes);
	fill_random(rng, bytes, (size_t)len);
	write_file("clone.raw", bytes, (size_t)len);
	src = open_image_as("clone.raw", "raw", 0);
	r = blk_clone(w->b, off, len, src->child, 0, false, &e);
	if (r == 0)
		memcpy(w->model + off, bytes, (size_t)len);
	else
		assert_int_equal(r, -EOPNOTSUPP);
	close_image(src);
	free(bytes);
}

static void do_snapshot(struct world *w)
{
	struct snap *n = &w->snaps[below(&w->rng, SNAPS)];
	struct err e = { 0 };

	if (n->bytes) {
		must(qcow2_snapshot(w->b, SNAPSHOT_DELETE, n->name, NULL, &e), &e);
		free(n->bytes);
		n->bytes = NULL;
		return;
	}
	snprintf(n->name, sizeof(n->name), "s%u", ++w->snaps_made);

	int r = qcow2_snapshot(w->b, SNAPSHOT_CREATE, n->name, NULL, &e);

	/* many compressed clusters in one: counts that are too small for twice as many */
	if (r == -EINVAL && w->s->refcount_bits < 8)
		return;
	must(r, &e);
	n->size = w->size;
	n->bytes = malloc((size_t)w->size);
	assert_non_null(n->bytes);
	memcpy(n->bytes, w->model, (size_t)w->size);
}

static void do_reopen(struct world *w)
{
	world_close(w);
	if (w->qemu && below(&w->rng, 2)) {
		must_run("qemu-img check -f qcow2 " IMAGE);
		world_lend(w);
	}
	world_open(w);
}

/* What is cut off is gone, what is added is zero whatever the backing image holds. */
static void do_resize(struct world *w)
{
	uint64_t size = (w->room / 1024 + below(&w->rng, w->room / 1024)) * 512;
	struct err e = { 0 };
	int r = blk_resize(w->b, size, PREALLOC_OFF, &e);

	if (r == -ENOTSUP && w->snaps_made)
		return;
	must(r, &e);
	if (size < w->size)
		memset(w->model + size, 0, (size_t)(w->size - size));
	w->size = size;
}

/* Only what lies below is left. */
static void do_empty(struct world *w)
{
	struct err e = { 0 };

	if (w->s->data_raw)
		return;
	must(qcow2_make_empty(w->b, &e), &e);
	memcpy(w->model, w->base, (size_t)w->size);
}

/* What changes the image as a whole: rare. */
static void whole_op(struct world *w)
{
	switch (below(&w->rng, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		do_reopen(w);
		break;
	case 4:
	case 5:
		do_resize(w);
		break;
	case 6:
		do_empty(w);
		break;
	default:
		if (w->s->snapshots)
			do_snapshot(w);
	}
}

static void one_op(struct world *w)
{
	uint64_t off, len;
	struct err e = { 0 };

	pick(w, &w->rng, 0, w->size, &off, &len);
	switch (below(&w->rng, 20)) {
	case 0:
	case 1:
	case 2:
		do_read(w, off, len);
		break;
	case 3:
	case 4:
		do_zero(w, &w->rng, off, len);
		break;
	case 5:
		do_discard(w, off, len);
		break;
	case 6:
	case 7:
		if (w->s->compressed)
			do_compressed(w, &w->rng, off, len);
		break;
	case 8:
	case 9:
		do_extent(w, off, len);
		break;
	case 10:
		must(blk_flush(w->b, &e), &e);
		break;
	case 11:
		whole_op(w);
		break;
	case 12:
		do_clone(w, &w->rng, off, len);
		break;
	default:
		do_write(w, &w->rng, off, len);
	}
}

static void one_thread(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(setups); i++) {
		struct world w;

		fprintf(stderr, "# %s\n", setups[i].name);
		world_new(&w, &setups[i], seed(i));
		for (unsigned k = 0; k < OPS * scale(); k++)
			one_op(&w);
		must_hold(w.b, w.model, w.size, "at the end");
		world_close(&w);
		world_judge(&w);
		world_free(&w);
	}
}

/* ---- threads ---- */

/*
 * The first half of the image is cut into strips smaller than a cluster, dealt out in turn,
 * so that threads meet in every cluster but never in a byte.  Of the second half each
 * thread has a range of whole clusters, for what changes whole clusters.
 */
struct worker {
	struct world *w;
	unsigned id;
	uint64_t rng;
	pthread_t thread;
	atomic_bool *stop;
};

static void strip(struct worker *t, uint64_t *off, uint64_t *len)
{
	struct world *w = t->w;
	uint64_t unit = max_u64(w->s->cluster / 3, 200), half = w->size / 2;
	uint64_t n = half / unit / THREADS;

	*off = (below(&t->rng, n) * THREADS + t->id) * unit;
	*len = unit;
	if (below(&t->rng, 2)) {
		uint64_t cut = below(&t->rng, unit);

		*off += cut;
		*len = 1 + below(&t->rng, unit - cut);
	}
}

static void own_range(struct worker *t, uint64_t *off, uint64_t *len)
{
	struct world *w = t->w;
	uint64_t cluster = w->s->cluster, lo = round_up(w->size / 2, cluster);
	uint64_t each = round_down((w->size - lo) / THREADS, cluster);

	lo += each * t->id;
	pick(w, &t->rng, lo, lo + each, off, len);
}

static void worker_op(struct worker *t)
{
	struct world *w = t->w;
	uint64_t off, len, op = below(&t->rng, 16);

	if (op < 8)
		strip(t, &off, &len);
	else
		own_range(t, &off, &len);
	if (op < 5)
		do_write(w, &t->rng, off, len);
	else if (op < 6)
		do_zero(w, &t->rng, off, len);
	else if (op < 9)
		do_read(w, off, len);
	else if (op < 11 && w->s->compressed)
		do_compressed(w, &t->rng, off, len);
	else if (op < 12)
		do_discard(w, off, len);
	else if (op < 13)
		do_zero(w, &t->rng, off, len);
	else if (op < 14)
		do_extent(w, off, len);
	else
		do_write(w, &t->rng, off, len);
}

static void *work(void *arg)
{
	struct worker *t = arg;

	in_worker = true;
	for (unsigned k = 0; k < THREAD_OPS * scale(); k++)
		worker_op(t);
	return NULL;
}

static void *flush_often(void *arg)
{
	struct worker *t = arg;

	in_worker = true;
	while (!atomic_load(t->stop)) {
		struct err e = { 0 };

		must(blk_flush(t->w->b, &e), &e);
		usleep(2000);
	}
	return NULL;
}

static void run_threads(struct world *w, uint64_t base)
{
	struct worker t[THREADS + 1];
	atomic_bool stop = false;

	for (unsigned i = 0; i <= THREADS; i++) {
		t[i] = (struct worker){ .w = w, .id = i, .rng = base + i, .stop = &stop };
		assert_int_equal(pthread_create(&t[i].thread, NULL,
						i < THREADS ? work : flush_often, &t[i]),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i].thread, NULL);
	atomic_store(&stop, true);
	pthread_join(t[THREADS].thread, NULL);
}

static void many_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(setups); i++) {
		struct world w;

		fprintf(stderr, "# %s, threads\n", setups[i].name);
		world_new(&w, &setups[i], seed(1000 + i));
		for (unsigned k = 0; k < 3; k++) {
			run_threads(&w, seed(2000 + i * 100 + k * 10));
			if (w.s->snapshots)
				do_snapshot(&w);
		}
		must_hold(w.b, w.model, w.size, "at the end");
		world_close(&w);
		world_judge(&w);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
