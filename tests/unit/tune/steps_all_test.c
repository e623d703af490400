/* SPDX-License-Identifier: MIT */
/*
 * All steps with all profiles that are shipped, on both distributions, as image and as host:
 * what was planned and done is not planned again, and on a host that the usual recipe was
 * followed on, nobody's other lines change.
 */
#include "tests/unit/tune/world.h"

#include <sys/types.h>

static const char *const profiles[] = { "kvm-host", "passthrough-host", "emulation-only",
					"ci-runner", "low-latency" };

static void shipped(struct world *w, const char *name)
{
	const char *top = getenv("TOP");
	struct err e = { 0 };
	struct host *here = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/etc/hostkit/%s.ini", top ? top : ".", name);
	assert_int_equal(host_open(NULL, &here, &e), 0);
	profile_free(w->p);
	w->p = NULL;
	if (profile_read(here, path, &w->p, &e) < 0)
		fail_msg("%s", e.msg);
	host_close(here);
}

/* What a running host shows beside its files. */
static void running(struct world *w)
{
	world_run(w, "svm npt", "");
	world_pool(w, "/sys/kernel/mm/hugepages", "2048");
	world_file(w, "/proc/sys/vm/swappiness", "60\n");
	world_file(w, "/proc/sys/vm/stat_interval", "1\n");
	world_file(w, "/proc/sys/kernel/numa_balancing", "1\n");
	world_file(w, "/sys/kernel/mm/ksm/run", "0\n");
	world_file(w, "/sys/kernel/mm/transparent_hugepage/enabled", "always\n");
	world_file(w, "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
		   "powersave\n");
}

static void twice_is_once(struct world *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		shipped(w, profiles[i]);
		world_plan_all(w, tune_steps);
		world_apply(w);
		world_plan_all(w, tune_steps);
		if (w->plan.n)
			print_message("# %s again:\n", profiles[i]);
		world_expect_nothing(w);
	}
}

/* Modes and owners can be set by root alone. */
static bool not_root(void)
{
	if (geteuid() == 0)
		return false;
	print_message("# only root can give files to a group\n");
	return true;
}

static void alpine_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	if (not_root())
		skip();
	world_alpine(&w);
	world_file(&w, "/etc/update-extlinux.conf", "default_kernel_opts=\"quiet\"\n");
	twice_is_once(&w);
	world_free(&w);
}

static void debian_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	if (not_root())
		skip();
	world_debian(&w);
	world_file(&w, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
	twice_is_once(&w);
	world_free(&w);
}

static void alpine_runs(void **state)
{
	struct world w = { 0 };

	(void)state;
	if (not_root())
		skip();
	world_alpine(&w);
	running(&w);
	twice_is_once(&w);
	world_free(&w);
}

static void debian_runs(void **state)
{
	struct world w = { 0 };

	(void)state;
	if (not_root())
		skip();
	world_debian(&w);
	running(&w);
	twice_is_once(&w);
	world_free(&w);
}

/* Each line of a file that the recipe left and that is to be seen again, or is not. */
static void recipe(void **state)
{
	static const struct {
		const char *path, *before, *after;
	} files[] = {
		{ "/etc/modprobe.d/kvm_intel.conf", "options kvm_amd nested=Y\n",
		  "options kvm_amd nested=1\n" },
		{ "/etc/modprobe.d/vhost.conf", "options vhost max_mem_regions=16\n",
		  "options vhost max_mem_regions=64\n" },
		{ "/etc/modules", "ip_tunnel\n#tun\nvhost_net\n",
		  "ip_tunnel\n#tun\nvhost_net\ntun\n" },
		{ "/etc/qemu/bridge.conf", "allow br0\nallow br0\n", "allow br0\nallow br0\n" },
		{ "/etc/qemu/vm.conf", "mine\n", "mine\n" },
		{ "/etc/fstab",
		  "# hugetlbfs by hand\nhugetlbfs /dev/hugepages hugetlbfs "
		  "mode=17770,gid=,pagesize=2048k 0 0\nnone /tmp tmpfs nosuid",
		  "# hugetlbfs by hand\nhugetlbfs /dev/hugepages hugetlbfs "
		  "mode=1770,gid=36,pagesize=2M 0 0\nnone /tmp tmpfs nosuid" },
		{ "/etc/apk/repositories", "@edge https://example.org/alpine/edge/main\n",
		  "@edge https://example.org/alpine/edge/main\n" },
	};
	struct world w = { 0 };
	struct stat st;

	(void)state;
	if (not_root())
		skip();
	world_alpine(&w);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		world_file(&w, files[i].path, files[i].before);
	/* chown -R root:qemu /etc/qemu */
	assert_int_equal(chown(tree_path(&w.t, "/etc/qemu/vm.conf"), 0, 33), 0);
	world_profile(&w, "[host]\nkvm = yes\nnested = yes\ntun = yes\nvhost_net = yes\n"
			  "vhost_mem_regions = 64\nguests = 4G\n"
			  "[hugepages]\nreserve = yes\nmount = /dev/hugepages\n"
			  "[bridge]\nallow = br0\n[users]\ncreate = yes\n");
	world_plan_all(&w, tune_steps);
	world_apply(&w);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		world_expect_text(&w, files[i].path, files[i].after);
	assert_int_equal(stat(tree_path(&w.t, "/etc/qemu/vm.conf"), &st), 0);
	assert_int_equal(st.st_gid, 33);
	world_plan_all(&w, tune_steps);
	world_expect_nothing(&w);
	world_free(&w);
}

static void an_empty_profile_asks_for_nothing(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	running(&w);
	world_profile(&w, "");
	world_plan_all(&w, tune_steps);
	world_expect_nothing(&w);
	assert_int_equal(w.plan.n_notes, 0);
	world_free(&w);
}

static void ids_are_unique(void **state)
{
	(void)state;
	for (const struct step *const *s = tune_steps; *s; s++) {
		assert_ptr_equal(step_find((*s)->id), *s);
		assert_true(*(*s)->title && *(*s)->why);
	}
	assert_null(step_find("no.such"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpine_image),
		cmocka_unit_test(debian_image),
		cmocka_unit_test(alpine_runs),
		cmocka_unit_test(debian_runs),
		cmocka_unit_test(recipe),
		cmocka_unit_test(an_empty_profile_asks_for_nothing),
		cmocka_unit_test(ids_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
