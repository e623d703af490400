/* SPDX-License-Identifier: MIT */
#include "host/words.h"

#include "tests/unit/unit.h"

#include <string.h>

static struct span of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static void lines_come_without_their_ends(void **state)
{
	struct span text = of("a\n\nlast"), line;

	assert_true(span_line(&text, &line) && span_is(line, "a"));
	assert_true(span_line(&text, &line) && span_is(line, ""));
	assert_true(span_line(&text, &line) && span_is(line, "last"));
	assert_false(span_line(&text, &line));
}

static void words_are_whole(void **state)
{
	struct span text = of(" vmx\tvmx_flags  x\r\n"), w;
	struct words set;

	assert_int_equal(words_parse(text, &set, NULL), 0);
	assert_int_equal(set.n, 3);
	assert_true(words_has(&set, "vmx"));
	assert_false(words_has(&set, "vm"));
	assert_false(words_has(&set, "vmx_"));
	assert_false(words_has(&set, ""));
	words_free(&set);
	assert_true(span_word(&text, &w) && span_is(w, "vmx"));
	assert_true(span_word(&text, &w) && span_is(w, "vmx_flags"));
	assert_true(span_word(&text, &w) && span_is(w, "x"));
	assert_false(span_word(&text, &w));
}

static void sets_are_sorted_and_single(void **state)
{
	struct words a, b, both, only;

	assert_int_equal(words_parse(of("c a b a c"), &a, NULL), 0);
	assert_int_equal(words_parse(of("b d"), &b, NULL), 0);
	assert_int_equal(a.n, 3);
	assert_string_equal(a.v[0], "a");
	assert_string_equal(a.v[2], "c");
	assert_int_equal(words_filter(&a, &b, true, &both, NULL), 0);
	assert_int_equal(words_filter(&a, &b, false, &only, NULL), 0);
	assert_int_equal(both.n, 1);
	assert_string_equal(both.v[0], "b");
	assert_int_equal(only.n, 2);
	words_free(&a);
	words_free(&b);
	words_free(&both);
	words_free(&only);
}

static void cutting_leaves_the_rest(void **state)
{
	struct span text = of(" key : a:b"), key;

	assert_true(span_cut(&text, ':', &key));
	assert_true(span_is(key, "key"));
	assert_true(span_is(text, " a:b"));
	text = of("none");
	assert_false(span_cut(&text, ':', &key));
	assert_true(span_is(text, "none"));
}

static void numbers_are_digits_within_bounds(void **state)
{
	unsigned long long v = 7;

	assert_true(span_u64(of("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(span_u64(of("18446744073709551616"), UINT64_MAX, &v));
	assert_false(span_u64(of("11"), 10, &v));
	assert_false(span_u64(of(""), 10, &v));
	assert_false(span_u64(of("1 "), 10, &v));
	assert_false(span_u64(of("-1"), 10, &v));
	assert_true(v == UINT64_MAX);
}

static void copies_are_safe_to_print(void **state)
{
	char buf[16], small[4];

	assert_string_equal(span_copy(of("a\033[1m\177"), buf, sizeof(buf)), "a?[1m?");
	assert_string_equal(span_copy(of("\303\274ber"), buf, sizeof(buf)), "\303\274ber");
	assert_string_equal(span_copy(of("\303x\377"), buf, sizeof(buf)), "?x?");
	/* a control character behind two bytes; an overlong '/' */
	assert_string_equal(span_copy(of("\302\233\300\257"), buf, sizeof(buf)), "????");
	/* a character is not cut in half */
	assert_string_equal(span_copy(of("ab\303\274"), small, sizeof(small)), "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_without_their_ends),
		cmocka_unit_test(words_are_whole),
		cmocka_unit_test(sets_are_sorted_and_single),
		cmocka_unit_test(cutting_leaves_the_rest),
		cmocka_unit_test(numbers_are_digits_within_bounds),
		cmocka_unit_test(copies_are_safe_to_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
