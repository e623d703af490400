/* SPDX-License-Identifier: MIT */
/* The kernel as such. */
#include "host/sysattr.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <string.h>

static int kernel_version(struct facts *f, struct finding *out, struct err *e)
{
	const struct kernels *k;
	unsigned v[3];
	int r = facts_kernels(f, &k, e);

	if (r < 0)
		return r;
	if (!k->running[0])
		return found(out, V_UNKNOWN, "the kernel does not tell its release");
	r = kernels_version(k->running, v, e);
	if (r < 0)
		return r;
	found(out, V_OK, "%s", k->running);
	if (v[0] >= 5 || (v[0] == 4 && v[1] >= 19))
		return 0;
	out->verdict = V_WARN;
	return advise(
		out, NULL, R_REBOOT,
		"No longer maintained: flaws of processors and of KVM stay open, and nested "
		"virtualization is off by default.");
}

static int kernel_namespaces(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const names[] = { "mnt", "uts", "ipc", "pid", "net", "user" };
	char missing[48] = "";
	size_t used = 0, n = 0;

	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[48];
		uint64_t most = 0;

		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", names[i]);
		n += host_exists(f->h, path);
		/* none allowed is none */
		if (!attr_u64(f, path, &most) || !most)
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, " %s",
						 names[i]);
	}
	if (!n)
		return found(out, V_SKIP, "the kernel does not tell");
	if (!used)
		return found(out, V_INFO, "all of %zu", ARRAY_SIZE(names));
	return found(out, V_INFO, "none to be had:%s", missing);
}

static int kernel_psi(struct facts *f, struct finding *out, struct err *e)
{
	enum psi p;
	int r = sysattr_psi(f->h, &p, e);

	if (r < 0)
		return r;
	if (p == PSI_ON)
		return found(out, V_OK, "on");
	found(out, V_INFO, "%s", p == PSI_OFF ? "switched off" : "not in this kernel, or off");
	return advise(
		out, "kernel.cmdline", R_REBOOT,
		"psi=1 on the kernel's command line shows how long tasks wait for processors, "
		"memory and disks: the first sign of too many guests. Alpine leaves it off.");
}

static const struct check checks[] = {
	{
		.id = "kernel.version",
		.title = "Kernel",
		.why = "Old kernels lack mitigations, and their KVM has other defaults.",
		.how = "/proc/sys/kernel/osrelease.",
		.mend = "An upgrade and a reboot.",
		.run = kernel_version,
		.kernel = true,
	},
	{
		.id = "kernel.namespaces",
		.title = "Namespaces",
		.why = "Emulators lock themselves in with them, and containers are made of them.",
		.how = "/proc/sys/user/max_*_namespaces; 0 is none.",
		.mend = "Another kernel.",
		.run = kernel_namespaces,
		.kernel = true,
	},
	{
		.id = "kernel.psi",
		.title = "Pressure information (PSI)",
		.why = "It tells an overloaded host from a busy one.",
		.how = "/proc/pressure, whose files are there and do not read where it is off.",
		.mend = "psi=1.",
		.run = kernel_psi,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_kernel = { "kernel", "Kernel", checks };
