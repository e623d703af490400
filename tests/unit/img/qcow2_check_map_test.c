/* SPDX-License-Identifier: MIT */
#include "img/format/qcow2_check_map.h"

#include "tests/unit/unit.h"

#include <string.h>

enum { N = 3 * CHECK_STRETCH + 77 };

struct model {
	uint64_t count[N], over;
	uint8_t mark[N];
};

static void count_over(void *arg, uint64_t cluster, uint64_t excess)
{
	struct model *m = arg;

	m->over += excess + cluster;
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 20;
}

static void compare(const struct check_map *map, const struct model *m)
{
	uint64_t highest = 0;

	for (uint64_t c = 0; c < N; c++) {
		assert_int_equal(check_map_get(map, c), m->count[c]);
		if (m->count[c])
			highest = c;
	}
	assert_int_equal(check_map_highest(map), highest);
	for (uint64_t c = 0; c + CHECK_WORD <= N; c += CHECK_WORD) {
		uint64_t word, marks, each[CHECK_WORD];
		bool narrow = check_map_word(map, c, &word, &marks);

		check_map_load(map, c, each);
		for (unsigned i = 0; i < CHECK_WORD; i++) {
			assert_int_equal(each[i], m->count[c + i]);
			assert_int_equal(marks >> (2 * i) & 3, m->mark[c + i]);
			if (narrow)
				assert_int_equal(word >> (2 * i) & 3, m->count[c + i]);
		}
	}
}

/* Runs of all lengths, from and into every width of a count. */
static void follow(uint64_t max, uint64_t by_max, unsigned rounds)
{
	static struct model m, seen;
	struct check_map map;
	uint64_t seed = max + by_max;

	memset(&m, 0, sizeof(m));
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(check_map_init(&map, N, max, NULL), 0);
	for (unsigned r = 0; r < rounds; r++) {
		uint64_t len = 1 + next(&seed) % (1ull << next(&seed) % 15);
		uint64_t first = next(&seed) % N, by = 1 + next(&seed) % by_max;
		bool flag = next(&seed) & 1;

		if (len > N - first)
			len = N - first;
		for (uint64_t c = first; c < first + len; c++) {
			uint64_t sum = m.count[c] + by;

			if (sum > max)
				m.over += sum - max + c;
			m.count[c] = sum > max ? max : sum;
			m.mark[c] |= flag ? 1 : 2;
		}
		assert_int_equal(check_map_add(&map, first, len, by, count_over, &seen, NULL),
				 0);
		assert_int_equal(check_map_mark(&map, first, len, flag, NULL), 0);
	}
	assert_int_equal(seen.over, m.over);
	compare(&map, &m);
	check_map_clear(&map);
	memset(&m, 0, sizeof(m));
	compare(&map, &m);
	check_map_free(&map);
}

static void one_by_one(void **state)
{
	follow(65535, 1, 40);
	follow(65535, 1, 2000);
}

static void in_larger_steps(void **state)
{
	follow(65535, 3, 300);
	follow(65535, 90, 300);
	follow(UINT64_MAX, 1ull << 40, 300);
}

static void no_further_than_the_refcount_width(void **state)
{
	follow(1, 1, 300);
	follow(3, 2, 300);
	follow(15, 4, 300);
	follow(255, 60, 300);
	follow(65535, 9000, 300);
}

static void nothing_is_allocated_without_references(void **state)
{
	struct check_map map;
	uint64_t word, marks;

	assert_int_equal(check_map_init(&map, 1ull << 31, 65535, NULL), 0);
	assert_int_equal(check_map_add(&map, (1ull << 31) - 1, 1, 1, count_over, NULL, NULL),
			 0);
	assert_true(check_map_word(&map, 1ull << 30, &word, &marks));
	assert_int_equal(word, 0);
	for (uint64_t i = 0; i + 1 < map.stretches; i++)
		assert_null(map.stretch[i].v);
	assert_int_equal(check_map_highest(&map), (1ull << 31) - 1);
	check_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(in_larger_steps),
		cmocka_unit_test(no_further_than_the_refcount_width),
		cmocka_unit_test(nothing_is_allocated_without_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
