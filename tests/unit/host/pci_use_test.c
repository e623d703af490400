/* SPDX-License-Identifier: MIT */
#include "host/pci_use.h"

#include "tests/unit/host/fixture.h"

#include <string.h>

#define ROOT_PORT "../../devices/pci0000:00/0000:00:1c.0/"
#define DEVICES   "/sys/bus/pci/devices/"

static void expect(const struct tree *t, const char *addr, const char *why)
{
	struct host *h = fixture_open(t, "arch = x86_64\n");
	struct pci_uses u;
	const char *is;

	assert_int_equal(pci_uses_read(h, &u, NULL), 0);
	is = pci_use_of(&u, addr);
	if (why)
		assert_string_equal(is ? is : "nothing", why);
	else
		assert_null(is);
	pci_uses_free(&u);
	host_close(h);
}

/* What cannot be known is not taken for free. */
static void nothing_at_all(void **state)
{
	struct host *h = fixture_open(*state, "arch = x86_64\n");
	struct pci_uses u;

	assert_int_equal(pci_uses_read(h, &u, NULL), -ENOENT);
	host_close(h);
	tree_file(*state, "/proc/self/mountinfo", "");
	expect(*state, "0000:03:00.0", NULL);
}

static void disks(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo",
		  "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
		  "23 22 0:40 / /srv rw - btrfs /dev/sdb1 rw\n"
		  "24 22 0:21 / /proc rw - proc proc rw\n");
	tree_file(t, "/proc/swaps",
		  "Filename Type Size Used Priority\n/dev/sdc1 partition 1000 0 -2\n");
	tree_link(t, "/sys/dev/block/8:2", ROOT_PORT "0000:03:00.0/ata1/block/sda/sda2");
	tree_link(
		t, "/sys/class/block/sdb1",
		"../../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host0/block/sdb/sdb1");
	tree_link(t, "/sys/class/block/sdc1", ROOT_PORT "0000:04:00.0/ata2/block/sdc/sdc1");
	expect(t, "0000:03:00.0", "/ is on it");
	/* the way to it as well */
	expect(t, "0000:00:1c.0", "/ is on it");
	expect(t, "0000:00:14.0", "/srv is on it");
	expect(t, "0000:04:00.0", "swap /dev/sdc1 is on it");
	expect(t, "0000:05:00.0", NULL);
}

static void layers_of_disks(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo",
		  "22 1 254:0 / / rw - ext4 /dev/mapper/root rw\n"
		  "23 22 259:1 / /var rw - ext4 /dev/md0p1 rw\n"
		  "24 22 259:7 / /srv rw - ext4 /dev/nvme0n1p1 rw\n");
	/* a volume on a partition */
	tree_link(t, "/sys/dev/block/254:0", "../../devices/virtual/block/dm-0");
	tree_dir(t, "/sys/devices/virtual/block/dm-0/slaves/sda3");
	tree_link(t, "/sys/class/block/sda3", ROOT_PORT "0000:03:00.0/ata1/block/sda/sda3");
	/* a partition of a RAID */
	tree_link(t, "/sys/dev/block/259:1", "../../devices/virtual/block/md0/md0p1");
	tree_file(t, "/sys/devices/virtual/block/md0/md0p1/partition", "1\n");
	tree_dir(t, "/sys/devices/virtual/block/md0/slaves/sdb");
	tree_link(t, "/sys/class/block/sdb", ROOT_PORT "0000:04:00.0/ata1/block/sdb");
	/* a disk that several controllers may lead to */
	tree_link(t, "/sys/dev/block/259:7",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	tree_dir(t, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0");
	tree_link(t, "/sys/class/nvme-subsystem/nvme-subsys0",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys0");
	tree_link(t, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		  "../../../pci0000:00/0000:00:1d.0/0000:05:00.0/nvme/nvme0");
	expect(t, "0000:03:00.0", "/ is on it");
	expect(t, "0000:04:00.0", "/var is on it");
	expect(t, "0000:05:00.0", "/srv is on it");
}

/* Layers that lie on each other come to an end. */
static void layers_in_a_ring(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/mapper/root rw\n");
	tree_link(t, "/sys/dev/block/254:0", "../../devices/virtual/block/dm-0");
	for (unsigned i = 0; i < 8; i++) {
		char path[96], to[96];

		snprintf(path, sizeof(path), "/sys/class/block/dm-%u", i);
		snprintf(to, sizeof(to), "../../devices/virtual/block/dm-%u", i);
		tree_link(t, path, to);
		for (unsigned k = 0; k < 8; k++) {
			snprintf(path, sizeof(path),
				 "/sys/devices/virtual/block/dm-%u/slaves/dm-%u", i, k);
			tree_dir(t, path);
		}
	}
	expect(t, "0000:03:00.0", NULL);
}

static void network(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo", "");
	tree_file(t, "/sys/devices/pci0000:00/0000:03:00.0/net/eth0/device", "");
	tree_file(t, "/sys/devices/pci0000:00/0000:03:00.1/net/eth1/device", "");
	tree_link(t, "/sys/class/net/eth0", "../../devices/pci0000:00/0000:03:00.0/net/eth0");
	tree_link(t, "/sys/class/net/eth1", "../../devices/pci0000:00/0000:03:00.1/net/eth1");
	tree_dir(t, "/sys/class/net/br0/lower_eth1");
	expect(t, "0000:03:00.0", NULL);
	expect(t, "0000:03:00.1", NULL);
	tree_file(t, "/proc/net/ipv6_route",
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		  "fe800000000000000000000000000001 00000400 1 0 00000003 br0\n");
	expect(t, "0000:03:00.0", NULL);
	expect(t, "0000:03:00.1", "the default route goes through it, by br0");
}

static void only_network(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo", "");
	tree_dir(t, "/sys/class/net/lo");
	tree_file(t, "/sys/devices/pci0000:00/0000:03:00.0/net/eth0/device", "");
	tree_link(t, "/sys/class/net/eth0", "../../devices/pci0000:00/0000:03:00.0/net/eth0");
	expect(t, "0000:03:00.0", "eth0 on it is the host's only way to a network");
	/* another one, that is on no PCI device */
	tree_file(t, "/sys/devices/platform/usb/net/eth9/device", "");
	tree_link(t, "/sys/class/net/eth9", "../../devices/platform/usb/net/eth9");
	expect(t, "0000:03:00.0", NULL);
}

static void console(void **state)
{
	static const char vt[] =
		"the console tty0 is on it (console= of the kernel's command line moves it)";
	static const char serial[] =
		"the console ttyS4 is on it (console= of the kernel's command line moves it)";
	struct tree *t = *state;

	tree_file(t, "/proc/self/mountinfo", "");
	tree_file(t, DEVICES "0000:00:02.0/boot_vga", "1\n");
	tree_file(t, DEVICES "0000:01:00.0/boot_vga", "0\n");
	tree_link(t, "/sys/class/tty/ttyS4", "../../devices/pci0000:00/0000:07:00.0/tty/ttyS4");
	expect(t, "0000:00:02.0", NULL);
	tree_file(t, "/sys/class/tty/console/active", "ttyS4\n");
	expect(t, "0000:00:02.0", NULL);
	expect(t, "0000:07:00.0", serial);
	tree_file(t, "/sys/class/tty/console/active", "tty0 ttyS0\n");
	expect(t, "0000:07:00.0", NULL);
	expect(t, "0000:00:02.0", vt);
	expect(t, "0000:01:00.0", NULL);
	/* given away already */
	tree_link(t, DEVICES "0000:00:02.0/driver", "../../../bus/pci/drivers/vfio-pci");
	expect(t, "0000:00:02.0", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(nothing_at_all),   in_tree(disks),   in_tree(layers_of_disks),
		in_tree(layers_in_a_ring), in_tree(network), in_tree(only_network),
		in_tree(console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
