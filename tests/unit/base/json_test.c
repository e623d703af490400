/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

static void check_text(json_t *v, const char *want)
{
	AUTO_FREE char *got = json_text(v, NULL);

	assert_non_null(got);
	assert_string_equal(got, want);
	json_decref(v);
}

/* As qemu-img info prints a qcow2 image with one bitmap. */
static void an_image_as_qemu_prints_it(void **state)
{
	json_t *v =
		json_pack("{s:s, s:s, s:b, s:I, s:I, s:i, s:{s:s, s:{s:s, s:b, s:b, s:i, s:s,"
			  "s:b, s:[{s:s, s:i, s:[]}]}}}",
			  "filename", "a.qcow2", "format", "qcow2", "dirty-flag", 0,
			  "actual-size", (json_int_t)200704, "virtual-size",
			  (json_int_t)10485760, "cluster-size", 65536, "format-specific",
			  "type", "qcow2", "data", "compat", "1.1", "extended-l2", 0,
			  "lazy-refcounts", 0, "refcount-bits", 16, "compression-type", "zlib",
			  "corrupt", 0, "bitmaps", "name", "b0", "granularity", 65536, "flags");

	check_text(v, "{\n"
		      "    \"virtual-size\": 10485760,\n"
		      "    \"filename\": \"a.qcow2\",\n"
		      "    \"cluster-size\": 65536,\n"
		      "    \"format\": \"qcow2\",\n"
		      "    \"actual-size\": 200704,\n"
		      "    \"format-specific\": {\n"
		      "        \"type\": \"qcow2\",\n"
		      "        \"data\": {\n"
		      "            \"compat\": \"1.1\",\n"
		      "            \"compression-type\": \"zlib\",\n"
		      "            \"lazy-refcounts\": false,\n"
		      "            \"bitmaps\": [\n"
		      "                {\n"
		      "                    \"flags\": [\n"
		      "                    ],\n"
		      "                    \"name\": \"b0\",\n"
		      "                    \"granularity\": 65536\n"
		      "                }\n"
		      "            ],\n"
		      "            \"refcount-bits\": 16,\n"
		      "            \"corrupt\": false,\n"
		      "            \"extended-l2\": false\n"
		      "        }\n"
		      "    },\n"
		      "    \"dirty-flag\": false\n"
		      "}");
}

static void strings_are_escaped(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "plain ~/", "\"plain ~/\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001F\\u007F\"" },
		{ "\xc3\xa9", "\"\\u00E9\"" },
		{ "\xe2\x82\xac", "\"\\u20AC\"" },
		{ "\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"" },
		{ "\xc0\x80", "\"\\u0000\"" },
		{ "\xff", "\"\\uFFFD\"" },
		{ "\x80z", "\"\\uFFFDz\"" },
		{ "\xe2\x82q", "\"\\uFFFDq\"" },
		{ "\xe2", "\"\\uFFFD\"" },
		{ "\xc1\xbf", "\"\\uFFFD\"" },
		{ "\xed\xa0\x80", "\"\\uFFFD\"" },
		{ "\xef\xbf\xbe", "\"\\uFFFD\"" },
		{ "\xef\xb7\x90", "\"\\uFFFD\"" },
		{ "\xf4\x90\x80\x80", "\"\\uFFFD\"" },
		{ "\xf8\x88\x80\x80\x80", "\"\\uFFFD\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		check_text(json_string_nocheck(t[i].text), t[i].want);
}

static void scalars(void **state)
{
	check_text(json_true(), "true");
	check_text(json_false(), "false");
	check_text(json_null(), "null");
	check_text(json_integer(-5), "-5");
	check_text(json_integer(INT64_MAX), "9223372036854775807");
	check_text(json_real(0.5), "0.5");
	check_text(json_array(), "[\n]");
	check_text(json_object(), "{\n}");
	check_text(json_pack("[i,[],s]", 1, "x"), "[\n    1,\n    [\n    ],\n    \"x\"\n]");
}

static void in_one_bucket_the_last_comes_first(void **state)
{
	char key[3] = "aa", twin[3] = "";
	json_t *v;
	AUTO_FREE char *ab = NULL, *ba = NULL;

	/* a pair whose order follows insertion, not the hash */
	for (char a = 'a'; a <= 'z' && !*twin; a++) {
		for (char b = 'a'; b <= 'z' && !*twin; b++) {
			char try[3] = { a, b, 0 };
			char *t1, *t2;

			if (!strcmp(try, key))
				continue;
			v = json_pack("{s:i,s:i}", key, 1, try, 2);
			t1 = json_text(v, NULL);
			json_decref(v);
			v = json_pack("{s:i,s:i}", try, 2, key, 1);
			t2 = json_text(v, NULL);
			json_decref(v);
			if (strcmp(t1, t2)) {
				memcpy(twin, try, sizeof(twin));
				ab = t1;
				ba = t2;
			} else {
				mem_freep(&t1);
				mem_freep(&t2);
			}
		}
	}
	assert_true(*twin); /* 676 names, 512 buckets */
	assert_true(strstr(ab, twin) < strstr(ab, key));
	assert_true(strstr(ba, key) < strstr(ba, twin));
}

static void depth_is_bounded(void **state)
{
	json_t *v = json_array();
	struct err e = { 0 };

	for (int i = 0; i < 1500; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, v);
		v = outer;
	}
	assert_null(json_text(v, &e));
	assert_int_equal(e.code, -EINVAL);
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_as_qemu_prints_it),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(scalars),
		cmocka_unit_test(in_one_bucket_the_last_comes_first),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
