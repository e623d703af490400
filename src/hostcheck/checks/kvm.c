/* SPDX-License-Identifier: MIT */
/* KVM itself: its module, its node, and what the node answers.  kvm_more.c has the rest. */
#include "hostcheck/checks/kvm.h"

#include "host/access.h"

#include <string.h>

int kvm_module(struct facts *f, struct finding *out, struct err *e)
{
	const struct kvm_vendor *v;
	const struct virt *virt;
	const struct kvm *k;
	int r = facts_vendor(f, &v, e);

	if (r < 0)
		return r;
	if (v->module && module_is_up(v->state))
		return found(out, V_OK, "%s (%s)", v->module, module_state_name(v->state));
	if (v->module && v->live[0] && strcmp(v->live, v->module)) {
		found(out, V_FAIL, "%s is loaded, this processor needs %s", v->live, v->module);
		return advise(out, "modules.load", R_NOW,
			      "No guest can run under %s here. Unload it and load %s.", v->live,
			      v->module);
	}
	if (facts_kvm(f, &k, NULL) == 0 && kvm_works(k))
		return found(out, V_OK, "%s, and KVM works",
			     v->live[0] ? v->live : "not one of the usual ones");
	/* whether it serves this processor can only be tried: kvm.api does */
	if (!v->module && v->live[0])
		return found(out, V_OK, "%s (live), by which flag is not known", v->live);
	if (!v->module && facts_virt(f, &virt, NULL) == 0 && virt->state == VIRT_UNSURE) {
		found(out, V_UNKNOWN, "which one is not known");
		return advise(out, NULL, R_ROOT, "See cpu.virt.");
	}
	if (!v->module) {
		found(out, V_FAIL, "no kvm module suits this processor");
		return advise(out, NULL, R_NONE, "See cpu.virt and cpu.firmware.");
	}
	if (v->state == MODULE_UNKNOWN) {
		found(out, V_FAIL, "this kernel has no %s", v->module);
		return advise(
			out, NULL, R_REBOOT,
			"Install a kernel with KVM (Alpine: linux-lts), or, if the kernel was "
			"upgraded since the last start, reboot into it.");
	}
	found(out, V_FAIL, "%s is %s", v->module,
	      v->state == MODULE_ABSENT ? "not loaded" : module_state_name(v->state));
	return advise(out, "modules.load", R_NOW,
		      "Load it: modprobe %s. If that fails, the kernel's log says why.",
		      v->module);
}

int kvm_device(struct facts *f, struct finding *out, struct err *e)
{
	struct host_stat st;
	int r = host_stat(f->h, KVM_NODE, &st, e);

	if (r == -ENOENT) {
		found(out, V_FAIL, "%s is not there", KVM_NODE);
		return advise(out, "modules.load", R_NOW,
			      "The kvm module of this processor makes it. Into a container its "
			      "host has to hand it (--device /dev/kvm).");
	}
	if (r < 0)
		return r;
	if (st.node != NODE_CHAR || st.major != 10 || st.minor != 232) {
		found(out, V_FAIL, "%s is not the KVM device (10, 232)", KVM_NODE);
		return advise(
			out, "modules.load", R_NOW,
			"Remove what stands there and load the kvm module anew, or: mknod "
			"/dev/kvm c 10 232");
	}
	return found(out, V_OK, "%s, mode %04o", KVM_NODE, st.mode);
}

static int cannot_open(struct finding *out, int code)
{
	if (code == -ENODEV || code == -ENXIO || code == -ENOENT) {
		found(out, V_FAIL, "no driver stands behind %s", KVM_NODE);
		return advise(out, "modules.load", R_NOW,
			      "The node was made ahead of its driver. Load the kvm module; "
			      "kvm.module and cpu.firmware say why it is not there.");
	}
	if (code == -EACCES || code == -EPERM) {
		found(out, V_UNKNOWN, "who asks may not open %s", KVM_NODE);
		return advise(out, NULL, R_ROOT,
			      "Ask as root, or as a user whom kvm.access allows it.");
	}
	if (code == -ENODATA) {
		found(out, V_UNKNOWN, "the record does not say");
		return advise(out, NULL, R_ROOT, "Record the host anew, as root.");
	}
	found(out, V_FAIL, "opening %s fails: %s", KVM_NODE, strerror(-code));
	return advise(out, NULL, R_NONE, "The kernel's log may say why.");
}

int kvm_api(struct facts *f, struct finding *out, struct err *e)
{
	const struct kvm *k;
	int r = facts_kvm(f, &k, e);

	if (r < 0)
		return r;
	if (k->open < 0)
		return cannot_open(out, k->open);
	if (k->api == -ENODATA || (k->api == 12 && k->create_vm == -ENODATA)) {
		found(out, V_UNKNOWN, "it opens; the record does not say more");
		return advise(out, NULL, R_ROOT, "Record the host anew, as root.");
	}
	if (k->api != 12) {
		found(out, V_FAIL, "KVM speaks version %d, not 12", k->api);
		return advise(out, NULL, R_NONE, "No program of today works with it.");
	}
	if (kvm_runs_no_kernel(k)) {
		found(out, V_WARN, "makes guests, but runs no kernel: %s", k->why_not);
		return advise(
			out, NULL, R_HARDWARE,
			"Only guests whose kernel was made for this KVM run under it. For others "
			"take software translation: %sQEMU with -accel tcg.",
			vemu_translates(f) ? "vemu does so by itself, " : "");
	}
	if (k->create_vm == 0)
		return found(out, V_OK, "version 12, %s",
			     k->runs == 0 ? "runs guests" : "makes guests");
	found(out, V_FAIL, "making a guest fails: %s", strerror(-k->create_vm));
	if (k->create_vm == -EBUSY)
		return advise(
			out, NULL, R_NOW,
			"Another hypervisor (VirtualBox, VMware) holds the processor. End its "
			"guests, or unload its modules.");
	return advise(out, NULL, R_NONE, "The kernel's log may say why.");
}

static int advise_access(struct facts *f, struct finding *out, const struct who *w)
{
	struct host_stat st;

	if (who_must_relogin(f, w, KVM_NODE, ACCESS_R | ACCESS_W))
		return advise(out, NULL, R_RELOGIN,
			      "%s came into the group after logging in. Log out and in again.",
			      w->name);
	if (host_stat(f->h, KVM_NODE, &st, NULL) == 0 && st.gid == 0) {
		const struct users *u;
		bool group = facts_users(f, &u, NULL) == 0 && users_group(u, "kvm");

		return advise(
			out, group ? NULL : "users.accounts", R_NOW,
			"The node belongs to root alone. %set the device manager set the node "
			"anew (mdev -s, or udevadm trigger --name-match=kvm); then add %s to "
			"the group%s.",
			group ? "L" : "Make the group kvm and l", w->name, group ? " kvm" : "");
	}
	return advise(out, "users.members", R_RELOGIN,
		      "Add %s to the group that owns the node (adduser %s kvm), then log in "
		      "again.",
		      w->name, w->name);
}

int kvm_access(struct facts *f, struct finding *out, struct err *e)
{
	struct err why = { 0 };
	struct who w;
	int r = who_read(f, &w, &why);

	if (r == -ESRCH) {
		found(out, V_FAIL, "%s", why.msg);
		return advise(out, NULL, R_NOW,
			      "Name a user that exists, or make the account first.");
	}
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	r = who_may(f, &w, KVM_NODE, ACCESS_R | ACCESS_W, &why);
	if (r == 0)
		return found(out, V_OK, "%s may%s", w.name,
			     w.root ? "; ask for others with --user" : "");
	if (r != -EACCES)
		return err_set(e, r, "%s", why.msg);
	found(out, V_FAIL, "%s", why.msg);
	return advise_access(f, out, &w);
}

static const struct check checks[] = {
	{
		.id = "kvm.module",
		.title = "KVM module of this processor",
		.why = "Without it there is no KVM at all.",
		.how = "/sys/module and the module lists of the running kernel, for the module that "
		       "fits the processor's flag: kvm_intel for vmx, kvm_amd for svm. One that is "
		       "built in counts.",
		.mend = "modprobe it. Where nothing loads it at boot (udev and Alpine's hwdrivers "
			"do), list it in /etc/modules.",
		.needs = "cpu.firmware",
		.run = kvm_module,
		.kernel = true,
	},
	{
		.id = "kvm.device",
		.title = "The node /dev/kvm",
		.why = "Programs reach KVM through it. That it is there proves little: device managers "
		       "make it ahead of the driver.",
		.how = "Kind and number of the node: character device 10, 232.",
		.mend = "Load the module; into a container, hand the device.",
		.needs = "kvm.module",
		.run = kvm_device,
		.kernel = true,
	},
	{
		.id = "kvm.api",
		.title = "KVM answers and makes a guest",
		.why = "The only proof that guests will run: another hypervisor may hold the "
		       "processor, firmware may have locked it, or KVM may be of a kind that runs "
		       "no usual kernel.",
		.how = "Opens /dev/kvm, asks its version (12), makes an empty guest and, on 64-bit "
		       "x86, runs one of five instructions of a kernel's kind; all are gone at once.",
		.mend = "The finding's advice, and the kernel's log.",
		.needs = "kvm.device",
		.run = kvm_api,
		.kernel = true,
	},
	{
		.id = "kvm.access",
		.title = "The user may use KVM",
		.why = "Guests should not run as root. For a user without access they fall back to "
		       "software translation, often without a word.",
		.how = "Owner, group, mode and access list of /dev/kvm and of the folders above, "
		       "against the user's groups: those of the process for who asks, those of "
		       "/etc/group for --user.",
		.mend = "Membership in the group kvm, and a new login.",
		.needs = "kvm.device",
		.run = kvm_access,
		.kernel = true,
	},
	{
		.id = "kvm.nested",
		.title = "Nested virtualization",
		.why = "Guests that are to run KVM themselves need it: a host under test, a CI runner, "
		       "Windows with a hypervisor of its own.",
		.how = "/sys/module/kvm_intel/parameters/nested (Y or N), that of kvm_amd (1 or 0), "
		       "and what modprobe.d says for the next load.",
		.mend = "'options kvm_intel nested=1', or kvm_amd, in /etc/modprobe.d. Never nested=Y "
			"for kvm_amd: it takes a number, and would not load at all.",
		.needs = "kvm.module",
		.run = kvm_nested,
		.kernel = true,
	},
	{
		.id = "kvm.params",
		.title = "No fast path switched off",
		.why = "An option that was set for a test once (ept=0) makes every guest slow for "
		       "years.",
		.how = "ept, unrestricted_guest, vpid, flexpriority, npt, vls and tdp_mmu in "
		       "/sys/module/*/parameters.",
		.mend = "Take the option away and load the module anew.",
		.needs = "kvm.module",
		.run = kvm_params,
		.kernel = true,
	},
	{
		.id = "kvm.limits",
		.title = "Limits of KVM",
		.why = "Large guests meet them, and memory that is added at run time.",
		.how = "KVM_CHECK_EXTENSION for processors, memory slots and, on arm64, address bits.",
		.mend = "There is nothing to mend.",
		.needs = "kvm.api",
		.run = kvm_limits,
		.kernel = true,
	},
	{
		.id = "kvm.gic",
		.title = "Interrupt controller for guests",
		.why = "It decides the guest's machine: with GICv2 it has at most 8 processors.",
		.how = "KVM_CREATE_DEVICE with the test flag, for GICv2, GICv3 and ITS; the firmware's "
		       "table APIC where KVM cannot be asked.",
		.mend = "There is nothing to mend: choose gic-version for the guest.",
		.needs = "kvm.api",
		.run = kvm_gic,
		.kernel = true,
	},
	{
		.id = "kvm.hugepage-guard",
		.title = "Guard against the ITLB machine check",
		.why = "On processors with the flaw a guest can bring the whole host down, unless KVM "
		       "splits executable huge pages.",
		.how = "The 'KVM:' text of /sys/devices/system/cpu/vulnerabilities/itlb_multihit and "
		       "kvm.nx_huge_pages.",
		.mend = "Take kvm.nx_huge_pages=off away.",
		.needs = "kvm.module",
		.run = kvm_hugepage_guard,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_kvm = { "kvm", "KVM", checks };
