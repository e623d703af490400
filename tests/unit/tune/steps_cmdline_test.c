/* SPDX-License-Identifier: MIT */
/* Words of the kernel's command line, in the files of Alpine's and Debian's boot loaders. */
#include "tests/unit/tune/world.h"

#define STEPS &step_kernel_cmdline

static void extlinux(struct world *w, const char *words)
{
	char text[512];

	world_alpine(w);
	snprintf(text, sizeof(text),
		 "# mine\noverwrite=1\ndefault_kernel_opts=\"%s\"\ntimeout=3\n", words);
	world_file(w, "/etc/update-extlinux.conf", text);
	world_file(w, "/sbin/update-extlinux", "");
}

static void grub(struct world *w, const char *words)
{
	char text[512];

	world_debian(w);
	snprintf(text, sizeof(text),
		 "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"%s\"\nGRUB_CMDLINE_LINUX=\"\"\n",
		 words);
	world_file(w, "/etc/default/grub", text);
	world_file(w, "/usr/sbin/update-grub", "");
}

static void has(struct world *w, const char *path, const char *line)
{
	if (!strstr(world_value(w, &kind_file, path), line))
		fail_msg("'%s' is not in:\n%s", line, world_value(w, &kind_file, path));
}

static void image_of_alpine(void **state)
{
	struct world w = { 0 };

	(void)state;
	extlinux(&w, "quiet rootfstype=ext4");
	world_profile(&w, "[iommu]\nenable = yes\nidentity = yes\n"
			  "[kernel]\npsi = yes\ncmdline = intel_iommu=on console=ttyS0\n");
	world_plan(&w, STEPS);
	world_expect(
		&w, &kind_file, "/etc/update-extlinux.conf",
		"# mine\noverwrite=1\n"
		"default_kernel_opts=\"quiet rootfstype=ext4 iommu=pt psi=1 intel_iommu=on "
		"console=ttyS0\"\ntimeout=3\n");
	world_expect(&w, &kind_regen, "bootloader", "update-extlinux");
	world_expect_note(&w, "does not tell whose IOMMU");
	world_apply(&w);
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);
}

/* The recipe's word gives way to one that means something; without that it is told of. */
static void iommu_on_is_no_value(void **state)
{
	struct world w = { 0 };

	(void)state;
	grub(&w, "quiet iommu=on");
	world_profile(&w, "[iommu]\nidentity = yes\n");
	world_plan(&w, STEPS);
	has(&w, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=pt\"\n");
	world_expect(&w, &kind_regen, "bootloader", "update-grub");
	world_apply(&w);
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);

	grub(&w, "quiet iommu=on amd_iommu=on");
	world_profile(&w, "[kernel]\npsi = yes\n");
	world_plan(&w, STEPS);
	has(&w, "/etc/default/grub", "\"quiet iommu=on amd_iommu=on psi=1\"\n");
	world_expect_note(&w, "iommu=on on the kernel's command line does nothing");
	world_expect_note(&w, "amd_iommu=on");
	world_free(&w);

	/* this one means something of its own */
	grub(&w, "iommu=soft");
	world_profile(&w, "[iommu]\nidentity = yes\n");
	world_plan(&w, STEPS);
	has(&w, "/etc/default/grub", "\"iommu=soft iommu=pt\"\n");
	world_free(&w);
}

static void intel_where_it_is_needed(void **state)
{
	struct world w = { 0 };

	(void)state;
	extlinux(&w, "quiet");
	world_run(&w, "vmx", "");
	world_file(&w, "/sys/firmware/acpi/tables/DMAR", "");
	tree_dir(&w.t, "/sys/kernel/iommu_groups");
	world_profile(&w, "[iommu]\nenable = yes\n");
	world_plan(&w, STEPS);
	has(&w, "/etc/update-extlinux.conf", "\"quiet intel_iommu=on\"\n");
	world_apply(&w);
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_expect_note(&w, "from the next boot on");
	world_free(&w);

	/* a kernel that has it on unasked */
	extlinux(&w, "quiet");
	world_run(&w, "vmx", "");
	world_file(&w, "/sys/firmware/acpi/tables/DMAR", "");
	world_file(&w, "/sys/kernel/iommu_groups/0/type", "DMA\n");
	world_file(&w, "/sys/kernel/iommu_groups/0/devices/0000:00:00.0", "");
	tree_dir(&w.t, "/sys/class/iommu/dmar0");
	world_profile(&w, "[iommu]\nenable = yes\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);
}

static void amd_needs_no_word(void **state)
{
	struct world w = { 0 };

	(void)state;
	extlinux(&w, "quiet");
	world_run(&w, "svm", "");
	world_file(&w, "/sys/firmware/acpi/tables/IVRS", "");
	world_file(&w, "/sys/kernel/iommu_groups/0/type", "DMA\n");
	world_file(&w, "/sys/kernel/iommu_groups/0/devices/0000:00:00.0", "");
	tree_dir(&w.t, "/sys/class/iommu/ivhd0");
	world_profile(&w, "[iommu]\nenable = yes\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	assert_int_equal(w.plan.n_notes, 0);
	world_free(&w);
}

static void no_iommu_is_told(void **state)
{
	struct world w = { 0 };

	(void)state;
	extlinux(&w, "quiet");
	world_run(&w, "svm", "");
	world_profile(&w, "[iommu]\nenable = yes\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_expect_note(&w, "firmware tells of no IOMMU");
	world_free(&w);
}

static void psi_where_it_is_off(void **state)
{
	struct world w = { 0 };

	(void)state;
	extlinux(&w, "quiet");
	world_run(&w, "svm", "");
	world_file(&w, "/proc/pressure/cpu",
		   "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	world_profile(&w, "[kernel]\npsi = yes\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);
}

static void large_pages(void **state)
{
	struct world w = { 0 };

	(void)state;
	grub(&w, "quiet hugepagesz=2M hugepages=8 hugepagesz=1G hugepages=1");
	world_profile(&w, "[host]\nguests = 2 x 2G\n[hugepages]\nreserve = yes\npage = 1G\n");
	world_plan(&w, STEPS, &step_hugepages_pool);
	has(&w, "/etc/default/grub", "hugepagesz=1G hugepages=4");
	has(&w, "/etc/default/grub", "hugepagesz=2M hugepages=8");
	assert_null(plan_find(&w.plan, &kind_file, "/etc/hostkit/hugepages.conf"));
	world_apply(&w);
	world_plan(&w, STEPS, &step_hugepages_pool);
	world_expect_nothing(&w);
	world_free(&w);
}

static void words_of_the_profile(void **state)
{
	struct world w = { 0 };

	(void)state;
	grub(&w, "isolcpus=1 console=tty0");
	world_profile(&w, "[kernel]\ncmdline = isolcpus=2,3 console=ttyS0 quiet\n");
	world_plan(&w, STEPS);
	has(&w, "/etc/default/grub", "\"isolcpus=2,3 console=tty0 console=ttyS0 quiet\"\n");
	world_apply(&w);
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_free(&w);
}

static void no_loader_is_told(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_debian(&w);
	world_profile(&w, "[kernel]\npsi = yes\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_expect_note(&w, "psi=1");
	/* and what only a shell can follow is not touched */
	world_file(&w, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"$(cat /x)\"\n");
	world_plan(&w, STEPS);
	world_expect_nothing(&w);
	world_expect_note(&w, "/etc/default/grub");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_of_alpine),
		cmocka_unit_test(iommu_on_is_no_value),
		cmocka_unit_test(intel_where_it_is_needed),
		cmocka_unit_test(amd_needs_no_word),
		cmocka_unit_test(no_iommu_is_told),
		cmocka_unit_test(psi_where_it_is_off),
		cmocka_unit_test(large_pages),
		cmocka_unit_test(words_of_the_profile),
		cmocka_unit_test(no_loader_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
