/* SPDX-License-Identifier: MIT */
#include "base/zero.h"
#include "img/proto/file_int.h"
#include "tests/unit/img/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };

static struct blk *open_fill(unsigned flags)
{
	struct blk *b = NULL;
	struct err e = { 0 };

	if (file_open("f", NULL, BLK_WRITE | BLK_FILL | flags, &b, &e) < 0)
		fail_msg("%s", e.msg);
	return b;
}

static uint64_t allocated(void)
{
	struct stat st;

	assert_int_equal(stat("f", &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* What is written is allocated and nothing else, with the help or without. */
static void fill_and_look(bool help)
{
	uint8_t *buf = malloc(MIB), *back = malloc(MIB);
	struct blk *b;

	memset(buf, 'x', MIB);
	scratch_file("f", "", 0, 4 * MIB);
	b = open_fill(0);
	to_file(b)->fill = help;
	assert_int_equal(blk_pwrite(b, buf, MIB / 2, MIB, NULL), 0);
	assert_int_equal(blk_pwrite(b, buf, MIB - 5, 8 * MIB + 5, NULL), 0);
	assert_int_equal(blk_pwrite(b, buf, 1000, 3 * MIB, NULL), 0);
	assert_int_equal(b->size, 9 * MIB);
	assert_int_equal(blk_pread(b, back, MIB, 8 * MIB, NULL), 0);
	assert_memory_equal(back, "\0\0\0\0\0", 5);
	assert_memory_equal(back + 5, buf, MIB - 5);
	assert_int_equal(blk_pread(b, back, MIB, MIB, NULL), 0);
	assert_memory_equal(back, buf, MIB / 2);
	assert_true(zero_is(back + MIB / 2, MIB / 2));
	assert_int_equal(blk_flush(b, NULL), 0);
	assert_in_range(allocated(), 0, MIB + MIB / 2 + 128 * 1024);
	assert_int_equal(blk_close(b, NULL), 0);
	free(buf);
	free(back);
}

static void only_what_is_written_is_allocated(void **state)
{
	fill_and_look(true);
	fill_and_look(false);
}

static void who_gets_the_help(void **state)
{
	struct blk *b = NULL;

	scratch_file("f", "", 0, MIB);
	b = open_fill(0);
	assert_int_equal(to_file(b)->fill, file_fill_pays(to_file(b)->fd));
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(file_open("f", NULL, BLK_FILL, &b, NULL), 0);
	assert_false(to_file(b)->fill);
	assert_int_equal(blk_close(b, NULL), 0);
}

/* A file that cannot be allocated ahead is written all the same, and asked no more. */
static void a_refusal_is_remembered(void **state)
{
	uint8_t *buf = calloc(1, MIB);
	struct blk *b;
	int fd;

	scratch_file("f", "", 0, MIB);
	b = open_fill(0);
	fd = to_file(b)->fd;
	to_file(b)->fill = true;
	to_file(b)->fd = -1; /* so that asking fails */
	file_fill(to_file(b), 0, 4096);
	assert_true(to_file(b)->fill); /* too short to ask */
	file_fill(to_file(b), 0, MIB);
	assert_false(to_file(b)->fill);
	to_file(b)->fd = fd;
	assert_int_equal(blk_pwrite(b, buf, MIB, 0, NULL), 0);
	assert_int_equal(blk_close(b, NULL), 0);
	free(buf);
}

/* Where something may lie already, only what makes the file longer is new. */
static void a_file_that_gets_longer(void **state)
{
	struct blk *b = NULL;
	int fd;

	scratch_file("f", "", 0, MIB);
	assert_int_equal(file_open("f", NULL, BLK_WRITE, &b, NULL), 0);
	fd = to_file(b)->fd;
	to_file(b)->fill = true;
	to_file(b)->fd = -1;
	file_fill(to_file(b), 0, MIB);
	assert_true(to_file(b)->fill);
	file_fill(to_file(b), MIB, MIB);
	assert_false(to_file(b)->fill);
	to_file(b)->fd = fd;
	assert_int_equal(blk_close(b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(only_what_is_written_is_allocated),
		scratch_test(who_gets_the_help),
		scratch_test(a_refusal_is_remembered),
		scratch_test(a_file_that_gets_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
