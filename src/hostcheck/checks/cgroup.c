/* SPDX-License-Identifier: MIT */
/* Control groups, which bound what guests take. */
#include "host/cgroup.h"

#include "hostcheck/checks/checks.h"

static int cgroup_version_check(struct facts *f, struct finding *out, struct err *e)
{
	struct cgroup c;
	int r = cgroup_read(f->h, &c, e);

	if (r < 0)
		return r;
	if (c.version == CGROUP_V2)
		found(out, V_OK, "2, at %s", c.v2_path);
	else if (c.version == CGROUP_NONE)
		found(out, V_WARN, "none mounted");
	else
		found(out, V_INFO, "%s", cgroup_version_name(c.version));
	if (c.version == CGROUP_NONE)
		advise(out, NULL, R_NOW,
		       "Nothing bounds what a guest takes. OpenRC: rc-update add cgroups sysinit.");
	else if (c.version != CGROUP_V2)
		advise(out, NULL, R_REBOOT,
		       "Version 2 bounds memory and disk bandwidth better. OpenRC: "
		       "rc_cgroup_mode=unified in /etc/rc.conf.");
	cgroup_free(&c);
	return 0;
}

static int cgroup_controllers(struct facts *f, struct finding *out, struct err *e)
{
	static const struct {
		const char *name, *what;
		bool needed;
	} wanted[] = {
		{ "cpu", "shares of processor time", true },
		{ "memory", "memory", true },
		{ "cpuset", "which processors and nodes", false },
		{ "io", "disk bandwidth", false },
		{ "pids", "number of processes", false },
		{ "hugetlb", "huge pages", false },
	};
	const char *missing = NULL;
	struct cgroup c;
	size_t n = 0;
	int r = cgroup_read(f->h, &c, e);

	if (r < 0)
		return r;
	if (c.version == CGROUP_NONE) {
		cgroup_free(&c);
		return found(out, V_SKIP, "none are mounted");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const char *name = wanted[i].name;
		/* version 1 calls it after the layer below */
		bool has = words_has(&c.controllers, name) ||
			   (c.version != CGROUP_V2 && name[0] == 'i' &&
			    words_has(&c.controllers, "blkio"));

		n += has;
		found_item(out,
			   has                ? V_OK
			   : wanted[i].needed ? V_WARN
					      : V_INFO,
			   name, "%s%s", wanted[i].what,
			   !has                          ? ": not available"
			   : words_has(&c.enabled, name) ? ""
							 : ", not given to groups yet");
		if (!has && wanted[i].needed && !missing)
			missing = name;
	}
	cgroup_free(&c);
	if (!missing)
		return found(out, V_OK, "%zu of %zu", n, ARRAY_SIZE(wanted));
	found(out, V_WARN, "%s is missing", missing);
	return advise(
		out, "kernel.cmdline", R_REBOOT,
		"Guests cannot be bounded in it. Debian's older kernels and Raspberry Pi want "
		"cgroup_enable=memory; cgroup_disable= takes it away.");
}

static const struct check checks[] = {
	{
		.id = "cgroup.version",
		.title = "Control groups",
		.why = "They keep one guest from taking all processors, memory and disks.",
		.how = "/proc/self/mountinfo, /sys/fs/cgroup.",
		.mend = "The service cgroups of OpenRC.",
		.run = cgroup_version_check,
		.kernel = true,
	},
	{
		.id = "cgroup.controllers",
		.title = "What control groups can bound",
		.why = "A controller that the kernel left out bounds nothing.",
		.how = "cgroup.controllers and cgroup.subtree_control; of version 1 what is mounted.",
		.mend = "The kernel's command line.",
		.needs = "cgroup.version",
		.run = cgroup_controllers,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_cgroup = { "cgroup", "Control groups", checks };
