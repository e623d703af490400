/* SPDX-License-Identifier: MIT */
#include "tune/profile.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct profile *parse(const char *text)
{
	struct profile *p = NULL;
	struct err e = { 0 };

	if (profile_parse("/etc/hostkit/x.ini", text, &p, &e) < 0)
		print_message("# %s\n", e.msg);
	assert_non_null(p);
	return p;
}

/* @text is refused at @line, with @word in the message. */
static void refuse(const char *text, unsigned line, const char *word)
{
	struct profile *p = NULL;
	struct err e = { 0 };
	char at[32];

	snprintf(at, sizeof(at), "x.ini:%u: ", line);
	assert_int_equal(profile_parse("x.ini", text, &p, &e), -EINVAL);
	assert_null(p);
	if (strncmp(e.msg, line ? at : "x.ini: ", strlen(line ? at : "x.ini: ")) ||
	    !strstr(e.msg, word))
		fail_msg("'%s' names neither %u nor '%s'", e.msg, line, word);
}

static void all_keys(void **state)
{
	struct profile *p = parse("[host]\nkvm = yes\nkvm_module=kvm_amd\nnested = no\n"
				  "tun: yes\nvhost_net = keep ; as it is\n"
				  "vhost_mem_regions = 509\nguests = 4G, 2 x 8G,\n  3x512M\n"
				  "[hugepages]\nreserve = yes\npage = 1G\ncount = auto\n"
				  "mount = /mnt/huge\ngroup = kvm\n"
				  "[bridge]\nallow = br0 br1, br0\nhelper_suid = yes\n"
				  "create = no\n"
				  "[users]\ncreate = yes\nmembers = alice,bob\n"
				  "[iommu]\nenable = yes\nidentity = no\n"
				  "vfio = 03:00.0, 0001:AB:1f.7\n"
				  "[kernel]\ncmdline = isolcpus=2,3 quiet\npsi = yes\n"
				  "[memory]\nksm = no\nthp = madvise\nswappiness = 0\n"
				  "[sysctl]\nnet.core.somaxconn = 2048\n"
				  "[cpu]\ngovernor = performance\n"
				  "[limits]\nmemlock = unlimited\n[services]\nboot = no\n"
				  "[packages]\ninstall = yes\nany = a b\nalpine = c\n"
				  "debian = d, e\n");
	unsigned n;

	(void)state;
	assert_string_equal(p->name, "x");
	assert_int_equal(p->kvm, WISH_YES);
	assert_string_equal(p->kvm_module, "kvm_amd");
	assert_int_equal(p->nested, WISH_NO);
	assert_int_equal(p->tun, WISH_YES);
	assert_int_equal(p->vhost_net, WISH_KEEP);
	assert_int_equal(p->vhost_mem_regions, 509);
	assert_int_equal(p->n_guests, 3);
	assert_int_equal(p->guests[1].count, 2);
	assert_int_equal(p->guests[1].bytes, 8ull << 30);
	assert_int_equal(profile_guest_bytes(p, &n), (20ull << 30) + (1536ull << 20));
	assert_int_equal(n, 6);
	assert_int_equal(p->huge_page, 1 << 30);
	assert_int_equal(p->huge_count, 0);
	assert_string_equal(p->huge_mount, "/mnt/huge");
	assert_string_equal(p->huge_group, "kvm");
	assert_int_equal(p->bridges.n, 2);
	assert_string_equal(p->bridges.v[1], "br1");
	assert_int_equal(p->helper_suid, WISH_YES);
	assert_int_equal(p->bridge_create, WISH_NO);
	assert_int_equal(p->users.n, 2);
	assert_string_equal(p->vfio.v[0], "0000:03:00.0");
	assert_string_equal(p->vfio.v[1], "0001:ab:1f.7");
	assert_int_equal(p->cmdline.n, 2);
	assert_string_equal(p->cmdline.v[0], "isolcpus=2,3");
	assert_int_equal(p->swappiness, 0);
	assert_string_equal(p->sysctls[0].name, "net.core.somaxconn");
	assert_string_equal(p->thp, "madvise");
	assert_true(p->memlock == UINT64_MAX);
	assert_int_equal(p->at_boot, WISH_NO);
	assert_int_equal(p->pkg_any.n, 2);
	assert_int_equal(p->pkg_debian.n, 2);
	profile_free(p);
}

static void silence_keeps(void **state)
{
	struct profile *p = parse("# nothing\n");

	(void)state;
	assert_int_equal(p->kvm, WISH_KEEP);
	assert_int_equal(p->swappiness, -1);
	assert_int_equal(p->vhost_mem_regions, 0);
	assert_null(p->huge_mount);
	assert_int_equal(p->memlock, 0);
	profile_free(p);
}

static void faults_have_their_line(void **state)
{
	char longer[400];

	(void)state;
	refuse("[host]\n\nkvn = yes\n", 3, "kvn");
	refuse("[hosts]\nkvm = yes\n", 2, "hosts");
	refuse("kvm = yes\n", 1, "section");
	refuse("[host]\nkvm = on\n", 2, "'on'");
	refuse("[host]\nkvm = yes # no comment\n", 2, "not yes");
	refuse("[host]\nkvm = yes\nkvm = no\n", 3, "twice");
	refuse("[host]\n\nwhat\n", 3, "key = value");
	refuse("[host]\nguests = 4G, many\n", 2, "many");
	refuse("[host]\nvhost_mem_regions = 70000\n", 2, "70000");
	refuse("[hugepages]\npage = 3M\n", 2, "3M");
	refuse("[hugepages]\nmount = /dev/../etc\n", 2, "plain path");
	refuse("[hugepages]\nreserve = yes\n", 0, "guests");
	refuse("[bridge]\nallow = -br0\n", 2, "-br0");
	refuse("[bridge]\nallow = all\n", 2, "all");
	refuse("[bridge]\nallow = averyverylongname0\n", 2, "averyvery");
	refuse("[kernel]\ncmdline = a=\"b\"\n", 2, "no loader");
	refuse("[kernel]\ncmdline = $(reboot)\n", 2, "no loader");
	refuse("[users]\nmembers = --help\n", 2, "--help");
	refuse("[packages]\nany = -o\n", 2, "-o");
	refuse("[iommu]\nvfio = 3:0.0\n", 2, "3:0.0");
	refuse("[iommu]\nvfio = 00:20.0\n", 2, "00:20.0");
	refuse("[memory]\nthp = sometimes\n", 2, "sometimes");
	refuse("[memory]\nthp_shared = force\n", 2, "force");
	refuse("[memory]\nswappiness = 1\n[sysctl]\nvm.swappiness = 2\n", 0, "swappiness");
	refuse("[sysctl]\nkernel.core_pattern = |/bin/sh\n", 2, "core_pattern");
	refuse("[sysctl]\nvm/../x.y = 1\n", 2, "vm/../x.y");
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "[users]\nmembers = ", 18);
	longer[sizeof(longer) - 1] = '\0';
	refuse(longer, 2, "longer");
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *c = strchr(path + strlen(dir) + 1, '/'); c; c = strchr(c + 1, '/')) {
		*c = '\0';
		mkdir(path, 0755);
		*c = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void looked_for_below_the_root(void **state)
{
	char dir[] = "/tmp/hostkit-profile.XXXXXX", path[64];
	struct profile *p = NULL;
	struct host *h = NULL;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(host_open(dir, &h, &e), 0);
	assert_int_equal(profile_read(h, "no-such-profile", &p, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/usr/share/hostkit/no-such-profile.ini"));
	assert_int_equal(profile_read(h, "", &p, &e), -EINVAL);
	put(dir, "usr/share/hostkit/mine.ini", "[host]\ntun = no\n");
	assert_int_equal(profile_read(h, "mine", &p, &e), 0);
	assert_int_equal(p->tun, WISH_NO);
	profile_free(p);
	put(dir, "etc/hostkit/mine.ini", "[host]\ntun = yes\n");
	assert_int_equal(profile_read(h, "mine", &p, &e), 0);
	assert_int_equal(p->tun, WISH_YES);
	assert_string_equal(p->name, "mine");
	assert_string_equal(p->file, "/etc/hostkit/mine.ini");
	profile_free(p);
	/* with a slash: a file of this machine */
	snprintf(path, sizeof(path), "%s/etc/hostkit/mine.ini", dir);
	assert_int_equal(profile_read(h, path, &p, &e), 0);
	profile_free(p);
	host_close(h);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void shipped_ones_are_valid(void **state)
{
	static const char *const names[] = { "kvm-host", "passthrough-host", "emulation-only",
					     "ci-runner", "low-latency" };
	const char *top = getenv("TOP");
	struct host *h = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(host_open(NULL, &h, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct profile *p = NULL;
		char path[4096];

		snprintf(path, sizeof(path), "%s/etc/hostkit/%s.ini", top ? top : ".",
			 names[i]);
		if (profile_read(h, path, &p, &e) < 0)
			fail_msg("%s", e.msg);
		assert_string_equal(p->name, names[i]);
		assert_int_equal(p->tun, WISH_YES);
		profile_free(p);
	}
	host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys),
		cmocka_unit_test(silence_keeps),
		cmocka_unit_test(faults_have_their_line),
		cmocka_unit_test(looked_for_below_the_root),
		cmocka_unit_test(shipped_ones_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
