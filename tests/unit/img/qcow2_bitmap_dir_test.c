/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "img/format/qcow2_bitmap.h"
#include "img/format/qcow2_header.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 16, DISK = 1 << 30, ENTRIES = 2, BYTES = 32 + 40 };

/* Two bitmaps: "b0", and "second" with ten bytes of extra data. */
static void good(uint8_t buf[BYTES])
{
	memset(buf, 0, BYTES);
	store_be64(buf, 5 << BITS);
	store_be32(buf + 8, 1);
	store_be32(buf + 12, QCOW2_BITMAP_AUTO);
	buf[16] = 1;
	buf[17] = 16;
	store_be16(buf + 18, 2);
	memcpy(buf + 24, "b0", 2);

	buf += 32;
	store_be64(buf, 6 << BITS);
	store_be32(buf + 8, 4);
	store_be32(buf + 12, QCOW2_BITMAP_EXTRA_OK);
	buf[16] = 1;
	buf[17] = 9;
	store_be16(buf + 18, 6);
	store_be32(buf + 20, 10);
	memcpy(buf + 24, "0123456789second", 16);
}

static int parse(const uint8_t *buf, size_t len, uint32_t n, struct qcow2_bitmap **v)
{
	struct err e = { 0 };
	int r = qcow2_bitmap_dir_parse(buf, len, n, BITS, DISK, v, &e);

	assert_int_equal(r, e.code);
	assert_true(r == 0 || e.msg[0]);
	return r;
}

static void reads_every_field(void **state)
{
	struct qcow2_bitmap *v;
	uint8_t buf[BYTES];

	good(buf);
	assert_int_equal(parse(buf, BYTES, ENTRIES, &v), 0);
	assert_string_equal(v[0].name, "b0");
	assert_int_equal(v[0].table_offset, 5 << BITS);
	assert_int_equal(v[0].table_entries, 1);
	assert_int_equal(v[0].flags, QCOW2_BITMAP_AUTO);
	assert_int_equal(v[0].granularity_bits, 16);
	assert_int_equal(v[0].extra_len, 0);
	assert_string_equal(v[1].name, "second");
	assert_int_equal(v[1].extra_len, 10);
	assert_memory_equal(v[1].extra, "0123456789", 10);
	qcow2_bitmap_dir_free(v, ENTRIES);
}

static void writes_what_it_read(void **state)
{
	struct qcow2_bitmap *v;
	uint8_t buf[BYTES], again[BYTES];

	good(buf);
	assert_int_equal(parse(buf, BYTES, ENTRIES, &v), 0);
	assert_int_equal(qcow2_bitmap_dir_bytes(v, ENTRIES), BYTES);
	memset(again, 0xff, BYTES);
	qcow2_bitmap_dir_write(v, ENTRIES, again);
	assert_memory_equal(buf, again, BYTES);
	qcow2_bitmap_dir_free(v, ENTRIES);
}

static void refuses_every_cut_and_wrong_count(void **state)
{
	struct qcow2_bitmap *v;
	uint8_t buf[BYTES + 8] = { 0 };

	good(buf);
	for (size_t n = 0; n < BYTES; n++) {
		/* In memory of its own, so that a read past the end is seen. */
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, buf, n);
		assert_int_equal(parse(cut, n, ENTRIES, &v), -EUCLEAN);
		free(cut);
	}
	assert_int_equal(parse(buf, BYTES, 1, &v), -EUCLEAN);
	assert_int_equal(parse(buf, BYTES, 3, &v), -EUCLEAN);
	assert_int_equal(parse(buf, BYTES, QCOW2_BITMAPS_MAX + 1, &v), -EUCLEAN);
	assert_int_equal(parse(buf, BYTES + 8, ENTRIES, &v), -EUCLEAN);
}

static const struct {
	const char *what;
	unsigned off, width;
	uint64_t value;
	int want;
} cases[] = {
	{ "no table", 0, 8, 0, -EUCLEAN },
	{ "unaligned table", 0, 8, (5 << BITS) + 512, -EUCLEAN },
	{ "table past all offsets", 0, 8, ~0ull << BITS, -EUCLEAN },
	{ "empty table", 8, 4, 0, -EUCLEAN },
	{ "huge table", 8, 4, 0xffffffff, -EUCLEAN },
	{ "more bits than any reader holds", 8, 4, (0x20000000 >> BITS) + 1, -EUCLEAN },
	{ "reserved flag", 12, 4, 8, -EUCLEAN },
	{ "unknown type", 16, 1, 2, -ENOTSUP },
	{ "fine granularity", 17, 1, 8, -EUCLEAN },
	{ "coarse granularity", 17, 1, 32, -EUCLEAN },
	{ "too few bits for the disk", 17, 1, 9, -EUCLEAN },
	{ "no name", 18, 2, 0, -EUCLEAN },
	{ "name past the end", 18, 2, 0xffff, -EUCLEAN },
	{ "NUL in the name", 24, 1, 0, -EUCLEAN },
	{ "extra data past the end", 20, 4, 0xffffffff, -EUCLEAN },
};

static void refuses_each_bad_field(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qcow2_bitmap *v;
		uint8_t buf[BYTES];
		int r;

		good(buf);
		for (unsigned k = 0; k < cases[i].width; k++)
			buf[cases[i].off + k] =
				(uint8_t)(cases[i].value >> 8 * (cases[i].width - 1 - k));
		r = parse(buf, BYTES, ENTRIES, &v);
		if (r != cases[i].want)
			fail_msg("%s: got %d, want %d", cases[i].what, r, cases[i].want);
	}
}

/* A bitmap in use may be of another disk size: whoever left it so did not finish. */
static void takes_a_short_bitmap_that_is_in_use(void **state)
{
	struct qcow2_bitmap *v;
	uint8_t buf[BYTES];

	good(buf);
	buf[17] = 9;
	store_be32(buf + 12, QCOW2_BITMAP_AUTO | QCOW2_BITMAP_IN_USE);
	assert_int_equal(parse(buf, BYTES, ENTRIES, &v), 0);
	qcow2_bitmap_dir_free(v, ENTRIES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_every_cut_and_wrong_count),
		cmocka_unit_test(refuses_each_bad_field),
		cmocka_unit_test(takes_a_short_bitmap_that_is_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
