/* SPDX-License-Identifier: MIT */
/* Accounts, who may run guests, bridge.conf, its helper, bridges. */
#include "tests/unit/tune/world.h"

#define USERS "[users]\ncreate = yes\nmembers = alice\n"

static void alpine_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, USERS);
	world_plan(&w, &step_users_accounts, &step_users_members);
	world_apply(&w);
	world_expect_text(&w, "/etc/group",
			  "root:x:0:root\nnetdev:x:28:qemu,alice\nkvm:x:34:kvm,alice\n"
			  "alice:x:1000:\nqemu:x:36:qemu,alice\n");
	world_expect_text(&w, "/etc/passwd",
			  "root:x:0:0:root:/root:/bin/sh\n"
			  "alice:x:1000:1000::/home/alice:/bin/sh\n"
			  "qemu:x:36:34:qemu:/home/qemu:/sbin/nologin\n");
	world_expect_text(&w, "/etc/shadow",
			  "root:*::0:::::\nalice:!:19000:0:99999:7:::\nqemu:!:::::::\n");
	assert_false(host_exists(w.h, "/etc/gshadow"));
	world_plan(&w, &step_users_accounts, &step_users_members);
	world_expect_nothing(&w);
	world_free(&w);
}

static void alpine_runs(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	world_profile(&w, USERS);
	world_plan(&w, &step_users_accounts, &step_users_members);
	world_expect(&w, &kind_account, "group:qemu", "36");
	world_expect(&w, &kind_account, "user:qemu", "36:34:/home/qemu:/sbin/nologin");
	world_expect(&w, &kind_account, "member:qemu:qemu", "yes");
	world_expect(&w, &kind_account, "member:netdev:qemu", "yes");
	world_expect(&w, &kind_account, "member:kvm:alice", "yes");
	world_expect(&w, &kind_account, "member:qemu:alice", "yes");
	world_expect(&w, &kind_account, "member:netdev:alice", "yes");
	/* its primary group is kvm */
	assert_null(plan_find(&w.plan, &kind_account, "member:kvm:qemu"));
	/* a running host's files are its tools' */
	assert_null(plan_find(&w.plan, &kind_file, "/etc/group"));
	world_free(&w);
}

static void debian_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, USERS);
	world_plan(&w, &step_users_accounts, &step_users_members);
	/* no group qemu there: nothing would be its */
	world_expect(&w, &kind_file, "/etc/group",
		     "root:x:0:\nkvm:x:104:alice\nalice:x:1000:\n");
	world_expect(&w, &kind_file, "/etc/gshadow", "root:*::\nkvm:!::alice\nalice:!::\n");
	assert_int_equal(w.plan.n, 2);
	world_apply(&w);
	world_plan(&w, &step_users_accounts, &step_users_members);
	world_expect_nothing(&w);
	world_free(&w);
}

static void ids_that_are_taken(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/etc/group", "root:x:0:\nxfs:x:34:\nftp:x:36:\nx:x:100:\n");
	world_file(&w, "/etc/passwd",
		   "root:x:0:0::/:/bin/sh\nftp:x:36:36::/:/bin/false\n"
		   "x:x:101:100::/:/bin/false\n");
	world_profile(&w, "[users]\ncreate = yes\n");
	world_plan(&w, &step_users_accounts);
	world_expect(&w, &kind_file, "/etc/group",
		     "root:x:0:\nxfs:x:34:\nftp:x:36:\nx:x:100:\nkvm:x:102:\nqemu:x:103:\n");
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/passwd"), "qemu:x:104:102:qemu:"));
	world_free(&w);
}

static void people_are_not_made(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, "[users]\nmembers = bob\n");
	world_plan(&w, &step_users_members);
	world_expect_nothing(&w);
	world_expect_note(&w, "adduser bob");
	world_free(&w);
}

#define BRIDGES "[bridge]\nallow = br0 br1\n"

static void bridge_conf_alpine(void **state)
{
	struct world w = { 0 };
	struct stat st;

	(void)state;
	world_alpine(&w);
	/* as the package has it, with a rule of somebody's and no newline at the end */
	world_file(&w, "/etc/qemu/bridge.conf", "# allow br0\nallow virbr0\nallow br1");
	world_file(&w, "/etc/qemu/other.conf", "mine\n");
	chmod(tree_path(&w.t, "/etc/qemu/bridge.conf"), 0644);
	world_profile(&w, BRIDGES "[users]\ncreate = yes\n");
	world_plan(&w, &step_users_accounts, &step_bridge_conf);
	world_expect(&w, &kind_file, "/etc/qemu/bridge.conf",
		     "# allow br0\nallow virbr0\nallow br1\nallow br0\n");
	world_expect(&w, &kind_attr, "/etc/qemu/bridge.conf", "0640 0:36");
	if (geteuid() == 0) {
		world_apply(&w);
		assert_int_equal(stat(tree_path(&w.t, "/etc/qemu/bridge.conf"), &st), 0);
		assert_int_equal(st.st_gid, 36);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(stat(tree_path(&w.t, "/etc/qemu/other.conf"), &st), 0);
		assert_int_equal(st.st_gid, 0);
		world_plan(&w, &step_users_accounts, &step_bridge_conf);
		world_expect_nothing(&w);
	}
	world_free(&w);
}

static void bridge_conf_debian(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, BRIDGES);
	world_plan(&w, &step_bridge_conf, &step_bridge_helper);
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/qemu/bridge.conf"),
			       "\nallow br0\nallow br1\n"));
	/* there is no qemu to give it to */
	world_expect(&w, &kind_attr, "/etc/qemu/bridge.conf", "0640 0:104");
	world_value(&w, &kind_dir, "/etc/qemu");
	assert_null(plan_find(&w.plan, &kind_attr, "/usr/lib/qemu/qemu-bridge-helper"));
	world_expect_note(&w, "helper_suid = yes");
	world_profile(&w, BRIDGES "helper_suid = yes\n");
	world_plan(&w, &step_bridge_helper);
	world_expect(&w, &kind_attr, "/usr/lib/qemu/qemu-bridge-helper", "4710 0:104");
	world_expect_note(&w, "dpkg-statoverride --add root kvm 4710");
	if (geteuid() == 0) {
		world_apply(&w);
		world_plan(&w, &step_bridge_helper);
		world_expect_nothing(&w);
		world_profile(&w, BRIDGES "helper_suid = no\n");
		world_plan(&w, &step_bridge_helper);
		world_expect(&w, &kind_attr, "/usr/lib/qemu/qemu-bridge-helper", "0710 0:104");
	}
	world_free(&w);
}

static void deny_is_not_argued_with(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/etc/qemu/bridge.conf", "deny br0\n");
	world_profile(&w, BRIDGES "[users]\ncreate = yes\n");
	world_plan(&w, &step_users_accounts, &step_bridge_conf);
	world_expect(&w, &kind_file, "/etc/qemu/bridge.conf", "deny br0\nallow br1\n");
	world_expect_note(&w, "br0 is denied");
	world_file(&w, "/etc/qemu/bridge.conf", "alow br0\n");
	world_plan(&w, &step_users_accounts, &step_bridge_conf);
	assert_null(plan_find(&w.plan, &kind_file, "/etc/qemu/bridge.conf"));
	world_expect_note(&w, "refuses everybody");
	world_free(&w);
}

static void no_group_is_told(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, BRIDGES);
	world_plan(&w, &step_bridge_conf);
	world_expect_note(&w, "there is no group qemu");
	assert_null(plan_find(&w.plan, &kind_attr, "/etc/qemu/bridge.conf"));
	world_free(&w);
}

static void bridges_themselves(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	tree_dir(&w.t, "/sys/class/net/br1/bridge");
	tree_dir(&w.t, "/sys/class/net/eth0");
	world_profile(&w, "[bridge]\nallow = br0 br1 eth0\n");
	world_plan(&w, &step_bridge_interface);
	world_expect_nothing(&w);
	world_expect_note(&w, "there is no bridge br0");
	world_expect_note(&w, "eth0 is there, but is no bridge");
	world_profile(&w, "[bridge]\nallow = br0\ncreate = yes\n");
	world_plan(&w, &step_bridge_interface);
	world_expect(&w, &kind_file, "/etc/network/interfaces",
		     "auto lo\niface lo inet loopback\n\nauto br0\niface br0 inet manual\n"
		     "\tbridge_ports none\n\tbridge_stp off\n\tbridge_fd 0\n");
	world_apply(&w);
	world_plan(&w, &step_bridge_interface);
	world_expect_nothing(&w);
	world_free(&w);

	world_debian(&w);
	world_file(&w, "/etc/network/interfaces", "source /etc/network/interfaces.d/*\n");
	world_profile(&w, "[bridge]\nallow = br0\ncreate = yes\n");
	world_plan(&w, &step_bridge_interface);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/network/interfaces.d/hostkit-br0"),
		       "iface br0 inet manual\n"));
	world_apply(&w);
	world_plan(&w, &step_bridge_interface);
	world_expect_nothing(&w);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpine_image),
		cmocka_unit_test(alpine_runs),
		cmocka_unit_test(debian_image),
		cmocka_unit_test(ids_that_are_taken),
		cmocka_unit_test(people_are_not_made),
		cmocka_unit_test(bridge_conf_alpine),
		cmocka_unit_test(bridge_conf_debian),
		cmocka_unit_test(deny_is_not_argued_with),
		cmocka_unit_test(no_group_is_told),
		cmocka_unit_test(bridges_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
