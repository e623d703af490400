/* SPDX-License-Identifier: MIT */
#include "base/out.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void cells_do_not_move_the_terminal(void **state)
{
	struct out_table t = { 0 };

	out_row(&t, "A\033[2J", "\302\233b", "caf\303\251");
	out_row(&t, "\377x", "one\ntwo");
	assert_int_equal(t.columns, 3);
	assert_int_equal(t.rows, 2);
	assert_string_equal(t.cells[0], "A?[2J");
	/* a C1 control is one in UTF-8 too */
	assert_string_equal(t.cells[1], "??b");
	assert_string_equal(t.cells[2], "caf\303\251");
	assert_string_equal(t.cells[3], "?x");
	assert_string_equal(t.cells[4], "one?two");
	assert_null(t.cells[5]);
	for (size_t i = 0; i < 6; i++)
		free(t.cells[i]);
	free(t.cells);
}

static void strings_of_json(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "a\nb\033", "a\nb\033" },
		{ "\377", "\357\277\275" },
		{ "\303\251\303", "\303\251\357\277\275" },
		/* overlong, a surrogate, beyond Unicode */
		{ "\300\257", "\357\277\275\357\277\275" },
		{ "\355\240\200", "\357\277\275\357\277\275\357\277\275" },
		{ "\364\220\200\200", "\357\277\275\357\277\275\357\277\275\357\277\275" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		json_t *v = out_text(table[i].text);

		assert_true(json_is_string(v));
		assert_string_equal(json_string_value(v), table[i].want);
		json_decref(v);
	}
	assert_true(json_is_null(out_text(NULL)));
}

static void errors_of_json(void **state)
{
	struct err e = { 0 };
	json_t *v;

	assert_true(json_is_null(out_error(&e)));
	err_set(&e, -EBUSY, "tun is in use");
	v = out_error(&e);
	assert_string_equal(json_string_value(json_object_get(v, "code")), "EBUSY");
	assert_string_equal(json_string_value(json_object_get(v, "message")), "tun is in use");
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_do_not_move_the_terminal),
		cmocka_unit_test(strings_of_json),
		cmocka_unit_test(errors_of_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
