/* SPDX-License-Identifier: MIT */
#include "modules/persist.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void exchanges_one_value(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *want; /* NULL: nothing to do */
	} rows[] = {
		{ "options kvm_amd nested=Y\n", 1, "options kvm_amd nested=1\n" },
		{ "# x\noptions kvm_amd npt=1 nested=Y avic=0\n", 2,
		  "# x\noptions kvm_amd npt=1 nested=1 avic=0\n" },
		{ "options kvm_amd nested=1\n", 1, NULL },
		{ "options kvm_amd nested", 1, "options kvm_amd nested=1" },
		{ "options kvm_amd nested=\n", 1, "options kvm_amd nested=1\n" },
		{ "options kvm_amd nested=Y nested=N\r\n", 1,
		  "options kvm_amd nested=1 nested=1\r\n" },
		{ "options kvm_amd \\\n  nested=Y\noptions x nested=Y\n", 1,
		  "options kvm_amd \\\n  nested=1\noptions x nested=Y\n" },
		/* a backslash takes in the byte behind it: the end of this line is none of both */
		{ "options kvm_amd \\\r\n nested=Y\n", 1, NULL },
		{ "options kvm_amd a=\\\\\n nested=Y\n", 1, NULL },
		{ "options kvm_amd nested_x=Y xnested=Y\n", 1, NULL },
		{ "options kvm_amd\nnested=Y\n", 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = { 0 };
		char *out = NULL;
		int r = persist_mend(rows[i].text, rows[i].line, "nested", "1", &out, &e);

		assert_int_equal(r, rows[i].want != NULL);
		if (rows[i].want)
			assert_string_equal(out, rows[i].want);
		free(out);
	}
}

static void names_with_dashes(void **state)
{
	static const char text[] = "options vhost max-mem_regions=16\n";
	struct err e = { 0 };
	char *out = NULL;

	(void)state;
	assert_int_equal(persist_mend(text, 1, "max_mem_regions", "64", &out, &e), 1);
	assert_string_equal(out, "options vhost max-mem_regions=64\n");
	free(out);
	assert_int_equal(persist_mend(text, 2, "x", "64", &out, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_one_value),
		cmocka_unit_test(names_with_dashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
