/* SPDX-License-Identifier: MIT */
/*
 * Roots for tests of steps: an Alpine and a Debian, bare as their installers leave them, as an
 * image or (with a record) as a host that runs.  What a plan says is done to the tree by the
 * kinds themselves where they work on files, and by hand where they would need a kernel.
 */
#ifndef TESTS_TUNE_WORLD_H
#define TESTS_TUNE_WORLD_H

#include "base/below.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"
#include "tune/accounts.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
	struct tree t;
	struct host *h;
	struct profile *p;
	struct plan plan;
};

static inline void world_file(struct world *w, const char *path, const char *text)
{
	tree_file(&w->t, path, text);
}

#define KVER "6.12.8-0-lts"

static inline void world_kernel(struct world *w)
{
	static const char *const files[] = {
		"kernel/drivers/net/tun.ko",      "kernel/drivers/net/tap.ko",
		"kernel/drivers/vhost/vhost.ko",  "kernel/drivers/vhost/vhost_net.ko",
		"kernel/arch/x86/kvm/kvm.ko",     "kernel/arch/x86/kvm/kvm-intel.ko",
		"kernel/arch/x86/kvm/kvm-amd.ko", "kernel/drivers/vfio/pci/vfio-pci.ko"
	};
	char dep[2048] = "", path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/lib/modules/" KVER "/%s", files[i]);
		world_file(w, path, "");
		snprintf(dep + strlen(dep), sizeof(dep) - strlen(dep), "%s:%s\n", files[i],
			 strstr(files[i], "vhost_net")
				 ? " kernel/drivers/vhost/vhost.ko kernel/drivers/net/tun.ko"
				 : "");
	}
	world_file(w, "/lib/modules/" KVER "/modules.dep", dep);
	world_file(w, "/lib/modules/" KVER "/modules.builtin", "kernel/fs/hugetlbfs.ko\n");
	world_file(w, "/lib/modules/" KVER "/modules.alias", "");
}

static inline void world_alpine(struct world *w)
{
	tree_make(&w->t);
	world_file(w, "/etc/os-release", "ID=alpine\nVERSION_ID=3.21.0\n");
	world_file(w, "/etc/apk/world", "alpine-base\n");
	world_file(w, "/sbin/openrc", "");
	world_file(w, "/etc/init.d/modules", "");
	world_file(w, "/etc/init.d/hostkit-tune", "");
	world_file(w, "/etc/init.d/hostkit-hugepages", "");
	tree_link(&w->t, "/etc/runlevels/boot/modules", "/etc/init.d/modules");
	tree_link(&w->t, "/etc/runlevels/sysinit/mdev", "/etc/init.d/mdev");
	world_file(w, "/etc/init.d/mdev", "");
	world_file(w, "/etc/modules", "af_packet\nipv6\n");
	world_file(w, "/etc/mdev.conf",
		   "-$MODALIAS=.*\troot:root 660 @modprobe -b \"$MODALIAS\"\n"
		   "null\troot:root 0666\n"
		   "kvm\troot:kvm 660\n"
		   "net/tun[0-9]*\troot:netdev 0660\n"
		   "vhost.*\troot:root 0600\n");
	world_file(w, "/etc/passwd",
		   "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
	world_file(w, "/etc/group",
		   "root:x:0:root\nnetdev:x:28:\nkvm:x:34:kvm\nalice:x:1000:\n");
	world_file(w, "/etc/shadow", "root:*::0:::::\nalice:!:19000:0:99999:7:::\n");
	world_file(w, "/etc/fstab", "/dev/sda1\t/\text4\trw,relatime 0 1");
	world_file(w, "/usr/lib/qemu/qemu-bridge-helper", "");
	world_file(w, "/etc/network/interfaces", "auto lo\niface lo inet loopback\n");
	world_kernel(w);
}

static inline void world_debian(struct world *w)
{
	tree_make(&w->t);
	world_file(w, "/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
	world_file(w, "/var/lib/dpkg/status",
		   "Package: qemu-utils\nStatus: install ok installed\n\n");
	world_file(w, "/lib/systemd/systemd", "");
	tree_link(&w->t, "/sbin/init", "/lib/systemd/systemd");
	world_file(w, "/lib/systemd/systemd-udevd", "");
	world_file(w, "/lib/udev/rules.d/50-udev-default.rules",
		   "KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"\n"
		   "KERNEL==\"vhost-net\", GROUP=\"kvm\", MODE=\"0660\"\n");
	world_file(w, "/lib/systemd/system/hostkit-tune.service",
		   "[Service]\nExecStart=/usr/bin/vtune apply --boot\n"
		   "[Install]\nWantedBy=sysinit.target\n");
	world_file(w, "/lib/systemd/system/hostkit-hugepages.service",
		   "[Install]\nWantedBy=sysinit.target\n");
	world_file(w, "/etc/modules", "# /etc/modules: kernel modules to load at boot time.\n");
	world_file(w, "/etc/passwd",
		   "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\n");
	world_file(w, "/etc/group", "root:x:0:\nkvm:x:104:\nalice:x:1000:\n");
	world_file(w, "/etc/shadow", "root:*:19000:0:99999:7:::\n");
	world_file(w, "/etc/gshadow", "root:*::\nkvm:!::\nalice:!::\n");
	world_file(w, "/etc/fstab",
		   "# <file system> <mount point> ...\n"
		   "UUID=1234 / ext4 errors=remount-ro 0 1\n");
	world_file(w, "/etc/security/limits.conf", "# none\n");
	world_file(w, "/usr/lib/qemu/qemu-bridge-helper", "");
	chmod(tree_path(&w->t, "/usr/lib/qemu/qemu-bridge-helper"), 0755);
	world_kernel(w);
}

/* Makes the root one that runs, with a processor that has @flags. */
static inline void world_run(struct world *w, const char *flags, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "arch = x86_64\neuid = 0\n%s", more);
	world_file(w, "/.hostkit-record", text);
	snprintf(text, sizeof(text),
		 "processor\t: 0\nvendor_id\t: HygonGenuine\nflags\t\t: fpu pdpe1gb %s\n\n",
		 flags);
	world_file(w, "/proc/cpuinfo", text);
	world_file(w, "/proc/cmdline", "root=/dev/sda1 quiet\n");
	world_file(w, "/proc/sys/kernel/osrelease", KVER "\n");
	world_file(w, "/proc/self/mountinfo", "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n");
	world_file(w, "/proc/meminfo",
		   "MemTotal:       16777216 kB\nMemFree:        12582912 kB\n"
		   "MemAvailable:   14680064 kB\nHugePages_Total:       0\n"
		   "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
	tree_dir(&w->t, "/sys/module");
}

static inline void world_pool(struct world *w, const char *dir, const char *kb)
{
	static const char *const files[] = { "nr_hugepages", "free_hugepages",
					     "surplus_hugepages", "resv_hugepages",
					     "nr_overcommit_hugepages" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/hugepages-%skB/%s", dir, kb, files[i]);
		world_file(w, path, "0\n");
	}
}

static inline void world_profile(struct world *w, const char *text)
{
	struct err e = { 0 };

	profile_free(w->p);
	w->p = NULL;
	if (profile_parse("test.ini", text, &w->p, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Plans @steps, which end with NULL, anew. */
static inline void world_plan_all(struct world *w, const struct step *const *steps)
{
	struct err e = { 0 };

	host_close(w->h);
	w->h = NULL;
	if (host_open(w->t.root, &w->h, &e) < 0)
		fail_msg("%s", e.msg);
	plan_free(&w->plan);
	for (; *steps; steps++)
		if ((*steps)->plan(w->h, w->p, &w->plan, &e) < 0)
			fail_msg("%s: %s", (*steps)->id, e.msg);
	for (size_t i = 0; i < w->plan.n; i++) {
		assert_non_null(step_find(w->plan.v[i].step));
		assert_true(*w->plan.v[i].reason);
	}
}

#define world_plan(w, ...) world_plan_all(w, (const struct step *const[]){ __VA_ARGS__, NULL })

static inline void world_show(const struct world *w)
{
	for (size_t i = 0; i < w->plan.n; i++) {
		const struct change *c = &w->plan.v[i];

		print_message("# %s: %s %s: '%s' -> '%s' (%s)\n", c->step, c->kind->name,
			      c->target, c->old_val ? c->old_val : "-",
			      c->value ? c->value : "-", c->reason);
	}
	for (size_t i = 0; i < w->plan.n_notes; i++)
		print_message("# %s%s: %s\n", w->plan.notes[i].step,
			      w->plan.notes[i].blocks ? " (blocks)" : "",
			      w->plan.notes[i].text);
}

/* The planned value of a target, "" for absent; fails if it is not planned. */
static inline const char *world_value(const struct world *w, const struct change_kind *k,
				      const char *target)
{
	const struct change *c = plan_find(&w->plan, k, target);

	if (!c) {
		world_show(w);
		fail_msg("%s %s is not planned", k->name, target);
	}
	return c->value ? c->value : "";
}

#define world_expect(w, kind, target, value) \
	assert_string_equal(world_value(w, kind, target), value)

static inline bool world_noted(const struct world *w, const char *words)
{
	for (size_t i = 0; i < w->plan.n_notes; i++)
		if (strstr(w->plan.notes[i].text, words))
			return true;
	return false;
}

static inline void world_expect_note(const struct world *w, const char *words)
{
	if (!world_noted(w, words)) {
		world_show(w);
		fail_msg("no note says '%s'", words);
	}
}

static inline void world_expect_nothing(const struct world *w)
{
	if (w->plan.n)
		world_show(w);
	assert_int_equal(w->plan.n, 0);
}

static inline void world_append(struct world *w, const char *path, const char *text)
{
	FILE *f = fopen(tree_path(&w->t, path), "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* "group:kvm", "user:qemu", "member:kvm:alice" */
static inline void world_account(struct world *w, const struct change *c)
{
	char kind[16], a[40], b[40] = "", text[256];
	struct account_files f = { 0 };
	unsigned uid, gid;
	struct err e = { 0 };

	assert_true(sscanf(c->target, "%15[^:]:%39[^:]:%39s", kind, a, b) >= 2);
	if (!strcmp(kind, "group")) {
		snprintf(text, sizeof(text), "%s:x:%s:\n", a, c->value);
		world_append(w, "/etc/group", text);
	} else if (!strcmp(kind, "user")) {
		assert_int_equal(sscanf(c->value, "%u:%u:%39s", &uid, &gid, b), 3);
		snprintf(text, sizeof(text), "%s:x:%u:%u::%s\n", a, uid, gid, b);
		world_append(w, "/etc/passwd", text);
	} else {
		assert_int_equal(host_read(w->h, "/etc/group", &f.group, NULL, &e), 0);
		assert_int_equal(accounts_add_member(&f, a, b, &e), 1);
		world_file(w, "/etc/group", f.group);
		accounts_free(&f);
	}
}

static inline void world_mount(struct world *w, const struct change *c)
{
	unsigned mode = 0755, gid = 0;
	char text[256];
	const char *at;

	at = strstr(c->value, "mode=");
	assert_int_equal(at ? sscanf(at, "mode=%o", &mode) : 0, 1);
	at = strstr(c->value, "gid=");
	assert_int_equal(at ? sscanf(at, "gid=%u", &gid) : 0, 1);
	tree_dir(&w->t, c->target);
	snprintf(text, sizeof(text), "30 20 0:30 / %s rw - hugetlbfs hugetlbfs rw,%s\n",
		 c->target, strchr(c->value, ' ') + 1);
	world_append(w, "/proc/self/mountinfo", text);
	snprintf(text, sizeof(text),
		 "statfs %s = 0x958458f6 0x200000\nnode %s = d 0 0 %04o 0 %u\n", c->target,
		 c->target, mode, gid);
	world_append(w, "/.hostkit-record", text);
}

/* What a kernel and the system's tools would have made of a change. */
static inline void world_by_hand(struct world *w, const struct change *c)
{
	char path[256], name[64];

	if (c->kind == &kind_module) {
		snprintf(path, sizeof(path), "/sys/module/%s/initstate", c->target);
		if (c->value)
			world_file(w, path, "live\n");
		else
			unlink(tree_path(&w->t, path));
	} else if (c->kind == &kind_account) {
		world_account(w, c);
	} else if (c->kind == &kind_mount) {
		world_mount(w, c);
	} else if (c->kind == &kind_driver) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", c->target);
		snprintf(name, sizeof(name), "../drivers/%s", c->value);
		tree_link(&w->t, path, name);
	} else if (c->kind == &kind_node) {
		unsigned mode, uid, gid;

		assert_int_equal(sscanf(c->value, "%o %u:%u", &mode, &uid, &gid), 3);
		snprintf(path, sizeof(path), "node %s = c 10 238 %04o %u %u\n", c->target, mode,
			 uid, gid);
		world_append(w, "/.hostkit-record", path);
	} else {
		fail_msg("%s %s cannot be done by hand", c->kind->name, c->target);
	}
}

/* Does all of the plan to the tree. */
static inline void world_apply(struct world *w)
{
	for (size_t i = 0; i < w->plan.n; i++) {
		const struct change *c = &w->plan.v[i];
		struct err e = { 0 };

		if (c->kind->trigger)
			continue;
		if (c->kind == &kind_sysctl || c->kind == &kind_sysfs || !c->kind->live) {
			if (c->kind->apply(w->h, c, &e) < 0)
				fail_msg("%s %s: %s", c->kind->name, c->target, e.msg);
		} else {
			world_by_hand(w, c);
		}
	}
}

static inline char *world_text(const struct world *w, const char *path)
{
	char *text = NULL;
	struct err e = { 0 };

	if (host_read(w->h, path, &text, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	return text;
}

static inline void world_expect_text(const struct world *w, const char *path, const char *want)
{
	char *text = world_text(w, path);

	assert_string_equal(text, want);
	free(text);
}

static inline void world_free(struct world *w)
{
	plan_free(&w->plan);
	profile_free(w->p);
	host_close(w->h);
	tree_remove(&w->t);
	w->h = NULL;
	w->p = NULL;
}

#endif
