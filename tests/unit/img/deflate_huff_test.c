/* SPDX-License-Identifier: MIT */
#include "img/codec/deflate_huff.h"

#include "tests/unit/img/samples.h"
#include "tests/unit/unit.h"

/* Bits of an optimal code without a limit: the sum of all sums of two least weights. */
static uint64_t optimal_bits(const uint32_t *freq, unsigned n)
{
	uint64_t w[288], total = 0;
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++)
		if (freq[i])
			w[m++] = freq[i];
	if (m == 1)
		return w[0];
	while (m > 1) {
		for (unsigned k = 0; k < 2; k++) {
			unsigned least = 0;

			for (unsigned i = 1; i < m - k; i++)
				if (w[i] < w[least])
					least = i;
			uint64_t t = w[least];

			w[least] = w[m - 1 - k];
			w[m - 1 - k] = t;
		}
		w[m - 2] += w[m - 1];
		m--;
		total += w[m - 1];
	}
	return total;
}

static uint64_t bits_of(const uint32_t *freq, const uint8_t *len, unsigned n)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++)
		bits += (uint64_t)freq[i] * len[i];
	return bits;
}

/* Every used symbol has a code, and together they fill the code space. */
static void check_code(const uint32_t *freq, const uint8_t *len, unsigned n, unsigned limit)
{
	uint32_t space = 0, used = 0;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(len[i] != 0, freq[i] != 0);
		assert_true(len[i] <= limit);
		used += len[i] != 0;
		space += len[i] ? 1u << (limit - len[i]) : 0;
	}
	if (used > 1)
		assert_int_equal(space, 1u << limit);
	else
		assert_int_equal(space, used << (limit - 1));
}

static void lengths_are_optimal(void **state)
{
	uint64_t seed = 5;
	int free_of_limit = 0;

	for (int round = 0; round < 3000; round++) {
		unsigned n = 1 + (unsigned)(sample_next(&seed) % 286);
		unsigned spread = (unsigned)(sample_next(&seed) % 12);
		uint32_t freq[288] = { 0 };
		uint8_t len[288], longest = 0;

		for (unsigned i = 0; i < n; i++)
			if (sample_next(&seed) % 4)
				freq[i] = (uint32_t)(sample_next(&seed) >> 40) &
					  ((1u << spread) - 1);
		huff_lengths(freq, n, 15, len);
		check_code(freq, len, n, 15);
		/* unless the limit was in the way */
		for (unsigned i = 0; i < n; i++)
			longest = len[i] > longest ? len[i] : longest;
		if (longest < 15)
			assert_int_equal(bits_of(freq, len, n), optimal_bits(freq, n));
		else
			assert_true(bits_of(freq, len, n) >= optimal_bits(freq, n));
		free_of_limit += longest < 15;
	}
	assert_true(free_of_limit > 1000);
}

static void the_limit_holds(void **state)
{
	uint32_t freq[288] = { 0 };
	uint8_t len[288];

	/* Fibonacci's numbers ask for the longest codes */
	for (unsigned n = 2; n <= 30; n++) {
		freq[0] = freq[1] = 1;
		for (unsigned i = 2; i < n; i++)
			freq[i] = freq[i - 1] + freq[i - 2];
		for (unsigned limit = 5; limit <= 15; limit++) {
			huff_lengths(freq, n, limit, len);
			check_code(freq, len, n, limit);
			if (n <= limit + 1)
				assert_int_equal(bits_of(freq, len, n), optimal_bits(freq, n));
		}
	}
	for (unsigned i = 0; i < 19; i++)
		freq[i] = i < 10 ? 1 : 1u << i;
	huff_lengths(freq, 19, 7, len);
	check_code(freq, len, 19, 7);
}

static void few_symbols(void **state)
{
	uint32_t freq[288] = { 0 };
	uint8_t len[288];

	huff_lengths(freq, 30, 15, len);
	check_code(freq, len, 30, 15);
	freq[7] = 123;
	huff_lengths(freq, 30, 15, len);
	assert_int_equal(len[7], 1);
	check_code(freq, len, 30, 15);
	freq[29] = 1;
	huff_lengths(freq, 30, 15, len);
	assert_int_equal(len[7], 1);
	assert_int_equal(len[29], 1);
}

/* The example of RFC 1951, 3.2.2, with the bits of each code reversed. */
static void codes_as_specified(void **state)
{
	static const uint8_t len[8] = { 3, 3, 3, 3, 3, 2, 4, 4 };
	static const uint16_t want[8] = { 2, 6, 1, 5, 3, 0, 7, 15 };
	uint16_t code[8];

	huff_codes(len, 8, code);
	for (int i = 0; i < 8; i++)
		assert_int_equal(code[i], want[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_optimal),
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(few_symbols),
		cmocka_unit_test(codes_as_specified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
