/* SPDX-License-Identifier: MIT */
#include "hostcheck/finding.h"

#include "tests/unit/unit.h"

#include <string.h>

static void test_clean(void **state)
{
	struct finding f = { 0 };

	(void)state;
	/* an escape sequence, a newline and bytes past ASCII must not reach a terminal */
	found(&f, V_WARN, "%s", "a\033[31mb\nc\177\303\244");
	assert_string_equal(f.value, "a?[31mb?c???");
	advise(&f, "x.y", R_NOW, "%s", "\001ok\t");
	assert_string_equal(f.advice, "?ok?");
	found_item(&f, V_OK, "n\033", "t\r");
	assert_string_equal(f.items[0].name, "n?");
	assert_string_equal(f.items[0].text, "t?");
	finding_free(&f);
}

static void test_cut(void **state)
{
	struct finding f = { 0 };
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	found(&f, V_OK, "%s", big);
	assert_int_equal(strlen(f.value), sizeof(f.value) - 1);
	assert_string_equal(f.value + sizeof(f.value) - 4, "...");
	advise(&f, NULL, R_NONE, "%s", big);
	assert_int_equal(strlen(f.advice), sizeof(f.advice) - 1);
	found_item(&f, V_OK, big, "%s", big);
	assert_int_equal(strlen(f.items[0].name), sizeof(f.items[0].name) - 1);
	finding_free(&f);
	assert_int_equal(f.n_items, 0);
}

static void test_worst(void **state)
{
	static const enum verdict rising[] = {
		V_SKIP, V_OK, V_INFO, V_UNKNOWN, V_WARN, V_FAIL
	};
	struct finding f = { 0 };

	(void)state;
	assert_int_equal(finding_worst(&f), V_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++) {
		for (size_t k = 0; k <= i; k++) {
			assert_int_equal(verdict_worse(rising[i], rising[k]), rising[i]);
			assert_int_equal(verdict_worse(rising[k], rising[i]), rising[i]);
		}
		found_item(&f, rising[i], "n", "t");
		if (i)
			assert_int_equal(finding_worst(&f), rising[i]);
	}
	finding_free(&f);
}

static void test_unreadable(void **state)
{
	struct err e = { -EACCES, "/x: Permission denied" };
	struct finding f = { 0 };

	(void)state;
	found_unreadable(&f, -EACCES, "the lock", &e);
	assert_int_equal(f.verdict, V_UNKNOWN);
	assert_int_equal(f.remedy, R_ROOT);
	assert_string_equal(f.value, "the lock: /x: Permission denied");
	found_unreadable(&f, -EIO, "the lock", &e);
	assert_int_equal(f.remedy, R_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
