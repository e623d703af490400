/* SPDX-License-Identifier: MIT */
#include "emu/boot/smbios.h"

#include "base/bytes.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

/* What follows the structure at @p: its texts, then two zeros; NULL: it leaves the tables. */
static const uint8_t *after(const uint8_t *p, const uint8_t *end)
{
	for (p += p[1]; p + 1 < end; p++)
		if (!p[0] && !p[1])
			return p + 2;
	return NULL;
}

static const char *text(const uint8_t *p, unsigned n)
{
	const char *s = (const char *)p + p[1];

	while (--n)
		s += strlen(s) + 1;
	return s;
}

/* The structure of that type, all of them walked; their number and the largest are checked. */
static const uint8_t *find(const struct smbios *s, unsigned type)
{
	const uint8_t *p = s->tables, *end = p + s->len, *found = NULL, *next;
	unsigned n = 0, most = 0, last = 0;

	for (; p < end; p = next) {
		assert_true(end - p >= 6);
		next = after(p, end);
		assert_non_null(next);
		if (p[0] == type && !found)
			found = p;
		if ((size_t)(next - p) > most)
			most = (unsigned)(next - p);
		last = p[0];
		n++;
	}
	assert_int_equal(last, 127);
	assert_int_equal(load_le16(s->anchor + 28), n);
	assert_int_equal(load_le16(s->anchor + 8), most);
	assert_int_equal(load_le16(s->anchor + 22), s->len);
	return found;
}

static void tables(void **state)
{
	static char serial[] = "S1", vendor[] = "Maker", board[] = "B";
	char *given[SMBIOS_TEXTS] = { 0 };
	struct smbios_env env = { .text = given,
				  .machine = "pc",
				  .uuid = { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
				  .low_ram = UINT64_C(3) << 30,
				  .high_ram = UINT64_C(5) << 30,
				  .sockets = 2,
				  .cores = 3,
				  .threads = 2 };
	struct err e = { 0 };
	const uint8_t *t;
	struct smbios s;

	(void)state;
	assert_int_equal(smbios_build(&env, &s, &e), 0);
	assert_int_equal(sum(s.anchor, SMBIOS_ANCHOR), 0);
	assert_int_equal(sum(s.anchor + 16, 15), 0);
	t = find(&s, 1);
	assert_string_equal(text(t, t[5]), "pc");
	assert_int_equal(t[7], 0);
	assert_int_equal(load_le32(t + 8), 0x01020304);
	assert_int_equal(load_le16(t + 12), 0x0506);
	assert_int_equal(t[16], 9);
	assert_null(find(&s, 2));
	t = find(&s, 4);
	assert_int_equal(t[35], 3);
	assert_int_equal(t[37], 6);
	t = find(&s, 17);
	assert_int_equal(t[1], 0x28);
	assert_int_equal(load_le16(t + 12), 8192);
	t = find(&s, 19);
	assert_int_equal(load_le32(t + 8), (3 << 20) - 1);
	free(s.tables);
	given[SMBIOS_SYS_SERIAL] = serial;
	given[SMBIOS_CASE_VENDOR] = vendor;
	given[SMBIOS_BOARD_PRODUCT] = board;
	assert_int_equal(smbios_build(&env, &s, &e), 0);
	t = find(&s, 1);
	assert_string_equal(text(t, t[7]), "S1");
	t = find(&s, 3);
	assert_string_equal(text(t, t[4]), "Maker");
	t = find(&s, 2);
	assert_string_equal(text(t, t[5]), "B");
	free(s.tables);
}

static void too_long(void **state)
{
	char *given[SMBIOS_TEXTS] = { 0 };
	struct smbios_env env = { .text = given,
				  .machine = "pc",
				  .low_ram = 4 << 20,
				  .sockets = 1,
				  .cores = 1,
				  .threads = 1 };
	struct err e = { 0 };
	struct smbios s;

	(void)state;
	given[SMBIOS_SYS_SERIAL] = malloc(70000);
	memset(given[SMBIOS_SYS_SERIAL], 'x', 69999);
	given[SMBIOS_SYS_SERIAL][69999] = 0;
	assert_int_equal(smbios_build(&env, &s, &e), -ENOSPC);
	free(given[SMBIOS_SYS_SERIAL]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
