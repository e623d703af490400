/* SPDX-License-Identifier: MIT */
#include "host/acpi_dmar.h"

#include "tests/lib/acpi.h"
#include "tests/unit/unit.h"

/* QEMU 7.2, -device intel-iommu,intremap=on. */
static const uint8_t qemu[] = {
	0x44, 0x4d, 0x41, 0x52, 0x68, 0x00, 0x00, 0x00, 0x01, 0x42, 0x42, 0x4f, 0x43,
	0x48, 0x53, 0x20, 0x42, 0x58, 0x50, 0x43, 0x20, 0x20, 0x20, 0x20, 0x01, 0x00,
	0x00, 0x00, 0x42, 0x58, 0x50, 0x43, 0x01, 0x00, 0x00, 0x00, 0x26, 0x01, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x38, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd9, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x03,
	0x08, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x1f, 0x00, 0x01, 0x08, 0x00,
	0x00, 0x00, 0x00, 0x1f, 0x02, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x1f, 0x03,
};

static void what_qemu_says(void **state)
{
	const struct dmar_part *p;
	struct dmar d;

	assert_int_equal(dmar_parse(qemu, sizeof(qemu), &d, NULL), 0);
	assert_true(d.sum_ok && d.intr_remap);
	assert_false(d.x2apic_opt_out || d.dma_opt_in);
	assert_int_equal(d.width, 39);
	assert_int_equal(d.n, 1);
	p = &d.parts[0];
	assert_int_equal(p->kind, DMAR_DRHD);
	assert_int_equal(p->flags, 0);
	assert_int_equal(p->base, 0xfed90000);
	assert_int_equal(p->n_scopes, 5);
	assert_int_equal(p->scopes[0].type, DMAR_SCOPE_IOAPIC);
	assert_int_equal(p->scopes[0].bus, 0xff);
	assert_int_equal(p->scopes[4].type, DMAR_SCOPE_ENDPOINT);
	assert_int_equal(p->scopes[4].depth, 1);
	assert_int_equal(p->scopes[4].path[0].dev, 0x1f);
	assert_int_equal(p->scopes[4].path[0].fn, 3);
	dmar_free(&d);
}

static void begin(struct table *t, unsigned flags)
{
	table_begin(t, "DMAR");
	put(t, 0x2f, 1);
	put(t, flags, 1);
	put(t, 0, 10);
}

/* All kinds, one that is not known among them. */
static void full(struct table *t)
{
	begin(t, 6);
	put(t, DMAR_DRHD, 2), put(t, 16, 2), put(t, 1, 2), put(t, 3, 2);
	put(t, 0xfed91000, 8);
	put(t, DMAR_RMRR, 2), put(t, 24 + 10, 2), put(t, 0, 2), put(t, 3, 2);
	put(t, 0x1000, 8), put(t, 0x1fff, 8);
	put(t, DMAR_SCOPE_ENDPOINT, 1), put(t, 10, 1), put(t, 0, 2), put(t, 9, 1), put(t, 2, 1);
	put(t, 0x011c, 2), put(t, 0x0200, 2);
	put(t, DMAR_ATSR, 2), put(t, 8, 2), put(t, 1, 2), put(t, 5, 2);
	put(t, 77, 2), put(t, 6, 2), put(t, 0, 2);
	put(t, DMAR_RHSA, 2), put(t, 20, 2), put(t, 0, 4), put(t, 0xfed91000, 8), put(t, 1, 4);
	put(t, DMAR_ANDD, 2), put(t, 12, 2), put(t, 0, 8);
	put(t, DMAR_SATC, 2), put(t, 8, 2), put(t, 1, 2), put(t, 0, 2);
	table_end(t);
}

static void all_kinds(void **state)
{
	struct table t;
	struct dmar d;

	full(&t);
	assert_int_equal(dmar_parse(t.b, t.len, &d, NULL), 0);
	assert_int_equal(d.width, 48);
	assert_true(!d.intr_remap && d.x2apic_opt_out && d.dma_opt_in);
	assert_int_equal(d.n, 7);
	assert_int_equal(dmar_count(&d, DMAR_DRHD), 1);
	assert_int_equal(d.parts[0].flags, 1);
	assert_int_equal(d.parts[0].segment, 3);
	assert_int_equal(d.parts[1].base, 0x1000);
	assert_int_equal(d.parts[1].end, 0x1fff);
	assert_int_equal(d.parts[1].n_scopes, 1);
	assert_int_equal(d.parts[1].scopes[0].enum_id, 9);
	assert_int_equal(d.parts[1].scopes[0].depth, 2);
	assert_int_equal(d.parts[1].scopes[0].path[0].dev, 0x1c);
	assert_int_equal(d.parts[1].scopes[0].path[0].fn, 1);
	assert_int_equal(d.parts[1].scopes[0].path[1].fn, 2);
	assert_int_equal(d.parts[2].segment, 5);
	assert_int_equal(d.parts[3].kind, 77);
	assert_int_equal(d.parts[4].node, 1);
	dmar_free(&d);
	table_cut_everywhere(&t, dmar_parse, struct dmar, dmar_free);
}

static void lengths_that_lie(void **state)
{
	/* length of the structure, of its scope */
	static const unsigned bad[][2] = { { 3, 8 },  { 15, 8 },  { 25, 8 }, { 24, 0 },
					   { 24, 7 }, { 24, 10 }, { 24, 4 }, { 0, 8 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct table t;
		struct dmar d;

		begin(&t, 0);
		put(&t, DMAR_DRHD, 2), put(&t, bad[i][0], 2), put(&t, 0, 12);
		put(&t, 1, 1), put(&t, bad[i][1], 1), put(&t, 0, 6);
		table_end(&t);
		assert_int_equal(dmar_parse(t.b, t.len, &d, &e), -EUCLEAN);
		assert_null(d.parts);
	}
}

static void a_way_too_long(void **state)
{
	struct err e = { 0 };
	struct table t;
	struct dmar d;

	begin(&t, 0);
	put(&t, DMAR_ATSR, 2), put(&t, 8 + 6 + 34, 2), put(&t, 0, 4);
	put(&t, 1, 1), put(&t, 6 + 34, 1), put(&t, 0, 4 + 34);
	table_end(&t);
	assert_int_equal(dmar_parse(t.b, t.len, &d, &e), -EUCLEAN);
	assert_non_null(strstr(e.msg, "16 bridges"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_qemu_says),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(a_way_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
