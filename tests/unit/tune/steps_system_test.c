/* SPDX-License-Identifier: MIT */
/* Kernel variables, attributes, limits, services, packages, Alpine from memory. */
#include "tests/unit/tune/world.h"

static void sysctls(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	world_file(&w, "/proc/sys/vm/swappiness", "60\n");
	world_file(&w, "/proc/sys/net/core/somaxconn", "4096\n");
	world_profile(&w, "[memory]\nswappiness = 10\n"
			  "[sysctl]\nnet.core.somaxconn = 4096\nkernel.nothing = 1\n");
	world_plan(&w, &step_kernel_sysctl);
	world_expect(&w, &kind_sysctl, "vm.swappiness", "10");
	assert_null(plan_find(&w.plan, &kind_sysctl, "net.core.somaxconn"));
	world_expect(&w, &kind_file, "/etc/sysctl.d/60-hostkit.conf",
		     "# Written by vtune from its profile.\nvm.swappiness = 10\n"
		     "net.core.somaxconn = 4096\n");
	world_expect_note(&w, "no kernel.nothing");
	world_apply(&w);
	world_plan(&w, &step_kernel_sysctl);
	world_expect_nothing(&w);
	/* a file that is read later says otherwise: told, and left alone */
	world_file(&w, "/etc/sysctl.conf", "# x\nvm.swappiness=90\n");
	world_plan(&w, &step_kernel_sysctl);
	world_expect_nothing(&w);
	world_expect_note(&w, "/etc/sysctl.conf line 2 sets vm.swappiness = 90");
	world_free(&w);
}

static void attributes(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "");
	world_file(&w, "/sys/kernel/mm/ksm/run", "1\n");
	world_file(&w, "/sys/kernel/mm/ksm/pages_sharing", "5\n");
	world_file(&w, "/sys/kernel/mm/transparent_hugepage/enabled",
		   "always [madvise] never\n");
	world_file(&w, "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "always within_size advise [never] deny force\n");
	world_file(&w, "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
		   "powersave\n");
	world_file(&w, "/sys/devices/system/cpu/cpufreq/policy0/scaling_available_governors",
		   "performance powersave\n");
	world_file(&w, "/sys/devices/system/cpu/cpufreq/policy1/scaling_governor",
		   "performance\n");
	world_profile(&w, "[memory]\nksm = no\nthp = madvise\n[cpu]\ngovernor = performance\n");
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect(&w, &kind_sysfs, "/sys/kernel/mm/ksm/run", "0");
	world_expect(&w, &kind_sysfs,
		     "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance");
	assert_int_equal(w.plan.n, 2);
	world_expect_note(&w, "boot = yes");
	world_expect_note(&w, "5 pages stay shared");
	world_apply(&w);
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect_nothing(&w);
	world_profile(&w, "[memory]\nksm = yes\nthp = never\n[cpu]\ngovernor = schedutil\n"
			  "[services]\nboot = yes\n");
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect(&w, &kind_sysfs, "/sys/kernel/mm/ksm/run", "1");
	world_expect(&w, &kind_sysfs, "/sys/kernel/mm/transparent_hugepage/enabled", "never");
	/* the memory of guests that share theirs is a matter of its own */
	world_profile(&w, "[memory]\nthp_shared = advise\n[services]\nboot = yes\n");
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect(&w, &kind_sysfs, "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		     "advise");
	assert_int_equal(w.plan.n, 1);
	world_apply(&w);
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect_nothing(&w);
	world_profile(&w, "[memory]\nksm = yes\nthp = never\n[cpu]\ngovernor = schedutil\n"
			  "[services]\nboot = yes\n");
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect_note(&w, "offers no governor schedutil");
	assert_false(world_noted(&w, "boot = yes"));
	world_free(&w);
	/* nothing of this is in an image */
	world_alpine(&w);
	world_profile(&w, "[memory]\nksm = yes\nthp = never\n[cpu]\ngovernor = schedutil\n");
	world_plan(&w, &step_memory_ksm, &step_memory_thp, &step_cpu_governor);
	world_expect_nothing(&w);
	assert_int_equal(w.plan.n_notes, 0);
	world_free(&w);
}

static void limits(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, "[limits]\nmemlock = 64M\n");
	world_plan(&w, &step_limits_memlock);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/security/limits.d/60-hostkit.conf"),
		       "\n@kvm\t-\tmemlock\t65536\n"));
	world_apply(&w);
	world_plan(&w, &step_limits_memlock);
	world_expect_nothing(&w);
	/* a limit of somebody's that is high enough */
	unlink(tree_path(&w.t, "/etc/security/limits.d/60-hostkit.conf"));
	world_file(&w, "/etc/security/limits.conf", "@kvm - memlock unlimited\n");
	world_plan(&w, &step_limits_memlock);
	world_expect_nothing(&w);
	world_free(&w);

	world_alpine(&w);
	world_file(&w, "/etc/init.d/libvirtd", "");
	world_file(&w, "/etc/conf.d/libvirtd", "# x\n#rc_ulimit=\"-l 1\"\nrc_need=\"net\"");
	world_file(&w, "/etc/init.d/qemu", "");
	world_file(&w, "/etc/conf.d/qemu", "rc_ulimit=\"-n 1024\"\n");
	world_profile(&w, "[limits]\nmemlock = unlimited\n");
	world_plan(&w, &step_limits_memlock);
	world_expect(&w, &kind_file, "/etc/conf.d/libvirtd",
		     "# x\n#rc_ulimit=\"-l 1\"\nrc_need=\"net\"\nrc_ulimit=\"-l unlimited\"\n");
	world_expect_note(&w, "/etc/conf.d/qemu sets rc_ulimit without -l");
	world_apply(&w);
	world_plan(&w, &step_limits_memlock);
	world_expect_nothing(&w);
	world_free(&w);
}

static void services(void **state)
{
	static const char wants[] =
		"/etc/systemd/system/sysinit.target.wants/hostkit-tune.service";
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_profile(&w, "[services]\nboot = yes\n");
	world_plan(&w, &step_services_boot);
	world_expect(&w, &kind_link, "/etc/runlevels/boot/hostkit-tune",
		     "/etc/init.d/hostkit-tune");
	assert_int_equal(w.plan.n, 1);
	world_apply(&w);
	world_plan(&w, &step_services_boot);
	world_expect_nothing(&w);
	world_profile(&w, "[services]\nboot = yes\n[hugepages]\nreserve = yes\ncount = 1\n");
	world_plan(&w, &step_services_boot);
	world_expect(&w, &kind_link, "/etc/runlevels/boot/hostkit-hugepages",
		     "/etc/init.d/hostkit-hugepages");
	world_profile(&w, "[services]\nboot = no\n");
	world_plan(&w, &step_services_boot);
	world_expect(&w, &kind_link, "/etc/runlevels/boot/hostkit-tune", "");
	unlink(tree_path(&w.t, "/etc/init.d/hostkit-tune"));
	unlink(tree_path(&w.t, "/etc/runlevels/boot/hostkit-tune"));
	world_profile(&w, "[services]\nboot = yes\n");
	world_plan(&w, &step_services_boot);
	world_expect_note(&w, "hostkit-openrc");
	world_free(&w);

	world_debian(&w);
	world_profile(&w, "[services]\nboot = yes\n");
	world_plan(&w, &step_services_boot);
	world_expect(&w, &kind_link, wants, "/lib/systemd/system/hostkit-tune.service");
	world_apply(&w);
	world_plan(&w, &step_services_boot);
	world_expect_nothing(&w);
	world_profile(&w, "[services]\nboot = no\n");
	world_plan(&w, &step_services_boot);
	world_expect(&w, &kind_link, wants, "");
	world_free(&w);
}

static void packages(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, "[packages]\nany = qemu-utils\ndebian = qemu-system-x86\n"
			  "alpine = qemu-system-x86_64\n");
	world_plan(&w, &step_packages);
	world_expect_nothing(&w);
	world_expect_note(&w, "apt-get install qemu-system-x86'");
	world_profile(&w, "[packages]\ninstall = yes\nany = qemu-utils qemu-system-x86\n");
	world_plan(&w, &step_packages);
	world_expect(&w, &kind_package, "qemu-system-x86", "installed");
	assert_int_equal(w.plan.n, 1);
	world_free(&w);
}

static void diskless(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_alpine(&w);
	world_run(&w, "svm", "statfs / = 0x01021994 0x1000\n");
	world_file(&w, "/sbin/lbu", "");
	world_file(&w, "/proc/self/mountinfo", "20 1 0:2 / / rw - tmpfs tmpfs rw\n");
	world_profile(&w, "[host]\ntun = yes\n");
	world_plan(&w, &step_modules_load, &step_host_diskless);
	world_expect_note(&w, "lbu commit");
	world_apply(&w);
	world_plan(&w, &step_modules_load, &step_host_diskless);
	world_expect_nothing(&w);
	assert_int_equal(w.plan.n_notes, 0);
	world_free(&w);
}

#define PCI "/sys/bus/pci/devices/"

static void device(struct world *w, const char *addr, const char *id, const char *class,
		   const char *driver, const char *group)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), PCI "%s/vendor", addr);
	world_file(w, path, "0x8086\n");
	snprintf(path, sizeof(path), PCI "%s/device", addr);
	snprintf(text, sizeof(text), "0x%s\n", id);
	world_file(w, path, text);
	snprintf(path, sizeof(path), PCI "%s/class", addr);
	snprintf(text, sizeof(text), "0x%s\n", class);
	world_file(w, path, text);
	snprintf(path, sizeof(path), PCI "%s/driver_override", addr);
	world_file(w, path, "(null)\n");
	snprintf(path, sizeof(path), PCI "%s/reset_method", addr);
	world_file(w, path, "flr\n");
	snprintf(path, sizeof(path), PCI "%s/driver", addr);
	snprintf(text, sizeof(text), "../../bus/pci/drivers/%s", driver);
	if (*driver)
		tree_link(&w->t, path, text);
	snprintf(path, sizeof(path), PCI "%s/iommu_group", addr);
	snprintf(text, sizeof(text), "../../../kernel/iommu_groups/%s", group);
	tree_link(&w->t, path, text);
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices/%s", group, addr);
	world_file(w, path, "");
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/type", group);
	world_file(w, path, "DMA\n");
}

static void pci(struct world *w)
{
	world_alpine(w);
	world_run(w, "svm", "");
	device(w, "0000:03:00.0", "1533", "020000", "igb", "7");
	device(w, "0000:03:00.1", "1533", "020000", "igb", "8");
	device(w, "0000:04:00.0", "1000", "010601", "ahci", "9");
	device(w, "0000:05:00.0", "2000", "030000", "i915", "10");
	device(w, "0000:05:00.1", "2001", "040300", "snd_hda_intel", "10");
	world_file(w, "/sys/kernel/irq/24/chip_name", "IR-PCI-MSI\n");
	tree_link(&w->t, "/sys/dev/block/8:1",
		  "../../devices/pci0000:00/0000:04:00.0/ata1/block/sda/sda1");
	tree_link(&w->t, "/sys/class/net/eth1",
		  "../../devices/pci0000:00/0000:03:00.1/net/eth1");
	tree_dir(&w->t, "/sys/class/net/br0");
	tree_link(&w->t, "/sys/class/net/br0/lower_eth1", "../eth1");
	world_file(w, "/proc/net/route",
		   "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		   "br0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n");
}

static void vfio(void **state)
{
	struct world w = { 0 };

	(void)state;
	pci(&w);
	world_profile(&w, "[iommu]\nvfio = 03:00.0\n[services]\nboot = yes\n");
	world_plan(&w, &step_vfio_bind);
	world_expect(&w, &kind_driver, "0000:03:00.0", "vfio-pci");
	world_expect(&w, &kind_module, "vfio_pci", "loaded");
	assert_non_null(strstr(world_value(&w, &kind_file, "/etc/modules"), "vfio_pci\n"));
	/* another device of this make stays with the host: not by make */
	assert_null(plan_find(&w.plan, &kind_file, "/etc/modprobe.d/hostkit-vfio_pci.conf"));
	world_apply(&w);
	world_plan(&w, &step_vfio_bind);
	world_expect_nothing(&w);
	world_free(&w);
}

static void vfio_whole_make(void **state)
{
	struct world w = { 0 };

	(void)state;
	pci(&w);
	world_profile(&w, "[iommu]\nvfio = 05:00.0 05:00.1\n");
	world_plan(&w, &step_vfio_bind);
	assert_non_null(
		strstr(world_value(&w, &kind_file, "/etc/modprobe.d/hostkit-vfio_pci.conf"),
		       "options vfio_pci ids=8086:2000,8086:2001\n"));
	world_expect_note(&w, "forgets over a restart");
	world_apply(&w);
	world_plan(&w, &step_vfio_bind);
	world_expect_nothing(&w);
	/* somebody's own list is not exchanged */
	world_file(&w, "/etc/modprobe.d/mine.conf", "options vfio-pci ids=10de:1b80\n");
	unlink(tree_path(&w.t, "/etc/modprobe.d/hostkit-vfio_pci.conf"));
	world_plan(&w, &step_vfio_bind);
	world_expect_nothing(&w);
	world_free(&w);
}

static void vfio_refused(void **state)
{
	static const struct {
		const char *addr, *why;
	} refused[] = {
		{ "0000:04:00.0", "/ is on it" },
		{ "0000:03:00.1", "the default route goes through it, by br0" },
		{ "0000:05:00.0", "shares IOMMU group 10 with 0000:05:00.1" },
		{ "0000:06:00.0", "there is no PCI device 0000:06:00.0" },
	};
	struct world w = { 0 };
	char text[128];

	(void)state;
	pci(&w);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		snprintf(text, sizeof(text), "[iommu]\nvfio = %s\n", refused[i].addr);
		world_profile(&w, text);
		world_plan(&w, &step_vfio_bind);
		assert_null(plan_find(&w.plan, &kind_driver, refused[i].addr));
		world_expect_note(&w, refused[i].why);
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysctls),      cmocka_unit_test(attributes),
		cmocka_unit_test(limits),       cmocka_unit_test(services),
		cmocka_unit_test(packages),     cmocka_unit_test(diskless),
		cmocka_unit_test(vfio),         cmocka_unit_test(vfio_whole_make),
		cmocka_unit_test(vfio_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
