/* SPDX-License-Identifier: MIT */
/* The tables of checks: what must hold of every row. */
#include "hostcheck/check.h"
#include "tests/unit/unit.h"

#include <string.h>

static size_t index_of(const char *id)
{
	size_t n = 0;

	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++, n++)
			if (!strcmp(c->id, id))
				return n;
	return SIZE_MAX;
}

static void test_ids(void **state)
{
	(void)state;
	for (const struct check_group *const *g = check_groups; *g; g++) {
		size_t len = strlen((*g)->id);

		assert_true((*g)->title && (*g)->checks[0].id);
		assert_ptr_equal(check_find_group((*g)->id), *g);
		for (const struct check *c = (*g)->checks; c->id; c++) {
			const struct check_group *owner = NULL;

			/* "group.name", small letters, digits, dashes */
			assert_memory_equal(c->id, (*g)->id, len);
			assert_int_equal(c->id[len], '.');
			assert_int_equal(strspn(c->id,
						"abcdefghijklmnopqrstuvwxyz0123456789.-"),
					 strlen(c->id));
			assert_true(strlen(c->id) <= 24);
			/* the first of this name is this one: no name twice */
			assert_ptr_equal(check_find(c->id, &owner), c);
			assert_ptr_equal(owner, *g);
		}
	}
	assert_null(check_find("cpu", NULL));
	assert_null(check_find_group("cpu.virt"));
}

static void test_texts(void **state)
{
	(void)state;
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++) {
			const char *const texts[] = { c->why, c->how, c->mend };

			assert_non_null(c->run);
			assert_true(c->title && strlen(c->title) >= 3 &&
				    strlen(c->title) <= 48);
			for (size_t i = 0; i < 3; i++) {
				assert_non_null(texts[i]);
				assert_true(strlen(texts[i]) >= 5);
				assert_int_equal(texts[i][strlen(texts[i]) - 1] == '.' ||
							 strstr(texts[i], " 0 0") != NULL,
						 1);
			}
		}
}

/* A need is an earlier check, so there is no circle. */
static void test_needs(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++, n++)
			if (c->needs)
				assert_true(index_of(c->needs) < n);
}

static void test_names(void **state)
{
	(void)state;
	for (int v = 0; v < V_COUNT; v++)
		assert_int_equal(verdict_find(verdict_name((enum verdict)v)), v);
	assert_int_equal(verdict_find("OK"), -1);
	assert_null(remedy_name(R_NONE));
	for (int r = R_NOW; r <= R_ROOT; r++)
		assert_true(remedy_name((enum remedy)r) && remedy_text((enum remedy)r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
