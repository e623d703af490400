/* SPDX-License-Identifier: MIT */
/* The three ways to write one report, with texts that try to break each. */
#include "hostcheck/drift.h"
#include "hostcheck/finding.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char nasty[] = "a \"quoted\" back\\slash {label=\"x\"} #HELP";

static void fill(struct report *r)
{
	memset(r, 0, sizeof(*r));
	r->root = "/tmp/\"x\"\n\\";
	strcpy(r->arch, "x86_64");
	strcpy(r->kernel, "6.1.0");
	r->v = calloc(2, sizeof(*r->v));
	assert_non_null(r->v);
	r->n = 2;
	r->v[0].check = check_find("kvm.nested", &r->v[0].group);
	found(&r->v[0].f, V_FAIL, "%s", nasty);
	advise(&r->v[0].f, "modules.nested", R_RELOAD, "do this and that");
	found_item(&r->v[0].f, V_WARN, "item", "%s", nasty);
	r->v[1].check = check_find("memory.size", &r->v[1].group);
	found(&r->v[1].f, V_INFO, "1 GiB");
	r->count[V_FAIL] = r->count[V_INFO] = 1;
}

static void test_json(void **state)
{
	struct str s = STR_INIT;
	struct report r;
	struct saved back;
	json_t *root, *c;

	(void)state;
	fill(&r);
	assert_int_equal(report_json(&r, &s, NULL), 0);
	root = json_loads(s.s, 0, NULL);
	assert_non_null(root);
	c = json_array_get(json_object_get(root, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(c, "value")), nasty);
	assert_string_equal(json_string_value(json_object_get(c, "fix")), "modules.nested");
	assert_string_equal(json_string_value(json_object_get(c, "remedy")), "reload");
	c = json_array_get(json_object_get(root, "checks"), 1);
	assert_true(json_is_null(json_object_get(c, "advice")));
	json_decref(root);
	/* and what is written can be read */
	assert_int_equal(saved_parse(s.s, s.len, &back, NULL), 0);
	assert_int_equal(back.n, 2);
	assert_string_equal(back.v[0].value, nasty);
	saved_free(&back);
	str_free(&s);
	report_free(&r);
}

static void test_prom(void **state)
{
	struct str s = STR_INIT;
	struct report r;

	(void)state;
	fill(&r);
	report_prom(&r, &s);
	assert_non_null(strstr(s.s, "root=\"/tmp/\\\"x\\\"\\n\\\\\""));
	assert_non_null(
		strstr(s.s,
		       "value=\"a \\\"quoted\\\" back\\\\slash {label=\\\"x\\\"} #HELP\""));
	assert_non_null(
		strstr(s.s, "hostcheck_check_verdict{id=\"kvm.nested\",group=\"kvm\"} 3\n"));
	/* what moves by itself makes no label */
	assert_null(strstr(s.s, "1 GiB"));
	/* each line is a comment or a sample with a value at its end */
	for (const char *l = s.s; *l; l = strchr(l, '\n') + 1) {
		const char *nl = strchr(l, '\n');

		assert_non_null(nl);
		if (*l != '#')
			assert_true(nl[-1] >= '0' && nl[-1] <= '9');
	}
	str_free(&s);
	report_free(&r);
}

static void test_text(void **state)
{
	const struct report_style plain = { false, true, false, 0 };
	const struct report_style narrow = { true, false, true, 50 };
	struct str s = STR_INIT;
	struct report r;

	(void)state;
	fill(&r);
	report_text(&r, &plain, &s);
	assert_null(strchr(s.s, '\033'));
	assert_non_null(strstr(s.s, nasty));
	assert_non_null(strstr(s.s, "do this and that"));
	assert_non_null(strstr(s.s, "Step of vtune: modules.nested (takes"));
	assert_non_null(strstr(s.s, "2 checks: 1 failure, 1 for information"));
	str_free(&s);
	s = (struct str)STR_INIT;
	report_text(&r, &narrow, &s);
	assert_non_null(strstr(s.s, "\033[1;31mfail"));
	assert_null(strstr(s.s, "memory.size"));
	assert_non_null(strstr(s.s, "..."));
	str_free(&s);
	report_free(&r);
}

static void test_fill(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	report_fill(&s, "one two three four five six", 2, 21);
	assert_string_equal(s.s, "  one two three four\n  five six\n");
	str_free(&s);
}

static void test_exit(void **state)
{
	struct report r = { 0 };

	(void)state;
	r.count[V_OK] = r.count[V_INFO] = r.count[V_SKIP] = 5;
	assert_int_equal(report_exit(&r, true), 0);
	r.count[V_WARN] = 1;
	assert_int_equal(report_exit(&r, false), 0);
	assert_int_equal(report_exit(&r, true), 3);
	r.count[V_WARN] = 0;
	r.count[V_UNKNOWN] = 1;
	assert_int_equal(report_exit(&r, false), 0);
	assert_int_equal(report_exit(&r, true), 3);
	r.count[V_FAIL] = 1;
	assert_int_equal(report_exit(&r, false), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json), cmocka_unit_test(test_prom),
		cmocka_unit_test(test_text), cmocka_unit_test(test_fill),
		cmocka_unit_test(test_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
