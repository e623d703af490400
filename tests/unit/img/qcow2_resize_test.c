/* SPDX-License-Identifier: MIT */
/* Growing with preallocation: what is said meanwhile, and what is left of one that stopped. */
#include "base/bytes.h"
#include "base/progress.h"
#include "img/format/qcow2.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

enum { CS = 4096, OLD = 1 << 20, NEW = 17 << 20 };

struct kind {
	enum blk_prealloc how;
	bool extended;
};

static const struct kind kinds[] = {
	{ PREALLOC_METADATA, false }, { PREALLOC_METADATA, true }, { PREALLOC_FALLOC, false },
	{ PREALLOC_FALLOC, true },    { PREALLOC_FULL, false },    { PREALLOC_FULL, true },
};

/* Somebody who looks at every step, and has enough of it at @enough bytes. */
struct viewer {
	struct progress p;
	atomic_bool stop;
	unsigned looks;
	uint64_t last, enough;
};

static void look(void *arg, const struct progress *p, bool last)
{
	struct viewer *v = arg;

	assert_true(p->done >= v->last);
	assert_true(p->done <= p->total);
	v->last = p->done;
	v->looks++;
	if (v->last >= v->enough)
		atomic_store(&v->stop, true);
}

static void viewer_init(struct viewer *v, uint64_t enough)
{
	*v = (struct viewer){ .enough = enough };
	progress_init(&v->p, 0, look, v);
}

static struct blk *image_new(const struct kind *k)
{
	struct blk *file = memblk_new(NULL, 0), *b = NULL;
	struct img_create c;
	struct err e = { 0 };
	uint8_t buf[3 * CS];

	img_create_defaults(&c);
	c.size = OLD;
	c.extended_l2 = k->extended;
	c.cluster_size = k->extended ? 4 * CS : CS;
	memset(buf, 0x5a, sizeof(buf));
	if (img_format_qcow2.create(file, NULL, &c, NULL, &e) < 0 ||
	    img_format_qcow2.open(file, NULL, BLK_WRITE | BLK_UNMAP, &b, &e) < 0 ||
	    blk_pwrite(b, buf, sizeof(buf), OLD - sizeof(buf), &e) < 0 || blk_flush(b, &e) < 0)
		fail_msg("%s", e.msg);
	return b;
}

/* The old bytes, zeroes after them, and no cluster that nothing refers to. */
static void must_be_good(struct blk *b)
{
	struct img_check c = { 0 };
	struct err e = { 0 };
	uint8_t *buf = malloc(b->size);

	assert_non_null(buf);
	if (blk_pread(b, buf, b->size, 0, &e) < 0 || blk_flush(b, &e) < 0 ||
	    blk_flush(b, &e) < 0 || img_format_qcow2.check(b, &c, &e) < 0)
		fail_msg("%s", e.msg);
	for (uint64_t i = 0; i < b->size; i++)
		assert_int_equal(buf[i], i >= OLD - 3 * CS && i < OLD ? 0x5a : 0);
	assert_int_equal(c.corruptions, 0);
	assert_int_equal(c.leaks, 0);
	free(buf);
}

static void preallocation_counts_what_it_readies(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct blk *b = image_new(&kinds[i]);
		struct blk_watch w;
		struct viewer v;

		viewer_init(&v, UINT64_MAX);
		w = (struct blk_watch){ &v.p, &v.stop };
		assert_int_equal(blk_resize_watched(b, NEW, kinds[i].how, &w, NULL), 0);
		assert_int_equal(v.p.total, NEW - OLD);
		assert_int_equal(v.p.done, NEW - OLD);
		assert_true(v.looks >= 2);
		assert_int_equal(b->size, NEW);
		must_be_good(b);
		assert_int_equal(blk_close(b, NULL), 0);
	}
}

static void one_that_stops_is_taken_back(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct blk *b = image_new(&kinds[i]);
		uint64_t before = b->child->size;
		struct err e = { 0 };
		struct blk_watch w;
		struct viewer v;

		viewer_init(&v, NEW / 2);
		w = (struct blk_watch){ &v.p, &v.stop };
		assert_int_equal(blk_resize_watched(b, NEW, kinds[i].how, &w, &e), -EINTR);
		assert_true(v.p.done < v.p.total);
		assert_int_equal(b->size, OLD);
		must_be_good(b);
		assert_true(b->child->size < before + OLD);
		/* and nothing of it is in the way of the next try */
		assert_int_equal(blk_resize_watched(b, NEW, kinds[i].how, NULL, NULL), 0);
		assert_int_equal(b->size, NEW);
		must_be_good(b);
		assert_int_equal(blk_close(b, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preallocation_counts_what_it_readies),
		cmocka_unit_test(one_that_stops_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
