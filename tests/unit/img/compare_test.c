/* SPDX-License-Identifier: MIT */
#include "img/compare.h"

#include "tests/lib/memblk.h"
#include "tests/unit/img/layers.h"

static struct img_compare compare(const char *a, const char *b, bool strict, int want)
{
	struct img_compare c = { .strict = strict, .threads = 4 };
	struct blk *x = layer_open(a, 0), *y = layer_open(b, 0);

	assert_int_equal(img_compare(x, y, &c, NULL), want);
	layer_close(x);
	layer_close(y);
	return c;
}

static void same(const char *a, const char *b)
{
	struct img_compare c = compare(a, b, false, 0);

	if (c.verdict != COMPARE_IDENTICAL)
		fail_msg("%s and %s differ at %llu", a, b, (unsigned long long)c.offset);
}

static void put(const char *name, const void *bytes, size_t len, uint64_t off)
{
	struct blk *b = layer_open(name, BLK_WRITE);

	assert_int_equal(blk_pwrite(b, bytes, len, off, NULL), 0);
	layer_close(b);
}

/* Against the bytes of both, for all kinds of images. */
static void the_verdict_is_that_of_the_bytes(void **state)
{
	static const char *const pairs[][2] = {
		{ "top", "top" }, { "top", "mid" }, { "mid", "base" }, { "other", "top" }
	};

	for (int seed = 0; seed < 12; seed++) {
		layers_make(seed);
		for (int i = 0; i < 4; i++) {
			uint8_t *a = layer_bytes(pairs[i][0]), *b = layer_bytes(pairs[i][1]);
			struct img_compare c = compare(pairs[i][0], pairs[i][1], false, 0);
			size_t at = 0;

			while (at < LAYER_MAX && a[at] == b[at])
				at++;
			if (at == LAYER_MAX) {
				assert_int_equal(c.verdict, COMPARE_IDENTICAL);
			} else {
				assert_int_equal(c.verdict, COMPARE_CONTENT);
				/* its sector, or the byte where one side has nothing */
				assert_true(c.offset == at || c.offset == at / 512 * 512);
			}
			free(a);
			free(b);
		}
	}
}

static void where_they_differ(void **state)
{
	uint8_t x[1024];

	memset(x, 'x', sizeof(x));
	layer_create("a", "qcow2", "", 3 << 20, NULL, NULL);
	layer_create("b", "qcow2", "", 3 << 20, NULL, NULL);
	same("a", "b");
	/* nothing there on one side: the byte */
	put("b", "y", 1, 1000001);
	assert_int_equal(compare("a", "b", false, 0).offset, 1000001);
	/* bytes on both: the sector */
	put("a", x, sizeof(x), 999936);
	put("b", x, sizeof(x), 999936);
	same("a", "b");
	put("b", "y", 1, 1000001);
	assert_int_equal(compare("a", "b", false, 0).offset, 999936);
	/* several: the first */
	put("a", "z", 1, 2000000);
	put("a", "z", 1, 3000000);
	for (int i = 0; i < 30; i++)
		assert_int_equal(compare("b", "a", false, 0).offset, 999936);
}

static void sizes(void **state)
{
	struct img_compare c;

	layer_create("a", "qcow2", "", 1 << 20, NULL, NULL);
	layer_create("b", "qcow2", "", 2 << 20, NULL, NULL);
	c = compare("a", "b", false, 0);
	assert_int_equal(c.verdict, COMPARE_IDENTICAL);
	assert_true(c.size_differs);
	assert_int_equal(compare("a", "b", true, 0).verdict, COMPARE_SIZE);
	put("b", "x", 1, (1 << 20) + 77);
	c = compare("b", "a", false, 0);
	assert_int_equal(c.verdict, COMPARE_CONTENT);
	assert_int_equal(c.offset, (1 << 20) + 77);
	assert_true(c.size_differs);
	put("a", "x", 1, 5);
	c = compare("b", "a", false, 0);
	assert_int_equal(c.offset, 5);
	assert_false(c.size_differs);
}

static void strict_looks_at_allocation(void **state)
{
	uint8_t zero[65536] = { 0 };
	struct img_compare c;

	layer_create("a", "qcow2", "", 1 << 20, NULL, NULL);
	layer_create("b", "qcow2", "", 1 << 20, NULL, NULL);
	assert_int_equal(compare("a", "b", true, 0).verdict, COMPARE_IDENTICAL);
	put("b", zero, sizeof(zero), 131072);
	same("a", "b");
	c = compare("a", "b", true, 0);
	assert_int_equal(c.verdict, COMPARE_STATUS);
	assert_int_equal(c.offset, 131072);
}

/* A failure counts only if nothing before it decides. */
static void failures(void **state)
{
	uint8_t *bytes = calloc(1, 4 << 20);
	struct blk *a = memblk_new(bytes, 4 << 20), *b = memblk_new(bytes, 4 << 20);
	struct img_compare c = { .threads = 4 };
	struct err e = { 0 };

	memblk(b)->fail_at = 1;
	memblk(b)->fail_after = true;
	assert_int_equal(img_compare(a, b, &c, &e), -EIO);
	assert_int_equal(c.failure, COMPARE_FAIL_READ);
	assert_non_null(strstr(e.msg, "Error while reading offset 0 of memory.img: "));
	memblk(b)->fail_at = 0;
	assert_int_equal(img_compare(a, b, &c, NULL), 0);
	assert_int_equal(c.verdict, COMPARE_IDENTICAL);
	assert_int_equal(blk_close(a, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_verdict_is_that_of_the_bytes),
		scratch_test(where_they_differ),
		scratch_test(sizes),
		scratch_test(strict_looks_at_allocation),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
