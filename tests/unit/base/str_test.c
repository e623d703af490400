/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void pieces_join(void **state)
{
	struct str s = STR_INIT;
	AUTO_FREE char *text = NULL;

	str_add(&s, "a");
	str_addn(&s, "bcd", 2);
	str_addf(&s, "%d-%s", 7, "x");
	text = str_take(&s, NULL);
	assert_string_equal(text, "abc7-x");
	assert_null(s.s);
	assert_int_equal(s.len, 0);
}

static void empty_is_a_string(void **state)
{
	struct str s = STR_INIT;
	AUTO_FREE char *text = str_take(&s, NULL);

	assert_string_equal(text, "");
}

static void grows_past_any_first_size(void **state)
{
	struct str s = STR_INIT;
	char line[300];

	memset(line, 'y', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		str_addf(&s, "%s", line);
	assert_int_equal(s.len, 29900);
	assert_int_equal(strlen(s.s), 29900);
	str_free(&s);
	assert_null(s.s);
}

static void failure_is_reported_once(void **state)
{
	struct str s = STR_INIT;
	struct err e = { 0 };

	str_add(&s, "kept");
	str_addn(&s, "", SIZE_MAX);
	assert_true(s.failed);
	str_add(&s, "ignored");
	assert_null(str_take(&s, &e));
	assert_int_equal(e.code, -ENOMEM);
	assert_false(s.failed);
}

static void printf_makes_a_string(void **state)
{
	AUTO_FREE char *text = str_printf(NULL, "%s=%u", "a", 3u);

	assert_string_equal(text, "a=3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_join),
		cmocka_unit_test(empty_is_a_string),
		cmocka_unit_test(grows_past_any_first_size),
		cmocka_unit_test(failure_is_reported_once),
		cmocka_unit_test(printf_makes_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
