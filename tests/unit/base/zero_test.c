/* SPDX-License-Identifier: MIT */
#include "base/zero.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void every_length_place_and_offset(void **state)
{
	/* exact size, so that a sanitizer sees reads past the end */
	for (size_t len = 0; len < 400; len += len < 40 ? 1 : 13) {
		for (size_t skew = 0; skew < 33; skew += 11) {
			AUTO_FREE uint8_t *p = mem_zalloc(len + skew + 1, 1, NULL);
			uint8_t *b = p + skew;

			b[len] = 1;
			assert_true(zero_is(b, len));
			assert_int_equal(zero_prefix(b, len), len);
			for (size_t i = 0; i < len; i++) {
				b[i] = 0x80;
				assert_false(zero_is(b, len));
				assert_int_equal(zero_prefix(b, len), i);
				b[i] = 0;
			}
		}
	}
}

/* The definition, unit by unit. */
static size_t run_slow(const uint8_t *b, size_t len, size_t unit, size_t min_zero, int *zero)
{
	size_t n = (len + unit - 1) / unit, want = (min_zero + unit - 1) / unit, i, z;

	if (!want)
		want = 1;
#define IS_ZERO(k) zero_is(b + (k)*unit, len - (k)*unit < unit ? len - (k)*unit : unit)
	*zero = len && IS_ZERO(0);
	for (i = 0; i < n; i += z ? z : 1) {
		for (z = 0; i + z < n && IS_ZERO(i + z); z++)
			;
		if (*zero) {
			i += z;
			break;
		}
		if (z && (z >= want || i + z == n))
			break;
	}
	return i * unit < len ? i * unit : len;
}

static void runs_as_defined(void **state)
{
	uint8_t b[64 * 40];
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t unit = 8u << (rand_r(&seed) % 4);
		size_t len = (size_t)rand_r(&seed) % (sizeof(b) + 1);
		size_t min_zero = (size_t)rand_r(&seed) % (unit * 10);
		unsigned dense = 1 + (unsigned)rand_r(&seed) % 12;
		int zero = 7, want_zero;
		size_t want, got;

		memset(b, 0, sizeof(b));
		for (size_t i = 0; i < len; i += unit)
			if (rand_r(&seed) % dense == 0)
				b[i + (size_t)rand_r(&seed) % unit] = 1;
		want = run_slow(b, len, unit, min_zero, &want_zero);
		got = zero_run(b, len, unit, min_zero, &zero);
		if (got != want || zero != want_zero)
			fail_msg("len %zu unit %zu min %zu: %zu/%d, expected %zu/%d", len, unit,
				 min_zero, got, zero, want, want_zero);
	}
}

static void sectors_by_hand(void **state)
{
	AUTO_FREE uint8_t *b = mem_zalloc(64, 512, NULL);
	int zero;

	assert_int_equal(zero_run(b, 0, 512, 4096, &zero), 0);
	assert_int_equal(zero_run(b, 64 * 512, 512, 4096, &zero), 64 * 512);
	assert_int_equal(zero, 1);
	b[10 * 512 + 511] = 1;
	assert_int_equal(zero_run(b, 64 * 512, 512, 4096, &zero), 10 * 512);
	assert_int_equal(zero, 1);
	/* seven zero sectors are not worth a hole, eight are */
	b[18 * 512] = 1;
	assert_int_equal(zero_run(b + 5120, 54 * 512, 512, 4096, &zero), 9 * 512);
	assert_int_equal(zero, 0);
	b[18 * 512] = 0;
	b[19 * 512] = 1;
	assert_int_equal(zero_run(b + 5120, 54 * 512, 512, 4096, &zero), 512);
	assert_int_equal(zero, 0);
	/* but zeroes to the end always are */
	assert_int_equal(zero_run(b + 5120, 3 * 512, 512, 4096, &zero), 512);
	assert_int_equal(zero, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_place_and_offset),
		cmocka_unit_test(runs_as_defined),
		cmocka_unit_test(sectors_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
