/* SPDX-License-Identifier: MIT */
#include "host/pci.h"

#include "host/pci_use.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static void addresses(void **state)
{
	static const char *const bad[] = { "",
					   "00:00",
					   "0000:00:00",
					   "0000:00:20.0",
					   "00:1f.8",
					   "000:00:00.0",
					   "0000:00:1f.0x",
					   "g0:00.0",
					   "123456789:00:00.0" };
	uint8_t bus, dev, fn;
	uint32_t domain;
	struct err e = { 0 };

	assert_int_equal(pci_addr_parse("0001:aB:1f.7", &domain, &bus, &dev, &fn, NULL), 0);
	assert_true(domain == 1 && bus == 0xab && dev == 31 && fn == 7);
	assert_int_equal(pci_addr_parse("03:00.1", &domain, &bus, &dev, &fn, NULL), 0);
	assert_true(domain == 0 && bus == 3 && dev == 0 && fn == 1);
	assert_int_equal(pci_addr_parse("10000:e0:06.0", &domain, &bus, &dev, &fn, NULL), 0);
	assert_int_equal(domain, 0x10000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(pci_addr_parse(bad[i], &domain, &bus, &dev, &fn, &e), -EINVAL);
}

static void names_of_classes(void **state)
{
	assert_string_equal(pci_class_name(0x020000), "Ethernet controller");
	assert_string_equal(pci_class_name(0x010802), "NVMe controller");
	assert_string_equal(pci_class_name(0x018000), "Storage controller");
	assert_string_equal(pci_class_name(0xff0000), "Device");
}

/* A device below its folder in /sys/devices, as the kernel links them. */
static void device(struct tree *t, const char *dir, const char *addr, const char *class,
		   const char *driver, const char *group)
{
	char path[256], text[256];

	snprintf(path, sizeof(path), "/sys/devices/%s/%s/class", dir, addr);
	snprintf(text, sizeof(text), "%s\n", class);
	tree_file(t, path, text);
	snprintf(path, sizeof(path), "/sys/devices/%s/%s/vendor", dir, addr);
	tree_file(t, path, "0x8086\n");
	snprintf(path, sizeof(path), "/sys/devices/%s/%s/driver_override", dir, addr);
	tree_file(t, path, strcmp(driver, "vfio-pci") ? "(null)\n" : "vfio-pci\n");
	if (*driver) {
		snprintf(path, sizeof(path), "/sys/devices/%s/%s/driver", dir, addr);
		snprintf(text, sizeof(text), "../../../bus/pci/drivers/%s", driver);
		tree_link(t, path, text);
	}
	if (*group) {
		snprintf(path, sizeof(path), "/sys/devices/%s/%s/iommu_group", dir, addr);
		snprintf(text, sizeof(text), "../../../kernel/iommu_groups/%s", group);
		tree_link(t, path, text);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", addr);
	snprintf(text, sizeof(text), "../../../devices/%s/%s", dir, addr);
	tree_link(t, path, text);
}

static void machine(struct tree *t)
{
	tree_make(t);
	tree_file(t, "/.hostkit-record", "arch = x86_64\n");
	device(t, "pci0000:00", "0000:00:00.0", "0x060000", "", "0");
	device(t, "pci0000:00", "0000:00:1c.0", "0x060400", "pcieport", "1");
	device(t, "pci0000:00/0000:00:1c.0", "0000:03:00.0", "0x020000", "igb", "1");
	device(t, "pci0000:00/0000:00:1c.0", "0000:03:00.1", "0x020000", "vfio-pci", "1");
	device(t, "pci0000:00", "0000:00:1f.0", "0x060100", "lpc_ich", "2");
	device(t, "pci0000:00", "0000:00:1f.3", "0x0c0500", "vfio-pci", "2");
	device(t, "pci0000:00", "0000:00:14.0", "0x0c0330", "vfio-pci", "3");
	device(t, "pci0000:00", "0000:00:17.0", "0x010601", "", "");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.1/reset_method",
		  "flr bus\n");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:14.0/reset", "");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:14.0/numa_node", "-1\n");
	tree_file(t, "/sys/devices/pci0000:00/0000:00:1f.3/numa_node", "1\n");
	tree_dir(t, "/sys/bus/pci/devices/odd");
	for (int i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type", i);
		tree_file(t, path, "DMA\n");
	}
	tree_file(t, "/sys/kernel/irq/1/chip_name", "IR-PCI-MSI\n");
}

static void devices(void **state)
{
	const struct pci_dev *d;
	struct pci_devs l;
	struct host *h;
	struct tree t;

	machine(&t);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(pci_read(h, &l, NULL), 0);
	assert_int_equal(l.n, 8);
	assert_string_equal(l.v[0].addr, "0000:00:00.0");
	assert_string_equal(l.v[7].addr, "0000:03:00.1");
	d = pci_find(&l, "03:00.1");
	assert_ptr_equal(d, &l.v[7]);
	assert_int_equal(d->vendor, 0x8086);
	assert_int_equal(d->class, 0x020000);
	assert_string_equal(d->driver, "vfio-pci");
	assert_string_equal(d->override, "vfio-pci");
	assert_string_equal(d->reset, "flr bus");
	assert_string_equal(d->parent, "0000:00:1c.0");
	assert_int_equal(d->group, 1);
	d = pci_find(&l, "0000:00:1f.3");
	assert_int_equal(d->node, 1);
	assert_string_equal(d->parent, "");
	assert_false(d->resets);
	assert_true(d->reset_known);
	d = pci_find(&l, "0000:00:17.0");
	assert_string_equal(d->override, "");
	assert_int_equal(d->group, -1);
	assert_true(pci_find(&l, "0000:00:14.0")->resets);
	assert_null(pci_find(&l, "0000:00:18.0"));
	pci_free(&l);
	host_close(h);
	tree_remove(&t);
}

/* What goes to guests together does not stand in its own way, if the host lets it go. */
static void given(struct pci_view *view)
{
	char nic[] = "0000:03:00.0", *addrs[] = { nic };
	struct pci_use root = { "0000:03:00.0", "/ is on it" };
	const struct pci_uses uses = { &root, 1 };
	const struct pci_uses *none = view->uses;
	const struct pci_dev *other = pci_find(view->devs, "03:00.1");
	struct pci_verdict v;

	view->given = addrs;
	view->n_given = 1;
	pci_verdict(view, other, &v);
	assert_int_equal(v.why, 0);
	view->uses = &uses;
	pci_verdict(view, other, &v);
	assert_int_equal(v.why, PCI_GROUP);
	pci_verdict(view, pci_find(view->devs, nic), &v);
	assert_true(v.why & PCI_HOST);
	assert_string_equal(v.use, "/ is on it");
	view->uses = none;
	view->given = NULL;
	view->n_given = 0;
}

static void verdicts(void **state)
{
	static const struct {
		const char *addr;
		unsigned why;
		const char *blocker;
		size_t members;
	} want[] = {
		{ "0000:00:00.0", PCI_IS_BRIDGE | PCI_UNBOUND | PCI_NO_RESET, NULL, 1 },
		{ "0000:00:1c.0", PCI_IS_BRIDGE | PCI_GROUP | PCI_UNBOUND | PCI_NO_RESET,
		  "0000:03:00.0", 2 },
		{ "0000:03:00.0", PCI_UNBOUND | PCI_NO_RESET, NULL, 2 },
		/* the port above does not block, the other function with its driver does */
		{ "0000:03:00.1", PCI_GROUP, "0000:03:00.0", 2 },
		/* an ISA bridge with a driver is a device like others */
		{ "0000:00:1f.3", PCI_GROUP | PCI_NO_RESET, "0000:00:1f.0", 2 },
		{ "0000:00:14.0", 0, NULL, 1 },
		{ "0000:00:17.0", PCI_NO_IOMMU | PCI_UNBOUND | PCI_NO_RESET, NULL, 0 },
	};
	const struct pci_uses none = { 0 };
	struct pci_verdict v;
	struct pci_devs l;
	struct iommu m;
	struct pci_view view = { .devs = &l, .iommu = &m, .uses = &none };
	struct host *h;
	struct tree t;

	machine(&t);
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(pci_read(h, &l, NULL), 0);
	assert_int_equal(iommu_read(h, &m, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		pci_verdict(&view, pci_find(&l, want[i].addr), &v);
		assert_int_equal(v.why, want[i].why);
		assert_int_equal(v.members, want[i].members);
		if (want[i].blocker)
			assert_string_equal(v.blocker->addr, want[i].blocker);
		else
			assert_null(v.blocker);
	}
	given(&view);
	m.remap = IOMMU_REMAP_OFF;
	pci_verdict(&view, pci_find(&l, "00:14.0"), &v);
	assert_int_equal(v.why, PCI_NO_REMAP);
	m.unsafe_interrupts = true;
	pci_verdict(&view, pci_find(&l, "00:14.0"), &v);
	assert_int_equal(v.why, 0);
	iommu_free(&m);
	pci_free(&l);
	host_close(h);
	tree_remove(&t);
}

static void memory_that_stays_mapped(void **state)
{
	/* 00:1c.0 then 00.1 behind it; 00:14.0, which is USB */
	struct dmar_scope nic = { .type = DMAR_SCOPE_ENDPOINT,
				  .depth = 2,
				  .path = { { 0x1c, 0 }, { 0, 1 } } };
	struct dmar_scope usb = { .type = DMAR_SCOPE_ENDPOINT,
				  .depth = 1,
				  .path = { { 0x14, 0 } } };
	struct dmar_scope port = { .type = DMAR_SCOPE_BRIDGE,
				   .depth = 1,
				   .path = { { 0x1c, 0 } } };
	struct dmar_part parts[] = { { .kind = DMAR_RMRR, .scopes = &nic, .n_scopes = 1 },
				     { .kind = DMAR_RMRR, .scopes = &usb, .n_scopes = 1 },
				     { .kind = DMAR_ATSR, .scopes = &port, .n_scopes = 1 } };
	struct dmar dmar = { .parts = parts, .n = 3 };
	const struct pci_uses none = { 0 };
	struct pci_verdict v;
	struct pci_devs l;
	struct iommu m;
	struct pci_view view = { .devs = &l, .iommu = &m, .dmar = &dmar, .uses = &none };
	struct host *h;
	struct tree t;

	machine(&t);
	tree_file(&t, "/sys/kernel/iommu_groups/2/reserved_regions",
		  "0x0000000000001000 0x0000000000001fff direct\n");
	tree_file(&t, "/sys/kernel/iommu_groups/3/reserved_regions",
		  "0x0000000000001000 0x0000000000001fff direct-relaxable\n");
	assert_int_equal(host_open(t.root, &h, NULL), 0);
	assert_int_equal(pci_read(h, &l, NULL), 0);
	assert_int_equal(iommu_read(h, &m, NULL), 0);
	assert_true(pci_in_scope(&l, 0, &nic, pci_find(&l, "03:00.1")));
	assert_false(pci_in_scope(&l, 0, &nic, pci_find(&l, "03:00.0")));
	assert_false(pci_in_scope(&l, 1, &nic, pci_find(&l, "03:00.1")));
	assert_true(pci_in_scope(&l, 0, &port, pci_find(&l, "03:00.0")));
	assert_true(pci_in_scope(&l, 0, &port, pci_find(&l, "00:1c.0")));
	assert_false(pci_in_scope(&l, 0, &port, pci_find(&l, "00:14.0")));
	pci_verdict(&view, pci_find(&l, "03:00.1"), &v);
	assert_true(v.why & PCI_RMRR);
	pci_verdict(&view, pci_find(&l, "03:00.0"), &v);
	assert_false(v.why & PCI_RMRR);
	/* firmware's own use of USB ends with the start of the system */
	pci_verdict(&view, pci_find(&l, "00:14.0"), &v);
	assert_int_equal(v.why, 0);
	/* by the group's regions, without a table */
	view.dmar = NULL;
	pci_verdict(&view, pci_find(&l, "00:1f.3"), &v);
	assert_true(v.why & PCI_RMRR);
	iommu_free(&m);
	/* of one group it cannot be told */
	tree_file(&t, "/sys/kernel/iommu_groups/3/reserved_regions", "0x1000 direct\n");
	assert_int_equal(iommu_read(h, &m, NULL), 0);
	pci_verdict(&view, pci_find(&l, "00:14.0"), &v);
	assert_int_equal(v.why, PCI_UNSURE);
	pci_verdict(&view, pci_find(&l, "03:00.0"), &v);
	assert_int_equal(v.why & PCI_UNSURE, 0);
	iommu_free(&m);
	pci_free(&l);
	host_close(h);
	tree_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(names_of_classes),
		cmocka_unit_test(devices),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(memory_that_stays_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
