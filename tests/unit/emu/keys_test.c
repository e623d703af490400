/* SPDX-License-Identifier: MIT */
#include "emu/display/keys.h"

#include "emu/bus.h"
#include "emu/dev/i8042.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct key *find(const char *name)
{
	const struct key *k = keys_find(name, strlen(name));

	assert_non_null(k);
	return k;
}

static void bytes(void **state)
{
	uint8_t b[KEYS_BYTES];

	assert_int_equal(keys_bytes(find("a"), true, b), 1);
	assert_int_equal(b[0], 0x1c);
	assert_int_equal(keys_bytes(find("a"), false, b), 2);
	assert_memory_equal(b, "\xf0\x1c", 2);
	assert_int_equal(keys_bytes(find("delete"), false, b), 3);
	assert_memory_equal(b, "\xe0\xf0\x71", 3);
	assert_int_equal(keys_bytes(find("pause"), true, b), 8);
	assert_int_equal(keys_bytes(find("pause"), false, b), 0);
	assert_null(keys_find("nothing", 7));
	assert_null(keys_find("f1x", 3));
	assert_ptr_equal(keys_find("f12", 2), find("f1"));
	assert_null(keys_at(1000));
}

/* No two keys send the same, and ASCII is all there. */
static void all(void **state)
{
	const struct key *a, *b;
	bool shift;

	for (unsigned i = 0; (a = keys_at(i)); i++)
		for (unsigned j = 0; j < i; j++) {
			b = keys_at(j);
			assert_string_not_equal(a->name, b->name);
			if (strcmp(b->name, "menu") != 0)
				assert_false(a->code == b->code && a->extended == b->extended);
		}
	for (unsigned c = ' '; c < 0x7f; c++)
		assert_non_null(keys_ascii((unsigned char)c, &shift));
	assert_ptr_equal(keys_ascii('Q', &shift), find("q"));
	assert_true(shift);
	assert_ptr_equal(keys_ascii('{', &shift), find("bracket_left"));
	assert_true(shift);
	assert_ptr_equal(keys_ascii('/', &shift), find("slash"));
	assert_false(shift);
	assert_null(keys_ascii(0, &shift));
	assert_null(keys_ascii(200, &shift));
}

static void set(void *arg, unsigned pin, int level)
{
	(void)arg;
	(void)pin;
	(void)level;
}

/* What programs read: set 1. */
static void translated(void **state)
{
	static const struct {
		const char *name;
		uint8_t code;
	} set1[] = { { "esc", 0x01 }, { "1", 0x02 },     { "q", 0x10 },         { "ret", 0x1c },
		     { "a", 0x1e },   { "shift", 0x2a }, { "backslash", 0x2b }, { "z", 0x2c },
		     { "spc", 0x39 }, { "f1", 0x3b },    { "f7", 0x41 },        { "f10", 0x44 },
		     { "f12", 0x58 }, { "kp_5", 0x4c } };
	const struct i8042_env env = { 0 };
	struct err e = { 0 };
	struct i8042 *k;
	struct bus *bus;
	uint8_t b[KEYS_BYTES];

	assert_int_equal(bus_new(&bus, &e), 0);
	assert_int_equal(i8042_new(&k, bus, (struct irq){ set, NULL, 1 }, &env, &e), 0);
	for (unsigned i = 0; i < sizeof(set1) / sizeof(*set1); i++)
		for (int down = 1; down >= 0; down--) {
			assert_true(i8042_key(k, b, keys_bytes(find(set1[i].name), down, b)));
			assert_int_equal(bus_read(bus, BUS_PORT, 0x60, 1),
					 set1[i].code | (down ? 0 : 0x80));
		}
	i8042_free(k);
	bus_free(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(all),
		cmocka_unit_test(translated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
