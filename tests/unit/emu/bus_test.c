/* SPDX-License-Identifier: MIT */
#include "emu/bus.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static char seen[512];

static uint64_t note_read(void *dev, uint64_t off, unsigned size)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "r%llx.%u ", (unsigned long long)off, size);
	return (uint64_t)(uintptr_t)dev + off * 0x0101010101010101u;
}

static void note_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "w%llx.%u=%llx ", (unsigned long long)off, size,
		 (unsigned long long)v);
}

static const struct bus_ops any = { note_read, note_write, 0, 0 };
static const struct bus_ops words = { note_read, note_write, 4, 4 };
static const struct bus_ops none = { NULL, NULL, 0, 0 };

static const char *logged(void)
{
	static char copy[512];

	memcpy(copy, seen, sizeof(copy));
	seen[0] = '\0';
	return copy;
}

static struct bus *new_bus(void)
{
	struct err e = { 0 };
	struct bus *b;

	assert_int_equal(bus_new(&b, &e), 0);
	return b;
}

static void splitting(void **state)
{
	struct bus *b = new_bus();
	struct bus_region r = { "any", BUS_MEM, 0x1000, 0x10, &any, NULL, NULL };
	struct bus_region w = { "words", BUS_MEM, 0x2000, 0x10, &words, NULL, NULL };
	struct err e = { 0 };

	assert_int_equal(bus_add(b, &r, &e), 0);
	assert_int_equal(bus_add(b, &w, &e), 0);
	bus_write(b, BUS_MEM, 0x1001, 4, 0x44332211);
	assert_string_equal(logged(), "w1.1=11 w2.2=3322 w4.1=44 ");
	bus_write(b, BUS_MEM, 0x1008, 8, 0x1122334455667788);
	assert_string_equal(logged(), "w8.8=1122334455667788 ");
	/* over the end: the rest goes nowhere, and reads ones */
	bus_write(b, BUS_MEM, 0x100e, 4, 0x44332211);
	assert_string_equal(logged(), "we.2=2211 ");
	assert_int_equal(bus_read(b, BUS_MEM, 0x100e, 4), 0xffff0e0e);
	logged();
	/* a device of words gets words */
	assert_int_equal(bus_read(b, BUS_MEM, 0x2005, 1), 4);
	assert_string_equal(logged(), "r4.4 ");
	bus_write(b, BUS_MEM, 0x2006, 2, 0xabcd);
	assert_string_equal(logged(), "w4.4=abcd0000 ");
	assert_int_equal(bus_read(b, BUS_MEM, 0x2000, 8), 0x0404040400000000);
	assert_string_equal(logged(), "r0.4 r4.4 ");
	assert_true(bus_read(b, BUS_MEM, UINT64_MAX, 1) == 0xff);
	assert_true(bus_read(b, BUS_MEM, 5, 8) == UINT64_MAX);
	bus_free(b);
}

static void each(void *arg, const struct bus_region *r)
{
	strcat(arg, r->name);
}

static void covering(void **state)
{
	struct bus *b = new_bus();
	struct bus_region one = { "a", BUS_PORT, 0xcf8, 4, &any, NULL, NULL };
	struct bus_region two = { "b", BUS_PORT, 0xcf9, 1, &none, NULL, NULL };
	struct bus_region bad = { "c", BUS_PORT, 0xffff, 2, &any, NULL, NULL };
	struct bus_region wrap = { "d", BUS_MEM, UINT64_MAX, 2, &any, NULL, NULL };
	char order[8] = "";
	struct err e = { 0 };

	assert_int_equal(bus_add(b, &one, &e), 0);
	assert_int_equal(bus_add(b, &two, &e), 0);
	assert_int_equal(bus_add(b, &bad, &e), -EINVAL);
	assert_int_equal(bus_add(b, &wrap, &e), -EINVAL);
	assert_int_equal(bus_read(b, BUS_PORT, 0xcf9, 1), 0xff);
	assert_string_equal(logged(), "");
	assert_int_equal(bus_read(b, BUS_PORT, 0xcfa, 1), 2);
	bus_remove(b, &two);
	assert_int_equal(bus_read(b, BUS_PORT, 0xcf9, 1), 1);
	assert_int_equal(bus_add(b, &two, &e), 0);
	bus_each(b, BUS_PORT, each, order);
	assert_string_equal(order, "ab");
	bus_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitting),
		cmocka_unit_test(covering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
