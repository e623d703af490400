/* SPDX-License-Identifier: MIT */
#include "host/acpi.h"

#include "base/mem.h"
#include "tests/lib/acpi.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void header(void **state)
{
	struct acpi_head head;
	struct table t;
	struct err e = { 0 };

	table_begin(&t, "DMAR");
	t.b[8] = 2;
	t.b[15] = 0xff;
	put(&t, 7, 4);
	table_end(&t);
	assert_int_equal(acpi_head_parse(t.b, t.len, "DMAR", &head, NULL), 0);
	assert_int_equal(head.length, 40);
	assert_int_equal(head.revision, 2);
	assert_true(head.sum_ok);
	assert_string_equal(head.oem_id, "HOSTK");
	t.b[39]++;
	assert_int_equal(acpi_head_parse(t.b, t.len, "DMAR", &head, NULL), 0);
	assert_false(head.sum_ok);
	assert_int_equal(acpi_head_parse(t.b, 39, "DMAR", &head, &e), -ENODATA);
	assert_int_equal(acpi_head_parse(t.b, 35, "DMAR", &head, &e), -ENODATA);
	assert_int_equal(acpi_head_parse(t.b, t.len, "IVRS", &head, &e), -EINVAL);
	assert_string_equal(e.msg, "this is a table 'DMAR', not IVRS");
	t.b[4] = 35;
	assert_int_equal(acpi_head_parse(t.b, t.len, "DMAR", &head, &e), -EINVAL);
}

static void of_a_host(void **state)
{
	AUTO_FREE uint8_t *buf = NULL;
	struct host *h;
	struct tree t;
	size_t len;

	tree_make(&t);
	tree_file(&t, "/.hostkit-record", "access /sys/firmware/acpi/tables/DMAR = EACCES\n");
	tree_file(&t, "/sys/firmware/acpi/tables/DMAR", "");
	tree_bytes(&t, "/sys/firmware/acpi/tables/APIC", "AP\0IC", 5);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_true(acpi_has(h, "DMAR"));
	assert_false(acpi_has(h, "IVRS"));
	assert_int_equal(acpi_read(h, "DMAR", &buf, &len, NULL), -EACCES);
	assert_int_equal(acpi_read(h, "IVRS", &buf, &len, NULL), -ENOENT);
	assert_int_equal(acpi_read(h, "APIC", &buf, &len, NULL), 0);
	assert_int_equal(len, 5);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header),
		cmocka_unit_test(of_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
