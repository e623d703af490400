/* SPDX-License-Identifier: MIT */
#include "host/access.h"

#include "tests/unit/host/fixture.h"

#include <grp.h>
#include <sys/wait.h>

/* alice is in kvm by the files; bob is not; dave's line names no group that is there. */
static const char passwd[] = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:\n"
			     "bob:x:1001:1001::/:\ndave:x:1003:34::/:\n";
static const char group[] = "root:x:0:\nkvm:x:34:alice\nlist:x:50:bob\n";

static void setup(const struct tree *t, struct users *u)
{
	tree_file(t, "/dev/kvm", "");
	tree_file(t, "/dev/vfio/1", "");
	memset(u, 0, sizeof(*u));
	assert_int_equal(users_parse_passwd(passwd, sizeof(passwd) - 1, u, NULL), 0);
	assert_int_equal(users_parse_group(group, sizeof(group) - 1, u, NULL), 0);
}

#define BASE "node /dev = d 0 0 0755 0 0\n"

static void by_owner_and_mode(void **state)
{
	AUTO_USERS struct users u;
	struct err e = { 0 };
	struct host *h;

	setup(*state, &u);
	h = fixture_open(*state, BASE "node /dev/kvm = c 10 232 0660 0 34\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "root", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "alice", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "1000", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "dave", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, &e), -EACCES);
	assert_string_equal(e.msg,
			    "/dev/kvm is root:kvm 0660, and bob is not in the group kvm");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "eve", 6, &e), -ESRCH);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "77", 6, &e), -ESRCH);
	assert_int_equal(access_node(h, &u, "/dev/none", "alice", 6, &e), -ENOENT);
	host_close(h);

	/* the first class that fits decides: a group may have less than all others */
	h = fixture_open(*state, BASE "node /dev/kvm = c 10 232 0606 0 34\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "alice", 4, &e), -EACCES);
	host_close(h);
	h = fixture_open(*state, BASE "node /dev/kvm = c 10 232 0644 0 34\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", ACCESS_R, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", ACCESS_R | ACCESS_W, &e),
			 -EACCES);
	host_close(h);
}

static void folders_on_the_way(void **state)
{
	AUTO_USERS struct users u;
	struct err e = { 0 };
	struct host *h;

	setup(*state, &u);
	h = fixture_open(*state, BASE "node /dev/vfio = d 0 0 0700 0 0\n"
				      "node /dev/vfio/1 = c 240 0 0666 0 0\n");
	assert_int_equal(access_node(h, &u, "/dev/vfio/1", "alice", 6, &e), -EACCES);
	assert_string_equal(e.msg, "/dev/vfio is root:root 0700: alice cannot pass it");
	assert_int_equal(access_node(h, &u, "/dev/vfio/1", "root", 6, NULL), 0);
	host_close(h);
}

static void by_what_a_process_holds(void **state)
{
	AUTO_USERS struct users u;
	uint32_t kvm = 34;
	struct process_ids now = { 1001, 1001, NULL, 0 }, later = { 1001, 1001, &kvm, 1 };
	struct err e = { 0 };
	struct host *h;

	setup(*state, &u);
	h = fixture_open(*state, BASE "node /dev/kvm = c 10 232 0660 0 34\n");
	assert_int_equal(access_node_ids(h, &u, "/dev/kvm", &now, 6, &e), -EACCES);
	assert_non_null(strstr(e.msg, "bob"));
	assert_int_equal(access_node_ids(h, &u, "/dev/kvm", &later, 6, NULL), 0);
	assert_int_equal(access_node_ids(h, NULL, "/dev/kvm", &now, 6, &e), -EACCES);
	assert_non_null(strstr(e.msg, "user 1001"));
	host_close(h);
}

/* user::rw- user:1001:rw- group::--- group:50:r-- mask::rw- other::---, as bytes. */
#define ACL_HEAD  "0x02000000"
#define ACL_OBJ   "01000600ffffffff"
#define ACL_BOB   "02000600e9030000"
#define ACL_GROUP "04000000ffffffff"
#define ACL_LIST  "0800060032000000"
#define ACL_OTHER "20000000ffffffff"

static void by_access_list(void **state)
{
	AUTO_USERS struct users u;
	struct err e = { 0 };
	struct host *h;

	setup(*state, &u);
	/* mode 0660: the group bits are the mask of the list */
	h = fixture_open(*state, BASE
			 "node /dev/kvm = c 10 232 0660 0 34\nacl /dev/kvm = " ACL_HEAD ACL_OBJ
				 ACL_BOB ACL_GROUP "10000600ffffffff" ACL_OTHER "\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "alice", 6, &e), -EACCES);
	assert_non_null(strstr(e.msg, "access list"));
	host_close(h);
	/* the mask takes writing away from all but the owner */
	h = fixture_open(*state, BASE
			 "node /dev/kvm = c 10 232 0640 0 34\nacl /dev/kvm = " ACL_HEAD ACL_OBJ
				 ACL_BOB ACL_GROUP "10000400ffffffff" ACL_OTHER "\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, &e), -EACCES);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 4, NULL), 0);
	host_close(h);
	/* one of several groups may give it */
	h = fixture_open(*state, BASE
			 "node /dev/kvm = c 10 232 0660 0 34\nacl /dev/kvm = " ACL_HEAD ACL_OBJ
				 ACL_GROUP ACL_LIST "10000600ffffffff" ACL_OTHER "\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, NULL), 0);
	assert_int_equal(access_node(h, &u, "/dev/kvm", "alice", 6, &e), -EACCES);
	host_close(h);
	h = fixture_open(*state,
			 BASE "node /dev/kvm = c 10 232 0660 0 34\nacl /dev/kvm = 0x02zz\n");
	assert_int_equal(access_node(h, &u, "/dev/kvm", "bob", 6, &e), -EINVAL);
	host_close(h);
}

static void bytes_that_are_no_list(void **state)
{
	unsigned char buf[4 + 8 * 65] = { 2 };
	struct access_acl acl;

	assert_int_equal(access_acl_parse(buf, 4, &acl, NULL), 0);
	assert_int_equal(acl.n, 0);
	assert_int_equal(access_acl_parse(buf, 3, &acl, NULL), -EINVAL);
	assert_int_equal(access_acl_parse(buf, 13, &acl, NULL), -EINVAL);
	assert_int_equal(access_acl_parse(buf, 4 + 8 * 64, &acl, NULL), 0);
	assert_int_equal(acl.n, 64);
	assert_int_equal(access_acl_parse(buf, sizeof(buf), &acl, NULL), -E2BIG);
	buf[0] = 1;
	assert_int_equal(access_acl_parse(buf, 12, &acl, NULL), -ENOTSUP);
}

/* What access() says to a process with these ids. */
static bool kernel_lets(const char *path, uint32_t uid, uint32_t gid)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(2);
		_exit(access(path, R_OK | W_OK) ? 1 : 0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	assert_true(WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void as_the_kernel_says(void **state)
{
	static const unsigned modes[] = { 0600, 0060, 0006, 0640, 0666, 0606, 0066 };
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, NULL);

	if (geteuid() != 0) {
		print_message("# only root can be others\n");
		skip();
	}
	tree_file(t, "/dir/file", "");
	assert_int_equal(chmod(t->root, 0755), 0);
	assert_int_equal(chown(tree_path(t, "/dir/file"), 1000, 34), 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(tree_path(t, "/dir/file"), modes[i]), 0);
		for (unsigned who = 0; who < 8; who++) {
			struct process_ids p = { who & 1 ? 1000 : 1001, who & 2 ? 34 : 35, NULL,
						 0 };

			assert_int_equal(chmod(tree_path(t, "/dir"), who & 4 ? 0755 : 0700), 0);
			assert_int_equal(access_node_ids(h, NULL, "/dir/file", &p,
							 ACCESS_R | ACCESS_W, NULL) == 0,
					 kernel_lets(tree_path(t, "/dir/file"), p.uid, p.gid));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(by_owner_and_mode),
		in_tree(folders_on_the_way),
		in_tree(by_what_a_process_holds),
		in_tree(by_access_list),
		cmocka_unit_test(bytes_that_are_no_list),
		in_tree(as_the_kernel_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
