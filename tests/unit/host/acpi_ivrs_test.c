/* SPDX-License-Identifier: MIT */
#include "host/acpi_ivrs.h"

#include "tests/lib/acpi.h"
#include "tests/unit/unit.h"

/* QEMU 7.2, -device amd-iommu,intremap=on. */
static const uint8_t qemu[] = {
	0x49, 0x56, 0x52, 0x53, 0x64, 0x00, 0x00, 0x00, 0x01, 0x65, 0x42, 0x4f, 0x43,
	0x48, 0x53, 0x20, 0x42, 0x58, 0x50, 0x43, 0x20, 0x20, 0x20, 0x20, 0x01, 0x00,
	0x00, 0x00, 0x42, 0x58, 0x50, 0x43, 0x01, 0x00, 0x00, 0x00, 0x00, 0x28, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0xd1, 0x34, 0x00,
	0x08, 0x00, 0x40, 0x00, 0x00, 0x00, 0xd8, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x44, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08,
	0x00, 0x00, 0x02, 0xf8, 0x00, 0x00, 0x02, 0xfa, 0x00, 0x00, 0x02, 0xfb, 0x00,
	0x00, 0x48, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x00, 0x01,
};

static void what_qemu_says(void **state)
{
	struct ivrs v;

	assert_int_equal(ivrs_parse(qemu, sizeof(qemu), &v, NULL), 0);
	assert_true(v.sum_ok);
	assert_int_equal(v.pa_bits, 40);
	assert_int_equal(v.va_bits, 0);
	assert_int_equal(v.n_units, 1);
	assert_int_equal(v.units[0].type, 0x10);
	assert_int_equal(v.units[0].device_id, 8);
	assert_int_equal(v.units[0].base, 0xfed80000);
	assert_int_equal(v.units[0].features, 0x44);
	assert_int_equal(v.units[0].ioapics, 1);
	assert_int_equal(v.units[0].hpets, 0);
	assert_true(ivrs_intr_remap(&v));
	ivrs_free(&v);
}

static void begin(struct table *t)
{
	table_begin(t, "IVRS");
	put(t, 0x203002, 4);
	put(t, 0, 8);
}

static void unit(struct table *t, unsigned type, unsigned extra)
{
	put(t, type, 1), put(t, 0xb0, 1), put(t, (type == 0x10 ? 24 : 40) + extra, 2);
	put(t, 2, 2), put(t, 0x40, 2), put(t, 0xfeb80000, 8), put(t, 1, 2), put(t, 0, 2);
	put(t, 0x80048f6e, 4);
	if (type != 0x10)
		put(t, 0x206d73ef22254ade, 8), put(t, 0, 8);
}

static void full(struct table *t)
{
	begin(t);
	unit(t, 0x11, 4 + 8 + 16 + 8 + 24);
	put(t, 0x03, 4);                             /* range of devices */
	put(t, 0x43, 8);                             /* alias */
	put(t, 0x80, 16);                            /* of a length that nobody uses yet */
	put(t, 72, 7), put(t, 2, 1);                 /* HPET */
	put(t, 240, 21), put(t, 2, 1), put(t, 0, 2); /* a named device */
	unit(t, 0x40, 0);
	put(t, 0x22, 1), put(t, 1, 1), put(t, 32, 2), put(t, 0x10, 2), put(t, 0x1f, 2);
	put(t, 0, 8), put(t, 0x9f000000, 8), put(t, 0x1000, 8);
	put(t, 0x21, 1), put(t, 8, 1), put(t, 32, 2), put(t, 0x10, 2), put(t, 0x1f, 2);
	put(t, 0, 24);
	put(t, 0x99, 1), put(t, 0, 1), put(t, 4, 2);
	table_end(t);
}

static void all_kinds(void **state)
{
	struct table t;
	struct ivrs v;

	full(&t);
	assert_int_equal(ivrs_parse(t.b, t.len, &v, NULL), 0);
	assert_true(v.dma_remap);
	assert_int_equal(v.pa_bits, 48);
	assert_int_equal(v.va_bits, 64);
	assert_int_equal(v.n_units, 2);
	assert_int_equal(v.units[0].entries, 5);
	assert_int_equal(v.units[0].hpets, 1);
	assert_int_equal(v.units[0].ioapics, 0);
	assert_int_equal(v.units[0].segment, 1);
	assert_int_equal(v.units[0].efr, 0x206d73ef22254ade);
	assert_false(ivrs_intr_remap(&v));
	assert_int_equal(v.n_memory, 2);
	assert_int_equal(v.memory[0].last_id, 0x1f);
	assert_int_equal(v.memory[0].start, 0x9f000000);
	assert_int_equal(v.memory[0].length, 0x1000);
	assert_int_equal(v.memory[1].last_id, 0x10);
	assert_int_equal(v.unknown, 1);
	ivrs_free(&v);
	table_cut_everywhere(&t, ivrs_parse, struct ivrs, ivrs_free);
}

static void entries_that_are_cut(void **state)
{
	static const struct {
		unsigned entry, bytes;
	} bad[] = { { 0x03, 3 }, { 0x43, 7 }, { 72, 4 }, { 0xc0, 31 }, { 240, 21 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct table t;
		struct ivrs v;

		begin(&t);
		unit(&t, 0x10, bad[i].bytes);
		put(&t, bad[i].entry, bad[i].bytes);
		table_end(&t);
		assert_int_equal(ivrs_parse(t.b, t.len, &v, &e), -EUCLEAN);
		assert_non_null(strstr(e.msg, "entry at byte 72"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_qemu_says),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(entries_that_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
