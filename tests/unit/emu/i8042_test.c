/* SPDX-License-Identifier: MIT */
#include "emu/dev/i8042.h"

#include "tests/unit/unit.h"

static struct bus *bus;
static struct i8042 *k;
static int level;
static unsigned rises, resets, opens, shuts;

static void set_line(void *arg, unsigned pin, int v)
{
	(void)arg;
	(void)pin;
	rises += v && !level;
	level = v;
}

static void pulled(void *arg)
{
	(void)arg;
	resets++;
}

static void gate(void *arg, bool open)
{
	(void)arg;
	opens += open;
	shuts += !open;
}

static int begin(void **state)
{
	const struct i8042_env env = { pulled, gate, NULL };

	(void)state;
	level = 0;
	opens = shuts = 0;
	rises = resets = 0;
	assert_int_equal(bus_new(&bus, NULL), 0);
	assert_int_equal(i8042_new(&k, bus, (struct irq){ set_line, NULL, 1 }, &env, NULL), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	i8042_free(k);
	bus_free(bus);
	return 0;
}

static void data(unsigned v)
{
	bus_write(bus, BUS_PORT, 0x60, 1, v);
}

static void command(unsigned v)
{
	bus_write(bus, BUS_PORT, 0x64, 1, v);
}

static unsigned status(void)
{
	return (unsigned)bus_read(bus, BUS_PORT, 0x64, 1);
}

static unsigned next(void)
{
	assert_int_equal(status() & 1, 1);
	return (unsigned)bus_read(bus, BUS_PORT, 0x60, 1);
}

static void nothing(void)
{
	assert_int_equal(status() & 1, 0);
}

static void test_controller(void **state)
{
	(void)state;
	nothing();
	command(0xaa);
	assert_int_equal(status() & 0x0c, 0x0c); /* a command came last; it has tested itself */
	assert_int_equal(next(), 0x55);
	command(0xab);
	assert_int_equal(next(), 0);
	command(0xa9); /* no mouse */
	assert_int_not_equal(next(), 0);
	/* its byte, and memory behind it */
	command(0x60);
	data(0x45);
	assert_int_equal(status() & 8, 0);
	command(0x20);
	assert_int_equal(next(), 0x45);
	command(0x7f);
	data(0x99);
	command(0x3f);
	assert_int_equal(next(), 0x99);
	/* into the output buffer, as if from the keyboard */
	command(0xd2);
	data(0x77);
	assert_int_equal(next(), 0x77);
	command(0xd0);
	assert_int_equal(next() & 1, 1);
	nothing();
	/* the processor's reset: by a pulse, by the output port */
	command(0xf1);
	assert_int_equal(resets, 0);
	command(0xfe);
	assert_int_equal(resets, 1);
	command(0xd1);
	data(0xde);
	assert_int_equal(resets, 2);
	/* the gate of address line 20, by the output port and by commands */
	opens = shuts = 0;
	command(0xd1);
	data(0xdd);
	assert_int_equal(shuts, 1);
	command(0xdf);
	assert_int_equal(opens, 1);
	command(0xd0);
	assert_int_equal(next() & 2, 2);
	command(0xdd);
	assert_int_equal(shuts, 2);
	command(0xd0);
	assert_int_equal(next() & 2, 0);
}

static void test_keyboard(void **state)
{
	static const uint8_t a[] = { 0x1c, 0xf0, 0x1c }, up[] = { 0xe0, 0x75 };

	(void)state;
	data(0xff);
	assert_int_equal(next(), 0xfa);
	assert_int_equal(next(), 0xaa);
	data(0xf2);
	assert_int_equal(next(), 0xfa);
	assert_int_equal(next(), 0xab);
	assert_int_equal(next(), 0x41);
	data(0xee);
	assert_int_equal(next(), 0xee);
	data(0xed);
	assert_int_equal(next(), 0xfa);
	data(0x07);
	assert_int_equal(next(), 0xfa);
	data(0x10);
	assert_int_equal(next(), 0xfe);
	/* set 2 becomes set 1; each byte is an interrupt */
	rises = 0;
	assert_true(i8042_key(k, a, sizeof(a)));
	assert_int_equal(next(), 0x1e);
	assert_int_equal(next(), 0x9e);
	assert_int_equal(rises, 2);
	assert_int_equal(level, 0);
	assert_true(i8042_key(k, up, sizeof(up)));
	assert_int_equal(next(), 0xe0);
	assert_int_equal(next(), 0x48);
	/* without translation, without interrupts */
	command(0x60);
	data(0x04);
	rises = 0;
	assert_true(i8042_key(k, a, sizeof(a)));
	assert_int_equal(next(), 0x1c);
	assert_int_equal(next(), 0xf0);
	assert_int_equal(next(), 0x1c);
	assert_int_equal(rises, 0);
	/* the scan code set, asked for and named */
	data(0xf0);
	next();
	data(3);
	next();
	data(0xf0);
	next();
	data(0);
	assert_int_equal(next(), 0xfa);
	assert_int_equal(next(), 3);
	nothing();
}

static void test_keys_are_refused_not_lost_in_part(void **state)
{
	static const uint8_t key[] = { 0xe0, 0xf0, 0x75 };
	unsigned n = 0;

	(void)state;
	command(0x60);
	data(0x04);
	while (i8042_key(k, key, sizeof(key)))
		assert_true(++n < 100);
	assert_true(n > 4);
	for (unsigned i = 0; i < 3 * n; i++)
		assert_int_equal(next(), key[i % 3]);
	nothing();
	/* switched off: at the keyboard, at the controller */
	data(0xf5);
	next();
	assert_false(i8042_key(k, key, sizeof(key)));
	data(0xf4);
	next();
	assert_true(i8042_key(k, key, sizeof(key)));
	command(0xad);
	assert_false(i8042_key(k, key, sizeof(key)));
	command(0xae);
	/* a guest that asks and never reads */
	for (unsigned i = 0; i < 1000; i++)
		data(0xf2);
	for (n = 0; status() & 1; n++)
		next();
	assert_in_range(n, 3, 64);
	i8042_reset(k);
	nothing();
	assert_int_equal(level, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_controller, begin, end),
		cmocka_unit_test_setup_teardown(test_keyboard, begin, end),
		cmocka_unit_test_setup_teardown(test_keys_are_refused_not_lost_in_part, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
