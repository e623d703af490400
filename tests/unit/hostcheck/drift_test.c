/* SPDX-License-Identifier: MIT */
#include "hostcheck/drift.h"

#include "hostcheck/finding.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "{\"schema\": \"hostcheck/1\", \"host\": {\"kernel\": \"6.1\"}, \"checks\": ["

static int parse(const char *text, struct saved *s)
{
	return saved_parse(text, strlen(text), s, NULL);
}

static void test_parse(void **state)
{
	struct saved s;

	(void)state;
	assert_int_equal(
		parse(HEAD "{\"id\": \"a.b\", \"verdict\": \"warn\", \"value\": \"x\\ny\"}]}",
		      &s),
		0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].id, "a.b");
	assert_string_equal(s.v[0].value, "x?y");
	assert_int_equal(s.v[0].verdict, V_WARN);
	assert_string_equal(s.kernel, "6.1");
	saved_free(&s);
	assert_int_equal(parse(HEAD "]}", &s), 0);
	assert_int_equal(s.n, 0);
	saved_free(&s);
}

static void test_refuse(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"schema\": \"hostcheck/2\", \"checks\": []}",
		"{\"schema\": \"hostcheck/1\"}",
		"{\"schema\": \"hostcheck/1\", \"checks\": {}}",
		HEAD "1]}",
		HEAD "{}]}",
		HEAD "{\"id\": \"\", \"verdict\": \"ok\", \"value\": \"\"}]}",
		HEAD "{\"id\": \"a\", \"verdict\": \"fine\", \"value\": \"\"}]}",
		HEAD "{\"id\": \"a\", \"verdict\": \"ok\"}]}",
		HEAD "{\"id\": \"a\", \"verdict\": \"ok\", \"value\": \"\"},"
		     "{\"id\": \"a\", \"verdict\": \"ok\", \"value\": \"\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct saved s;

		assert_int_equal(parse(bad[i], &s), -EINVAL);
		assert_int_equal(s.n, 0);
	}
}

/* A report of two checks that exist. */
static void fill(struct report *r, enum verdict v, const char *value, const char *moving)
{
	memset(r, 0, sizeof(*r));
	r->v = calloc(2, sizeof(*r->v));
	assert_non_null(r->v);
	r->n = 2;
	r->v[0].check = check_find("kvm.nested", &r->v[0].group);
	found(&r->v[0].f, v, "%s", value);
	r->v[1].check = check_find("memory.size", &r->v[1].group);
	assert_true(r->v[1].check->moving);
	found(&r->v[1].f, V_INFO, "%s", moving);
}

static size_t drifts(const char *saved, struct report *r, const struct pick *p,
		     enum drift_kind *kind)
{
	struct saved s;
	struct drift d;
	size_t n;

	assert_int_equal(parse(saved, &s), 0);
	assert_int_equal(drift_find(&s, r, p, &d, NULL), 0);
	n = d.n;
	if (n)
		*kind = d.v[0].kind;
	drift_free(&d);
	saved_free(&s);
	return n;
}

static void test_find(void **state)
{
	static const char was[] =
		HEAD "{\"id\": \"kvm.nested\", \"verdict\": \"ok\", \"value\": \"on\"},"
		     "{\"id\": \"memory.size\", \"verdict\": \"info\", \"value\": \"1 GiB\"},"
		     "{\"id\": \"kvm.api\", \"verdict\": \"ok\", \"value\": \"12\"}]}";
	static const char less[] =
		HEAD "{\"id\": \"memory.size\", \"verdict\": \"info\", \"value\": \"1 GiB\"}]}";
	struct pick p = { 0 };
	enum drift_kind kind = DRIFT_NEW;
	struct report r;

	(void)state;
	assert_int_equal(pick_only(&p, "kvm.nested,memory.size", NULL), 0);
	/* the memory moves by itself, kvm.api was not asked this time */
	fill(&r, V_OK, "on", "2 GiB");
	assert_int_equal(drifts(was, &r, &p, &kind), 0);
	assert_int_equal(drifts(less, &r, &p, &kind), 1);
	assert_int_equal(kind, DRIFT_NEW);
	report_free(&r);
	fill(&r, V_OK, "on (nested=Y)", "2 GiB");
	assert_int_equal(drifts(was, &r, &p, &kind), 1);
	assert_int_equal(kind, DRIFT_VALUE);
	report_free(&r);
	fill(&r, V_WARN, "on", "2 GiB");
	assert_int_equal(drifts(was, &r, &p, &kind), 1);
	assert_int_equal(kind, DRIFT_VERDICT);
	pick_free(&p);
	/* asked for all: kvm.api is missed */
	report_free(&r);
	fill(&r, V_OK, "on", "2 GiB");
	assert_int_equal(drifts(was, &r, &p, &kind), 1);
	assert_int_equal(kind, DRIFT_GONE);
	report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
