/* SPDX-License-Identifier: MIT */
/* CPUID and the registers around it. */
#include "host/cpuid.h"

#include "host/msr.h"
#include "tests/unit/host/fixture.h"

static void a_recorded_processor(void **state)
{
	AUTO_HOST struct host *h =
		fixture_open(*state,
			     "arch = i686\n"
			     "cpuid 0x0 0x0 = 0xd 0x68747541 0x444d4163 0x69746e65\n"
			     "cpuid 0x1 0x0 = 0 0 0x80000000 0\n"
			     "cpuid 0x40000000 0x0 = 0x40000010 0x4b4d564b 0x564b4d56 0x4d\n"
			     "cpuid 0x80000000 0x0 = 0x8000001f 0 0 0\n"
			     "cpuid 0x80000001 0x0 = 0 0 0x4 0x24100000\n"
			     "cpuid 0x80000007 0x0 = 0 0 0 0x100\n"
			     "cpuid 0x80000008 0x0 = 0x3030 0 0 0\n"
			     "cpuid 0x8000000a 0x0 = 1 0x8000 0 0x2005\n"
			     "cpuid 0x8000001f 0x0 = 0xb 0 0x1fd 0x1\n");
	struct cpuid c;

	assert_int_equal(cpuid_get(h, &c, NULL), 0);
	assert_string_equal(c.vendor, "AuthenticAMD");
	assert_true(c.svm && !c.vmx && c.nx && c.page_1g && c.long_mode && c.invariant_tsc);
	assert_true(c.phys_bits == 48 && c.svm_asids == 0x8000);
	assert_int_equal(c.svm_flags, SVM_NPT | SVM_LOCK | SVM_AVIC);
	assert_true(c.hypervisor);
	assert_string_equal(c.signature, "KVMKVMKVM");
	assert_string_equal(c.signature2, "");
	assert_true(c.sme && c.sev && c.sev_es && !c.sev_snp);
	assert_true(c.sev_guests == 0x1fd && c.sev_min_asid == 1);
}

/* What stands in leaves above the last one is not the processor's answer. */
static void leaves_past_the_last(void **state)
{
	AUTO_HOST struct host *h = fixture_open(
		*state, "arch = x86_64\ncpuid 0x0 0x0 = 1 0x20 0x41 0x1b\n"
			"cpuid 0x1 0x0 = 0 0 0 0\ncpuid 0x80000000 0x0 = 0x80000001 0 0 0\n"
			"cpuid 0x80000001 0x0 = 0 0 0x4 0\n"
			"cpuid 0x8000000a 0x0 = 1 2 3 4\ncpuid 0x8000001f 0x0 = 2 0 0 0\n");
	struct cpuid c;

	assert_int_equal(cpuid_get(h, &c, NULL), 0);
	assert_true(c.svm && !c.svm_flags && !c.sev);
	assert_string_equal(c.vendor, " ???????A");
}

static void what_was_not_recorded(void **state)
{
	struct host *h = fixture_open(*state, "arch = x86_64\ncpuid 0x0 0x0 = 1 2 3 4\n"
					      "cpuid 0x7 0x0 = 1 2 3 0x100000000\n");
	struct cpuid_regs r;
	struct cpuid c;

	assert_int_equal(cpuid_read(h, 0, 0, &r, NULL), 0);
	assert_true(r.eax == 1 && r.ebx == 2 && r.ecx == 3 && r.edx == 4);
	assert_int_equal(cpuid_read(h, 1, 0, &r, NULL), -ENODATA);
	assert_int_equal(cpuid_read(h, 7, 0, &r, NULL), -EINVAL);
	assert_int_equal(cpuid_get(h, &c, NULL), -ENODATA);
	host_close(h);
	h = fixture_open(*state, "arch = aarch64\n");
	assert_int_equal(cpuid_get(h, &c, NULL), -ENOTSUP);
	host_close(h);
}

static void this_processor(void **state)
{
	AUTO_HOST struct host *h = NULL;
	struct cpuid c;
	int r;

	assert_int_equal(host_open(NULL, &h, NULL), 0);
	r = cpuid_get(h, &c, NULL);
#ifdef __x86_64__
	assert_int_equal(r, 0);
	assert_true(c.max_basic >= 1 && c.long_mode);
	assert_true(strlen(c.vendor) >= 4);
#else
	assert_int_equal(r, -ENOTSUP);
#endif
}

static void registers(void **state)
{
	AUTO_HOST struct host *h = fixture_open(*state, "arch = x86_64\nmsr 0 0x3a = 0x5\n"
							"msr 1 0x3a = EIO\nmsr 2 0x3a = x\n"
							"access /dev/cpu/3/msr = EACCES\n"
							"access /dev/cpu/4/msr = ENOENT\n");
	struct err e = { 0 };
	uint64_t v = 0;

	assert_int_equal(msr_read(h, 0, 0x3a, &v, NULL), 0);
	assert_int_equal(v, 5);
	assert_int_equal(msr_read(h, 1, 0x3a, &v, &e), -EIO);
	assert_non_null(strstr(e.msg, "no register 0x3a"));
	assert_int_equal(msr_read(h, 2, 0x3a, &v, &e), -EINVAL);
	assert_int_equal(msr_read(h, 3, 0x3a, &v, &e), -EACCES);
	assert_non_null(strstr(e.msg, "root"));
	assert_int_equal(msr_read(h, 4, 0x3a, &v, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "module msr"));
	assert_int_equal(msr_read(h, 0, 0x48b, &v, &e), -ENODATA);
	tree_dir(*state, "/sys/module/msr");
	assert_int_equal(msr_read(h, 4, 0x3a, &v, &e), -ENXIO);
}

static void bits_of_registers(void **state)
{
	struct msr_feat_ctl f = msr_feat_ctl(0x5);
	struct msr_vm_cr c = msr_vm_cr(0x10);

	assert_true(f.locked && f.vmx && !f.vmx_smx);
	f = msr_feat_ctl(0x3);
	assert_true(f.locked && !f.vmx && f.vmx_smx);
	assert_true(c.disabled && !c.locked);
	c = msr_vm_cr(0x8);
	assert_true(!c.disabled && c.locked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(a_recorded_processor),
		in_tree(leaves_past_the_last),
		in_tree(what_was_not_recorded),
		cmocka_unit_test(this_processor),
		in_tree(registers),
		cmocka_unit_test(bits_of_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
