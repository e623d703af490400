/* SPDX-License-Identifier: MIT */
/* What of the kernel's security stands around guests, or in the way. */
#include "host/security.h"

#include "host/sysattr.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <string.h>

static int security_lockdown(struct facts *f, struct finding *out, struct err *e)
{
	const struct security *s;
	int r = facts_security(f, &s, e);

	if (r < 0)
		return r;
	if (!s->lockdown[0])
		return found(out, V_SKIP, "not in this kernel, or securityfs is not mounted");
	found(out, V_INFO, "%s", s->lockdown);
	if (!strcmp(s->lockdown, "none"))
		return 0;
	return advise(out, NULL, R_NONE,
		      "Unsigned modules do not load, and registers of the processor cannot be "
		      "written. Guests run as ever.");
}

static int security_boot(struct facts *f, struct finding *out, struct err *e)
{
	const struct security *s;
	int r = facts_security(f, &s, e);

	if (r < 0)
		return r;
	if (s->efi == TRI_NO)
		return found(out, V_INFO, "%s",
			     facts_is_arm64(f)
				     ? "started without UEFI"
				     : "started by BIOS, or without firmware variables");
	if (s->secure_boot == TRI_UNKNOWN)
		return found(out, V_INFO, "EFI; its variable SecureBoot is not to be seen");
	return found(out, V_INFO, "EFI, secure boot %s",
		     s->secure_boot == TRI_YES ? "on" : "off");
}

static int security_modules(struct facts *f, struct finding *out, struct err *e)
{
	const struct security *s;
	int r = facts_security(f, &s, e);

	if (r < 0)
		return r;
	if (s->signed_modules == TRI_UNKNOWN)
		return found(out, V_SKIP, "the kernel does not tell");
	return found(out, V_INFO, "%s",
		     s->signed_modules == TRI_YES ? "only signed modules load"
						  : "any module loads");
}

static int security_lsm(struct facts *f, struct finding *out, struct err *e)
{
	const struct security *s;
	char text[96] = "";
	size_t used = 0;
	int r = facts_security(f, &s, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->lsm.n && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 i ? ", " : "", s->lsm.v[i]);
	if (s->apparmor == TRI_YES)
		found_item(out, V_INFO, "AppArmor", "on: profiles may confine emulators");
	if (s->selinux == TRI_YES)
		found_item(out, V_INFO, "SELinux", "%s",
			   s->selinux_enforce == TRI_YES ? "enforcing" : "permissive");
	if (s->apparmor == TRI_YES || s->selinux == TRI_YES)
		return found(out, V_OK, "%s%s%s",
			     s->apparmor == TRI_YES ? "AppArmor" : "SELinux",
			     used ? " of " : "", text);
	found(out, V_INFO, "%s", used ? text : "none seen");
	return advise(
		out, NULL, R_REBOOT,
		"No AppArmor or SELinux confines emulators; file rights and an account of their "
		"own do. lsm=apparmor,... on the kernel's command line switches it on.");
}

/* Guests whose memory the host cannot read. */
static int security_guests(struct facts *f, struct finding *out, struct err *e)
{
	const struct virt *v;
	enum tri on = TRI_UNKNOWN;
	const char *kind;
	int r = facts_virt(f, &v, e);

	if (r < 0)
		return r;
	kind = v->sev_snp == TRI_YES  ? "SEV-SNP"
	       : v->sev_es == TRI_YES ? "SEV-ES"
	       : v->sev == TRI_YES    ? "SEV"
	       : v->tdx == TRI_YES    ? "TDX"
				      : NULL;
	if (!kind)
		return found(out, V_INFO, "none");
	r = v->tdx == TRI_YES ? sysattr_param(f->h, "kvm_intel", "tdx", &on, NULL)
			      : sysattr_param(f->h, "kvm_amd", "sev", &on, NULL);
	if (r == 0 && on == TRI_YES)
		return found(out, V_INFO, "%s, switched on%s", kind,
			     v->sev == TRI_YES && !host_exists(f->h, "/dev/sev")
				     ? ", but /dev/sev is missing"
				     : "");
	found(out, V_INFO, "%s, not switched on", kind);
	return advise(
		out, NULL, R_FIRMWARE,
		"To keep guests' memory from the host: SME and SEV (or TDX) in the firmware's "
		"setup, and 'options kvm_amd sev=1 sev_es=1' (kvm_intel tdx=1).");
}

static const struct check checks[] = {
	{
		.id = "security.lockdown",
		.title = "Lockdown of the kernel",
		.why = "It refuses unsigned modules and writes to registers, also to root.",
		.how = "/sys/kernel/security/lockdown.",
		.mend = "There is nothing to mend.",
		.run = security_lockdown,
		.kernel = true,
	},
	{
		.id = "security.boot",
		.title = "EFI and secure boot",
		.why = "With secure boot on, modules built here must be signed to load.",
		.how = "The EFI variable SecureBoot.",
		.mend = "There is nothing to mend.",
		.run = security_boot,
		.kernel = true,
	},
	{
		.id = "security.modules",
		.title = "Signatures of modules",
		.why = "An unsigned driver for a passed-on device may not load.",
		.how = "/sys/module/module/parameters/sig_enforce.",
		.mend = "There is nothing to mend.",
		.run = security_modules,
		.kernel = true,
	},
	{
		.id = "security.lsm",
		.title = "Security modules",
		.why = "AppArmor or SELinux hold an emulator that a guest has taken over.",
		.how = "/sys/kernel/security/lsm, AppArmor's and SELinux' own files.",
		.mend = "lsm= of the kernel's command line, and profiles.",
		.run = security_lsm,
		.kernel = true,
	},
	{
		.id = "security.guests",
		.title = "Guests with encrypted memory",
		.why = "With SEV or TDX the host cannot read what a guest holds.",
		.how = "CPUID leaf 0x8000001F, parameters of kvm_amd and kvm_intel, /dev/sev.",
		.mend = "Firmware and module options.",
		.needs = "cpu.firmware",
		.run = security_guests,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_security = { "security", "Security", checks };
