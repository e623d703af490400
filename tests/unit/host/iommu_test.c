/* SPDX-License-Identifier: MIT */
#include "host/iommu.h"

#include "host/iommu_dt.h"
#include "tests/lib/acpi.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void reserved_regions(void **state)
{
	static const char text[] = "0x0000000000001000 0x0000000000001fff direct\n"
				   "0x00000000fee00000 0x00000000feefffff msi\n";
	static const char *const bad[] = { "1000 0x1fff msi\n", "0x1 0x2\n", "0x1 0x2 a b\n",
					   "0x1 0x11112222333344445 msi\n", "0x1 0xg msi" };
	struct iommu_region *v;
	struct err e = { 0 };
	size_t n;

	assert_int_equal(iommu_regions_parse(text, strlen(text), &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].start, 0x1000);
	assert_int_equal(v[0].end, 0x1fff);
	assert_string_equal(v[1].type, "msi");
	free(v);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(iommu_regions_parse(bad[i], strlen(bad[i]), &v, &n, &e),
				 -EINVAL);
		assert_null(v);
	}
}

static void compatible_strings(void **state)
{
	static const char smmu[] = "vendor,x\0arm,smmu-v3";
	static const char near[] = "arm,smmu-v3-x\0arm,smmu";

	assert_true(iommu_dt_compatible(smmu, sizeof(smmu)));
	assert_true(iommu_dt_compatible(smmu, sizeof(smmu) - 1));
	assert_false(iommu_dt_compatible(near, sizeof(near)));
	assert_false(iommu_dt_compatible("", 0));
}

static void dmar(struct tree *t, unsigned flags)
{
	struct table d;

	table_begin(&d, "DMAR");
	put(&d, 0x2f, 1), put(&d, flags, 1), put(&d, 0, 10);
	table_end(&d);
	tree_bytes(t, "/sys/firmware/acpi/tables/DMAR", d.b, d.len);
}

static void look(struct tree *t, struct iommu *m)
{
	struct host *h;

	assert_int_equal(host_open(t->root, &h, NULL), 0);
	assert_int_equal(iommu_read(h, m, NULL), 0);
	host_close(h);
}

static void an_intel_machine(void **state)
{
	struct iommu m;
	struct tree t;

	tree_make(&t);
	dmar(&t, 1);
	/* an image tells nothing */
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_UNKNOWN);
	tree_file(&t, "/.hostkit-record", "arch = x86_64\n");
	tree_file(&t, "/proc/cmdline", "quiet iommu=pt intel_iommu=off,sm_on\n");
	tree_dir(&t, "/sys/kernel/iommu_groups");
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_OFF);
	assert_int_equal(m.sources, IOMMU_DMAR);
	assert_string_equal(m.off_word, "intel_iommu=off");
	assert_int_equal(m.remap, IOMMU_REMAP_UNKNOWN);
	iommu_free(&m);
	/* interrupts may be remapped while DMA is not */
	tree_file(&t, "/sys/kernel/irq/1/chip_name", "\n");
	tree_file(&t, "/sys/kernel/irq/9/chip_name", "IR-IO-APIC\n");
	tree_file(&t, "/proc/cmdline", "quiet\n");
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_OFF);
	assert_null(m.off_word);
	assert_int_equal(m.remap, IOMMU_REMAP_ON);
	iommu_free(&m);

	tree_file(&t, "/sys/kernel/irq/9/chip_name", "IO-APIC\n");
	tree_file(&t, "/sys/class/iommu/dmar0/intel-iommu/cap", "d2008c222f0606\n");
	tree_file(&t, "/sys/kernel/iommu_groups/0/type", "DMA-FQ\n");
	tree_dir(&t, "/sys/kernel/iommu_groups/0/devices/0000:00:02.0");
	tree_file(&t, "/sys/kernel/iommu_groups/0/reserved_regions",
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	tree_dir(&t, "/sys/kernel/iommu_groups/12/devices");
	tree_file(&t, "/sys/kernel/iommu_groups/12/reserved_regions",
		  "0x0000000000000000 0x0000000000000fff direct\nnonsense\n");
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_ON);
	assert_int_equal(m.remap, IOMMU_REMAP_OFF);
	assert_int_equal(m.n_units, 1);
	assert_int_equal(m.units[0].kind, IOMMU_KIND_INTEL);
	assert_string_equal(m.units[0].features, "d2008c222f0606");
	assert_int_equal(m.n_groups, 2);
	assert_string_equal(iommu_group(&m, 0)->type, "DMA-FQ");
	assert_string_equal(iommu_group(&m, 0)->devices[0], "0000:00:02.0");
	assert_int_equal(iommu_group(&m, 0)->n_regions, 1);
	assert_string_equal(iommu_group(&m, 0)->regions_unknown, "");
	assert_string_equal(iommu_group(&m, 12)->type, "");
	/* what cannot be read of one group says nothing of the others */
	assert_int_equal(iommu_group(&m, 12)->n_regions, 0);
	assert_string_equal(
		iommu_group(&m, 12)->regions_unknown,
		"/sys/kernel/iommu_groups/12/reserved_regions: line 2 is no range of "
		"addresses");
	assert_null(iommu_group(&m, 1));
	iommu_free(&m);
	/* the table says the hardware cannot */
	dmar(&t, 0);
	look(&t, &m);
	assert_int_equal(m.remap, IOMMU_REMAP_NONE);
	iommu_free(&m);
	tree_remove(&t);
}

static void none_and_fake(void **state)
{
	struct iommu m;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/.hostkit-record", "arch = x86_64\n");
	tree_file(&t, "/proc/cmdline", "intel_iommu=on\n");
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_ABSENT);
	assert_int_equal(m.remap, IOMMU_REMAP_NONE);
	iommu_free(&m);
	tree_file(&t, "/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	tree_file(&t, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	look(&t, &m);
	assert_int_equal(m.state, IOMMU_ABSENT);
	assert_true(m.groups[0].fake);
	assert_true(m.unsafe_interrupts);
	iommu_free(&m);
	tree_remove(&t);
}

static void other_machines(void **state)
{
	struct iommu m;
	struct tree t;

	tree_make(&t);
	tree_file(&t, "/.hostkit-record", "arch = aarch64\n");
	tree_bytes(&t, "/proc/device-tree/soc/iommu@9050000/compatible", "arm,smmu-v3", 12);
	tree_bytes(&t, "/proc/device-tree/soc/iommu@9050000/status", "disabled", 9);
	look(&t, &m);
	assert_int_equal(m.sources, 0);
	iommu_free(&m);
	tree_bytes(&t, "/proc/device-tree/soc/iommu@9050000/status", "okay", 5);
	tree_file(&t, "/sys/kernel/irq/30/chip_name", "ITS-MSI\n");
	look(&t, &m);
	assert_int_equal(m.sources, IOMMU_DT);
	assert_int_equal(m.state, IOMMU_OFF);
	assert_int_equal(m.remap, IOMMU_REMAP_ON);
	iommu_free(&m);
	/* an IORT that cannot be read counts, one without an SMMU does not */
	tree_remove(&t);
	tree_make(&t);
	tree_file(&t, "/.hostkit-record", "access /sys/firmware/acpi/tables/IORT = EACCES\n");
	tree_file(&t, "/sys/firmware/acpi/tables/IORT", "");
	tree_file(&t, "/sys/firmware/acpi/tables/VIOT", "");
	tree_dir(&t, "/sys/class/iommu/smmu3.0x0000000009050000");
	tree_dir(&t, "/sys/class/iommu/ivhd0/amd-iommu");
	tree_file(&t, "/sys/class/iommu/ivhd0/amd-iommu/features", "0:29d3\n");
	tree_link(&t, "/sys/class/iommu/0000:00:01.0/device/driver",
		  "../../bus/virtio/drivers/virtio_iommu");
	tree_dir(&t, "/sys/class/iommu/odd");
	look(&t, &m);
	assert_int_equal(m.sources, IOMMU_IORT | IOMMU_VIOT);
	assert_int_equal(m.n_units, 4);
	assert_int_equal(m.units[0].kind, IOMMU_KIND_VIRTIO);
	assert_int_equal(m.units[1].kind, IOMMU_KIND_AMD);
	assert_string_equal(m.units[1].features, "0:29d3");
	assert_int_equal(m.units[2].kind, IOMMU_KIND_OTHER);
	assert_string_equal(iommu_kind_name(m.units[3].kind), "Arm SMMUv3");
	iommu_free(&m);
	tree_remove(&t);
	/* a virtio-iommu alone: nobody switched its remapping off, it has none */
	tree_make(&t);
	tree_file(&t, "/.hostkit-record", "arch = x86_64\n");
	tree_file(&t, "/sys/firmware/acpi/tables/VIOT", "");
	tree_file(&t, "/sys/kernel/irq/30/chip_name", "PCI-MSI\n");
	look(&t, &m);
	assert_int_equal(m.remap, IOMMU_REMAP_NONE);
	iommu_free(&m);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_regions), cmocka_unit_test(compatible_strings),
		cmocka_unit_test(an_intel_machine), cmocka_unit_test(none_and_fake),
		cmocka_unit_test(other_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
