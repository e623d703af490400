/* SPDX-License-Identifier: MIT */
#include "emu/display/cp437.h"

#include "tests/unit/unit.h"

#include <iconv.h>

/* As the C library knows the upper half; no two are the same, but for blanks. */
static void as_iconv(void **state)
{
	iconv_t cd = iconv_open("UTF-16LE", "CP437");

	if (cd == (iconv_t)-1) {
		print_message("# this C library does not know code page 437\n");
		skip();
	}
	for (unsigned c = 0x80; c < 0x100; c++) {
		char in = (char)c, *from = &in, out[4] = { 0 }, *to = out;
		size_t left = 1, room = sizeof(out);

		assert_int_equal(iconv(cd, &from, &left, &to, &room), 0);
		assert_int_equal(cp437_unicode((uint8_t)c),
				 (uint8_t)out[0] | (uint8_t)out[1] << 8);
	}
	iconv_close(cd);
	for (unsigned c = 1; c < 0x100; c++)
		for (unsigned d = 1; d < c; d++)
			assert_int_not_equal(cp437_unicode((uint8_t)c),
					     cp437_unicode((uint8_t)d));
}

static void ascii(void **state)
{
	for (unsigned c = 0; c < 0x100; c++) {
		char a = cp437_ascii((uint8_t)c);

		assert_in_range(a, ' ', '~');
		if (c >= ' ' && c < 0x7f) {
			assert_int_equal(a, c);
			assert_int_equal(cp437_unicode((uint8_t)c), c);
		}
	}
	assert_int_equal(cp437_ascii(0xc9), '+');
	assert_int_equal(cp437_ascii(0xba), '|');
	assert_int_equal(cp437_ascii(0xcd), '-');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_iconv),
		cmocka_unit_test(ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
