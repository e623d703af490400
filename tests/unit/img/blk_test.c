/* SPDX-License-Identifier: MIT */
#include "img/blk.h"

#include "base/threads.h"
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>

enum { SIZE = 96 << 10 };

/* A node that insists on what the core promises it. */
struct picky {
	struct blk blk;
	uint8_t *bytes;
	_Atomic int inside, flushes, zeroes;
	bool crowded; /* two threads were inside at once */
	int flush_code, close_code, zero_code, discard_code;
	uint64_t discarded_off, discarded_len;
	struct picky **closed; /* where to leave a note of the order of closing */
};

static struct picky *to_picky(struct blk *b)
{
	return (struct picky *)b;
}

static void arrive(struct blk *b, const void *buf, uint64_t len, uint64_t off)
{
	struct picky *p = to_picky(b);

	if (atomic_fetch_add(&p->inside, 1))
		p->crowded = true;
	assert_true(len > 0);
	assert_int_equal((off | len | (uintptr_t)buf) % b->align, 0);
	assert_true(off + len <= SIZE);
}

static int picky_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	arrive(b, buf, len, off);
	memcpy(buf, to_picky(b)->bytes + off, len);
	to_picky(b)->inside--;
	return 0;
}

static int picky_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	arrive(b, buf, len, off);
	memcpy(to_picky(b)->bytes + off, buf, len);
	to_picky(b)->inside--;
	return 0;
}

static int picky_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct picky *p = to_picky(b);

	if (p->zero_code)
		return err_set(e, p->zero_code, "no zero");
	p->zeroes++;
	assert_int_equal((off | len) % b->align, 0);
	memset(p->bytes + off, 0, len);
	return 0;
}

static int picky_discard(struct blk *b, uint64_t off, uint64_t len, struct err *e)
{
	struct picky *p = to_picky(b);

	if (p->discard_code)
		return err_set(e, p->discard_code, "no discard");
	p->discarded_off = off;
	p->discarded_len = len;
	return 0;
}

static int picky_flush(struct blk *b, struct err *e)
{
	struct picky *p = to_picky(b);

	p->flushes++;
	return p->flush_code ? err_set(e, p->flush_code, "flush of %s", b->filename) : 0;
}

static int picky_close(struct blk *b, struct err *e)
{
	struct picky *p = to_picky(b);
	int r = p->close_code ? err_set(e, p->close_code, "close of %s", b->filename) : 0;

	if (p->closed)
		*p->closed = p;
	blk_fini(b);
	free(p->bytes);
	free(p);
	return r;
}

static const struct blk_ops picky_ops = {
	.name = "picky",
	.parallel = true,
	.pread = picky_pread,
	.pwrite = picky_pwrite,
	.zero = picky_zero,
	.discard = picky_discard,
	.flush = picky_flush,
	.close = picky_close,
};

static const struct blk_ops lonely_ops = {
	.name = "lonely",
	.pread = picky_pread,
	.pwrite = picky_pwrite,
	.close = picky_close,
};

static struct blk *picky_new(const struct blk_ops *ops, uint32_t align, uint64_t size,
			     unsigned flags)
{
	struct picky *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->bytes = malloc(SIZE);
	assert_non_null(p->bytes);
	for (size_t i = 0; i < SIZE; i++)
		p->bytes[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(blk_init(&p->blk, ops, "p.img", flags, NULL), 0);
	p->blk.align = align;
	p->blk.size = size;
	return &p->blk;
}

/* Requests at any offset do the same to an aligned node as to an array. */
static void any_request_reaches_an_aligned_node(void **state)
{
	static const uint32_t aligns[] = { 1, 512, 4096 };
	uint8_t *model = malloc(SIZE), *buf = malloc(SIZE + 8);

	assert_true(model && buf);
	for (size_t a = 0; a < 3; a++) {
		struct blk *b = picky_new(&picky_ops, aligns[a], SIZE, BLK_WRITE);

		memcpy(model, to_picky(b)->bytes, SIZE);
		srandom(a == 1 ? 4711 : 815);
		for (int i = 0; i < 3000; i++) {
			uint64_t off = (uint64_t)random() % SIZE;
			size_t len = (size_t)random() % (i % 10 ? 6000 : SIZE);
			uint8_t *at = buf + random() % 8;

			if (len > SIZE - off)
				len = SIZE - off;
			switch (random() % 3) {
			case 0:
				assert_int_equal(blk_pread(b, at, len, off, NULL), 0);
				assert_memory_equal(at, model + off, len);
				break;
			case 1:
				memset(at, i, len);
				memcpy(model + off, at, len);
				assert_int_equal(blk_pwrite(b, at, len, off, NULL), 0);
				break;
			default:
				memset(model + off, 0, len);
				assert_int_equal(blk_zero(b, off, len, 0, NULL), 0);
			}
		}
		assert_memory_equal(to_picky(b)->bytes, model, SIZE);
		assert_int_equal(blk_close(b, NULL), 0);
	}
	free(model);
	free(buf);
}

static int write_stripe(void *arg, unsigned worker, struct err *e)
{
	uint8_t v = (uint8_t)(worker + 1);
	int r = 0;

	/* every fourth run of 100 bytes, so that each block of 512 has several writers */
	for (uint64_t off = worker * 100ull; r == 0 && off + 100 <= SIZE; off += 400) {
		uint8_t bytes[100];

		memset(bytes, v, sizeof(bytes));
		r = blk_pwrite(arg, bytes, sizeof(bytes), off, e);
	}
	return r;
}

static void writers_of_one_block_keep_each_others_bytes(void **state)
{
	const struct blk_ops *const ops[] = { &picky_ops, &lonely_ops };

	for (int k = 0; k < 2; k++) {
		struct blk *b = picky_new(ops[k], 512, SIZE, BLK_WRITE);

		for (int round = 0; round < 20; round++) {
			memset(to_picky(b)->bytes, 0, SIZE);
			assert_int_equal(threads_run(4, write_stripe, b, NULL), 0);
			for (uint64_t i = 0; i < SIZE / 400 * 400; i++)
				if (to_picky(b)->bytes[i] != i / 100 % 4 + 1)
					fail_msg("byte %llu lost", (unsigned long long)i);
		}
		assert_int_equal(blk_close(b, NULL), 0);
	}
}

static int read_much(void *arg, unsigned worker, struct err *e)
{
	uint8_t buf[512];
	int r = 0;

	for (int i = 0; r == 0 && i < 20000; i++)
		r = blk_pread(arg, buf, sizeof(buf), 0, e);
	return r;
}

static void a_node_that_is_not_parallel_is_alone(void **state)
{
	struct blk *b = picky_new(&lonely_ops, 1, SIZE, 0);

	assert_int_equal(threads_run(4, read_much, b, NULL), 0);
	assert_false(to_picky(b)->crowded);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void bounds_and_rights(void **state)
{
	struct blk *b = picky_new(&picky_ops, 1, 1000, BLK_WRITE);
	struct err e = { 0 };
	uint8_t buf[16];

	assert_int_equal(blk_pread(b, buf, 16, 984, &e), 0);
	assert_int_equal(blk_pread(b, buf, 16, 985, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "p.img"));
	assert_int_equal(blk_pread(b, buf, 16, UINT64_MAX - 3, NULL), -EINVAL);
	assert_int_equal(blk_pread(b, buf, 0, 1000, NULL), 0);
	assert_int_equal(blk_pwrite(b, buf, 16, 985, NULL), -EINVAL);
	assert_int_equal(blk_zero(b, 0, 1001, 0, NULL), -EINVAL);
	assert_int_equal(blk_discard(b, 1000, 1, NULL), -EINVAL);
	assert_int_equal(blk_resize(b, 5, PREALLOC_OFF, NULL), -ENOTSUP);
	assert_int_equal(blk_pwrite_compressed(b, buf, 16, 0, NULL, NULL), -ENOTSUP);
	assert_int_equal(blk_clone(b, 0, 16, b, 0, false, NULL), -EOPNOTSUPP);
	assert_int_equal(blk_close(b, NULL), 0);

	b = picky_new(&picky_ops, 1, 1000, 0);
	assert_int_equal(blk_pwrite(b, buf, 1, 0, NULL), -EPERM);
	assert_int_equal(blk_zero(b, 0, 1, 0, NULL), -EPERM);
	assert_int_equal(blk_discard(b, 0, 1, NULL), -EPERM);
	assert_int_equal(blk_resize(b, 5, PREALLOC_OFF, NULL), -EPERM);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(blk_close(NULL, NULL), 0);
}

static void a_node_that_grows(void **state)
{
	struct blk *b = memblk_new("0123456789", 10);
	uint8_t buf[20];

	assert_int_equal(blk_pread(b, buf, 20, 5, NULL), 0);
	assert_memory_equal(buf, "56789\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(blk_pread(b, buf, 20, 1 << 20, NULL), 0);
	assert_int_equal(buf[0], 0);
	assert_int_equal(blk_pread(b, buf, 1, INT64_MAX, NULL), -EINVAL);
	assert_int_equal(blk_pwrite(b, "x", 1, 30, NULL), 0);
	assert_int_equal(b->size, 31);
	b->fixed = true;
	assert_int_equal(blk_pwrite(b, "x", 1, 31, NULL), -ENOSPC);
	assert_int_equal(blk_pread(b, buf, 1, 31, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void zero_without_help(void **state)
{
	struct blk *b = picky_new(&picky_ops, 512, SIZE, BLK_WRITE);
	struct picky *p = to_picky(b);

	assert_int_equal(blk_zero(b, 0, 1024, BLK_NO_FALLBACK, NULL), 0);
	assert_int_equal(p->zeroes, 1);
	/* edges would have to be written */
	assert_int_equal(blk_zero(b, 100, 4096, BLK_NO_FALLBACK, NULL), -ENOTSUP);
	p->zero_code = -ENOTSUP;
	assert_int_equal(blk_zero(b, 1024, 1024, BLK_NO_FALLBACK, NULL), -ENOTSUP);
	assert_int_equal(p->bytes[1024], (uint8_t)(1024 * 7 + 4));
	assert_int_equal(blk_zero(b, 1024, SIZE - 1024, 0, NULL), 0);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(p->bytes[i], 0);
	p->zero_code = -EIO;
	assert_int_equal(blk_zero(b, 0, 512, 0, NULL), -EIO);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void discard_only_where_allowed(void **state)
{
	struct blk *b = picky_new(&picky_ops, 512, SIZE - 100, BLK_WRITE);
	struct picky *p = to_picky(b);

	assert_int_equal(blk_discard(b, 0, 4096, NULL), 0);
	assert_int_equal(p->discarded_len, 0);
	b->flags |= BLK_UNMAP;
	assert_int_equal(blk_discard(b, 100, 2000, NULL), 0);
	assert_int_equal(p->discarded_off, 512);
	assert_int_equal(p->discarded_len, 1536);
	p->discarded_len = 0;
	assert_int_equal(blk_discard(b, 100, 500, NULL), 0);
	assert_int_equal(p->discarded_len, 0);
	p->discard_code = -ENOTSUP;
	assert_int_equal(blk_discard(b, 0, 512, NULL), 0);
	p->discard_code = -EIO;
	assert_int_equal(blk_discard(b, 0, 512, NULL), -EIO);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void flush_by_cache_mode(void **state)
{
	struct blk *b = picky_new(&picky_ops, 1, SIZE, BLK_WRITE);
	struct picky *p = to_picky(b);

	assert_int_equal(blk_pwrite(b, "x", 1, 0, NULL), 0);
	assert_int_equal(p->flushes, 0);
	b->flags |= BLK_WRITETHROUGH;
	assert_int_equal(blk_pwrite(b, "x", 1, 0, NULL), 0);
	assert_int_equal(blk_zero(b, 0, 1, 0, NULL), 0);
	assert_int_equal(p->flushes, 2);
	b->flags |= BLK_NOFLUSH;
	assert_int_equal(blk_flush(b, NULL), 0);
	assert_int_equal(p->flushes, 2);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* Top first, it may still write into its files; all are closed whatever fails. */
static void close_keeps_the_first_failure(void **state)
{
	struct blk *b = picky_new(&picky_ops, 1, SIZE, BLK_WRITE);
	struct blk *child = picky_new(&picky_ops, 1, SIZE, BLK_WRITE);
	struct blk *backing = picky_new(&picky_ops, 1, SIZE, 0);
	struct picky *top_note = NULL, *child_note = NULL, *backing_note = NULL;
	struct err e = { 0 };

	b->child = child;
	b->backing = backing;
	to_picky(b)->closed = &top_note;
	to_picky(child)->closed = &child_note;
	to_picky(backing)->closed = &backing_note;
	to_picky(b)->flush_code = -ENOSPC;
	to_picky(b)->close_code = -EIO;
	to_picky(child)->close_code = -EDQUOT;
	assert_int_equal(blk_close(b, &e), -ENOSPC);
	assert_string_equal(e.msg, "flush of p.img");
	assert_true(top_note && child_note && backing_note);
}

static int shrinkable_resize(struct blk *b, uint64_t size, enum blk_prealloc p,
			     const struct blk_watch *w, struct err *e)
{
	b->size = size;
	return 0;
}

static void growing_hides_a_longer_backing_image(void **state)
{
	struct blk_ops ops = picky_ops;
	struct blk *b, *backing = picky_new(&picky_ops, 1, 5000, 0);

	ops.resize = shrinkable_resize;
	b = picky_new(&ops, 1, 1000, BLK_WRITE);
	b->backing = backing;
	assert_int_equal(blk_resize(b, 20000, PREALLOC_OFF, NULL), 0);
	assert_int_equal(to_picky(b)->zeroes, 1);
	for (size_t i = 1000; i < 5000; i++)
		assert_int_equal(to_picky(b)->bytes[i], 0);
	assert_int_not_equal(to_picky(b)->bytes[999], 0);
	assert_int_not_equal(to_picky(b)->bytes[5000], 0);
	assert_int_equal(blk_resize(b, 21000, PREALLOC_OFF, NULL), 0);
	assert_int_equal(to_picky(b)->zeroes, 1);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void note(void *arg, const char *text)
{
	snprintf(arg, 64, "%s", text);
}

static void warnings_reach_the_log(void **state)
{
	char text[64] = "";
	struct blk_log log = { note, text };
	struct blk *b = picky_new(&picky_ops, 1, SIZE, 0);

	blk_warn(b, "nobody listens");
	blk_warn(NULL, "to nothing");
	b->log = &log;
	blk_warn(b, "%s is odd", "it");
	assert_string_equal(text, "it is odd");
	assert_int_equal(blk_close(b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_request_reaches_an_aligned_node),
		cmocka_unit_test(writers_of_one_block_keep_each_others_bytes),
		cmocka_unit_test(a_node_that_is_not_parallel_is_alone),
		cmocka_unit_test(bounds_and_rights),
		cmocka_unit_test(a_node_that_grows),
		cmocka_unit_test(zero_without_help),
		cmocka_unit_test(discard_only_where_allowed),
		cmocka_unit_test(flush_by_cache_mode),
		cmocka_unit_test(close_keeps_the_first_failure),
		cmocka_unit_test(growing_hides_a_longer_backing_image),
		cmocka_unit_test(warnings_reach_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
