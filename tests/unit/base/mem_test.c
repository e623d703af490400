/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void zalloc_clears_and_checks(void **state)
{
	struct err e = { 0 };
	AUTO_FREE uint64_t *v = mem_zalloc(100, sizeof(*v), &e);
	AUTO_FREE void *none = mem_zalloc(0, 8, &e);

	assert_non_null(v);
	assert_non_null(none);
	for (int i = 0; i < 100; i++)
		assert_int_equal(v[i], 0);
	assert_int_equal(e.code, 0);
	assert_null(mem_zalloc(SIZE_MAX / 2, 4, &e));
	assert_int_equal(e.code, -ENOMEM);
}

static void aligned_is_aligned(void **state)
{
	for (size_t align = 1; align <= 1 << 16; align *= 2) {
		AUTO_FREE void *p = mem_aligned(align, 100, NULL);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
	}
}

static void grow_keeps_content_even_when_it_fails(void **state)
{
	struct err e = { 0 };
	void *p = NULL;

	assert_int_equal(mem_grow(&p, 4, 1, &e), 0);
	memcpy(p, "abc", 4);
	assert_int_equal(mem_grow(&p, 100000, 1, &e), 0);
	assert_string_equal(p, "abc");
	assert_int_equal(mem_grow(&p, SIZE_MAX, 2, &e), -ENOMEM);
	assert_int_equal(mem_grow(&p, SIZE_MAX / 2 + 2, 1, &e), -ENOMEM);
	assert_string_equal(p, "abc");
	free(p);
}

static void strdup_copies(void **state)
{
	AUTO_FREE char *s = mem_strdup("text", NULL);

	assert_string_equal(s, "text");
}

static void freep_clears_nothing_twice(void **state)
{
	char *p = NULL;

	mem_freep(&p); /* a scope left before the allocation */
	p = malloc(1);
	mem_freep(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zalloc_clears_and_checks),
		cmocka_unit_test(aligned_is_aligned),
		cmocka_unit_test(grow_keeps_content_even_when_it_fails),
		cmocka_unit_test(strdup_copies),
		cmocka_unit_test(freep_clears_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
