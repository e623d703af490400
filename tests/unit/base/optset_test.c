/* SPDX-License-Identifier: MIT */
#include "base/optset.h"

#include "tests/unit/unit.h"

#include <string.h>

static void keys_and_values(void **state)
{
	struct optset o = OPTSET_INIT;

	assert_int_equal(optset_parse(&o, "a=1,b=x,,y,flag,nolazy,c=", NULL, NULL), 0);
	assert_int_equal(o.n, 5);
	assert_string_equal(optset_get(&o, "a"), "1");
	assert_string_equal(optset_get(&o, "b"), "x,y");
	assert_string_equal(optset_get(&o, "flag"), "on");
	assert_string_equal(optset_get(&o, "lazy"), "off");
	assert_string_equal(optset_get(&o, "c"), "");
	assert_null(optset_get(&o, "nolazy"));
	assert_null(optset_get(NULL, "a"));
	optset_free(&o);
	assert_int_equal(o.n, 0);
	optset_free(NULL);
}

static void later_wins_and_order_is_kept(void **state)
{
	struct optset o = OPTSET_INIT;

	assert_int_equal(optset_parse(&o, "a=1,b=2", NULL, NULL), 0);
	assert_int_equal(optset_parse(&o, "a=3", NULL, NULL), 0);
	assert_int_equal(optset_set(&o, "c", "a,b", NULL), 0);
	assert_string_equal(optset_get(&o, "a"), "3");
	assert_string_equal(optset_get(&o, "c"), "a,b");
	assert_string_equal(o.v[0].val, "1");
	assert_string_equal(o.v[2].key, "a");
	optset_free(&o);
}

static void first_value_may_lack_its_key(void **state)
{
	struct optset o = OPTSET_INIT;

	assert_int_equal(optset_parse(&o, "a,,b.img,format=raw,ro", "file", NULL), 0);
	assert_string_equal(optset_get(&o, "file"), "a,b.img");
	assert_string_equal(optset_get(&o, "format"), "raw");
	assert_string_equal(optset_get(&o, "ro"), "on");
	optset_free(&o);
	assert_int_equal(optset_parse(&o, "x=1,y", "file", NULL), 0);
	assert_null(optset_get(&o, "file"));
	assert_string_equal(optset_get(&o, "y"), "on");
	optset_free(&o);
}

static void broken_lists_are_refused(void **state)
{
	static const char *const bad[] = { "", ",", "a=1,", ",a=1", "=3", "a=1,=2", "a,,b" };
	static const char *const good[] = { "a=,,", "a=1,,,b=2" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct optset o = OPTSET_INIT;
		struct err e = { 0 };

		if (optset_parse(&o, bad[i], NULL, &e) != -EINVAL || e.code != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		optset_free(&o);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct optset o = OPTSET_INIT;

		assert_int_equal(optset_parse(&o, good[i], NULL, NULL), 0);
		assert_true(strchr(optset_get(&o, "a"), ',') != NULL);
		optset_free(&o);
	}
}

static void help_is_an_option_of_its_own(void **state)
{
	assert_true(optset_wants_help("help"));
	assert_true(optset_wants_help("?"));
	assert_true(optset_wants_help("a=1,help"));
	assert_true(optset_wants_help("a=x,,y,?,b"));
	assert_false(optset_wants_help("a=help"));
	assert_false(optset_wants_help("a=1,,help"));
	assert_false(optset_wants_help("helpful"));
	assert_false(optset_wants_help("help=1"));
	assert_false(optset_wants_help(""));
}

static void typed_values(void **state)
{
	struct optset o = OPTSET_INIT;
	struct err e = { 0 };
	uint64_t v = 9;
	bool b = true;

	assert_int_equal(optset_parse(&o, "s=1.5k,n=0x20,t=on,f=no,bad=maybe,neg=-1,h=1.5,o=8x",
				      NULL, &e),
			 0);
	assert_int_equal(optset_size(&o, "s", &v, &e), 0);
	assert_int_equal(v, 1536);
	assert_int_equal(optset_u64(&o, "n", &v, &e), 0);
	assert_int_equal(v, 32);
	assert_int_equal(optset_bool(&o, "f", &b, &e), 0);
	assert_false(b);
	assert_int_equal(optset_bool(&o, "t", &b, &e), 0);
	assert_true(b);
	/* absent: left alone */
	assert_int_equal(optset_size(&o, "zz", &v, &e), 0);
	assert_int_equal(optset_u64(&o, "zz", &v, &e), 0);
	assert_int_equal(optset_bool(&o, "zz", &b, &e), 0);
	assert_int_equal(v, 32);
	assert_true(b);
	assert_int_equal(e.code, 0);
	assert_int_equal(optset_bool(&o, "bad", &b, &e), -EINVAL);
	assert_string_equal(e.msg, "Parameter 'bad' expects 'on' or 'off'");
	assert_int_equal(optset_u64(&o, "neg", &v, &e), -EINVAL);
	assert_int_equal(optset_u64(&o, "o", &v, &e), -EINVAL);
	assert_string_equal(e.msg, "Parameter 'o' expects a number");
	assert_int_equal(optset_size(&o, "h", &v, &e), -EINVAL);
	assert_non_null(
		strstr(e.msg, "Parameter 'h' expects a non-negative number below 2^64"));
	assert_int_equal(optset_parse(&o, "big=16E", NULL, NULL), 0);
	assert_int_equal(optset_size(&o, "big", &v, &e), -ERANGE);
	assert_string_equal(e.msg, "Value '16E' is out of range for parameter 'big'");
	optset_free(&o);
}

static void nobody_asked(void **state)
{
	struct optset o = OPTSET_INIT;

	assert_null(optset_unused(NULL));
	assert_int_equal(optset_parse(&o, "a=1,b=2,a=3", NULL, NULL), 0);
	assert_string_equal(optset_unused(&o), "a");
	(void)optset_get(&o, "a");
	assert_string_equal(optset_unused(&o), "b");
	(void)optset_get(&o, "b");
	assert_null(optset_unused(&o));
	optset_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_values),
		cmocka_unit_test(later_wins_and_order_is_kept),
		cmocka_unit_test(first_value_may_lack_its_key),
		cmocka_unit_test(broken_lists_are_refused),
		cmocka_unit_test(help_is_an_option_of_its_own),
		cmocka_unit_test(typed_values),
		cmocka_unit_test(nobody_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
