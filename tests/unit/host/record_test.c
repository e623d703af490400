/* SPDX-License-Identifier: MIT */
#include "host/record.h"

#include "tests/unit/unit.h"

#include <string.h>

static struct host_record *of(const char *text)
{
	struct host_record *r = NULL;

	assert_int_equal(record_parse(text, strlen(text), &r, NULL), 0);
	return r;
}

static void keys_and_values(void **state)
{
	struct host_record *r = of("# head\n\n  arch   =  x86_64  # why not\r\n"
				   "msr \t 0   0x3a = 0x5\nempty =\neq = a = b\nlast = 1");

	assert_string_equal(record_get(r, "arch"), "x86_64");
	assert_string_equal(record_get(r, "msr 0 0x3a"), "0x5");
	assert_string_equal(record_get(r, "empty"), "");
	assert_string_equal(record_get(r, "eq"), "a = b");
	assert_string_equal(record_get(r, "last"), "1");
	assert_null(record_get(r, "msr 0"));
	assert_null(record_get(NULL, "arch"));
	record_free(r);
	record_free(NULL);
}

static void lines_that_are_none(void **state)
{
	static const char *const bad[] = { "a = 1\nno equals sign\n", "= 1", "\n\n a" };
	struct host_record *r = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(record_parse(bad[i], strlen(bad[i]), &r, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "line 3"));
	assert_int_equal(record_parse("a = \0b", 6, &r, &e), -EINVAL);
	assert_null(r);
}

static void numbers(void **state)
{
	struct host_record *r = of("four = 0x10 2 0 18446744073709551615\ngone = EACCES\n"
				   "minus = -1\nword = 1 x\nbig = 18446744073709551616\n");
	uint64_t v[4];
	struct err e = { 0 };

	assert_int_equal(record_numbers(r, "four", v, 4, NULL), 0);
	assert_true(v[0] == 16 && v[1] == 2 && v[2] == 0 && v[3] == UINT64_MAX);
	assert_int_equal(record_numbers(r, "four", v, 3, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "four"));
	assert_int_equal(record_numbers(r, "gone", v, 1, &e), -EACCES);
	assert_int_equal(record_numbers(r, "none", v, 1, &e), -ENODATA);
	assert_int_equal(record_numbers(r, "minus", v, 1, &e), -EINVAL);
	assert_int_equal(record_numbers(r, "word", v, 2, &e), -EINVAL);
	assert_int_equal(record_numbers(r, "big", v, 1, &e), -EINVAL);
	record_free(r);
}

static void names_of_errors_come_back(void **state)
{
	struct host_record *r = of("a = ENOTSUP\nb = EIO\n");
	uint64_t v;

	assert_string_equal(record_errno_name(-EOPNOTSUPP), "ENOTSUP");
	assert_int_equal(record_numbers(r, "a", &v, 1, NULL), -EOPNOTSUPP);
	assert_string_equal(record_errno_name(-EIO), "EIO");
	assert_int_equal(record_numbers(r, "b", &v, 1, NULL), -EIO);
	assert_null(record_errno_name(-EXDEV));
	assert_null(record_errno_name(EIO));
	record_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_values),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(numbers),
		cmocka_unit_test(names_of_errors_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
