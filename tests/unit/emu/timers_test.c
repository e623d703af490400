/* SPDX-License-Identifier: MIT */
/* PIT, RTC and HPET, with a clock that the test moves. */
#include "emu/clock.h"
#include "emu/dev/hpet.h"
#include "emu/dev/pit.h"
#include "emu/dev/rtc.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <time.h>

static uint64_t host_time;

/* In the place of the C library's: nobody else in this program needs it. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	(void)id;
	t->tv_sec = (time_t)(host_time / NS_PER_SEC);
	t->tv_nsec = (long)(host_time % NS_PER_SEC);
	return 0;
}

static struct bus *bus;
static struct clock *now;
static int level[32];
static unsigned rises[32];
static uint64_t fires;

static void set_line(void *arg, unsigned pin, int v)
{
	(void)arg;
	rises[pin] += v && !level[pin];
	level[pin] = v;
}

static struct irq line(unsigned pin)
{
	return (struct irq){ set_line, NULL, pin };
}

static int begin(void **state)
{
	(void)state;
	host_time = 5000;
	memset(level, 0, sizeof(level));
	memset(rises, 0, sizeof(rises));
	fires = 0;
	assert_int_equal(bus_new(&bus, NULL), 0);
	assert_int_equal(clock_new(&now, NULL, NULL, NULL), 0);
	clock_run(now);
	return 0;
}

static int end(void **state)
{
	(void)state;
	clock_free(now);
	bus_free(bus);
	return 0;
}

/* Lets @ns go by, with every timer at its time. */
static void pass(uint64_t ns)
{
	uint64_t to = host_time + ns;

	for (;;) {
		uint64_t wait = clock_wait(now);

		if (wait > to - host_time)
			break;
		host_time += wait;
		clock_fire(now);
		fires++;
	}
	host_time = to;
}

static void out(unsigned port, unsigned v)
{
	bus_write(bus, BUS_PORT, port, 1, v);
}

static unsigned in(unsigned port)
{
	return (unsigned)bus_read(bus, BUS_PORT, port, 1);
}

/* ---- PIT ---- */

static void count(unsigned channel, unsigned control, unsigned v)
{
	out(0x43, channel << 6 | control);
	out(0x40 + channel, v & 255);
	out(0x40 + channel, v >> 8);
}

static unsigned read_count(unsigned channel)
{
	out(0x43, channel << 6);
	unsigned lo = in(0x40 + channel);

	return lo | in(0x40 + channel) << 8;
}

static void pit_interrupts(void **state)
{
	struct pit *p;

	(void)state;
	assert_int_equal(pit_new(&p, bus, now, line(0), NULL), 0);
	assert_int_equal(clock_wait(now), UINT64_MAX);
	/* mode 2: an interrupt each 1193 ticks, and one edge when the output is high first */
	count(0, 0x34, 1193);
	assert_int_equal(level[0], 1);
	pass(NS_PER_SEC);
	assert_int_equal(rises[0], 1 + PIT_HZ / 1193);
	/* status: output high, count taken, both halves, mode 2 */
	out(0x43, 0xe2);
	assert_int_equal(in(0x40), 0xb4);
	/* mode 3 with the largest count: 18.2 times a second */
	rises[0] = 0;
	count(0, 0x36, 0);
	pass(10 * NS_PER_SEC);
	assert_int_equal(rises[0], PIT_HZ * 10 / 65536);
	/* mode 0: once, when it is over */
	count(0, 0x30, 11932);
	assert_int_equal(level[0], 0);
	pass(9 * NS_PER_SEC / 1000);
	assert_int_equal(level[0], 0);
	pass(2 * NS_PER_SEC / 1000);
	assert_int_equal(level[0], 1);
	rises[0] = 0;
	pass(NS_PER_SEC);
	assert_int_equal(rises[0], 0);
	/* in HPET's shadow it says nothing */
	count(0, 0x34, 1193);
	pit_mute(p, true);
	rises[0] = 0;
	pass(NS_PER_SEC / 10);
	assert_int_equal(rises[0], 0);
	pit_mute(p, false);
	pass(NS_PER_SEC / 10);
	assert_in_range(rises[0], 99, 101);
	pit_free(p);
}

static void pit_counts(void **state)
{
	struct pit *p;

	(void)state;
	assert_int_equal(pit_new(&p, bus, now, line(0), NULL), 0);
	count(0, 0x34, 50000);
	pass(NS_PER_SEC / 100); /* 11931.8 ticks */
	assert_int_equal(read_count(0), 50000 - 11931);
	/* what was latched stays, whatever goes by before it is read */
	out(0x43, 0x00);
	pass(NS_PER_SEC / 100);
	assert_int_equal(in(0x40) | in(0x40) << 8, 50000 - 11931);
	assert_int_equal(read_count(0), 50000 - 23863);
	/* decimal */
	count(0, 0x35, 0x9999);
	pass(NS_PER_SEC / 1000); /* 1193.2 ticks */
	assert_int_equal(read_count(0), 0x8806);
	/* one half only */
	out(0x43, 0x14);
	out(0x40, 200);
	pass(10 * NS_PER_SEC / PIT_HZ + 1);
	out(0x43, 0);
	assert_int_equal(in(0x40), 190);
	/* the speaker's counter, by port 61, as calibrations use it */
	out(0x61, 0);
	count(2, 0x30, 11932);
	out(0x61, 1);
	assert_int_equal(in(0x61) & 0x21, 1);
	pass(11 * NS_PER_SEC / 1000);
	assert_int_equal(in(0x61) & 0x21, 0x21);
	/* the refresh bit is never still */
	assert_int_equal((in(0x61) ^ in(0x61)) & 0x10, 0x10);
	/* a count that would stop time does not */
	count(0, 0x34, 1);
	fires = 0;
	pass(NS_PER_SEC / 10000);
	assert_in_range(fires, 1, 500);
	pit_free(p);
}

/* ---- RTC ---- */

static unsigned cmos(unsigned at)
{
	out(0x70, at);
	return in(0x71);
}

static void set_cmos(unsigned at, unsigned v)
{
	out(0x70, at);
	out(0x71, v);
}

static void shows(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min,
		  unsigned sec)
{
	assert_int_equal(cmos(0x32) << 8 | cmos(9), year);
	assert_int_equal(cmos(8), month);
	assert_int_equal(cmos(7), day);
	assert_int_equal(cmos(4), hour);
	assert_int_equal(cmos(2), min);
	assert_int_equal(cmos(0), sec);
}

static void rtc_time(void **state)
{
	struct rtc *r;

	(void)state;
	assert_int_equal(rtc_new(&r, bus, now, 1700000000, line(8), NULL), 0);
	shows(0x2023, 0x11, 0x14, 0x22, 0x13, 0x20);
	assert_int_equal(cmos(6), 3); /* Tuesday */
	assert_int_equal(cmos(13), 0x80);
	pass(45 * NS_PER_SEC);
	shows(0x2023, 0x11, 0x14, 0x22, 0x14, 0x05);
	/* 12 hours; binary */
	set_cmos(11, 0x00);
	assert_int_equal(cmos(4), 0x90);
	set_cmos(11, 0x04);
	assert_int_equal(cmos(4), 0x8a);
	assert_int_equal(cmos(9), 23);
	/* an update is under way just before the second ends */
	assert_int_equal(cmos(10), 0x26);
	pass(NS_PER_SEC - 100000);
	assert_int_equal(cmos(10), 0xa6);
	pass(100000);
	assert_int_equal(cmos(10), 0x26);
	/* the last second of a century; while it is set it stands */
	set_cmos(11, 0x82);
	set_cmos(0x32, 0x19);
	set_cmos(9, 0x99);
	set_cmos(8, 0x12);
	set_cmos(7, 0x31);
	set_cmos(4, 0x23);
	set_cmos(2, 0x59);
	set_cmos(0, 0x59);
	pass(3 * NS_PER_SEC);
	shows(0x1999, 0x12, 0x31, 0x23, 0x59, 0x59);
	set_cmos(11, 0x02);
	shows(0x1999, 0x12, 0x31, 0x23, 0x59, 0x59);
	pass(NS_PER_SEC);
	shows(0x2000, 1, 1, 0, 0, 0);
	/* memory that the battery keeps; registers that are read only */
	set_cmos(0x40, 0x5a);
	rtc_cmos(r, 0x41, 0xa5);
	rtc_reset(r);
	assert_int_equal(cmos(0x40), 0x5a);
	assert_int_equal(cmos(0xc1), 0xa5); /* bit 7 masks NMI */
	set_cmos(13, 0);
	assert_int_equal(cmos(13), 0x80);
	shows(0x2000, 1, 1, 0, 0, 0);
	rtc_free(r);
}

static void rtc_interrupts(void **state)
{
	struct rtc *r;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rtc_new(&r, bus, now, 1700000000, line(8), NULL), 0);
	/* periodic, 1024 a second: each read of C is wanted before the next */
	set_cmos(11, 0x42);
	for (unsigned i = 0; i < 4096; i++) {
		pass(NS_PER_SEC / 4096);
		if (level[8]) {
			assert_int_equal(cmos(12), 0xc0);
			n++;
		}
		assert_int_equal(level[8], 0);
	}
	assert_in_range(n, 1023, 1024);
	/* not read, it stays one */
	rises[8] = 0;
	pass(NS_PER_SEC);
	assert_int_equal(rises[8], 1);
	set_cmos(11, 0x02);
	cmos(12);
	/* after each second */
	set_cmos(11, 0x12);
	pass(NS_PER_SEC);
	assert_int_equal(cmos(12), 0x90);
	/* the alarm of any hour and minute at a second: UF without its interrupt is shown, too */
	set_cmos(11, 0x22);
	set_cmos(1, 0x40);
	set_cmos(3, 0xc0);
	set_cmos(5, 0xff);
	n = 0;
	for (unsigned i = 0; i < 120; i++) {
		pass(NS_PER_SEC);
		if (!level[8])
			continue;
		assert_int_equal(cmos(0), 0x40);
		assert_int_equal(cmos(12) & 0xa0, 0xa0);
		n++;
	}
	assert_int_equal(n, 2);
	/* the divider in reset: no time for interrupts */
	set_cmos(10, 0x76);
	set_cmos(11, 0x42);
	fires = 0;
	pass(NS_PER_SEC);
	assert_int_equal(fires, 0);
	rtc_free(r);
}

/* ---- HPET ---- */

static uint64_t msi_addr;
static uint32_t msi_data;
static bool legacy;

static void send(void *arg, uint64_t addr, uint32_t data)
{
	(void)arg;
	msi_addr = addr;
	msi_data = data;
}

static void set_legacy(void *arg, bool on)
{
	(void)arg;
	legacy = on;
}

static struct hpet *hpet(void)
{
	struct hpet_env env = { .legacy = set_legacy, .msi = { send, NULL } };
	struct hpet *h;

	for (unsigned i = 0; i < 24; i++)
		env.ioapic[i] = line(i);
	env.legacy_irq[0] = line(30);
	env.legacy_irq[1] = line(31);
	assert_int_equal(hpet_new(&h, bus, now, &env, NULL), 0);
	return h;
}

static uint64_t get(unsigned reg)
{
	return bus_read(bus, BUS_MEM, HPET_BASE + reg, 8);
}

static void put(unsigned reg, uint64_t v)
{
	bus_write(bus, BUS_MEM, HPET_BASE + reg, 8, v);
}

static void hpet_comparators(void **state)
{
	struct hpet *h = hpet();

	(void)state;
	assert_int_equal(get(0) >> 32, 10000000); /* 10 ns in fs */
	assert_int_equal(get(0) >> 8 & 31, HPET_TIMERS - 1);
	/* it stands until it is switched on, and can be set then only */
	pass(1000);
	assert_int_equal(get(0xf0), 0);
	put(0xf0, 5);
	put(0x10, 1);
	pass(1000);
	assert_int_equal(get(0xf0), 105);
	put(0xf0, 7);
	assert_int_equal(get(0xf0), 105);
	/* once, as an edge, at input 20 */
	put(0x108, 1105);
	put(0x100, 20u << 9 | 4);
	pass(9990);
	assert_int_equal(rises[20], 0);
	pass(10);
	assert_int_equal(rises[20], 1);
	assert_int_equal(level[20], 0);
	pass(NS_PER_SEC);
	assert_int_equal(rises[20], 1);
	/* a level at 21 stays until its status bit is written with 1 */
	put(0x128, get(0xf0) + 100);
	put(0x120, 21u << 9 | 6);
	pass(1000);
	assert_int_equal(level[21], 1);
	assert_int_equal(get(0x20), 2);
	put(0x20, 1);
	assert_int_equal(level[21], 1);
	put(0x20, 2);
	assert_int_equal(level[21], 0);
	assert_int_equal(get(0x20), 0);
	/* a message */
	put(0x150, 0xfee0100000004041);
	put(0x148, get(0xf0) + 100);
	put(0x140, 1u << 14 | 4);
	pass(1000);
	assert_int_equal(msi_addr, 0xfee01000);
	assert_int_equal(msi_data, 0x4041);
	hpet_free(h);
}

static void hpet_periods(void **state)
{
	struct hpet *h = hpet();

	(void)state;
	put(0x10, 1);
	/* a thousand a second: the first with the bit that sets the comparator, then the period */
	put(0x100, 20u << 9 | 0x4c);
	put(0x108, get(0xf0) + 100000);
	put(0x108, 100000);
	pass(NS_PER_SEC);
	assert_int_equal(rises[20], 1000);
	/* one that was late makes up for nothing */
	host_time += NS_PER_SEC;
	clock_fire(now);
	assert_int_equal(rises[20], 1001);
	pass(NS_PER_SEC);
	assert_in_range(rises[20], 2000, 2001);
	/* 32 bits wrap */
	put(0x10, 0);
	put(0xf0, 0x1fffffff0);
	put(0x100, 20u << 9 | 0x104);
	put(0x108, 0x10);
	put(0x10, 1);
	rises[20] = 0;
	pass(310);
	assert_int_equal(rises[20], 0);
	pass(10);
	assert_int_equal(rises[20], 1);
	put(0x100, 0);
	/* in the PIT's place */
	put(0x10, 3);
	assert_true(legacy);
	put(0x100, 20u << 9 | 4);
	put(0x108, get(0xf0) + 10);
	put(0x128, get(0xf0) + 10);
	put(0x120, 4);
	pass(100);
	assert_int_equal(rises[30], 1);
	assert_int_equal(rises[31], 1);
	put(0x10, 1);
	assert_false(legacy);
	/* a period of one tick takes a bounded part of the time */
	put(0x140, 22u << 9 | 0x4c);
	put(0x148, get(0xf0) + 1);
	put(0x148, 1);
	fires = 0;
	pass(NS_PER_SEC / 1000);
	assert_in_range(fires, 100, 600);
	/* nothing lies behind the last timer */
	assert_int_equal(get(0x160), 0);
	put(0x3f8, ~0ull);
	hpet_reset(h);
	assert_int_equal(get(0x10), 0);
	assert_int_equal(clock_wait(now), UINT64_MAX);
	hpet_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pit_interrupts, begin, end),
		cmocka_unit_test_setup_teardown(pit_counts, begin, end),
		cmocka_unit_test_setup_teardown(rtc_time, begin, end),
		cmocka_unit_test_setup_teardown(rtc_interrupts, begin, end),
		cmocka_unit_test_setup_teardown(hpet_comparators, begin, end),
		cmocka_unit_test_setup_teardown(hpet_periods, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
