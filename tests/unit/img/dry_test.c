/* SPDX-License-Identifier: MIT */
#include "img/proto/dry.h"

#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

enum { SIZE = 1 << 20, STEPS = 4000, PIECE_MAX = 200000 };

static uint32_t next(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static void same_bytes(struct blk *b, const uint8_t *want, uint64_t off, size_t len)
{
	uint8_t *got = malloc(len);
	struct err e = { 0 };

	assert_non_null(got);
	assert_int_equal(blk_pread(b, got, len, off, &e), 0);
	assert_memory_equal(got, want + off, len);
	free(got);
}

/* Random changes of the node and of a plain array; the file below keeps its bytes. */
static void changes_stay_above(void **state)
{
	static uint8_t model[3 * SIZE], file[SIZE], buf[PIECE_MAX];
	struct blk *below, *b = NULL;
	struct err e = { 0 };
	uint32_t seed = 7;
	uint64_t size = SIZE;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		file[i] = model[i] = (uint8_t)next(&seed);
	below = memblk_new(file, SIZE);
	assert_int_equal(dry_new(below, &b, &e), 0);
	for (int i = 0; i < STEPS; i++) {
		uint64_t off = next(&seed) % (2 * SIZE);
		size_t len = 1 + next(&seed) % PIECE_MAX;

		switch (next(&seed) % 8) {
		case 0:
			assert_int_equal(blk_resize(b, off, PREALLOC_OFF, &e), 0);
			if (off < size)
				memset(model + off, 0, sizeof(model) - off);
			size = off;
			break;
		case 1:
			assert_int_equal(blk_zero(b, off, len, 0, &e), 0);
			memset(model + off, 0, len);
			size = off + len > size ? off + len : size;
			break;
		case 2:
		case 3:
			for (size_t k = 0; k < len; k++)
				buf[k] = (uint8_t)next(&seed);
			assert_int_equal(blk_pwrite(b, buf, len, off, &e), 0);
			memcpy(model + off, buf, len);
			size = off + len > size ? off + len : size;
			break;
		default:
			same_bytes(b, model, off, len);
		}
		assert_int_equal(b->size, size);
	}
	assert_int_equal(blk_flush(b, &e), 0);
	same_bytes(below, file, 0, SIZE);
	assert_int_equal(blk_close(b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_stay_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
