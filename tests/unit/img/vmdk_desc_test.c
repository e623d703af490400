/* SPDX-License-Identifier: MIT */
#include "img/format/vmdk_desc.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

static void what_is_written_is_read(void **state)
{
	const struct vmdk_desc_new n = {
		.create_type = "twoGbMaxExtentFlat",
		.parent = "a base.vmdk",
		.adapter = "lsilogic",
		.hw_version = "14",
		.tools_version = "1",
		.cid = 0xbeef,
		.parent_cid = 0x12345678,
		.size = UINT64_C(10) << 30,
		.extents = "RW 100 FLAT \"x f001.vmdk\" 63\nRW 7 SPARSE \"y\"\n",
	};
	struct vmdk_desc d;
	struct err e = { 0 };
	AUTO_FREE char *text = vmdk_desc_write(&n, &e);

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "ddb.geometry.heads = \"255\""));
	assert_int_equal(vmdk_desc_parse(text, strlen(text), &d, &e), 0);
	assert_string_equal(d.create_type, "twoGbMaxExtentFlat");
	assert_string_equal(d.parent, "a base.vmdk");
	assert_int_equal(d.cid, 0xbeef);
	assert_int_equal(d.parent_cid, 0x12345678);
	assert_memory_equal(text + d.cid_at, "0000beef", d.cid_len);
	assert_int_equal(d.cid_len, 8);
	assert_memory_equal(text + d.parent_at, "12345678", d.parent_len);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.v[0].name, "x f001.vmdk");
	assert_int_equal(d.v[0].offset, 63);
	assert_int_equal(d.v[1].sectors, 7);
	assert_string_equal(d.v[1].type, "SPARSE");
	vmdk_desc_free(&d);
}

/* Cut anywhere it is read, or refused with a reason. */
static void every_cut(void **state)
{
	static const char text[] = "# x\r\nversion=1\r\nCID=1\r\nparentCID = \"ffffffff\"\r\n"
				   "createType=\"vmfs\"\r\nparentFileNameHint=\"p\"\r\n"
				   "RW 12 VMFS \"a b\"\r\nRDONLY 3 ZERO\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct vmdk_desc d;
		struct err e = { 0 };
		int r = vmdk_desc_parse(text, len, &d, &e);

		assert_true(r == 0 || (r == -EINVAL && e.msg[0]));
		if (len == sizeof(text) - 1) {
			assert_int_equal(d.n, 2);
			assert_string_equal(d.v[0].name, "a b");
			assert_null(d.v[1].name);
			assert_string_equal(d.v[1].access, "RDONLY");
			assert_int_equal(d.cid, 1);
			assert_string_equal(d.create_type, "vmfs");
		}
		vmdk_desc_free(&d);
	}
}

static void refusals(void **state)
{
	static const char *const bad[] = {
		"RW",
		"RW 0 FLAT \"x\" 0",
		"RW -1 FLAT \"x\" 0",
		"RW 9223372036854775807 FLAT \"x\" 0",
		"RW 1 averyveryverylongtype \"x\"",
		"RW 1 FLAT x 0",
		"RW 1 FLAT \"\" 0",
		"RW 1 FLAT \"x",
		"RW 1 FLAT \"x\" y",
		"RW 18014398509481983 FLAT \"x\" 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vmdk_desc d;
		struct err e = { 0 };

		if (vmdk_desc_parse(bad[i], strlen(bad[i]), &d, &e) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_true(e.msg[0]);
		vmdk_desc_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
