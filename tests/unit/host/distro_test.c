/* SPDX-License-Identifier: MIT */
/* What system it is: os-release, init, kernels, and whether it runs from memory. */
#include "host/distro.h"

#include "host/diskless.h"
#include "host/kernels.h"
#include "tests/unit/host/fixture.h"

static void quoted_as_the_shell_does(void **state)
{
	static const char text[] =
		"# x\nID=alpine\nID_LIKE='a \"b\" c'\nVERSION_ID=3.20.0\n"
		"PRETTY_NAME=\"Al\\\"p\\$ine $(id)\"\nNAME=no\n ID = other\n";
	struct os_release o;

	os_release_parse(text, sizeof(text) - 1, &o);
	assert_string_equal(o.id, "other");
	assert_string_equal(o.id_like, "a \"b\" c");
	assert_string_equal(o.version_id, "3.20.0");
	assert_string_equal(o.pretty_name, "Al\"p$ine $(id)");
	assert_true(os_release_like(&o, "other") && os_release_like(&o, "c"));
	assert_false(os_release_like(&o, "b") || os_release_like(&o, "alpine"));
	os_release_parse("", 0, &o);
	assert_string_equal(o.id, "linux");
	os_release_parse("ID=\"", 4, &o);
	assert_string_equal(o.id, "linux");
}

static void alpine(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, NULL);
	struct distro d;

	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_string_equal(d.os.id, "linux");
	assert_true(d.init == INIT_UNKNOWN && d.libc == LIBC_UNKNOWN);
	tree_file(t, "/usr/lib/os-release", "ID=alpine\n");
	tree_link(t, "/etc/os-release", "../usr/lib/os-release");
	tree_file(t, "/bin/busybox", "");
	tree_link(t, "/sbin/init", "/bin/busybox");
	tree_file(t, "/lib/ld-musl-x86_64.so.1", "");
	tree_file(t, "/etc/apk/world", "");
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_string_equal(d.os.id, "alpine");
	assert_int_equal(d.init, INIT_BUSYBOX);
	tree_file(t, "/sbin/openrc", "");
	tree_link(t, "/sbin/mdev", "/bin/busybox");
	tree_file(t, "/sbin/udevd", "");
	tree_link(t, "/etc/runlevels/sysinit/mdev", "/etc/init.d/mdev");
	tree_file(t, "/etc/init.d/mdev", "");
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_true(d.init == INIT_OPENRC && d.devices == DEVICES_MDEV);
	assert_true(d.libc == LIBC_MUSL && d.packages == PACKAGES_APK);
	assert_string_equal(distro_init_name(d.init), "openrc");
	tree_file(t, "/etc/runlevels/sysinit/udev", "");
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_int_equal(d.devices, DEVICES_EUDEV);
}

static void debian(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct distro d;

	tree_file(t, "/etc/os-release", "ID=debian\n");
	tree_file(t, "/lib/systemd/systemd", "");
	tree_link(t, "/sbin/init", "/lib/systemd/systemd");
	tree_file(t, "/lib/systemd/systemd-udevd", "");
	tree_file(t, "/lib64/ld-linux-x86-64.so.2", "");
	tree_file(t, "/var/lib/dpkg/status", "");
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_true(d.init == INIT_SYSTEMD && d.devices == DEVICES_UDEV);
	assert_true(d.libc == LIBC_GLIBC && d.packages == PACKAGES_APT);
	/* what runs counts more than what is installed */
	tree_file(t, "/run/openrc/softlevel", "default");
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_int_equal(d.init, INIT_OPENRC);
	unlink(tree_path(t, "/run/openrc/softlevel"));
	unlink(tree_path(t, "/sbin/init"));
	tree_file(t, "/sbin/init", "");
	tree_file(t, "/sbin/telinit", "");
	unlink(tree_path(t, "/lib/systemd/systemd"));
	assert_int_equal(distro_read(h, &d, NULL), 0);
	assert_int_equal(d.init, INIT_SYSV);
}

static void kernels(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct kernels k;
	unsigned v[3];

	tree_file(t, "/proc/sys/kernel/osrelease", "6.6.9-0-lts\n");
	assert_int_equal(kernels_read(h, &k, NULL), 0);
	assert_true(k.installed.n == 0 && k.running_installed == TRI_NO);
	assert_null(kernels_newest(&k));
	kernels_free(&k);
	tree_file(t, "/lib/modules/6.6.10-0-lts/modules.dep", "");
	tree_file(t, "/lib/modules/6.6.9-0-lts/modules.dep", "");
	tree_file(t, "/lib/modules/6.12.1-0-virt/modules.dep", "");
	tree_file(t, "/lib/modules/6.20.0-0-lts/extra/x.ko", "");
	assert_int_equal(kernels_read(h, &k, NULL), 0);
	assert_int_equal(k.installed.n, 3);
	assert_int_equal(k.running_installed, TRI_YES);
	assert_string_equal(kernels_newest(&k), "6.6.10-0-lts");
	kernels_free(&k);
	tree_file(t, "/proc/sys/kernel/osrelease", "5.0.0-custom\n");
	assert_int_equal(kernels_read(h, &k, NULL), 0);
	assert_string_equal(kernels_newest(&k), "6.12.1-0-virt");
	assert_int_equal(k.running_installed, TRI_NO);
	kernels_free(&k);

	assert_int_equal(kernels_version("6.12.8-0-lts", v, NULL), 0);
	assert_true(v[0] == 6 && v[1] == 12 && v[2] == 8);
	assert_int_equal(kernels_version("6.1-rc3", v, NULL), 0);
	assert_true(v[0] == 6 && v[1] == 1 && v[2] == 0);
	assert_int_equal(kernels_version("7", v, NULL), 0);
	assert_int_equal(kernels_version("v6", v, NULL), -EINVAL);
	assert_int_equal(kernels_version("", v, NULL), -EINVAL);
}

#define IN_MEMORY "arch = x86_64\nstatfs / = 0x01021994 0x1000\n"

static void running_from_memory(void **state)
{
	const struct tree *t = *state;
	struct diskless d;
	struct host *h = fixture_open(t, "arch = x86_64\nstatfs / = 0xef53 0x1000\n");

	assert_int_equal(diskless_read(h, &d, NULL), 0);
	assert_int_equal(d.root_in_memory, TRI_NO);
	host_close(h);
	tree_file(t, "/sbin/lbu", "");
	tree_file(t, "/etc/lbu/lbu.conf", "# LBU_MEDIA=no\nLBU_MEDIA=\"usb\"\n");
	h = fixture_open(t, IN_MEMORY);
	assert_int_equal(diskless_read(h, &d, NULL), 0);
	assert_true(d.root_in_memory == TRI_YES && d.has_lbu);
	assert_string_equal(d.media, "usb");
	/* never committed: nothing to compare with */
	assert_true(!d.overlay[0] && d.uncommitted == TRI_UNKNOWN);
	host_close(h);
	tree_file(t, "/media/usb/box.apkovl.tar.gz", "");
	tree_file(t, "/media/sda1/other.apkovl.tar.gz", "");
	h = fixture_open(t, IN_MEMORY "lbu uncommitted = /etc/fstab\n");
	assert_int_equal(diskless_read(h, &d, NULL), 0);
	assert_string_equal(d.overlay, "/media/usb/box.apkovl.tar.gz");
	assert_int_equal(d.uncommitted, TRI_YES);
	assert_string_equal(d.example, "/etc/fstab");
	host_close(h);
	h = fixture_open(t, IN_MEMORY "lbu uncommitted = no\n");
	assert_int_equal(diskless_read(h, &d, NULL), 0);
	assert_int_equal(d.uncommitted, TRI_NO);
	host_close(h);
	unlink(tree_path(t, "/.hostkit-record"));
	h = fixture_open(t, NULL);
	assert_int_equal(diskless_read(h, &d, NULL), -ENOTSUP);
	host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_as_the_shell_does),
		in_tree(alpine),
		in_tree(debian),
		in_tree(kernels),
		in_tree(running_from_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
