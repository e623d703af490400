/* SPDX-License-Identifier: MIT */
#include "img/format/raw.h"

#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

static struct blk *open_raw(struct blk *file, const char *opts, int want)
{
	struct optset o = OPTSET_INIT;
	struct blk *b = NULL;

	if (opts)
		assert_int_equal(optset_parse(&o, opts, NULL, NULL), 0);
	assert_int_equal(img_format_raw.open(file, &o, file->flags, &b, NULL), want);
	if (want == 0)
		assert_null(optset_unused(&o));
	optset_free(&o);
	return b;
}

static void the_last_sector_is_filled_up(void **state)
{
	struct blk *file = memblk_new(NULL, 1000), *b = open_raw(file, NULL, 0);
	struct blk_extent x;
	uint8_t buf[512];

	assert_int_equal(b->size, 1024);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(blk_pread(b, buf, 100, 924, NULL), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(blk_pread(b, buf, 100, 925, NULL), -EINVAL);
	assert_int_equal(blk_extent(b, 10, 2000, &x, NULL), 0);
	assert_int_equal(x.len, 990);
	assert_int_equal(x.flags, BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET);
	assert_ptr_equal(x.file, file);
	assert_int_equal(blk_extent(b, 1000, 2000, &x, NULL), 0);
	assert_int_equal(x.len, 24);
	assert_int_equal(x.flags, BLK_EXT_ZERO | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET);
	assert_int_equal(blk_pwrite(b, "x", 1, 1023, NULL), 0);
	assert_int_equal(file->size, 1024);
	assert_int_equal(blk_pwrite(b, "x", 1, 1024, NULL), -EINVAL);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void resizing(void **state)
{
	struct blk *file = memblk_new(NULL, 1000), *b = open_raw(file, NULL, 0);

	assert_int_equal(blk_resize(b, 2000, PREALLOC_OFF, NULL), 0);
	assert_int_equal(file->size, 2000);
	assert_int_equal(b->size, 2048);
	assert_int_equal(blk_resize(b, UINT64_MAX, PREALLOC_OFF, NULL), -EFBIG);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void a_window_into_a_file(void **state)
{
	uint8_t bytes[4096], buf[512];
	struct blk *file, *b;
	struct blk_extent x;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 512);
	file = memblk_new(bytes, sizeof(bytes));
	b = open_raw(file, "offset=1024,size=1024", 0);
	assert_int_equal(b->size, 1024);
	assert_int_equal(blk_pread(b, buf, 512, 512, NULL), 0);
	assert_int_equal(buf[0], 3);
	assert_int_equal(blk_pwrite(b, "x", 1, 1024, NULL), -EINVAL);
	assert_int_equal(blk_zero(b, 0, 512, 0, NULL), 0);
	assert_int_equal(memblk(file)->m.p[1023], 1);
	assert_int_equal(memblk(file)->m.p[1024], 0);
	assert_int_equal(memblk(file)->m.p[1536], 3);
	assert_int_equal(blk_extent(b, 100, 5000, &x, NULL), 0);
	assert_int_equal(x.host_off, 1124);
	assert_int_equal(x.len, 924);
	assert_int_equal(blk_resize(b, 2048, PREALLOC_OFF, NULL), -ENOTSUP);
	assert_int_equal(blk_close(b, NULL), 0);

	file = memblk_new(bytes, sizeof(bytes));
	open_raw(file, "offset=4096,size=512", -EINVAL);
	open_raw(file, "offset=5000", -EINVAL);
	open_raw(file, "size=100", -EINVAL);
	open_raw(file, "size=much", -EINVAL);
	b = open_raw(file, "offset=1000", 0);
	assert_int_equal(b->size, 3584); /* in whole sectors: what is missing reads as zeroes */
	assert_int_equal(blk_pread(b, buf, 512, 3072, NULL), 0);
	assert_int_equal(buf[23], 7);
	assert_int_equal(buf[24], 0);
	assert_int_equal(blk_resize(b, 1000, PREALLOC_OFF, NULL), 0);
	assert_int_equal(file->size, 2000);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void creation_and_measure(void **state)
{
	struct img_create c = { .size = 1000 };
	struct blk *file = memblk_new(NULL, 0);
	struct img_measure m;

	assert_int_equal(img_format_raw.create(file, NULL, &c, NULL, NULL), 0);
	assert_int_equal(file->size, 1024);
	/* a device: what is there must not look like an image of another format */
	file->fixed = true;
	memblk(file)->m.p[0] = 'Q';
	c.size = 500;
	assert_int_equal(img_format_raw.create(file, NULL, &c, NULL, NULL), 0);
	assert_int_equal(memblk(file)->m.p[0], 0);
	c.size = 1025;
	assert_int_equal(img_format_raw.create(file, NULL, &c, NULL, NULL), -ENOSPC);
	assert_int_equal(img_format_raw.measure(&c, NULL, &m, NULL), 0);
	assert_int_equal(m.required, 1536);
	assert_int_equal(img_format_raw.measure(&c, file, &m, NULL), 0);
	assert_int_equal(m.fully_allocated, 1024);
	assert_true(m.bitmaps == UINT64_MAX);
	assert_int_equal(blk_close(file, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_sector_is_filled_up),
		cmocka_unit_test(resizing),
		cmocka_unit_test(a_window_into_a_file),
		cmocka_unit_test(creation_and_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
