/* SPDX-License-Identifier: MIT */
#include "img/fetch.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define X16 "0123456789abcdef"
#define X64 X16 X16 X16 X16

static void finds(const char *text, const char *name, size_t at)
{
	size_t n = 0;
	const char *found = fetch_find_sum(text, name, &n);

	if (found != text + at || n != 64)
		fail_msg("%s in %s: %s", name, text, found ? found : "nothing");
}

static void finds_not(const char *text, const char *name)
{
	size_t n = 0;

	if (fetch_find_sum(text, name, &n))
		fail_msg("%s in %s", name, text);
}

static void lists(void **state)
{
	finds(X64 "  disk.raw\n", "disk.raw", 0);
	finds(X64 " *disk.raw", "disk.raw", 0);
	finds(X64 "  a/b/disk.raw\r\n", "disk.raw", 0);
	finds("# text\n\n" X64 "  other\n" X64 "  disk.raw\n", "disk.raw", 8 + 72);
	finds("SHA256 (disk.raw) = " X64 "\n", "disk.raw", 20);
	finds("MD5 (disk.raw) = " X16 X16 "\nSHA256 (disk.raw) = " X64 "\n", "disk.raw",
	      50 + 20);
	finds("SHA256 (a (b).raw) = " X64 "\n", "a (b).raw", 21);
	finds_not(X64 "  mydisk.raw\n", "disk.raw");
	finds_not(X64 "  disk.raw.xz\n", "disk.raw");
	finds_not(X64 "disk.raw\n", "disk.raw");
	finds_not(X16 "  disk.raw\n", "disk.raw");
	finds_not(X64 X64 X16 "  disk.raw\n", "disk.raw");
	finds_not("SHA256 (disk.raw)", "disk.raw");
	finds_not("SHA256 (disk.raw) = ", "disk.raw");
	finds_not("SHA256 (disk.raw) = \n" X64 "\n", "disk.raw");
	finds_not("", "disk.raw");
}

static void digests(void **state)
{
	char out[2 * DIGEST_MAX + 1];
	const char *algorithm;
	struct err e = { 0 };

	assert_int_equal(fetch_digest(X64, &algorithm, out, NULL), 0);
	assert_string_equal(algorithm, "sha256");
	assert_int_equal(fetch_digest(X64 "ABCDEFABCDEFABCDEFABCDEFABCDEFAB", &algorithm, out,
				      &e),
			 0);
	assert_string_equal(algorithm, "sha384");
	assert_string_equal(out, X64 "abcdefabcdefabcdefabcdefabcdefab");
	assert_int_equal(fetch_digest(X64 X64, &algorithm, out, NULL), 0);
	assert_string_equal(algorithm, "sha512");
	assert_int_equal(fetch_digest(X16, &algorithm, out, NULL), -EINVAL);
	assert_int_equal(fetch_digest(X64 X64 X16, &algorithm, out, NULL), -EINVAL);
	assert_int_equal(fetch_digest("xyz", &algorithm, out, NULL), -EINVAL);
	assert_int_equal(fetch_digest("", &algorithm, out, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
