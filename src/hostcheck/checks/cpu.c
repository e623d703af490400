/* SPDX-License-Identifier: MIT */
/* What the processor can, and who else has a say in it: firmware, a hypervisor below. */
#include "hostcheck/checks/cpu.h"

#include "host/sysattr.h"

#include <string.h>

/* Inside another machine nobody but its host can help. */
static int advise_outer_host(struct finding *out, const struct virt *v)
{
	return advise(out, NULL, R_NONE,
		      "This machine is itself a guest%s%s, and is given no virtualization. Let "
		      "its host pass it on: nested=1 for its kvm module, and for this guest a "
		      "processor model with vmx or svm (QEMU: -cpu host). Until then guests "
		      "run in software translation.",
		      v->in.name[0] ? " of " : "", v->in.name);
}

/* Some hypervisors offer KVM without VT-x or AMD-V (kvm_pvm): it makes guests and runs those
 * whose kernel was made for it; of another's kernel it gets as far as the first instruction
 * that it does not know. */
bool cpu_paravirtual_kvm(struct facts *f)
{
	const struct virt *v;
	const struct kvm *k;

	return facts_virt(f, &v, NULL) == 0 && v->state == VIRT_ABSENT &&
	       (v->ext == VIRT_EXT_NONE || v->ext == VIRT_VMX || v->ext == VIRT_SVM) &&
	       facts_kvm(f, &k, NULL) == 0 && kvm_works(k) && k->runs != 0;
}

/* Programs that run guests without KVM, and how they are told. */
static const char *soft_way(struct facts *f)
{
	return vemu_translates(f) ? "vemu by itself, QEMU with -accel tcg"
				  : "QEMU with -accel tcg";
}

/* Whatever the flags say, a guest ran. */
static bool kvm_ran(struct facts *f)
{
	const struct kvm *k;

	return facts_kvm(f, &k, NULL) == 0 && kvm_works(k) && k->runs == 0;
}

static int absent(struct facts *f, struct finding *out, const struct virt *v)
{
	if (cpu_paravirtual_kvm(f)) {
		found(out, V_WARN, "neither vmx nor svm: the KVM that is here is paravirtual");
		return advise(
			out, NULL, R_HARDWARE,
			"Only guests whose kernel was made for it run; those of distributions "
			"mostly stop at their first steps. For others take software translation "
			"(%s), or a host that gives this machine vmx or svm.",
			soft_way(f));
	}
	if (kvm_ran(f))
		return found(out, V_OK, "neither vmx nor svm is shown, but guests run");
	if (host_exists(f->h, "/sys/class/misc/kvm")) {
		found(out, V_UNKNOWN, "neither vmx nor svm, yet some driver offers KVM");
		return advise(
			out, NULL, R_ROOT,
			"Whether guests run can only be tried: ask as somebody who may open "
			"/dev/kvm.");
	}
	found(out, V_FAIL, "%s", v->why[0] ? v->why : "none");
	if (v->in.inside == TRI_YES)
		return advise_outer_host(out, v);
	if (v->ext == VIRT_ARM_EL2)
		return advise(
			out, NULL, R_FIRMWARE,
			"The boot loader has to start the kernel at EL2. Look for an update of "
			"it, or of the firmware. Until then guests run in software "
			"translation.");
	return advise(out, NULL, R_HARDWARE,
		      "This processor cannot run guests in hardware. They work in software "
		      "translation (%s), many times slower.",
		      soft_way(f));
}

static int cpu_virt(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	switch (v->state) {
	case VIRT_USABLE:
	case VIRT_LOCKED:
	case VIRT_HIDDEN:
		return found(out, V_OK, "%s", virt_ext_name(v->ext));
	case VIRT_ABSENT:
		return absent(f, out, v);
	default:
		break;
	}
	found(out, V_UNKNOWN, "%s", v->why);
	return advise(out, NULL, R_ROOT,
		      "Ask again as root: then /dev/kvm itself can be asked.");
}

/* There, and the kernel does not use it. */
static int advise_hidden(struct finding *out, const struct virt *v)
{
	if (v->ext == VIRT_ARM_EL2)
		return advise(out, "kernel.cmdline", R_REBOOT,
			      "Take kvm-arm.mode=none off the kernel's command line.");
	if (strstr(v->why, "clearcpuid"))
		return advise(out, "kernel.cmdline", R_REBOOT,
			      "Take clearcpuid= off the kernel's command line.");
	return advise(
		out, NULL, R_FIRMWARE,
		"Most likely firmware: switch on %s in its setup, then turn the machine off "
		"and on. Root with the module msr loaded sees the lock itself.",
		v->ext == VIRT_SVM ? "SVM mode" : "Intel VT-x (Virtualization Technology)");
}

static int cpu_firmware(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	if (v->state == VIRT_USABLE)
		return found(out, V_OK, "%s", v->why);
	if (v->state == VIRT_ABSENT)
		return found(out, V_INFO, "it has no say here");
	if (v->state == VIRT_UNSURE) {
		found(out, V_UNKNOWN, "%s", v->why);
		return advise(out, NULL, R_ROOT,
			      "Ask again as root: then /dev/kvm itself can be asked.");
	}
	found(out, V_FAIL, "%s", v->why);
	if (v->in.inside == TRI_YES && v->ext != VIRT_ARM_EL2)
		return advise_outer_host(out, v);
	if (v->state == VIRT_HIDDEN)
		return advise_hidden(out, v);
	return advise(out, NULL, R_FIRMWARE,
		      "Switch on %s in the firmware's setup (under Advanced, Processor or "
		      "Security), then turn the machine off and on: a restart is not always "
		      "enough.",
		      v->ext == VIRT_SVM ? "SVM mode"
					 : "Intel VT-x (Virtualization Technology)");
}

static int cpu_alike(struct facts *f, struct finding *out, struct err *e)
{
	const struct cpuinfo *c;
	const struct virt *v;
	int r = facts_cpuinfo(f, &c, e);

	if (r == 0)
		r = facts_virt(f, &v, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->some.n; i++)
		found_item(out, V_WARN, c->some.v[i], "some processors lack it");
	if (v->on_all_cpus == TRI_NO) {
		found(out, V_FAIL, "not all of %u processors have %s", c->cpus,
		      virt_ext_name(v->ext));
		return advise(
			out, NULL, R_FIRMWARE,
			"KVM needs it on every processor. Bring firmware and microcode up to "
			"date, or take the odd ones offline "
			"(/sys/devices/system/cpu/cpuN/online).");
	}
	if (c->some.n) {
		found(out, V_WARN, "%u processors that differ in %zu feature%s", c->cpus,
		      c->some.n, plural(c->some.n));
		return advise(
			out, NULL, R_NONE,
			"A guest with the host's own processor model may meet a processor "
			"that lacks a feature. Pin guests to processors of one kind, or "
			"choose a model that has only what all have.");
	}
	return found(out, V_OK, "%u processor%s%s", c->cpus, plural(c->cpus),
		     c->cpus == 1 ? "" : ", all alike");
}

/* Yes is ok, no is @bad. */
static int tri_found(struct finding *out, enum tri t, const char *yes, const char *no,
		     enum verdict bad)
{
	if (t == TRI_YES)
		return found(out, V_OK, "%s", yes);
	if (t == TRI_NO)
		return found(out, bad, "%s", no);
	return found(out, V_SKIP, "nothing tells");
}

static int cpu_nx(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	if (!facts_is_x86(f))
		return found(out, V_SKIP, "a question for x86");
	tri_found(out, v->nx, "there", "missing", V_WARN);
	if (v->nx == TRI_NO)
		return advise(out, NULL, R_FIRMWARE,
			      "Switch on Execute Disable (XD, NX) in the firmware's setup, and "
			      "take noexec=off off the kernel's command line.");
	return 0;
}

static int cpu_slat(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	if (!facts_is_x86(f))
		return found(out, V_SKIP, "part of every arm64 processor with EL2");
	if (v->ext == VIRT_EXT_NONE)
		return found(out, V_SKIP, "the processor tells of none of this");
	tri_found(out, v->slat, v->ext == VIRT_SVM ? "NPT" : "EPT", "none: shadow page tables",
		  V_WARN);
	if (v->slat == TRI_NO)
		return advise(
			out, NULL, R_HARDWARE,
			"Guests run, but the host does every change of their page tables. "
			"Inside a guest, let its host pass ept or npt on.");
	return 0;
}

static int cpu_apicv(struct facts *f, struct finding *out, struct err *e)
{
	enum tri used = TRI_UNKNOWN;
	const struct virt *v;
	int r = facts_virt(f, &v, e);
	bool amd;

	if (r < 0)
		return r;
	if (!facts_is_x86(f))
		return found(out, V_SKIP, "a question for x86");
	if (v->ext == VIRT_EXT_NONE)
		return found(out, V_SKIP, "the processor tells of none of this");
	amd = v->ext == VIRT_SVM;
	tri_found(out, v->apic, amd ? "AVIC" : "APICv",
		  "none: the host takes part in every interrupt", V_INFO);
	if (v->apic != TRI_YES ||
	    sysattr_param(f->h, v->module, amd ? "avic" : "enable_apicv", &used, NULL) < 0)
		return 0;
	if (used != TRI_NO)
		return found(out, V_OK, "%s, used", amd ? "AVIC" : "APICv");
	found(out, V_INFO, "%s, not used by %s", amd ? "AVIC" : "APICv", v->module);
	return advise(
		out, NULL, R_RELOAD,
		amd ? "To use it: options kvm_amd avic=1. It rests in guests that run KVM "
		      "themselves."
		    : "To use it: options kvm_intel enable_apicv=1.");
}

static int cpu_vm(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	if (v->in.inside == TRI_NO)
		return found(out, V_OK, "no");
	if (v->in.inside == TRI_UNKNOWN)
		return found(out, V_UNKNOWN, "nothing tells");
	found(out, V_INFO, "yes%s%s (%s)", v->in.name[0] ? ": " : "", v->in.name, v->in.source);
	return advise(out, NULL, R_NONE,
		      "Guests here are guests in a guest: slower, and only if the host below "
		      "allows it. Devices can be passed on only if it gives this machine an "
		      "IOMMU.");
}

static const struct check checks[] = {
	{
		.id = "cpu.virt",
		.title = "Hardware virtualization",
		.why = "Without VT-x, AMD-V or EL2 the processor cannot run guests itself. All is "
		       "left to software translation, ten to a hundred times slower.",
		.how = "The flags vmx and svm, as whole words, of every processor in "
		       "/proc/cpuinfo, and beside them the CPUID instruction, for Linux hides "
		       "vmx where firmware locked it. On arm64 /dev/kvm is asked. Who made the "
		       "processor plays no part.",
		.mend = "Other hardware. Inside a guest, the host below must pass it on.",
		.run = cpu_virt,
		.kernel = true,
	},
	{
		.id = "cpu.firmware",
		.title = "Virtualization not locked by firmware",
		.why = "Many machines are sold with virtualization switched off. The firmware locks "
		       "a register, and no program can undo that.",
		.how = "Registers 0x3a (Intel: locked without bit 2) and 0xc0010114 (AMD: bit 4) "
		       "through /dev/cpu/0/msr, by root with the module msr loaded. Otherwise: "
		       "CPUID has the feature and /proc/cpuinfo does not.",
		.mend = "The firmware's setup, then power off and on.",
		.needs = "cpu.virt",
		.run = cpu_firmware,
		.kernel = true,
	},
	{
		.id = "cpu.alike",
		.title = "All processors alike",
		.why = "KVM starts only if every processor can do it, and a guest that moves from "
		       "one processor to another must find the same features.",
		.how = "The flags of each processor in /proc/cpuinfo, compared.",
		.mend = "Updates of firmware and microcode; pinning guests.",
		.run = cpu_alike,
		.kernel = true,
	},
	{
		.id = "cpu.nx",
		.title = "No-execute pages",
		.why = "Systems of today expect them, and the host is safer with them. Windows 8 and "
		       "later do not install without.",
		.how = "The flag nx of /proc/cpuinfo.",
		.mend = "The firmware's setup (XD, NX, Execute Disable).",
		.run = cpu_nx,
		.kernel = true,
	},
	{
		.id = "cpu.slat",
		.title = "Second-level page tables (EPT, NPT)",
		.why = "With them a guest manages its own page tables at full speed. Without, guests "
		       "that use much memory are several times slower.",
		.how = "The flags ept (also in the line 'vmx flags') and npt of /proc/cpuinfo, and "
		       "CPUID leaf 0x8000000A.",
		.mend = "Newer hardware; inside a guest, its host.",
		.needs = "cpu.firmware",
		.run = cpu_slat,
		.kernel = true,
	},
	{
		.id = "cpu.apicv",
		.title = "Interrupts without exits (APICv, AVIC)",
		.why = "Interrupts reach the guest without stopping it, which shows under heavy load "
		       "of network and disks.",
		.how = "vapic_reg and vid in the line 'vmx flags'; AVIC in CPUID leaf 0x8000000A.",
		.mend = "Newer hardware.",
		.needs = "cpu.firmware",
		.run = cpu_apicv,
		.kernel = true,
	},
	{
		.id = "cpu.vm",
		.title = "Running inside a virtual machine",
		.why = "KVM in a guest is nested: it depends on the host below, and is slower.",
		.how = "The flag hypervisor, CPUID leaf 0x40000000, DMI, the device tree and "
		       "/sys/hypervisor.",
		.mend = "There is nothing to mend.",
		.run = cpu_vm,
		.kernel = true,
	},
	{
		.id = "cpu.governor",
		.title = "Frequency governor",
		.why = "A governor that saves power answers late to guests, whose load it sees as "
		       "that of one busy thread.",
		.how = "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor and "
		       "energy_performance_preference.",
		.mend = "performance where guests must answer fast, schedutil elsewhere.",
		.run = cpu_governor,
		.kernel = true,
	},
	{
		.id = "cpu.clock",
		.title = "Clock source",
		.why = "Guests ask for the time all day. Where the host does not trust its TSC, each "
		       "question leaves the guest.",
		.how = "/sys/devices/system/clocksource/clocksource0.",
		.mend = "Firmware updates; the kernel's log says why the TSC was given up.",
		.run = cpu_clock,
		.kernel = true,
	},
	{
		.id = "cpu.isolated",
		.title = "Processors set apart",
		.why = "Guests that must not be disturbed run on processors that the scheduler "
		       "leaves alone.",
		.how = "/sys/devices/system/cpu/isolated, nohz_full and online.",
		.mend = "isolcpus= and nohz_full= of the kernel's command line.",
		.run = cpu_isolated,
		.kernel = true,
	},
	{
		.id = "cpu.smt",
		.title = "Threads that share a core",
		.why = "On many processors a guest can read along with what runs on the other thread "
		       "of its core.",
		.how = "/sys/devices/system/cpu/smt, and what the kernel says in vulnerabilities/* of "
		       "SMT.",
		.mend = "nosmt on the kernel's command line, core scheduling, or trust between guests.",
		.run = cpu_smt,
		.kernel = true,
	},
	{
		.id = "cpu.flaws",
		.title = "Flaws of the processor",
		.why = "An open one lets a guest read the host's memory.",
		.how = "/sys/devices/system/cpu/vulnerabilities.",
		.mend = "Microcode and kernel updates; mitigations=off taken away.",
		.run = cpu_flaws,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_cpu = { "cpu", "Processor", checks };
