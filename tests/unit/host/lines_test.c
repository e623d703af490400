/* SPDX-License-Identifier: MIT */
#include "host/lines.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

static void lines_and_their_ends(void **state)
{
	const char text[] = "a\n\nb\r\nlast\r";
	struct line l = { 0 };
	static const struct {
		size_t off, len, full;
	} want[] = { { 0, 1, 2 }, { 2, 0, 1 }, { 3, 1, 3 }, { 6, 5, 5 } };

	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(lines_next(text, strlen(text), &l));
		assert_int_equal(l.nr, i + 1);
		assert_int_equal(l.off, want[i].off);
		assert_int_equal(l.len, want[i].len);
		assert_int_equal(l.full, want[i].full);
	}
	assert_false(lines_next(text, strlen(text), &l));
	memset(&l, 0, sizeof(l));
	assert_false(lines_next(NULL, 0, &l));
}

static void words_of_a_line(void **state)
{
	const char *s = " \tab\t c", *word;
	size_t pos = 0;

	assert_int_equal(lines_word(s, strlen(s), &pos, &word), 2);
	assert_memory_equal(word, "ab", 2);
	assert_int_equal(lines_word(s, strlen(s), &pos, &word), 1);
	assert_memory_equal(word, "c", 1);
	assert_int_equal(lines_word(s, strlen(s), &pos, &word), 0);
}

static void appends_in_the_text_s_own_way(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "", "new\n" },
		{ "a\n", "a\nnew\n" },
		{ "a", "a\nnew\n" },
		{ "a\r\nb\r\n", "a\r\nb\r\nnew\r\n" },
		{ "a\r\nb", "a\r\nb\r\nnew\r\n" },
		{ "\n", "\nnew\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *out = NULL;
		size_t len;

		assert_int_equal(lines_append(t[i].text, strlen(t[i].text), "new", &out, &len,
					      NULL),
				 0);
		assert_string_equal(out, t[i].want);
		assert_int_equal(len, strlen(t[i].want));
	}
}

static void splices_and_drops(void **state)
{
	const char *text = "one\ntwo\r\nthree";
	struct line l = { 0 };
	struct err e = { 0 };
	char *out = NULL;
	size_t len;

	assert_true(lines_next(text, strlen(text), &l));
	assert_true(lines_next(text, strlen(text), &l));
	assert_int_equal(lines_drop(text, strlen(text), &l, &out, &len, NULL), 0);
	assert_string_equal(out, "one\nthree");
	mem_freep(&out);
	assert_true(lines_next(text, strlen(text), &l));
	assert_int_equal(lines_drop(text, strlen(text), &l, &out, &len, NULL), 0);
	assert_string_equal(out, "one\ntwo\r\n");
	mem_freep(&out);
	assert_int_equal(lines_splice("a\0b", 3, 1, 1, "XY", 2, &out, &len, NULL), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "aXYb", 5);
	mem_freep(&out);
	assert_int_equal(lines_splice("abc", 3, 2, 2, "", 0, &out, &len, &e), -EINVAL);
	assert_int_equal(lines_splice("abc", 3, 4, 0, "", 0, &out, &len, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_their_ends),
		cmocka_unit_test(words_of_a_line),
		cmocka_unit_test(appends_in_the_text_s_own_way),
		cmocka_unit_test(splices_and_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
