/* SPDX-License-Identifier: MIT */
#include "hugepages/boot_conf.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void there_and_back(void **state)
{
	static const char text[] = "# pools\n2M 512 0\n 2048K\t256 1 # second\n\n1G 4\n64K 0";
	struct hugeboot b = { 0 }, again = { 0 };
	struct err e = { 0 };
	char *out;

	(void)state;
	assert_int_equal(hugeboot_parse(text, strlen(text), &b, &e), 0);
	assert_int_equal(b.n, 4);
	assert_int_equal(b.v[1].page, 2 << 20);
	assert_int_equal(b.v[1].count, 256);
	assert_int_equal(b.v[1].node, 1);
	assert_int_equal(b.v[2].node, -1);
	out = hugeboot_text(&b, &e);
	assert_non_null(strstr(out, "\n2M 512 0\n2M 256 1\n1G 4\n64K 0\n"));
	assert_int_equal(hugeboot_parse(out, strlen(out), &again, &e), 0);
	assert_int_equal(again.n, 4);
	free(out);
	hugeboot_free(&b);
	hugeboot_free(&again);
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"2M\n",  "3M 4\n",  "2M many\n",        "2M 4 x\n",       "2M 4 0 0\n",
		"0 4\n", "2M -1\n", "2M 4 1\n2M 5 1\n", "2M 4\n2M 4 0\n", "2M 99999999999\n"
	};
	struct hugeboot b = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (hugeboot_parse(bad[i], strlen(bad[i]), &b, &e) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(e.msg, strchr(bad[i], '\n')[1] ? "line 2" : "line 1"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
