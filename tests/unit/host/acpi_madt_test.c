/* SPDX-License-Identifier: MIT */
#include "host/acpi_madt.h"

#include "tests/lib/acpi.h"
#include "tests/unit/unit.h"

/* QEMU 7.2, two processors. */
static const uint8_t qemu[] = {
	0x41, 0x50, 0x49, 0x43, 0x80, 0x00, 0x00, 0x00, 0x01, 0x77, 0x42, 0x4f, 0x43,
	0x48, 0x53, 0x20, 0x42, 0x58, 0x50, 0x43, 0x20, 0x20, 0x20, 0x20, 0x01, 0x00,
	0x00, 0x00, 0x42, 0x58, 0x50, 0x43, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe0,
	0xfe, 0x01, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
	0x00, 0x08, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x00, 0x00, 0x00,
	0x00, 0xc0, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x02, 0x0a, 0x00, 0x00, 0x02, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x02, 0x0a, 0x00, 0x05, 0x05, 0x00, 0x00, 0x00, 0x0d,
	0x00, 0x02, 0x0a, 0x00, 0x09, 0x09, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x02, 0x0a,
	0x00, 0x0a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x02, 0x0a, 0x00, 0x0b, 0x0b,
	0x00, 0x00, 0x00, 0x0d, 0x00, 0x04, 0x06, 0xff, 0x00, 0x00, 0x01,
};

static void what_qemu_says(void **state)
{
	struct madt m;

	assert_int_equal(madt_parse(qemu, sizeof(qemu), &m, NULL), 0);
	assert_true(m.sum_ok);
	assert_int_equal(m.apics, 2);
	assert_int_equal(m.entries, 9);
	assert_int_equal(madt_gic(&m), 0);
}

static void begin(struct table *t)
{
	table_begin(t, "APIC");
	put(t, 0, 8);
}

static void gicc(struct table *t, unsigned size, uint64_t gicv, uint64_t gich, uint64_t gicr)
{
	put(t, 0x0b, 1), put(t, size, 1), put(t, 0, 30), put(t, 0x8010000, 8);
	if (size >= 76)
		put(t, gicv, 8), put(t, gich, 8), put(t, 0, 4), put(t, gicr, 8),
			put(t, 0, size - 68);
}

static void gicd(struct table *t, unsigned version)
{
	put(t, 0x0c, 1), put(t, 24, 1), put(t, 0, 6), put(t, 0x8000000, 8), put(t, 0, 4);
	put(t, version, 1), put(t, 0, 3);
}

static void generic_interrupt_controllers(void **state)
{
	struct table t;
	struct madt m;

	begin(&t);
	gicd(&t, 3);
	gicc(&t, 80, 0, 0, 0);
	gicc(&t, 82, 0, 0, 0x80a0000);
	put(&t, 0x0e, 1), put(&t, 16, 1), put(&t, 0, 14);
	put(&t, 0x0f, 1), put(&t, 20, 1), put(&t, 0, 18);
	table_end(&t);
	assert_int_equal(madt_parse(t.b, t.len, &m, NULL), 0);
	assert_int_equal(madt_gic(&m), 3);
	assert_int_equal(m.gic_cpus, 2);
	assert_int_equal(m.its, 1);
	assert_int_equal(m.redistributors, 1);
	assert_int_equal(m.gicd_base, 0x8000000);
	assert_true(m.gicc_redist);
	assert_false(m.gicc_vgic);

	/* version not told: by what is there */
	begin(&t);
	gicd(&t, 0);
	gicc(&t, 76, 0x8040000, 0x8030000, 0);
	put(&t, 0x0d, 1), put(&t, 24, 1), put(&t, 0, 22);
	table_end(&t);
	assert_int_equal(madt_parse(t.b, t.len, &m, NULL), 0);
	assert_int_equal(madt_gic(&m), 2);
	assert_true(m.gicc_vgic);
	assert_int_equal(m.msi_frames, 1);
	gicc(&t, 80, 0, 0, 0x80a0000);
	table_end(&t);
	assert_int_equal(madt_parse(t.b, t.len, &m, NULL), 0);
	assert_int_equal(madt_gic(&m), 3);
	assert_false(m.gicc_vgic);
}

static void nothing(struct madt *m)
{
}

static void lengths_that_lie(void **state)
{
	static const unsigned bad[][2] = {
		{ 0, 0 },    { 0, 1 },    { 0, 7 },    { 9, 15 },
		{ 0xb, 39 }, { 0xc, 23 }, { 0xe, 15 }, { 0x80, 65 }
	};
	struct table t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct madt m;

		begin(&t);
		put(&t, bad[i][0], 1), put(&t, bad[i][1], 1), put(&t, 0, 62);
		table_end(&t);
		assert_int_equal(madt_parse(t.b, t.len, &m, &e), -EUCLEAN);
		assert_non_null(strstr(e.msg, "byte 44"));
	}
	begin(&t);
	gicd(&t, 3);
	gicc(&t, 80, 0, 0, 1);
	table_end(&t);
	table_cut_everywhere(&t, madt_parse, struct madt, nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_qemu_says),
		cmocka_unit_test(generic_interrupt_controllers),
		cmocka_unit_test(lengths_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
