/* SPDX-License-Identifier: MIT */
#include "emu/dev/pci.h"

#include "base/bytes.h"
#include "emu/bus.h"
#include "tests/unit/unit.h"

static int level[PCI_LINES];

static void set(void *arg, unsigned pin, int to)
{
	(void)arg;
	level[pin] = to;
}

static void functions_share_a_pin(void **state)
{
	struct bus *bus = NULL;
	struct pci *p = NULL;
	struct pci_env env = { .low = 0xc0000000, .low_end = 0xd0000000 };
	struct pci_dev d[3] = { 0 };
	struct err e = { 0 };

	assert_int_equal(bus_new(&bus, &e), 0);
	env.bus = bus;
	for (unsigned i = 0; i < PCI_LINES; i++)
		env.line[i] = (struct irq){ set, NULL, i };
	assert_int_equal(pci_new(&p, &env, &e), 0);
	/* two of slot 3, and pin B of slot 2: all of line 3 */
	for (unsigned i = 0; i < 3; i++) {
		pci_ids(&d[i], 0x1af4, (uint16_t)(0x1100 + i), 0xff0000);
		d[i].config[PCI_INT_PIN] = i == 2 ? 2 : 1;
		assert_int_equal(pci_add(p, &d[i], i == 2 ? 2 : 3, i & 1, &e), 0);
	}
	pci_intx(&d[0], true);
	pci_intx(&d[1], true);
	pci_intx(&d[1], true); /* once is enough */
	pci_intx(&d[2], true);
	assert_int_equal(level[3], 1);
	pci_intx(&d[1], false);
	assert_int_equal(level[3], 1);
	pci_intx(&d[2], false);
	assert_int_equal(level[3], 1);
	pci_intx(&d[0], false);
	assert_int_equal(level[3], 0);
	/* gone while it pulls */
	pci_intx(&d[1], true);
	assert_int_equal(level[3], 1);
	pci_remove(&d[1]);
	assert_int_equal(level[3], 0);
	pci_remove(&d[0]);
	pci_remove(&d[2]);
	pci_root_free(p);
	bus_free(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_share_a_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
