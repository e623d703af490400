/* SPDX-License-Identifier: MIT */
#include "host/virt.h"

#include "tests/unit/host/fixture.h"

#define INTEL    "cpuid 0x0 0x0 = 0x16 0x756e6547 0x6c65746e 0x49656e69\n"
#define AMD      "cpuid 0x0 0x0 = 0x10 0x68747541 0x444d4163 0x69746e65\n"
/* leaf 1: bit 5 of ECX is VMX, bit 31 a hypervisor */
#define WITH_VMX "cpuid 0x1 0x0 = 0x50654 0 0x20 0\n"
#define PLAIN    "cpuid 0x1 0x0 = 0x50654 0 0 0\n"
#define GUEST    "cpuid 0x1 0x0 = 0x50654 0 0x80000000 0\n"
#define EXTENDED "cpuid 0x80000000 0x0 = 0x8000001f 0 0 0\n"
#define WITH_SVM EXTENDED "cpuid 0x80000001 0x0 = 0 0 0x4 0x4000000\n"
#define SVM_LEAF \
	"cpuid 0x8000000a 0x0 = 0x1 0x8000 0 0xa041\n" /* NPT FLUSHBYASID AVIC VMSAVE */
#define X86 "arch = x86_64\n"

static void detect(const struct tree *t, const char *record, const char *cpuinfo,
		   struct virt *v)
{
	struct host *h;

	if (cpuinfo)
		tree_file(t, "/proc/cpuinfo", cpuinfo);
	h = fixture_open(t, record);
	assert_int_equal(virt_detect(h, v, NULL), 0);
	host_close(h);
}

static void intel_that_works(void **state)
{
	struct virt v;

	detect(*state, X86 INTEL WITH_VMX "msr 0 0x3a = 0x5\n",
	       "processor : 0\nvendor_id : GenuineIntel\nflags : fpu vmx nx pdpe1gb\n"
	       "vmx flags : ept vpid unrestricted_guest vapic_reg vid shadow_vmcs\n",
	       &v);
	assert_true(v.ext == VIRT_VMX && v.state == VIRT_USABLE);
	assert_true(v.slat == TRI_YES && v.vpid == TRI_YES && v.unrestricted == TRI_YES);
	assert_true(v.apic == TRI_YES && v.nesting == TRI_YES && v.on_all_cpus == TRI_YES);
	assert_true(v.page_1g == TRI_YES && v.nx == TRI_YES && v.sev == TRI_NO);
	assert_string_equal(v.module, "kvm_intel");
	assert_int_equal(v.in.inside, TRI_NO);
}

static void intel_half_an_apic(void **state)
{
	struct virt v;

	detect(*state, X86, "processor : 0\nflags : fpu vmx\nvmx flags : ept vapic_reg\n", &v);
	assert_true(v.state == VIRT_USABLE && v.slat == TRI_YES && v.apic == TRI_NO);
	assert_int_equal(v.unrestricted, TRI_NO);
}

/* Linux before 5.6 has no "vmx flags": the register says it, or two flags do. */
static void intel_on_an_old_kernel(void **state)
{
	struct virt v;

	detect(*state, X86 INTEL WITH_VMX "msr 0 0x48b = 0x3a000000000\n",
	       "processor : 0\nflags : fpu vmx\n", &v);
	assert_true(v.slat == TRI_NO && v.vpid == TRI_YES && v.unrestricted == TRI_YES);
	assert_true(v.apic == TRI_YES && v.nesting == TRI_NO);
	detect(*state, X86 INTEL WITH_VMX, "processor : 0\nflags : fpu vmx ept\n", &v);
	assert_true(v.slat == TRI_YES && v.vpid == TRI_NO && v.apic == TRI_UNKNOWN);
}

static void intel_locked(void **state)
{
	struct virt v;

	detect(*state, X86 INTEL WITH_VMX "msr 0 0x3a = 0x1\n", "processor : 0\nflags : fpu\n",
	       &v);
	assert_true(v.ext == VIRT_VMX && v.state == VIRT_LOCKED);
	assert_non_null(strstr(v.why, "0x3a is 0x1"));
	/* an old kernel shows the flag all the same; VMX inside SMX is no help */
	detect(*state, X86 INTEL WITH_VMX "msr 0 0x3a = 0x3\n",
	       "processor : 0\nflags : fpu vmx\n", &v);
	assert_int_equal(v.state, VIRT_LOCKED);
}

static void intel_hidden(void **state)
{
	struct virt v;

	/* who asks is not root: firmware most likely, but not for certain */
	detect(*state, X86 INTEL WITH_VMX "access /dev/cpu/0/msr = EACCES\n",
	       "processor : 0\nflags : fpu\n", &v);
	assert_true(v.ext == VIRT_VMX && v.state == VIRT_HIDDEN);
	assert_non_null(strstr(v.why, "root"));
	assert_int_equal(v.slat, TRI_UNKNOWN);
	detect(*state, X86 INTEL WITH_VMX "msr 0 0x3a = 0x5\n", "processor : 0\nflags : fpu\n",
	       &v);
	assert_int_equal(v.state, VIRT_HIDDEN);
	assert_non_null(strstr(v.why, "did not lock"));
	tree_file(*state, "/proc/cmdline", "quiet clearcpuid=133\n");
	detect(*state, X86 INTEL WITH_VMX, NULL, &v);
	assert_non_null(strstr(v.why, "clearcpuid="));
}

static void amd_that_works(void **state)
{
	struct virt v;

	detect(*state, X86 AMD PLAIN WITH_SVM SVM_LEAF "msr 0 0xc0010114 = 0x8\n",
	       "processor : 0\nvendor_id : HygonGenuine\n"
	       "flags : fpu svm npt flushbyasid v_vmsave_vmload nx\n",
	       &v);
	assert_true(v.ext == VIRT_SVM && v.state == VIRT_USABLE);
	assert_string_equal(v.module, "kvm_amd");
	/* the processor shows AVIC, the kernel does not use it */
	assert_true(v.slat == TRI_YES && v.apic == TRI_NO && v.unrestricted == TRI_YES);
	assert_true(v.vpid == TRI_YES && v.nesting == TRI_YES);
}

static void amd_switched_off(void **state)
{
	struct virt v;

	/* the kernel keeps the flag */
	detect(*state, X86 AMD PLAIN WITH_SVM SVM_LEAF "msr 0 0xc0010114 = 0x18\n",
	       "processor : 0\nflags : fpu svm npt\n", &v);
	assert_true(v.ext == VIRT_SVM && v.state == VIRT_LOCKED);
	detect(*state, X86 AMD PLAIN WITH_SVM SVM_LEAF "access /dev/cpu/0/msr = ENOENT\n",
	       "processor : 0\nflags : fpu svm npt\n", &v);
	assert_int_equal(v.state, VIRT_USABLE);
	assert_non_null(strstr(v.why, "could not be read"));
	/* KVM runs, so it is not */
	tree_dir(*state, "/sys/class/misc/kvm");
	detect(*state, X86 AMD PLAIN WITH_SVM SVM_LEAF, NULL, &v);
	assert_null(strstr(v.why, "could not be read"));
}

static void only_some_processors(void **state)
{
	struct virt v;

	detect(*state, X86 INTEL WITH_VMX "msr 0 0x3a = 0x5\n",
	       "processor : 0\nflags : fpu vmx\n\nprocessor : 1\nflags : fpu\n", &v);
	assert_true(v.state == VIRT_HIDDEN && v.on_all_cpus == TRI_NO && v.ext == VIRT_VMX);
}

static void none_at_all(void **state)
{
	struct virt v;

	detect(*state, X86 INTEL PLAIN, "processor : 0\nflags : fpu\n", &v);
	assert_true(v.ext == VIRT_EXT_NONE && v.state == VIRT_ABSENT);
	assert_string_equal(v.module, "");
	/* without CPUID a missing flag may be firmware's doing */
	detect(*state, X86, "processor : 0\nflags : fpu\n", &v);
	assert_int_equal(v.state, VIRT_UNSURE);
}

static void nothing_to_go_by(void **state)
{
	struct virt v;
	struct host *h;

	detect(*state, X86, NULL, &v);
	assert_true(v.state == VIRT_UNSURE && v.in.inside == TRI_UNKNOWN);
	tree_must(!remove(tree_path(*state, "/.hostkit-record")));
	h = fixture_open(*state, NULL);
	assert_int_equal(virt_detect(h, &v, NULL), -ENOTSUP);
	host_close(h);
}

static void arm64(void **state)
{
	struct virt v;

	detect(*state, "arch = aarch64\n", "processor : 0\nFeatures : fp\n", &v);
	assert_true(v.ext == VIRT_ARM_EL2 && v.state == VIRT_UNSURE);
	tree_dir(*state, "/sys/module/kvm");
	detect(*state, "arch = aarch64\n", NULL, &v);
	assert_int_equal(v.state, VIRT_ABSENT);
	tree_file(*state, "/proc/cmdline", "kvm-arm.mode=none\n");
	detect(*state, "arch = aarch64\n", NULL, &v);
	assert_int_equal(v.state, VIRT_HIDDEN);
	tree_dir(*state, "/sys/class/misc/kvm");
	detect(*state, "arch = aarch64\n", NULL, &v);
	assert_int_equal(v.state, VIRT_USABLE);
	assert_string_equal(v.module, "kvm");
	detect(*state, "arch = riscv64\n", NULL, &v);
	assert_true(v.ext == VIRT_KERNEL && v.state == VIRT_USABLE);
}

static void inside(const struct tree *t, const char *record, const char *name, const char *how)
{
	struct virt v;

	detect(t, record, "processor : 0\nflags : fpu\n", &v);
	assert_int_equal(v.in.inside, TRI_YES);
	assert_string_equal(v.in.name, name);
	assert_non_null(strstr(v.in.source, how));
}

static void guests_by_signature(void **state)
{
	inside(*state, X86 INTEL GUEST "cpuid 0x40000000 0x0 = 0 0x4b4d564b 0x564b4d56 0x4d\n",
	       "KVM", "KVMKVMKVM");
	inside(*state,
	       X86 INTEL GUEST "cpuid 0x40000000 0x0 = 0 0x54474354 0x43544743 0x47435447\n",
	       "QEMU (TCG)", "TCGTCGTCGTCG");
	inside(*state,
	       X86 INTEL GUEST "cpuid 0x40000000 0x0 = 0 0x7263694d 0x666f736f 0x76482074\n",
	       "Hyper-V", "Microsoft Hv");
	/* KVM behind Hyper-V's face */
	inside(*state,
	       X86 INTEL GUEST "cpuid 0x40000000 0x0 = 0 0x7263694d 0x666f736f 0x76482074\n"
			       "cpuid 0x40000100 0x0 = 0 0x4b4d564b 0x564b4d56 0x4d\n",
	       "KVM", "KVMKVMKVM");
	inside(*state, X86 INTEL GUEST "cpuid 0x40000000 0x0 = 0 0x20202020 0x41414141 0\n", "",
	       "    AAAA");
	/* the signature means nothing without the bit */
	struct virt v;

	detect(*state, X86 INTEL PLAIN "cpuid 0x40000000 0x0 = 0 0x4b4d564b 0x564b4d56 0x4d\n",
	       NULL, &v);
	assert_int_equal(v.in.inside, TRI_NO);
}

static void guests_by_other_signs(void **state)
{
	const struct tree *t = *state;
	struct virt v;

	tree_file(t, "/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	tree_file(t, "/sys/class/dmi/id/product_name", "m5.metal\n");
	detect(t, X86 INTEL PLAIN, "processor : 0\nflags : fpu\n", &v);
	assert_int_equal(v.in.inside, TRI_NO);
	tree_file(t, "/sys/class/dmi/id/product_name", "m5.large\n");
	inside(t, X86 INTEL PLAIN, "Amazon EC2", "DMI");
	tree_file(t, "/sys/class/dmi/id/product_name", "Bochs\n");
	inside(t, X86 INTEL PLAIN, "Bochs", "DMI Bochs");
	tree_file(t, "/sys/hypervisor/type", "xen\n");
	inside(t, X86 INTEL PLAIN, "Xen", "/sys/hypervisor");
	tree_file(t, "/proc/xen/capabilities", "control_d\n");
	inside(t, X86 INTEL PLAIN, "Xen (first domain)", "/sys/hypervisor");
}

static void guests_by_device_tree(void **state)
{
	const struct tree *t = *state;
	struct virt v;

	tree_bytes(t, "/proc/device-tree/compatible", "raspberrypi,4\0brcm,x", 20);
	detect(t, "arch = aarch64\n", "processor : 0\nFeatures : fp\n", &v);
	assert_int_equal(v.in.inside, TRI_NO);
	tree_bytes(t, "/proc/device-tree/compatible", "linux,dummy-virt", 17);
	inside(t, "arch = aarch64\n", "QEMU", "device tree");
	tree_bytes(t, "/proc/device-tree/hypervisor/compatible", "x\0linux,kvm", 12);
	inside(t, "arch = aarch64\n", "KVM", "/hypervisor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(intel_that_works),
		in_tree(intel_half_an_apic),
		in_tree(intel_on_an_old_kernel),
		in_tree(intel_locked),
		in_tree(intel_hidden),
		in_tree(amd_that_works),
		in_tree(amd_switched_off),
		in_tree(only_some_processors),
		in_tree(none_at_all),
		in_tree(nothing_to_go_by),
		in_tree(arm64),
		in_tree(guests_by_signature),
		in_tree(guests_by_other_signs),
		in_tree(guests_by_device_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
