/* SPDX-License-Identifier: MIT */
#include "host/coldplug.h"

#include "tests/unit/host/fixture.h"

static struct coldplug look(const struct tree *t, enum distro_init init)
{
	AUTO_HOST struct host *h = fixture_open(t, NULL);
	const struct distro d = { .init = init };
	struct coldplug c;

	coldplug_read(h, &d, &c);
	return c;
}

static void is(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

/* The programs may be installed: what counts is that something starts them. */
static void openrc(void **state)
{
	struct tree *t = *state;

	tree_file(t, "/sbin/mdev", "");
	tree_file(t, "/sbin/udevd", "");
	tree_link(t, "/etc/runlevels/sysinit/mdev", "/etc/init.d/mdev");
	is(look(t, INIT_OPENRC).by, NULL);
	/* udev alone handles what happens later; its trigger asks for what is there */
	tree_link(t, "/etc/runlevels/sysinit/udev", "/etc/init.d/udev");
	tree_file(t, "/etc/init.d/udev", "#!/sbin/openrc-run\nstart() { udevd --daemon; }\n");
	is(look(t, INIT_OPENRC).by, NULL);
	tree_file(t, "/etc/init.d/udev", "#!/bin/sh\nudevadm trigger --action=add\n");
	is(look(t, INIT_OPENRC).by, "udev");
	tree_file(t, "/etc/init.d/udev", "");
	tree_link(t, "/etc/runlevels/sysinit/udev-trigger", "/etc/init.d/udev-trigger");
	is(look(t, INIT_OPENRC).by, "udev");
	tree_link(t, "/etc/runlevels/sysinit/hwdrivers", "/etc/init.d/hwdrivers");
	is(look(t, INIT_OPENRC).by, "hwdrivers");
	is(look(t, INIT_OPENRC).nodes, NULL);
	tree_link(t, "/etc/runlevels/sysinit/kmod-static-nodes", "/etc/init.d/k");
	is(look(t, INIT_OPENRC).nodes, "OpenRC");
	/* runlevels are OpenRC's alone */
	is(look(t, INIT_SYSV).by, NULL);
	is(look(t, INIT_UNKNOWN).by, NULL);
}

static void mdevd(void **state)
{
	struct tree *t = *state;

	tree_link(t, "/etc/runlevels/sysinit/mdevd", "/etc/init.d/mdevd");
	tree_file(t, "/etc/mdev.conf", "kvm root:kvm 660\n");
	is(look(t, INIT_OPENRC).by, NULL);
	tree_file(t, "/etc/mdev.conf", "-$MODALIAS=.* 0:0 660 @modprobe -b \"$MODALIAS\"\n");
	is(look(t, INIT_OPENRC).by, "mdevd");
}

static void systemd(void **state)
{
	static const char trigger[] = "systemd-udev-trigger.service";
	struct tree *t = *state;
	char path[128];

	is(look(t, INIT_SYSTEMD).by, NULL);
	snprintf(path, sizeof(path), "/lib/systemd/system/%s", trigger);
	tree_file(t, path, "[Unit]\n");
	is(look(t, INIT_SYSTEMD).by, "udev");
	is(look(t, INIT_SYSTEMD).nodes, NULL);
	tree_file(t, "/usr/lib/systemd/system/kmod-static-nodes.service", "[Unit]\n");
	is(look(t, INIT_SYSTEMD).nodes, "systemd");
	snprintf(path, sizeof(path), "/etc/systemd/system/%s", trigger);
	tree_link(t, path, "/dev/null");
	is(look(t, INIT_SYSTEMD).by, NULL);
}

static void others(void **state)
{
	struct tree *t = *state;

	tree_link(t, "/etc/rcS.d/K03udev", "../init.d/udev");
	is(look(t, INIT_SYSV).by, NULL);
	tree_link(t, "/etc/rcS.d/S03udev", "../init.d/udev");
	is(look(t, INIT_SYSV).by, "udev");
	is(look(t, INIT_RUNIT).by, NULL);
	tree_file(t, "/etc/runit/core-services/02-udev.sh", "");
	is(look(t, INIT_RUNIT).by, "udev");
}

static void features(void **state)
{
	static const char amd[] =
		"cpu:type:x86,ven0002fam0017mod0001:feature:,0000,00C0,00C2,\n";
	struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");

	assert_true(coldplug_has_feature(amd, COLDPLUG_SVM));
	assert_false(coldplug_has_feature(amd, COLDPLUG_VMX));
	/* numbers of model and family are no features */
	assert_false(coldplug_has_feature("cpu:type:x86,ven,00C2,:feature:,0001,", 0xc2));
	assert_false(coldplug_has_feature("", 0xc2));
	assert_int_equal(coldplug_feature(h, COLDPLUG_SVM), TRI_UNKNOWN);
	tree_file(t, "/sys/devices/system/cpu/modalias", amd);
	assert_int_equal(coldplug_feature(h, COLDPLUG_SVM), TRI_YES);
	assert_int_equal(coldplug_feature(h, COLDPLUG_VMX), TRI_NO);
}

static void nodes(void **state)
{
	static const char text[] = "# made by depmod\ntun net/tun c10:200\n"
				   "vhost_net vhost-net c10:238\n#fuse fuse c10:229\nloop";
	struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");

	assert_true(coldplug_has_node(text, sizeof(text) - 1, "tun"));
	assert_true(coldplug_has_node(text, sizeof(text) - 1, "vhost-net"));
	assert_false(coldplug_has_node(text, sizeof(text) - 1, "net"));
	assert_false(coldplug_has_node(text, sizeof(text) - 1, "fuse"));
	/* a line without a node */
	assert_false(coldplug_has_node(text, sizeof(text) - 1, "loop"));
	assert_false(coldplug_node(h, "6.1.0", "tun"));
	tree_file(t, "/lib/modules/6.1.0/modules.devname", text);
	assert_true(coldplug_node(h, "6.1.0", "tun"));
	assert_false(coldplug_node(h, "../modules/6.1.0", "tun"));
	assert_false(coldplug_node(h, "", "tun"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(openrc), in_tree(mdevd),    in_tree(systemd),
		in_tree(others), in_tree(features), in_tree(nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
