/* SPDX-License-Identifier: MIT */
#include "hostcheck/pick.h"

#include "tests/unit/unit.h"

#include <string.h>

static bool wants(const struct pick *p, const char *id)
{
	const struct check_group *g;
	const struct check *c = check_find(id, &g);

	assert_non_null(c);
	return pick_wants(p, g, c);
}

static void test_all(void **state)
{
	struct pick p = { 0 };

	(void)state;
	assert_true(wants(&p, "cpu.virt"));
	assert_true(wants(&p, "boot.words"));
}

static void test_lists(void **state)
{
	struct pick p = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(pick_only(&p, "cpu,kvm.api", &e), 0);
	assert_int_equal(pick_only(&p, "net.tun", &e), 0);
	assert_int_equal(pick_skip(&p, "cpu.nx", &e), 0);
	assert_true(wants(&p, "cpu.virt"));
	assert_false(wants(&p, "cpu.nx"));
	assert_true(wants(&p, "kvm.api"));
	assert_false(wants(&p, "kvm.device"));
	assert_true(wants(&p, "net.tun"));
	assert_false(wants(&p, "net.vhost"));
	pick_free(&p);
	/* a group beats its check when both are skipped and asked */
	assert_int_equal(pick_only(&p, "cpu.virt", &e), 0);
	assert_int_equal(pick_skip(&p, "cpu", &e), 0);
	assert_false(wants(&p, "cpu.virt"));
	pick_free(&p);
}

static void refused(const char *list, const char *hint)
{
	struct pick p = { 0 };
	struct err e = { 0 };

	assert_int_equal(pick_only(&p, list, &e), -EINVAL);
	if (!strstr(e.msg, hint))
		fail_msg("'%s' lacks '%s'", e.msg, hint);
	pick_free(&p);
}

static void test_near(void **state)
{
	(void)state;
	refused("kvm.nestd", "did you mean kvm.nested");
	refused("cpu,kmv", "did you mean kvm");
	refused("nested", "kvm.nested");
	refused("hugepage.pool", "hugepages.pool");
	refused("", "--list");
	refused("cpu,", "--list");
	refused("zzzzzzzzzzzz", "--list");
	refused("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"--list");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
