/* SPDX-License-Identifier: MIT */
#include "base/lib.h"

#include "tests/unit/unit.h"

#include <string.h>
#include <zlib.h>

/* A library that is there wherever this is built, under the name that programs know it by. */
#define CALLS(X, t) X(t, zlibVersion) X(t, crc32)

struct z {
	int before;
	CALLS(LIB_MEMBER, )
};

static const struct lib_call calls[] = { CALLS(LIB_CALL, struct z) };
static const struct lib_call strange[] = {
	{ "zlibVersion", offsetof(struct z, zlibVersion) },
	{ "no_such_call", offsetof(struct z, crc32) },
};

static void loads_and_calls(void **state)
{
	static const struct lib lib = { "zlib", { "libz.so.1" }, "zlib1g", calls, 2 };
	struct z z = { .before = 7 };
	struct err e = { 0 };

	assert_int_equal(lib_load(&lib, &z, &e), 0);
	assert_string_equal(z.zlibVersion(), zlibVersion());
	assert_int_equal(z.crc32(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
	assert_int_equal(z.before, 7);
	assert_int_equal(e.code, 0);
}

static void tries_the_names_in_order(void **state)
{
	static const struct lib lib = {
		"zlib", { "libno-such.so.9", "libz.so.1" }, "zlib1g", calls, 2
	};
	struct z z;

	assert_int_equal(lib_load(&lib, &z, NULL), 0);
	assert_string_equal(z.zlibVersion(), zlibVersion());
}

static void names_what_is_not_installed(void **state)
{
	static const struct lib lib = {
		"libno-such", { "libno-such.so.9" }, "libno9", calls, 2
	};
	struct z z;
	struct err e = { 0 };

	assert_int_equal(lib_load(&lib, &z, &e), -ENOTSUP);
	assert_non_null(strstr(e.msg, "libno-such is not installed (package libno9): "));
	assert_non_null(strstr(e.msg, "libno-such.so.9"));
}

static void names_a_function_that_is_missing(void **state)
{
	static const struct lib lib = { "zlib", { "libz.so.1" }, "zlib1g", strange, 2 };
	struct z z;
	struct err e = { 0 };

	assert_int_equal(lib_load(&lib, &z, &e), -ENOTSUP);
	assert_string_equal(e.msg, "zlib is too old: it has no no_such_call");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_and_calls),
		cmocka_unit_test(tries_the_names_in_order),
		cmocka_unit_test(names_what_is_not_installed),
		cmocka_unit_test(names_a_function_that_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
