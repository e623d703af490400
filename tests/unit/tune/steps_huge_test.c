/* SPDX-License-Identifier: MIT */
/* Huge pages: the pool, its file for the boot service, the mount. */
#include "tests/unit/tune/world.h"

#define PROFILE                                                                         \
	"[host]\nguests = 2G, 1G\n[hugepages]\nreserve = yes\nmount = /dev/hugepages\n" \
	"[users]\ncreate = yes\n"
#define STEPS &step_users_accounts, &step_hugepages_pool, &step_hugepages_mount
#define LINE  "hugetlbfs /dev/hugepages hugetlbfs pagesize=2M,mode=1770,gid=36 0 0\n"

static void one_node(struct world *w)
{
	world_pool(w, "/sys/kernel/mm/hugepages", "2048");
	world_pool(w, "/sys/kernel/mm/hugepages", "1048576");
}

static void alpine_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, PROFILE "[host]\n");
	world_plan(&w, STEPS);
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/hostkit/hugepages.conf"),
			       "\n2M 1536\n"));
	/* the last line had no newline; everybody's bytes stay */
	world_expect(&w, &kind_file, "/etc/fstab",
		     "/dev/sda1\t/\text4\trw,relatime 0 1\n" LINE);
	world_expect_note(&w, "whatever memory the machine has");
	world_apply(&w);
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);
}

static void debian_is_for_kvm(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, PROFILE);
	world_plan(&w, STEPS);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/fstab"), "mode=1770,gid=104 0 0\n"));
	world_profile(&w, "[hugepages]\nreserve = yes\ncount = 4\nmount = /mnt/h\n"
			  "group = nobody-here\n");
	world_plan(&w, STEPS);
	world_expect_note(&w, "no group nobody-here");
	assert_null(plan_find(&w.plan, &kind_file, "/etc/fstab"));
	world_free(&w);
}

/* What the usual recipe writes: a name or nothing for the group, 17770, no suffix; and a comment
 * that a grep would take for the entry. */
static void recipe_is_mended(void **state)
{
	static const struct {
		const char *wrong, *right;
	} lines[] = {
		{ "hugetlbfs /dev/hugepages hugetlbfs mode=17770,gid=,pagesize=2048k 0 0\n",
		  "hugetlbfs /dev/hugepages hugetlbfs mode=1770,gid=36,pagesize=2M 0 0\n" },
		{ "hugetlbfs  /dev/hugepages\thugetlbfs mode=1770,gid=qemu,pagesize=2048 0 0\n",
		  "hugetlbfs  /dev/hugepages\thugetlbfs mode=1770,gid=36,pagesize=2M 0 0\n" },
		{ "hugetlbfs /dev/hugepages hugetlbfs defaults,gid=33 0 0\n",
		  "hugetlbfs /dev/hugepages hugetlbfs gid=36,pagesize=2M,mode=1770 0 0\n" },
	};
	struct world w = { 0 };
	char text[256], want[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		world_alpine(&w);
		snprintf(text, sizeof(text),
			 "# hugetlbfs is below\n%s/dev/sdb1 /x ext4 rw 0 2\n", lines[i].wrong);
		world_file(&w, "/etc/fstab", text);
		world_profile(&w, PROFILE);
		world_plan(&w, STEPS);
		snprintf(want, sizeof(want),
			 "# hugetlbfs is below\n%s/dev/sdb1 /x ext4 rw 0 2\n", lines[i].right);
		world_expect(&w, &kind_file, "/etc/fstab", want);
		world_apply(&w);
		world_plan(&w, STEPS);
		world_expect_nothing(&w);
		world_free(&w);
	}
	/* only a comment speaks of it */
	world_alpine(&w);
	world_file(&w, "/etc/fstab", "# hugetlbfs /dev/hugepages hugetlbfs x 0 0\n");
	world_profile(&w, PROFILE);
	world_plan(&w, STEPS);
	world_expect(&w, &kind_file, "/etc/fstab",
		     "# hugetlbfs /dev/hugepages hugetlbfs x 0 0\n" LINE);
	/* options that are not ours stay */
	world_file(&w, "/etc/fstab",
		   "none /dev/hugepages hugetlbfs gid=1,size=8G,noatime 0 0\n");
	world_plan(&w, STEPS);
	world_expect(&w, &kind_file, "/etc/fstab",
		     "none /dev/hugepages hugetlbfs "
		     "gid=36,size=8G,noatime,pagesize=2M,mode=1770 0 0\n");
	world_free(&w);
}

static void live_pool_and_mount(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	one_node(&w);
	world_profile(&w, PROFILE);
	world_plan(&w, STEPS);
	world_expect(&w, &kind_sysfs, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
		     "1536");
	world_expect(&w, &kind_mount, "/dev/hugepages",
		     "hugetlbfs pagesize=2M,mode=1770,gid=36");
	/* a larger pool is somebody's wish */
	world_file(&w, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2000\n");
	world_plan(&w, STEPS);
	assert_null(plan_find(&w.plan, &kind_sysfs,
			      "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"));
	/* what QEMU makes where nothing is mounted */
	world_file(&w, "/dev/hugepages", "");
	world_plan(&w, STEPS);
	assert_null(plan_find(&w.plan, &kind_mount, "/dev/hugepages"));
	world_expect_note(&w, "is a plain file");
	world_free(&w);
}

static void mounted_with_wrong_rights(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm",
		  "statfs /dev/hugepages = 0x958458f6 0x200000\n"
		  "node /dev/hugepages = d 0 0 0755 0 0\n");
	one_node(&w);
	tree_dir(&w.t, "/dev/hugepages");
	world_file(&w, "/proc/self/mountinfo",
		   "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		   "30 20 0:30 / /dev/hugepages rw - hugetlbfs hugetlbfs rw,pagesize=2M\n");
	world_profile(&w, PROFILE);
	world_plan(&w, STEPS);
	assert_null(plan_find(&w.plan, &kind_mount, "/dev/hugepages"));
	world_expect(&w, &kind_attr, "/dev/hugepages", "1770 0:36");
	world_free(&w);
}

static void two_nodes(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	one_node(&w);
	for (int i = 0; i < 2; i++) {
		char path[128], text[128];

		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages", i);
		world_pool(&w, path, "2048");
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", i);
		snprintf(text, sizeof(text),
			 "Node %d MemTotal: 8388608 kB\nNode %d MemFree: 6291456 kB\n", i, i);
		world_file(&w, path, text);
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", i);
		world_file(&w, path, i ? "1\n" : "0\n");
	}
	world_file(&w, "/sys/devices/system/node/online", "0-1\n");
	world_file(&w, "/sys/devices/system/node/has_memory", "0-1\n");
	world_profile(&w, "[host]\nguests = 2 x 4G\n[hugepages]\nreserve = yes\n");
	world_plan(&w, &step_hugepages_pool);
	world_expect(&w, &kind_sysfs,
		     "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
		     "2048");
	world_expect(&w, &kind_sysfs,
		     "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
		     "2048");
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/hostkit/hugepages.conf"),
			       "\n2M 2048 0\n2M 2048 1\n"));
	world_apply(&w);
	world_plan(&w, &step_hugepages_pool);
	world_expect_nothing(&w);
	world_free(&w);
}

static void starving_is_refused(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	one_node(&w);
	world_profile(&w, "[host]\nguests = 4 x 4G\n[hugepages]\nreserve = yes\n");
	world_plan(&w, &step_hugepages_pool);
	world_expect_nothing(&w);
	world_expect_note(&w, "would leave the host less");
	world_free(&w);
}

static void other_sizes_stay(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/etc/hostkit/hugepages.conf", "# mine\n64K 100\n2M 7\n");
	world_profile(&w, "[hugepages]\nreserve = yes\ncount = 8\n");
	world_plan(&w, &step_hugepages_pool);
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/hostkit/hugepages.conf"),
			       "\n64K 100\n2M 8\n"));
	/* the same in other words is left alone */
	world_file(&w, "/etc/hostkit/hugepages.conf", "2048K 8 # mine\n");
	world_plan(&w, &step_hugepages_pool);
	world_expect_nothing(&w);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpine_image),
		cmocka_unit_test(debian_is_for_kvm),
		cmocka_unit_test(recipe_is_mended),
		cmocka_unit_test(live_pool_and_mount),
		cmocka_unit_test(mounted_with_wrong_rights),
		cmocka_unit_test(two_nodes),
		cmocka_unit_test(starving_is_refused),
		cmocka_unit_test(other_sizes_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
