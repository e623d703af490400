/* SPDX-License-Identifier: MIT */
#include "img/secret.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add(struct secret_set *s, const char *def, struct err *e)
{
	struct optset set = OPTSET_INIT;
	int r = optset_parse(&set, def, NULL, e);

	if (r == 0)
		r = secret_add(s, &set, e);
	for (size_t i = 0; i < set.n; i++)
		if (!strcmp(set.v[i].key, "data"))
			assert_string_equal(set.v[i].val, "");
	optset_free(&set);
	return r;
}

static void finds_what_was_added(void **state)
{
	struct secret_set s = { 0 };
	const struct secret *a;
	const char *text = NULL;
	struct err e = { 0 };

	assert_int_equal(add(&s, "id=a,data=one", &e), 0);
	assert_int_equal(add(&s, "id=b,data=dHdvAA==,format=base64", &e), 0);
	a = secret_find(&s, "b", &e);
	assert_non_null(a);
	assert_int_equal(a->len, 4);
	assert_memory_equal(a->data, "two\0\0", 5);
	assert_int_equal(secret_text(&s, "a", &text, &e), 0);
	assert_string_equal(text, "one");
	assert_null(secret_find(&s, "c", &e));
	assert_int_equal(e.code, -EINVAL);
	assert_null(secret_find(NULL, "a", &e));
	assert_int_equal(add(&s, "id=a,data=x", &e), -EEXIST);
	assert_int_equal(s.n, 2);
	secret_set_free(&s);
	assert_int_equal(s.n, 0);
}

/* Made with openssl enc -aes-256-cbc. */
static void opens_an_encrypted_one(void **state)
{
	struct secret_set s = { 0 };
	struct err e = { 0 };
	const char *text;

	assert_int_equal(
		add(&s,
		    "id=k,format=base64,data=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", &e),
		0);
	assert_int_equal(add(&s,
			     "id=s,keyid=k,iv=MTIzNDU2Nzg5MDEyMzQ1Ng==,format=base64,"
			     "data=1R8XaCtSuoWgDv9jT4ap7g==",
			     &e),
			 0);
	assert_int_equal(secret_text(&s, "s", &text, &e), 0);
	assert_string_equal(text, "letmein");
	assert_int_equal(add(&s,
			     "id=t,keyid=k,iv=MTIzNDU2Nzg5MDEyMzQ1Nw==,format=base64,"
			     "data=AAAAAAAAAAAAAAAAAAAAAA==",
			     &e),
			 -EINVAL);
	secret_set_free(&s);
}

static void text_must_be_utf8(void **state)
{
	static const struct {
		const char *base64;
		bool good;
	} rows[] = {
		{ "", true },          { "YQ==", true },     { "w6Q=", true },
		{ "4oKs", true },      { "8J+YgA==", true }, { "/w==", false }, /* ff */
		{ "gA==", false },                                              /* lone tail */
		{ "wIA=", false },     /* c0 80: too long */
		{ "7aCA", false },     /* a surrogate */
		{ "9JCAgA==", false }, /* past 10ffff */
		{ "4oI=", false },     /* cut short */
		{ "YQBi", false },     /* a NUL inside */
		{ "+ICAgA==", false }, /* five bytes */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret_set s = { 0 };
		struct err e = { 0 };
		char def[64];
		const char *text;

		snprintf(def, sizeof(def), "id=s,format=base64,data=%s", rows[i].base64);
		assert_int_equal(add(&s, def, &e), 0);
		assert_int_equal(secret_text(&s, "s", &text, &e), rows[i].good ? 0 : -EINVAL);
		secret_set_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(opens_an_encrypted_one),
		cmocka_unit_test(text_must_be_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
