/* SPDX-License-Identifier: MIT */
#include "host/acpi_viot.h"

#include "tests/lib/acpi.h"
#include "tests/unit/unit.h"

/* QEMU 7.2, -device virtio-iommu-pci. */
static const uint8_t qemu[] = {
	0x56, 0x49, 0x4f, 0x54, 0x58, 0x00, 0x00, 0x00, 0x00, 0x66, 0x42, 0x4f, 0x43,
	0x48, 0x53, 0x20, 0x42, 0x58, 0x50, 0x43, 0x20, 0x20, 0x20, 0x20, 0x01, 0x00,
	0x00, 0x00, 0x42, 0x58, 0x50, 0x43, 0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x30,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
	0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x00, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0xff, 0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void what_qemu_says(void **state)
{
	struct viot v;

	assert_int_equal(viot_parse(qemu, sizeof(qemu), &v, NULL), 0);
	assert_true(v.sum_ok);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.nodes[0].type, VIOT_IOMMU_PCI);
	assert_int_equal(v.nodes[0].bdf, 8);
	assert_int_equal(v.nodes[1].type, VIOT_PCI_RANGE);
	assert_int_equal(v.nodes[1].last_bdf, 0xff);
	assert_int_equal(v.nodes[1].iommu, 0);
	viot_free(&v);
}

/* An MMIO device before its IOMMU, which is at byte @iommu. */
static void full(struct table *t, unsigned iommu)
{
	table_begin(t, "VIOT");
	put(t, 3, 2), put(t, 48, 2), put(t, 0, 8);
	put(t, VIOT_MMIO, 2), put(t, 24, 2), put(t, 7, 4), put(t, 0xa000000, 8);
	put(t, iommu, 2), put(t, 0, 6);
	put(t, 9, 2), put(t, 8, 2), put(t, 0, 4);
	put(t, VIOT_IOMMU_MMIO, 2), put(t, 16, 2), put(t, 0, 4), put(t, 0xb000000, 8);
	table_end(t);
}

static void all_kinds(void **state)
{
	struct table t;
	struct viot v;

	full(&t, 80);
	assert_int_equal(viot_parse(t.b, t.len, &v, NULL), 0);
	assert_int_equal(v.n, 3);
	assert_int_equal(v.nodes[0].endpoint, 7);
	assert_int_equal(v.nodes[0].base, 0xa000000);
	assert_int_equal(v.nodes[0].iommu, 2);
	assert_int_equal(v.nodes[2].base, 0xb000000);
	viot_free(&v);
	table_cut_everywhere(&t, viot_parse, struct viot, viot_free);
}

static void an_iommu_that_is_none(void **state)
{
	static const unsigned bad[] = { 0, 48, 81, 96 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct table t;
		struct viot v;

		full(&t, bad[i]);
		assert_int_equal(viot_parse(t.b, t.len, &v, &e), -EUCLEAN);
		assert_non_null(strstr(e.msg, "where none is"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_qemu_says),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(an_iommu_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
