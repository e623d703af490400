/* SPDX-License-Identifier: MIT */
#include "base/size.h"

#include "tests/unit/unit.h"

#include <inttypes.h>
#include <string.h>

static void good_sizes(void **state)
{
	static const struct {
		const char *text;
		char unit;
		uint64_t want;
	} t[] = {
		{ "0", 'b', 0 },
		{ "1024", 'b', 1024 },
		{ " 10", 'b', 10 },
		{ "+5", 'b', 5 },
		{ "010", 'b', 10 },
		{ "4K", 'b', 4096 },
		{ "4k", 'b', 4096 },
		{ "7B", 'M', 7 },
		{ "4", 'K', 4096 },
		{ "3", 'M', 3 << 20 },
		{ "1.5G", 'b', UINT64_C(3) << 29 },
		{ "1.5", 'G', UINT64_C(3) << 29 },
		{ "1.0", 'b', 1 },
		{ "1.", 'b', 1 },
		{ "1.k", 'b', 1024 },
		{ "1.0000001K", 'b', 1024 },
		{ "1.1K", 'b', 1126 },
		{ "0.999999999999999999999999999999K", 'b', 1023 },
		{ "0x10", 'b', 16 },
		{ "0X1f", 'b', 31 },
		{ "0x10b", 'b', 0x10b },
		{ "0x10k", 'b', 16384 },
		{ "2T", 'b', UINT64_C(2) << 40 },
		{ "2P", 'b', UINT64_C(2) << 50 },
		{ "1.5e", 'b', UINT64_C(3) << 59 },
		{ "7.9999999E", 'b', UINT64_C(9223371921562625347) },
		{ "9223372036854775807", 'b', INT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t v = 1;
		struct err e = { 0 };

		if (size_parse(t[i].text, t[i].unit, &v, &e) || v != t[i].want)
			fail_msg("'%s' gave %" PRIu64 " (%s)", t[i].text, v, e.msg);
	}
}

static void bad_sizes(void **state)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ "", -EINVAL },
		{ "K", -EINVAL },
		{ ".5G", -EINVAL },
		{ "-5", -EINVAL },
		{ "+-5", -EINVAL },
		{ "10 ", -EINVAL },
		{ "1K1", -EINVAL },
		{ "1kb", -EINVAL },
		{ "1.5", -EINVAL },
		{ "1.5b", -EINVAL },
		{ "0.9b", -EINVAL },
		{ "1e3", -EINVAL },
		{ "1.5e1", -EINVAL },
		{ "1.x", -EINVAL },
		{ "0x", -EINVAL },
		{ "0x1.5", -EINVAL },
		{ "9223372036854775808", -ERANGE },
		{ "18446744073709551616", -ERANGE },
		{ "99999999999999999999999", -ERANGE },
		{ "8E", -ERANGE },
		{ "16E", -ERANGE },
		{ "0x10000000000000000", -ERANGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t v = 77;
		struct err e = { 0 };
		int r = size_parse(t[i].text, 'b', &v, &e);

		if (r != t[i].code || v != 77 || e.code != r)
			fail_msg("'%s' gave %d, %" PRIu64, t[i].text, r, v);
	}
}

static void human_text(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} t[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 512, "512 B" },
		{ 999, "999 B" },
		{ 1000, "0.977 KiB" },
		{ 1024, "1 KiB" },
		{ 65536, "64 KiB" },
		{ 1022976, "999 KiB" },
		{ 1024000, "0.977 MiB" },
		{ 1047552, "0.999 MiB" },
		{ 12345856, "11.8 MiB" },
		{ UINT64_C(3) << 29, "1.5 GiB" },
		{ UINT64_C(123456789504), "115 GiB" },
		{ UINT64_C(1) << 40, "1 TiB" },
		{ UINT64_C(5) << 50, "5 PiB" },
		{ UINT64_C(1) << 63, "8 EiB" },
		{ UINT64_MAX, "16 EiB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char text[SIZE_TEXT];

		assert_string_equal(size_human(t[i].bytes, text), t[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_sizes),
		cmocka_unit_test(bad_sizes),
		cmocka_unit_test(human_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
