/* SPDX-License-Identifier: MIT */
#include "host/users.h"

#include "tests/unit/host/fixture.h"

#define PASSWD                                         \
	"root:x:0:0:root:/root:/bin/sh\n"              \
	"# comment\n"                                  \
	"\n"                                           \
	"+::::::\n"                                    \
	"short:x:1:1\n"                                \
	"bad:x:one:1::/:/bin/sh\n"                     \
	"alice:x:1000:1000:A,B,:/home/alice:/bin/sh\n" \
	"huge:x:4294967296:1::/:\n"                    \
	"qemu:x:36:34:qemu:/:/sbin/nologin"
#define GROUP                                                            \
	"root:x:0:root\nkvm:x:34:alice,bob\nqemu:x:36:\nalice:x:1000:\n" \
	"kvm2:x:34:carol\nbroken:x:z:\nnetdev:x:28: alice , bob \n"

static void lines(void **state)
{
	AUTO_USERS struct users u = { 0 };

	assert_int_equal(users_parse_passwd(PASSWD, strlen(PASSWD), &u, NULL), 0);
	assert_int_equal(u.n_users, 3);
	assert_int_equal(u.bad_lines, 3);
	assert_string_equal(u.users[1].home, "/home/alice");
	assert_string_equal(u.users[2].shell, "/sbin/nologin");
	assert_ptr_equal(users_name(&u, "alice"), &u.users[1]);
	assert_ptr_equal(users_uid(&u, 36), &u.users[2]);
	assert_null(users_name(&u, "bad"));
	assert_int_equal(users_parse_group(GROUP, strlen(GROUP), &u, NULL), 0);
	assert_int_equal(u.n_groups, 6);
	assert_int_equal(u.bad_lines, 4);
	assert_int_equal(users_group(&u, "kvm")->gid, 34);
	assert_string_equal(users_gid(&u, 34)->name, "kvm");
	assert_null(users_group(&u, "broken"));
}

static void membership(void **state)
{
	AUTO_USERS struct users u = { 0 };

	assert_int_equal(users_parse_passwd(PASSWD, strlen(PASSWD), &u, NULL), 0);
	assert_int_equal(users_parse_group(GROUP, strlen(GROUP), &u, NULL), 0);
	assert_true(users_is_member(&u, "alice", "kvm"));
	assert_true(users_is_member(&u, "bob", "netdev"));
	/* by the group that stands in passwd */
	assert_true(users_is_member(&u, "qemu", "kvm"));
	assert_false(users_is_member(&u, "qemu", "qemu"));
	assert_false(users_is_member(&u, "alic", "kvm"));
	assert_false(users_is_member(&u, "alice", "nogroup"));
	/* two names of one number are one group */
	assert_true(users_is_member(&u, "carol", "kvm"));
	assert_true(users_in_gid(&u, "carol", 34));
	assert_false(users_in_gid(&u, "carol", 36));
}

static void files_of_a_root(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, NULL);
	struct users u;

	assert_int_equal(users_read(h, &u, NULL), 0);
	assert_true(u.n_users == 0 && u.n_groups == 0 && !u.has_shadow && !u.has_gshadow);
	users_free(&u);
	tree_file(t, "/etc/passwd", PASSWD);
	tree_file(t, "/etc/group", GROUP);
	tree_file(t, "/etc/shadow", "root:*:1::::::\n");
	assert_int_equal(users_read(h, &u, NULL), 0);
	assert_true(u.n_users == 3 && u.n_groups == 6 && u.has_shadow && !u.has_gshadow);
	users_free(&u);
	tree_dir(t, "/etc/gone");
	tree_must(!remove(tree_path(t, "/etc/group")));
	tree_dir(t, "/etc/group");
	assert_int_equal(users_read(h, &u, NULL), -EISDIR);
	assert_int_equal(u.n_users, 0);
}

static void ids_of_a_process(void **state)
{
	static const char text[] = "Name:\tsh\nUid:\t1000\t1001\t0\t0\nGid:\t5\t6\t7\t8\n"
				   "Groups:\t34 28 \n";
	struct process_ids p;
	struct err e = { 0 };

	assert_int_equal(process_ids_parse(text, sizeof(text) - 1, &p, NULL), 0);
	assert_true(p.uid == 1001 && p.gid == 6 && p.n_groups == 2);
	assert_true(process_ids_has(&p, 34) && process_ids_has(&p, 28));
	assert_true(process_ids_has(&p, 6));
	assert_false(process_ids_has(&p, 5));
	free(p.groups);
	assert_int_equal(process_ids_parse("Uid: 1 2\n", 9, &p, &e), -EINVAL);
	assert_int_equal(process_ids_parse("Uid: 1 2\nGid: 1 2\nGroups: x\n", 28, &p, &e),
			 -EINVAL);
	assert_null(p.groups);
}

static void my_own_ids(void **state)
{
	AUTO_HOST struct host *h = NULL;
	struct process_ids p;

	assert_int_equal(host_open(NULL, &h, NULL), 0);
	assert_int_equal(process_ids_read(h, &p, NULL), 0);
	assert_true(p.uid == geteuid() && p.gid == getegid());
	assert_int_equal(p.n_groups, getgroups(0, NULL));
	free(p.groups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),      cmocka_unit_test(membership),
		in_tree(files_of_a_root),     cmocka_unit_test(ids_of_a_process),
		cmocka_unit_test(my_own_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
