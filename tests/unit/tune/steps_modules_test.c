/* SPDX-License-Identifier: MIT */
/* Modules, their options, nested virtualization, vhost. */
#include "tests/unit/tune/world.h"

#define HOST "[host]\nkvm = yes\nnested = yes\ntun = yes\nvhost_net = yes\n"
#define ALL                                                                                  \
	&step_users_accounts, &step_modules_nested, &step_modules_vhost, &step_modules_load, \
		&step_nodes_vhost

static void bare_alpine_runs(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm npt", "");
	world_profile(&w, HOST);
	world_plan(&w, ALL);
	world_expect(&w, &kind_file, "/etc/modules",
		     "af_packet\nipv6\ntun\nvhost_net\nkvm_amd\n");
	world_expect(&w, &kind_module, "tun", "loaded");
	world_expect(&w, &kind_module, "vhost_net", "loaded");
	/* by capability: the vendor's name says nothing to this */
	world_expect(&w, &kind_module, "kvm_amd", "loaded");
	assert_null(plan_find(&w.plan, &kind_module, "kvm_intel"));
	/* nested is the default: no option is needed */
	assert_null(plan_find(&w.plan, &kind_file, "/etc/modprobe.d/hostkit-kvm_amd.conf"));
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/mdev.conf"),
			       "vhost-net\troot:kvm 0660\nvhost.*\troot:root 0600\n"));
	world_apply(&w);
	world_plan(&w, ALL);
	world_expect_nothing(&w);
	world_free(&w);
}

static void bare_debian_image(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, HOST);
	world_plan(&w, ALL);
	world_expect(&w, &kind_file, "/etc/modules",
		     "# /etc/modules: kernel modules to load at boot time.\ntun\nvhost_net\n");
	world_expect_note(&w, "kvm_module =");
	/* udev has its rule */
	assert_int_equal(w.plan.n, 1);
	world_apply(&w);
	world_plan(&w, ALL);
	world_expect_nothing(&w);
	world_profile(&w, HOST "kvm_module = kvm_intel\n");
	world_plan(&w, ALL);
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/modules"), "kvm_intel\n"));
	world_free(&w);
}

/* A whole word of a line that is no comment, and a last line without its newline. */
static void substrings_do_not_count(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/etc/modules", "ip_tunnel\n#tun\nvhost_net_x\ntunnel4");
	world_profile(&w, "[host]\ntun = yes\nvhost_net = yes\n");
	world_plan(&w, &step_modules_load);
	world_expect(&w, &kind_file, "/etc/modules",
		     "ip_tunnel\n#tun\nvhost_net_x\ntunnel4\ntun\nvhost_net\n");
	/* listed elsewhere is listed */
	world_file(&w, "/etc/modules-load.d/x.conf", "tun\nvhost-net\n");
	world_plan(&w, &step_modules_load);
	world_expect_nothing(&w);
	world_free(&w);
}

static void the_reader_is_enabled(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	unlink(tree_path(&w.t, "/etc/runlevels/boot/modules"));
	world_profile(&w, "[host]\ntun = yes\n");
	world_plan(&w, &step_modules_load);
	world_expect(&w, &kind_link, "/etc/runlevels/boot/modules", "/etc/init.d/modules");
	world_free(&w);
}

/* What the usual recipe leaves: an option that keeps kvm_amd from loading, in the file of the
 * other vendor, and a lowered limit. */
static void recipe_is_mended(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/etc/modprobe.d/kvm_intel.conf",
		   "# mine\noptions  kvm_amd\tnested=Y npt=1\n");
	world_file(&w, "/etc/modprobe.d/vhost.conf", "options vhost max_mem_regions=16\n");
	world_profile(&w, HOST "vhost_mem_regions = 64\n");
	world_plan(&w, &step_modules_nested, &step_modules_vhost);
	world_expect(&w, &kind_file, "/etc/modprobe.d/kvm_intel.conf",
		     "# mine\noptions  kvm_amd\tnested=1 npt=1\n");
	world_expect(&w, &kind_file, "/etc/modprobe.d/vhost.conf",
		     "options vhost max_mem_regions=64\n");
	world_apply(&w);
	world_plan(&w, &step_modules_nested, &step_modules_vhost);
	world_expect_nothing(&w);
	/* keep: only told */
	world_file(&w, "/etc/modprobe.d/vhost.conf", "options vhost max_mem_regions=16\n");
	world_profile(&w, HOST);
	world_plan(&w, &step_modules_vhost);
	world_expect_nothing(&w);
	world_expect_note(&w, "from 64 to 16");
	world_free(&w);
}

static void nested_where_it_differs(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "vmx ept", "");
	world_file(&w, "/sys/module/kvm_intel/initstate", "live\n");
	world_file(&w, "/sys/module/kvm_intel/parameters/nested", "N\n");
	world_profile(&w, HOST);
	world_plan(&w, &step_modules_nested);
	/* live off, nothing says so in a file: this kernel's default is off */
	world_expect(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_intel.conf",
		     world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_intel.conf"));
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_intel.conf"),
		       "options kvm_intel nested=1\n"));
	world_expect_note(&w, "kvm_intel is loaded next");
	world_apply(&w);
	world_plan(&w, &step_modules_nested);
	world_expect_nothing(&w);
	world_file(&w, "/sys/module/kvm_intel/parameters/nested", "Y\n");
	world_plan(&w, &step_modules_nested);
	world_expect_nothing(&w);
	assert_int_equal(w.plan.n_notes, 0);
	/* and off again: our own file says otherwise now */
	world_profile(&w, "[host]\nnested = no\n");
	world_plan(&w, &step_modules_nested);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_intel.conf"),
		       "options kvm_intel nested=0\n"));
	world_free(&w);
}

static void off_on_an_image_is_for_both(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, "[host]\nnested = no\n");
	world_plan(&w, &step_modules_nested);
	world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_intel.conf");
	world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-kvm_amd.conf");
	world_apply(&w);
	world_plan(&w, &step_modules_nested);
	world_expect_nothing(&w);
	world_free(&w);
}

static void no_extension_is_told(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "lm", "");
	world_profile(&w, "[host]\nkvm = yes\n");
	world_plan(&w, &step_modules_load);
	world_expect_nothing(&w);
	world_expect_note(&w, "kvm: ");
	world_free(&w);
}

static void a_kernel_without_the_module(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_file(&w, "/lib/modules/" KVER "/modules.dep", "kernel/drivers/net/tun.ko:\n");
	world_profile(&w, "[host]\ntun = yes\nvhost_net = yes\n");
	world_plan(&w, &step_modules_load);
	world_expect(&w, &kind_file, "/etc/modules", "af_packet\nipv6\ntun\n");
	world_expect_note(&w, "has no module vhost_net");
	world_free(&w);
}

static void regions_are_raised(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, "[host]\nvhost_mem_regions = 509\n");
	world_plan(&w, &step_modules_vhost);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-vhost.conf"),
		       "options vhost max_mem_regions=509\n"));
	world_apply(&w);
	world_plan(&w, &step_modules_vhost);
	world_expect_nothing(&w);
	/* never lowered */
	world_profile(&w, "[host]\nvhost_mem_regions = 100\n");
	world_plan(&w, &step_modules_vhost);
	world_expect_nothing(&w);
	world_free(&w);
}

static void udev_without_a_rule(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_file(&w, "/lib/udev/rules.d/50-udev-default.rules", "KERNEL==\"kvm\"\n");
	world_run(&w, "svm", "node /dev/vhost-net = c 10 238 0600 0 0\n");
	world_file(&w, "/dev/vhost-net", "");
	world_profile(&w, "[host]\nvhost_net = yes\n");
	world_plan(&w, &step_nodes_vhost);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/udev/rules.d/80-hostkit-vhost.rules"),
		       "GROUP=\"kvm\""));
	world_expect(&w, &kind_node, "/dev/vhost-net", "0660 0:104");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_alpine_runs),
		cmocka_unit_test(bare_debian_image),
		cmocka_unit_test(substrings_do_not_count),
		cmocka_unit_test(the_reader_is_enabled),
		cmocka_unit_test(recipe_is_mended),
		cmocka_unit_test(nested_where_it_differs),
		cmocka_unit_test(off_on_an_image_is_for_both),
		cmocka_unit_test(no_extension_is_told),
		cmocka_unit_test(a_kernel_without_the_module),
		cmocka_unit_test(regions_are_raised),
		cmocka_unit_test(udev_without_a_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
