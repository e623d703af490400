/* SPDX-License-Identifier: MIT */
/* How well guests run under KVM once they do. */
#include "host/acpi_madt.h"
#include "host/sysattr.h"
#include "hostcheck/checks/kvm.h"

#include <stdlib.h>
#include <string.h>

int kvm_nested(struct facts *f, struct finding *out, struct err *e)
{
	const struct kvm_vendor *v;
	char want[16];
	int r = facts_vendor(f, &v, e);
	bool on;

	if (r < 0)
		return r;
	if (v->nested == NESTED_NONE || !v->live[0])
		return found(out, V_SKIP, "the module has no such switch");
	if (v->nested == NESTED_UNKNOWN)
		return found(out, V_SKIP, "the module does not show it");
	on = v->nested == NESTED_ON;
	if (option_configured(f, v->live, "nested", want, sizeof(want)) && want[0] &&
	    !!strchr("1yY", want[0]) != on) {
		found(out, V_WARN, "%s now; at the next load nested=%s", on ? "on" : "off",
		      want);
		return advise(
			out, "modules.nested", R_RELOAD,
			"The option in modprobe.d came after %s was loaded. Load the module "
			"anew while no guest runs, or wait for the next start.",
			v->live);
	}
	if (on)
		return found(out, V_OK, "on (nested=%s)", v->nested_text);
	found(out, V_INFO, "off (nested=%s)", v->nested_text);
	return advise(
		out, "modules.nested", R_RELOAD,
		"Guests cannot run KVM themselves. If they shall: options %s nested=1 (1, not "
		"Y, suits every kvm module).",
		v->live);
}

/* Switches that cost speed where somebody turned them off. */
int kvm_params(struct facts *f, struct finding *out, struct err *e)
{
	static const struct {
		const char *module, *param, *what;
	} switches[] = {
		{ "kvm_intel", "ept", "second-level page tables" },
		{ "kvm_intel", "unrestricted_guest", "real mode without emulation" },
		{ "kvm_intel", "vpid", "tagged translations" },
		{ "kvm_intel", "flexpriority", "fast task priority" },
		{ "kvm_amd", "npt", "second-level page tables" },
		{ "kvm_amd", "vls", "nested VMLOAD and VMSAVE" },
		{ "kvm", "tdp_mmu", "page faults in parallel" },
	};
	const char *bad = NULL;

	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		const char *module = switches[i].module, *param = switches[i].param;
		enum tri on = TRI_UNKNOWN;
		char want[16];
		bool asked;

		if (sysattr_param(f->h, module, param, &on, NULL) < 0 || on == TRI_UNKNOWN)
			continue;
		/* what the processor lacks is off as well, and nobody's fault */
		asked = option_configured(f, module, param, want, sizeof(want)) &&
			strchr("0nN", want[0]) && want[0];
		found_item(out,
			   on == TRI_YES ? V_OK
			   : asked       ? V_WARN
					 : V_INFO,
			   param, "%s of %s: %s", switches[i].what, module,
			   on == TRI_YES ? "on"
			   : asked       ? "switched off"
					 : "off");
		if (on == TRI_NO && asked)
			bad = param;
	}
	if (!out->n_items)
		return found(out, V_SKIP, "the modules show no such switches");
	if (!bad)
		return found(out, V_OK, "nothing is switched off");
	found(out, V_WARN, "%s is switched off", bad);
	return advise(
		out, NULL, R_RELOAD,
		"Guests are slower so. Take %s=0 out of /etc/modprobe.d, or off the kernel's "
		"command line.",
		bad);
}

int kvm_limits(struct facts *f, struct finding *out, struct err *e)
{
	const struct kvm *k;
	int r = facts_kvm(f, &k, e);

	if (r < 0)
		return r;
	if (!k->vcpus_max)
		return found(out, V_SKIP, "KVM was not asked");
	if (k->ipa_bits)
		found_item(out, V_INFO, "address", "%u bits in a guest", k->ipa_bits);
	return found(out, V_INFO, "%u processors in a guest (%u recommended), %u memory slots",
		     k->vcpus_max, k->vcpus, k->memslots);
}

/* What firmware says, where KVM could not be asked. */
static int gic_of_firmware(struct facts *f, struct finding *out)
{
	struct madt m;
	unsigned gic;

	if (madt_read(f->h, &m, NULL) < 0)
		return found(out, V_SKIP, "KVM was not asked");
	gic = madt_gic(&m);
	return found(out, V_INFO, "KVM was not asked; the machine has %s%u",
		     gic ? "GICv" : "no GIC it tells of: ", gic);
}

int kvm_gic(struct facts *f, struct finding *out, struct err *e)
{
	const struct kvm *k;
	int r;

	if (!facts_is_arm64(f))
		return found(out, V_SKIP, "a question for arm64");
	r = facts_kvm(f, &k, e);
	if (r < 0)
		return r;
	if (k->gic_v3 == TRI_YES)
		return found(out, V_OK, "GICv3%s%s", k->its == TRI_YES ? " with ITS" : "",
			     k->gic_v2 == TRI_YES ? ", GICv2 for old guests" : "");
	if (k->gic_v2 == TRI_YES) {
		found(out, V_INFO, "GICv2 alone");
		return advise(out, NULL, R_HARDWARE,
			      "Guests have at most 8 processors: -machine virt,gic-version=2.");
	}
	if (k->gic_v3 == TRI_UNKNOWN || k->gic_v2 == TRI_UNKNOWN)
		return gic_of_firmware(f, out);
	found(out, V_FAIL, "KVM offers no interrupt controller");
	return advise(
		out, NULL, R_HARDWARE,
		"The machine's controller has no interface for guests. They need software "
		"translation here.");
}

int kvm_hugepage_guard(struct facts *f, struct finding *out, struct err *e)
{
	static const char flaw[] = "/sys/devices/system/cpu/vulnerabilities/itlb_multihit";
	char text[160];
	int r = host_read_line(f->h, flaw, text, sizeof(text), e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "this kernel does not tell");
	if (r < 0)
		return r;
	if (strstr(text, "Not affected") || strstr(text, "Mitigation"))
		return found(out, V_OK, "%s", text);
	if (!strstr(text, "ulnerable"))
		return found(out, V_UNKNOWN, "the kernel's answer is not understood");
	found(out, V_WARN, "%s", text);
	return advise(out, NULL, R_RELOAD,
		      "A guest can stop the whole host. Take kvm.nx_huge_pages=off out of "
		      "/etc/modprobe.d and off the kernel's command line, and keep it only if "
		      "every guest is trusted.");
}
