/* SPDX-License-Identifier: MIT */
#include "img/commit.h"

#include "tests/unit/img/layers.h"

#include <errno.h>
#include <sys/stat.h>

enum { SEEDS = 24 };

static void commit_top(const char *base, bool keep)
{
	struct blk *b = layer_open("top", BLK_WRITE | BLK_UNMAP);
	struct img_commit in = { .base = base, .keep = keep, .threads = 3 };
	struct err e = { 0 };

	if (img_commit(b, &in, &e) < 0)
		fail_msg("%s", e.msg);
	layer_close(b);
}

static bool is_empty(const char *name)
{
	struct blk *b = layer_open(name, 0);
	struct blk_extent x = { 0 };

	assert_int_equal(blk_extent(b, 0, b->size, &x, NULL), 0);
	while (!(x.flags & BLK_EXT_ALLOCATED) && x.len < b->size) {
		struct blk_extent next;

		assert_int_equal(blk_extent(b, x.len, b->size, &next, NULL), 0);
		x.len += next.len;
		x.flags |= next.flags;
	}
	layer_close(b);
	return !(x.flags & BLK_EXT_ALLOCATED);
}

/* The base then reads as the top did, and beyond its end as before. */
static void the_base_gets_all(void **state)
{
	for (int seed = 0; seed < SEEDS; seed++) {
		const char *base = seed % 3 ? NULL : "base";
		const char *target = base ? "base" : "mid";
		uint8_t *want, *old;
		struct blk *b;
		uint64_t size;

		layers_make(seed);
		want = layer_bytes("top");
		old = layer_bytes(target);
		b = layer_open("top", 0);
		size = b->size;
		layer_close(b);
		memcpy(old, want, size);
		commit_top(base, seed % 4 == 1);
		layer_expect("top", want, size);
		layer_expect(target, old, LAYER_MAX);
		layer_sound("top");
		layer_sound("mid");
		if (!base && seed % 4 != 1)
			assert_true(is_empty("top"));
		free(want);
		free(old);
	}
}

static void kept_where_asked(void **state)
{
	layers_make(2);
	commit_top(NULL, true);
	assert_false(is_empty("top"));
	commit_top("mid", false);
	assert_false(is_empty("top"));
	commit_top(NULL, false);
	assert_true(is_empty("top"));
}

/* The base may be named as the overlay's header would name it, or from here. */
static void names_of_the_base(void **state)
{
	struct img_commit in = { .base = "nowhere" };
	struct err e = { 0 };
	struct blk *b;

	assert_int_equal(mkdir("d", 0700), 0);
	layer_create("d/base", "raw", "", 1 << 20, NULL, NULL);
	layer_create("d/mid", "qcow2", "", 1 << 20, "base", "raw");
	layer_create("top", "qcow2", "", 1 << 20, "d/mid", "qcow2");
	layer_scribble("top", 5);
	commit_top("./d/../d/mid", false);
	commit_top("d/base", false);
	commit_top("base", false);
	b = layer_open("top", BLK_WRITE);
	assert_int_equal(img_commit(b, &in, &e), -ENOENT);
	assert_string_equal(e.msg, "Did not find 'nowhere' in the backing chain of 'top'");
	layer_close(b);
	b = layer_open("d/base", BLK_WRITE);
	in.base = NULL;
	assert_int_equal(img_commit(b, &in, &e), -ENOENT);
	assert_string_equal(e.msg, "Image does not have a backing file");
	layer_close(b);
}

/* Somebody reads the base: it cannot be written, and all stays as it was. */
static void a_base_in_use(void **state)
{
	struct img_commit in = { 0 };
	struct blk *b, *other;
	uint8_t *want;

	layers_make(4);
	want = layer_bytes("top");
	other = layer_open("mid", 0);
	b = layer_open("top", BLK_WRITE);
	assert_int_equal(img_commit(b, &in, NULL), -EBUSY);
	assert_non_null(b->backing);
	layer_close(b);
	layer_close(other);
	layer_expect("top", want, LAYER_MAX);
	assert_false(is_empty("top"));
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_base_gets_all),
		scratch_test(kept_where_asked),
		scratch_test(names_of_the_base),
		scratch_test(a_base_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
