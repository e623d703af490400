/* SPDX-License-Identifier: MIT */
#include "tune/accounts.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void members(void **state)
{
	static const struct {
		const char *group, *gshadow, *group_want, *gshadow_want;
	} rows[] = {
		{ "kvm:x:34:\n", NULL, "kvm:x:34:alice\n", NULL },
		{ "kvm:x:34:bob\n", "", "kvm:x:34:bob,alice\n", "kvm:!::alice\n" },
		{ "kvm:x:34:bob,\n", NULL, "kvm:x:34:bob,alice\n", NULL },
		{ "x:x:1:\nkvm:x:34:malice,alicex", "kvm:!::bob\n",
		  "x:x:1:\nkvm:x:34:malice,alicex,alice", "kvm:!::bob,alice\n" },
		{ "kvm:x:34:alice\r\n", NULL, "kvm:x:34:alice\r\n", NULL },
		/* only one of the two had it */
		{ "kvm:x:34:alice\n", "kvm:!::\n", "kvm:x:34:alice\n", "kvm:!::alice\n" },
		/* a row that readers pass over is not the group */
		{ "kvm:x:none:\nkvm:x:34:\n", NULL, "kvm:x:none:\nkvm:x:34:alice\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct account_files f = { .group = copy(rows[i].group),
					   .gshadow = copy(rows[i].gshadow) };
		struct err e = { 0 };

		assert_true(accounts_add_member(&f, "kvm", "alice", &e) >= 0);
		assert_string_equal(f.group, rows[i].group_want);
		if (rows[i].gshadow_want)
			assert_string_equal(f.gshadow, rows[i].gshadow_want);
		else
			assert_null(f.gshadow);
		assert_int_equal(accounts_add_member(&f, "kvm", "alice", &e), 0);
		accounts_free(&f);
	}
}

static void refused(void **state)
{
	struct account_files f = { .group = copy("kvm:x:34:\n") };
	const struct account_user bad = { "a:b", "", "/", "/bin/sh", 1, 1 };
	const struct account_user fine = { "a", "", "/", "/bin/sh", 1, 1 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(accounts_add_group(&f, "a\nb", 1, &e), -EINVAL);
	assert_int_equal(accounts_add_member(&f, "kvm", "a,b", &e), -EINVAL);
	assert_int_equal(accounts_add_member(&f, "qemu", "a", &e), -ENOENT);
	assert_int_equal(accounts_add_user(&f, &bad, &e), -EINVAL);
	assert_int_equal(accounts_add_user(&f, &fine, &e), -ENOENT);
	assert_string_equal(f.group, "kvm:x:34:\n");
	accounts_free(&f);
}

static void no_id_is_free(void **state)
{
	struct users u = { 0 };
	struct err e = { 0 };
	char line[64];
	uint32_t id = 0;

	(void)state;
	for (unsigned i = 100; i < 1000; i++) {
		snprintf(line, sizeof(line), "g%u:x:%u:\n", i, i);
		assert_int_equal(users_parse_group(line, strlen(line), &u, &e), 0);
	}
	assert_int_equal(accounts_pick(&u, false, 34, &id, &e), 0);
	assert_int_equal(id, 34);
	assert_int_equal(accounts_pick(&u, false, 100, &id, &e), -ENOSPC);
	/* a user may have the number of some group */
	assert_int_equal(accounts_pick(&u, true, 100, &id, &e), 0);
	assert_int_equal(id, 100);
	users_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(refused),
		cmocka_unit_test(no_id_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
