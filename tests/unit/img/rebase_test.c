/* SPDX-License-Identifier: MIT */
#include "img/rebase.h"

#include "tests/unit/img/layers.h"

enum { SEEDS = 24 };

static void rebase_top(const char *onto, const char *fmt, bool compress)
{
	struct blk *b = layer_open("top", BLK_WRITE | BLK_UNMAP);
	struct blk *to = onto ? layer_open(onto, 0) : NULL;
	struct img_rebase in = {
		.backing = to,
		.name = onto,
		.fmt = fmt,
		.compress = compress,
		.threads = 3,
	};
	struct err e = { 0 };

	if (img_rebase(b, &in, &e) < 0)
		fail_msg("%s", e.msg);
	layer_close(b);
	if (to)
		layer_close(to);
}

static void check_top(const uint8_t *want, const char *backing)
{
	struct blk *b;

	layer_expect("top", want, LAYER_MAX);
	layer_sound("top");
	b = layer_open("top", 0);
	if (backing)
		assert_string_equal(b->backing->filename, backing);
	else
		assert_null(b->backing);
	layer_close(b);
}

static void it_reads_the_same_over_anything(void **state)
{
	for (int seed = 0; seed < SEEDS; seed++) {
		uint8_t *want;

		layers_make(seed);
		want = layer_bytes("top");
		rebase_top(seed % 3 ? "other" : "base", seed % 3 ? "qcow2" : "raw",
			   seed % 4 == 1);
		check_top(want, seed % 3 ? "other" : "base");
		rebase_top(NULL, NULL, seed % 4 == 2);
		check_top(want, NULL);
		free(want);
	}
}

/* Guest bytes that the image decides itself. */
static uint64_t own_bytes(const char *name)
{
	struct blk *b = layer_open(name, 0);
	uint64_t n = 0;

	for (uint64_t off = 0; off < b->size;) {
		struct blk_extent x;

		assert_int_equal(blk_extent(b, off, b->size, &x, NULL), 0);
		if (x.flags & BLK_EXT_ALLOCATED)
			n += x.len;
		off += x.len;
	}
	layer_close(b);
	return n;
}

/* What both chains read from the same image is not copied, whatever its form. */
static void nothing_is_copied_without_need(void **state)
{
	srandom(1);
	layer_create("base", "qcow2", "", 2 << 20, NULL, NULL);
	layer_scribble("base", 30);
	layer_create("mid", "qcow2", "", 2 << 20, "base", "qcow2");
	layer_create("top", "qcow2", "", 2 << 20, "mid", "qcow2");
	rebase_top("base", "qcow2", false);
	assert_int_equal(own_bytes("top"), 0);
	rebase_top("mid", "qcow2", false);
	assert_int_equal(own_bytes("top"), 0);
	/* and what differs is */
	rebase_top(NULL, NULL, false);
	assert_true(own_bytes("top") > 0);
}

static void unsafe_changes_the_header_only(void **state)
{
	struct img_rebase in = { .name = "elsewhere", .fmt = "raw", .unsafe = true };
	const char *file = NULL, *fmt = NULL;
	struct blk *b;

	layers_make(3);
	b = layer_open("top", BLK_WRITE | BLK_NOBACKING);
	assert_int_equal(img_rebase(b, &in, NULL), 0);
	layer_close(b);
	b = layer_open("top", BLK_NOBACKING);
	b->format->backing_name(b, &file, &fmt);
	assert_string_equal(file, "elsewhere");
	assert_string_equal(fmt, "raw");
	layer_close(b);
}

static void what_cannot_be_rebased(void **state)
{
	char longer[1100];
	struct img_rebase in = { .name = "x", .fmt = "raw", .unsafe = true };
	struct blk *b;
	struct err e = { 0 };

	layers_make(1);
	b = layer_open("base", BLK_WRITE);
	assert_int_equal(img_rebase(b, &in, &e), -ENOTSUP);
	assert_string_equal(e.msg, "Could not change the backing file to 'x': "
				   "Operation not supported");
	layer_close(b);
	layer_create("small", "qcow2", "cluster_size=512", 1 << 20, NULL, NULL);
	memset(longer, 'n', sizeof(longer));
	longer[900] = '\0';
	in.name = longer;
	b = layer_open("small", BLK_WRITE);
	assert_int_equal(img_rebase(b, &in, &e), -ENOSPC);
	layer_close(b);
	layer_sound("small");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(it_reads_the_same_over_anything),
		scratch_test(nothing_is_copied_without_need),
		scratch_test(unsafe_changes_the_header_only),
		scratch_test(what_cannot_be_rebased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
