/* SPDX-License-Identifier: MIT */
/* pvpanic, the watchdog, the device for tests: their registers, without a machine. */
#include "emu/clock.h"
#include "emu/dev/i6300esb.h"
#include "emu/dev/pci_testdev.h"
#include "emu/dev/pvpanic.h"
#include "tests/lib/virtrig.h"
#include "tests/unit/unit.h"

enum { PANIC = 1, DOG, TEST };

static struct vrig rig;
static struct clock *now;
static struct pvpanic *isa, *pci;
static struct i6300esb *dog;
static struct pci_testdev *test;
static unsigned said, bites;

static void say(void *arg, unsigned events)
{
	(void)arg;
	said |= events;
}

static void bite(void *arg)
{
	(void)arg;
	bites++;
}

static void wake(void *arg)
{
	(void)arg;
}

static int begin(void **state)
{
	const struct pvpanic_env both = { 3, say, NULL }, one = { 1, say, NULL };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(vr_new(&rig, &e), 0);
	assert_int_equal(clock_new(&now, wake, NULL, &e), 0);
	assert_int_equal(pvpanic_isa_new(&isa, rig.bus, 0x505, &both, &e), 0);
	assert_int_equal(pvpanic_pci_new(&pci, rig.pci, PANIC, &one, &e), 0);
	assert_int_equal(i6300esb_new(&dog, rig.pci, DOG, now, bite, NULL, &e), 0);
	assert_int_equal(pci_testdev_new(&test, rig.pci, TEST, 1 << 20, &e), 0);
	pci_assign(rig.pci);
	return 0;
}

static int end(void **state)
{
	(void)state;
	pvpanic_free(isa);
	pvpanic_free(pci);
	i6300esb_free(dog);
	pci_testdev_free(test);
	clock_free(now);
	vr_free(&rig);
	return 0;
}

static void set(uint64_t at, unsigned size, uint64_t v)
{
	bus_write(rig.bus, BUS_MEM, at, size, v);
}

static uint64_t get(uint64_t at, unsigned size)
{
	return bus_read(rig.bus, BUS_MEM, at, size);
}

static void test_panic(void **state)
{
	uint64_t at = vr_config(&rig, PANIC, 0x10) & ~15u;

	(void)state;
	assert_int_equal(bus_read(rig.bus, BUS_PORT, 0x505, 1), 3);
	bus_write(rig.bus, BUS_PORT, 0x505, 1, 4);
	assert_int_equal(said, 0);
	bus_write(rig.bus, BUS_PORT, 0x505, 1, 2);
	assert_int_equal(said, 2);
	bus_write(rig.bus, BUS_PORT, 0x505, 1, 1);
	assert_int_equal(said, 3);
	said = 0;
	assert_int_equal(vr_config(&rig, PANIC, 0), 0x00111b36);
	assert_int_equal(get(at, 1), 1);
	set(at, 1, 2);
	assert_int_equal(said, 0);
	set(at, 1, 1);
	assert_int_equal(said, 1);
}

/* Seconds go by. */
static void pass(unsigned seconds)
{
	clock_skip(now, seconds * NS_PER_SEC);
	clock_run(now);
	clock_fire(now);
	clock_stop(now);
}

static void lock(uint8_t v)
{
	vr_config(&rig, DOG, 0x68);
	bus_write(rig.bus, BUS_PORT, 0xcfc, 1, v);
}

static void unlocked(uint64_t at, unsigned off, unsigned v)
{
	set(at + 0x0c, 2, 0x80);
	set(at + 0x0c, 2, 0x86);
	set(at + off, off < 8 ? 4 : 2, v);
}

static void test_watchdog(void **state)
{
	uint64_t at = vr_config(&rig, DOG, 0x10) & ~15u;

	(void)state;
	assert_int_equal(vr_config(&rig, DOG, 0), 0x25ab8086);
	/* without the two words before it nothing is taken */
	set(at, 4, 5000);
	assert_int_equal(get(at, 4), 0xfffff);
	/* two stages of five seconds, about a thousand ticks each second */
	unlocked(at, 0, 5035);
	unlocked(at, 4, 5035);
	assert_int_equal(get(at, 4), 5035);
	lock(2);
	for (unsigned i = 0; i < 4; i++) {
		pass(4);
		unlocked(at, 0x0c, 0x100);
	}
	assert_int_equal(get(at + 8, 4), 0);
	pass(6);
	assert_int_equal(get(at + 8, 4), 1);
	assert_int_equal(bites, 0);
	assert_int_equal(get(at + 0x0c, 2), 0);
	pass(6);
	assert_int_equal(bites, 1);
	/* it remembers, through a reset as well, until told to forget */
	i6300esb_reset(dog);
	assert_int_equal(get(at + 0x0c, 2), 0x200);
	unlocked(at, 0x0c, 0x200);
	assert_int_equal(get(at + 0x0c, 2), 0);
	/* off: it sleeps; locked: it cannot be sent to sleep */
	unlocked(at, 0, 1000);
	unlocked(at, 4, 1000);
	lock(2);
	lock(0);
	pass(10);
	assert_int_equal(bites, 1);
	lock(3);
	lock(0);
	assert_int_equal(vr_config(&rig, DOG, 0x68) & 7, 3);
	pass(2);
	pass(2);
	assert_int_equal(bites, 2);
	/* one that runs free bites nobody, nor one that is told not to */
	unlocked(at, 0, 1000);
	unlocked(at, 4, 1000);
	lock(6);
	for (unsigned i = 0; i < 10; i++)
		pass(2);
	i6300esb_reset(dog);
	vr_config(&rig, DOG, 0x60);
	bus_write(rig.bus, BUS_PORT, 0xcfc, 2, 0x23);
	unlocked(at, 0, 1000);
	unlocked(at, 4, 1000);
	lock(2);
	pass(2);
	pass(2);
	pass(2);
	assert_int_equal(bites, 2);
}

static void test_pci(void **state)
{
	uint64_t mem = vr_config(&rig, TEST, 0x10) & ~15u,
		 io = vr_config(&rig, TEST, 0x14) & ~3u;
	uint64_t bar2 = vr_config(&rig, TEST, 0x18) & ~15u;
	char name[24] = "";

	(void)state;
	set(mem, 1, 1);
	assert_int_equal(get(mem + 1, 1), 1);
	assert_int_equal(get(mem + 4, 4), 2049);
	for (unsigned i = 0; i < 20; i++)
		name[i] = (char)get(mem + 16 + i, 1);
	assert_string_equal(name, "mmio-wildcard-eventf");
	for (unsigned i = 0; i < 3; i++)
		set(mem + 2049, 1, i);
	set(mem + 2050, 1, 0);
	assert_int_equal(get(mem + 12, 4), 3);
	/* the last counts what it says alone */
	bus_write(rig.bus, BUS_PORT, io, 1, 2);
	assert_int_equal(bus_read(rig.bus, BUS_PORT, io + 8, 1), 0xfa);
	bus_write(rig.bus, BUS_PORT, io + 130, 1, 0xfa);
	bus_write(rig.bus, BUS_PORT, io + 130, 1, 0xfb);
	assert_int_equal(bus_read(rig.bus, BUS_PORT, io + 12, 4), 1);
	/* there are three */
	set(mem, 1, 3);
	assert_int_equal(get(mem + 1, 1), 0);
	assert_int_equal(get(bar2, 4), 0xffffffff);
	pci_testdev_reset(test);
	assert_int_equal(bus_read(rig.bus, BUS_PORT, io + 12, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_pci),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
