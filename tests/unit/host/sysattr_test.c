/* SPDX-License-Identifier: MIT */
/* States of the running kernel: attributes, security, control groups. */
#include "host/sysattr.h"

#include "host/cgroup.h"
#include "host/security.h"
#include "tests/unit/host/fixture.h"

static void words_to_choose_from(void **state)
{
	struct choice c;
	char many[600];

	assert_int_equal(choice_parse("always [madvise] never\n", 23, &c, NULL), 0);
	assert_string_equal(c.active, "madvise");
	assert_string_equal(c.all, "always madvise never");
	assert_true(choice_offers(&c, "never") && choice_offers(&c, "madvise"));
	assert_false(choice_offers(&c, "neve"));
	assert_int_equal(choice_parse("a b", 3, &c, NULL), 0);
	assert_string_equal(c.active, "");
	assert_int_equal(choice_parse("", 0, &c, NULL), -EINVAL);
	assert_int_equal(choice_parse("[a] [b]", 7, &c, NULL), -EINVAL);
	assert_int_equal(choice_parse("a []", 4, &c, NULL), -EINVAL);
	memset(many, 'x', sizeof(many));
	assert_int_equal(choice_parse(many, sizeof(many), &c, NULL), -EINVAL);
}

static void pressure(void **state)
{
	enum psi psi;
	struct host *h = fixture_open(*state, "arch = x86_64\n");

	assert_int_equal(sysattr_psi(h, &psi, NULL), 0);
	assert_int_equal(psi, PSI_NONE);
	tree_file(*state, "/proc/pressure/memory", "some avg10=0.00\n");
	assert_int_equal(sysattr_psi(h, &psi, NULL), 0);
	assert_int_equal(psi, PSI_ON);
	host_close(h);
	h = fixture_open(*state, "arch = x86_64\naccess /proc/pressure/memory = ENOTSUP\n");
	assert_int_equal(sysattr_psi(h, &psi, NULL), 0);
	assert_int_equal(psi, PSI_OFF);
	host_close(h);
}

static void memory_states(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct sys_ksm k;
	struct sys_thp p;

	assert_int_equal(sysattr_ksm(h, &k, NULL), -ENOENT);
	assert_int_equal(sysattr_thp(h, &p, NULL), -ENOENT);
	tree_file(t, "/sys/kernel/mm/ksm/run", "1\n");
	tree_file(t, "/sys/kernel/mm/ksm/pages_sharing", "77\n");
	tree_file(t, "/sys/kernel/mm/ksm/merge_across_nodes", "0\n");
	assert_int_equal(sysattr_ksm(h, &k, NULL), 0);
	assert_true(k.run == 1 && k.pages_sharing == 77 && k.across_nodes == TRI_NO);
	tree_file(t, "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
	assert_int_equal(sysattr_thp(h, &p, NULL), 0);
	assert_string_equal(p.enabled.active, "always");
	assert_string_equal(p.defrag.active, "");
}

static void governors(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct sys_governors g;

	assert_int_equal(sysattr_governors(h, &g, NULL), 0);
	assert_true(g.policies == 0 && g.boost == TRI_UNKNOWN);
#define FREQ "/sys/devices/system/cpu/cpufreq/"
	tree_file(t, FREQ "policy0/scaling_governor", "powersave\n");
	tree_file(t, FREQ "policy0/scaling_available_governors", "performance powersave \n");
	tree_file(t, FREQ "policy0/energy_performance_preference", "balance_power\n");
	tree_file(t, FREQ "policy2/scaling_governor", "performance\n");
	tree_file(t, FREQ "policy10/scaling_governor", "powersave\n");
	tree_file(t, "/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
	assert_int_equal(sysattr_governors(h, &g, NULL), 0);
	assert_true(g.policies == 3 && g.others == 1 && g.boost == TRI_YES);
	assert_string_equal(g.first, "powersave");
	assert_string_equal(g.offers, "performance powersave");
	assert_string_equal(g.preference, "balance_power");
}

static void clock_and_threads(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct sys_clock c;
	struct sys_smt s;

	assert_int_equal(sysattr_clock(h, &c, NULL), -ENOENT);
	tree_file(t, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  "hpet\n");
	tree_file(t, "/sys/devices/system/clocksource/clocksource0/available_clocksource",
		  "hpet acpi_pm \n");
	assert_int_equal(sysattr_clock(h, &c, NULL), 0);
	assert_string_equal(c.current, "hpet");
	assert_string_equal(c.available, "hpet acpi_pm");
	tree_file(t, "/sys/devices/system/cpu/smt/control", "on\n");
	assert_int_equal(sysattr_smt(h, &s, NULL), 0);
	assert_int_equal(s.active, TRI_UNKNOWN);
	tree_file(t, "/sys/devices/system/cpu/smt/active", "1\n");
	assert_int_equal(sysattr_smt(h, &s, NULL), 0);
	assert_true(s.active == TRI_YES && !strcmp(s.control, "on"));
}

static void flaws(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct sys_flaws f;
	bool smt;

	assert_int_equal(sysattr_flaw("Not affected", &smt), FLAW_NOT_AFFECTED);
	assert_int_equal(sysattr_flaw("KVM: Mitigation: VMX disabled", &smt), FLAW_MITIGATED);
	assert_int_equal(sysattr_flaw("Vulnerable: Clear CPU buffers attempted", &smt),
			 FLAW_VULNERABLE);
	assert_int_equal(sysattr_flaw("Processor vulnerable", &smt), FLAW_VULNERABLE);
	assert_int_equal(sysattr_flaw("Unknown: No mitigations", &smt), FLAW_UNKNOWN);
	assert_false(smt);
	tree_file(t, "/sys/devices/system/cpu/vulnerabilities/l1tf",
		  "Mitigation: PTE Inversion; VMX: vulnerable, SMT vulnerable\n");
	tree_file(t, "/sys/devices/system/cpu/vulnerabilities/a", "Not affected\n");
	assert_int_equal(sysattr_flaws(h, &f, NULL), 0);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.v[1].name, "l1tf");
	assert_true(f.v[1].smt_vulnerable && !f.v[0].smt_vulnerable);
	free(f.v);
}

static void parameters(void **state)
{
	static const struct {
		const char *text;
		enum tri want;
	} rows[] = { { "Y\n", TRI_YES }, { "N\n", TRI_NO }, { "1", TRI_YES },
		     { "0", TRI_NO },    { "-1", TRI_YES }, { "2", TRI_YES } };
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	enum tri v;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tree_file(t, "/sys/module/kvm_amd/parameters/nested", rows[i].text);
		assert_int_equal(sysattr_param(h, "kvm_amd", "nested", &v, NULL), 0);
		assert_int_equal(v, rows[i].want);
	}
	tree_file(t, "/sys/module/kvm_amd/parameters/nested", "maybe\n");
	assert_int_equal(sysattr_param(h, "kvm_amd", "nested", &v, NULL), -EINVAL);
	assert_int_equal(sysattr_param(h, "kvm_intel", "nested", &v, NULL), -ENOENT);
}

static void an_image_has_none_of_it(void **state)
{
	AUTO_HOST struct host *h = fixture_open(*state, NULL);
	struct sys_governors g;
	struct security s;
	struct cgroup c;
	enum psi psi;

	assert_int_equal(sysattr_psi(h, &psi, NULL), -ENOTSUP);
	assert_int_equal(sysattr_governors(h, &g, NULL), -ENOTSUP);
	assert_int_equal(security_read(h, &s, NULL), -ENOTSUP);
	assert_int_equal(cgroup_read(h, &c, NULL), -ENOTSUP);
}

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void security(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct security s;
	bool on;

	assert_int_equal(security_read(h, &s, NULL), 0);
	assert_true(!s.lockdown[0] && !s.lsm.n && s.secure_boot == TRI_NO && s.efi == TRI_NO);
	assert_true(s.apparmor == TRI_NO && s.signed_modules == TRI_NO);
	tree_file(t, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	tree_file(t, "/sys/kernel/security/lsm", "lockdown,yama,apparmor");
	tree_file(t, "/sys/module/apparmor/parameters/enabled", "Y\n");
	tree_file(t, "/sys/module/module/parameters/sig_enforce", "N\n");
	tree_dir(t, "/sys/firmware/efi");
	assert_int_equal(security_read(h, &s, NULL), 0);
	assert_string_equal(s.lockdown, "integrity");
	assert_true(s.lsm.n == 3 && words_has(&s.lsm, "yama") && s.selinux == TRI_NO);
	assert_true(s.apparmor == TRI_YES && s.signed_modules == TRI_YES);
	/* EFI without variables to read */
	assert_true(s.efi == TRI_YES && s.secure_boot == TRI_UNKNOWN);
	security_free(&s);
	tree_bytes(t, SECURE_BOOT, "\6\0\0\0\1", 5);
	tree_file(t, "/sys/fs/selinux/enforce", "1");
	assert_int_equal(security_read(h, &s, NULL), 0);
	assert_true(s.secure_boot == TRI_YES && s.selinux_enforce == TRI_YES);
	security_free(&s);
	assert_int_equal(security_efi_bool("\6\0\0\0\0", 5, &on, NULL), 0);
	assert_false(on);
	assert_int_equal(security_efi_bool("\6\0\0\0", 4, &on, NULL), -EINVAL);
	assert_int_equal(security_efi_bool("\6\0\0\0\2", 5, &on, NULL), -EINVAL);
}

#define KNOWN \
	"#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t1\t1\nmemory\t0\t1\t0\nhugetlb 3 1 1\n"

static void control_groups(void **state)
{
	const struct tree *t = *state;
	AUTO_HOST struct host *h = fixture_open(t, "arch = x86_64\n");
	struct cgroup c;

	tree_file(t, "/proc/cgroups", KNOWN);
	tree_file(t, "/proc/mounts", "proc /proc proc rw 0 0\n");
	assert_int_equal(cgroup_read(h, &c, NULL), 0);
	assert_true(c.version == CGROUP_NONE && c.known.n == 2);
	cgroup_free(&c);
	tree_file(t, "/proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
	tree_file(t, "/sys/fs/cgroup/cgroup.controllers", "cpu memory hugetlb\n");
	tree_file(t, "/sys/fs/cgroup/cgroup.subtree_control", "cpu\n");
	assert_int_equal(cgroup_read(h, &c, NULL), 0);
	assert_int_equal(c.version, CGROUP_V2);
	assert_string_equal(c.v2_path, "/sys/fs/cgroup");
	assert_true(c.controllers.n == 3 && c.enabled.n == 1 && words_has(&c.enabled, "cpu"));
	cgroup_free(&c);
	tree_file(t, "/proc/mounts",
		  "cgroup /sys/fs/cgroup/cpu cgroup rw,nosuid,cpu 0 0\n"
		  "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n");
	assert_int_equal(cgroup_read(h, &c, NULL), 0);
	assert_true(c.version == CGROUP_V1 && c.controllers.n == 1);
	cgroup_free(&c);
	tree_file(t, "/proc/mounts",
		  "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
		  "cgroup /sys/fs/cgroup/hugetlb cgroup rw,hugetlb 0 0\n");
	assert_int_equal(cgroup_read(h, &c, NULL), 0);
	assert_true(c.version == CGROUP_HYBRID && words_has(&c.controllers, "hugetlb"));
	assert_string_equal(cgroup_version_name(c.version), "hybrid");
	cgroup_free(&c);
	/* v2 with systemd's name beside it is no v1 */
	tree_file(t, "/proc/mounts",
		  "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
		  "cgroup /x cgroup rw,name=systemd 0 0\n");
	assert_int_equal(cgroup_read(h, &c, NULL), 0);
	assert_int_equal(c.version, CGROUP_V2);
	cgroup_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_to_choose_from),
		in_tree(pressure),
		in_tree(memory_states),
		in_tree(governors),
		in_tree(clock_and_threads),
		in_tree(flaws),
		in_tree(parameters),
		in_tree(an_image_has_none_of_it),
		in_tree(security),
		in_tree(control_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
