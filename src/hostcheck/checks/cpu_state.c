/* SPDX-License-Identifier: MIT */
/* What state the processors are in: how fast, which clock, set apart, shared, flawed. */
#include "host/cpulist.h"
#include "host/sysattr.h"
#include "hostcheck/checks/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_DIR "/sys/devices/system/cpu"

/* Drivers with a mind of their own call "powersave" what others call schedutil. */
static bool own_mind(const struct facts *f)
{
	char driver[32];

	return host_read_line(f->h, CPU_DIR "/cpufreq/policy0/scaling_driver", driver,
			      sizeof(driver), NULL) == 0 &&
	       (!strcmp(driver, "intel_pstate") || !strncmp(driver, "amd-pstate-epp", 14));
}

int cpu_governor(struct facts *f, struct finding *out, struct err *e)
{
	struct sys_governors g;
	int r = sysattr_governors(f->h, &g, e);
	bool slow;

	if (r == -ENOENT || (r == 0 && !g.policies))
		return found(out, V_SKIP, "no frequency scaling here");
	if (r < 0)
		return r;
	if (g.boost == TRI_NO)
		found_item(out, V_INFO, "boost", "off");
	if (g.preference[0])
		found_item(out, V_INFO, "preference", "%s", g.preference);
	slow = !strcmp(g.first, "conservative") ||
	       (!strcmp(g.first, "powersave") && !own_mind(f));
	found(out,
	      slow                              ? V_WARN
	      : !strcmp(g.first, "performance") ? V_OK
						: V_INFO,
	      "%s%s%s%s", g.first, g.others ? ", others differ" : "",
	      g.preference[0] ? ", preference " : "", g.preference);
	if (slow)
		return advise(
			out, "cpu.governor", R_NOW,
			"Processors stay slow under load. Write performance or schedutil to " CPU_DIR
			"/cpufreq/policy*/scaling_governor.");
	if (strcmp(g.first, "performance"))
		return advise(out, "cpu.governor", R_NOW,
			      "Fine for most. Where guests must answer at once: performance.");
	return 0;
}

int cpu_clock(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const good[] = { "tsc", "kvm-clock", "arch_sys_counter",
					    "hyperv_clocksource_tsc_page", "timebase" };
	struct sys_clock c;
	int r = sysattr_clock(f->h, &c, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "this kernel does not tell");
	if (r < 0)
		return r;
	if (!c.current[0])
		return found(out, V_UNKNOWN, "the kernel names none");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!strcmp(c.current, good[i]))
			return found(out, V_OK, "%s", c.current);
	if (!strcmp(c.current, "xen"))
		return found(out, V_OK, "xen");
	found(out, V_WARN, "%s (there are: %s)", c.current, c.available);
	return advise(
		out, NULL, R_REBOOT,
		"Reading it is slow, and guests read it all day. The kernel's log says why "
		"the TSC was given up; a firmware update may help. tsc=reliable only if the "
		"processors' counters are known to run together.");
}

int cpu_isolated(struct facts *f, struct finding *out, struct err *e)
{
	struct cpulist apart, full, online;
	char text[64] = "", nohz[64] = "";
	int r = cpulist_read(f->h, CPU_DIR "/isolated", &apart, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "this kernel does not tell");
	if (r < 0)
		return r;
	if (cpulist_read(f->h, CPU_DIR "/nohz_full", &full, NULL) == 0 && full.n &&
	    host_read_line(f->h, CPU_DIR "/nohz_full", nohz, sizeof(nohz), NULL) == 0)
		found_item(out, V_INFO, "nohz_full", "%s", nohz);
	if (!apart.n)
		return found(out, V_INFO, "none");
	r = host_read_line(f->h, CPU_DIR "/isolated", text, sizeof(text), e);
	if (r < 0)
		return r;
	if (cpulist_read(f->h, CPU_DIR "/online", &online, NULL) == 0 &&
	    !cpulist_within(&apart, &online)) {
		found(out, V_WARN, "%s, not all of them online", text);
		return advise(
			out, "kernel.cmdline", R_REBOOT,
			"Guests pinned to one that is offline do not start. Bring it online, or "
			"mend isolcpus=.");
	}
	return found(out, V_INFO, "%s", text);
}

int cpu_smt(struct facts *f, struct finding *out, struct err *e)
{
	struct sys_flaws flaws = { 0 };
	struct sys_smt s;
	int r = sysattr_smt(f->h, &s, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "this kernel does not tell");
	if (r == 0 && sysattr_flaws(f->h, &flaws, e) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	for (size_t i = 0; i < flaws.n; i++)
		if (flaws.v[i].smt_vulnerable)
			found_item(out, V_WARN, flaws.v[i].name, "%s", flaws.v[i].text);
	free(flaws.v);
	if (s.active == TRI_UNKNOWN)
		return found(out, V_UNKNOWN, "the kernel's answer is not understood");
	if (s.active != TRI_YES)
		return found(out, V_OK, "not in use (%s)", s.control);
	if (!out->n_items)
		return found(out, V_INFO, "in use");
	found(out, V_WARN, "in use, open to %s%s", out->items[0].name,
	      out->n_items > 1 ? " and others" : "");
	return advise(
		out, "kernel.cmdline", R_REBOOT,
		"A guest may read what runs on the other thread of its core. If guests do not "
		"trust each other: nosmt, or keep each core to one guest.");
}

int cpu_flaws(struct facts *f, struct finding *out, struct err *e)
{
	char names[96] = "";
	struct sys_flaws flaws;
	size_t open = 0, unknown = 0, used = 0;
	int r = sysattr_flaws(f->h, &flaws, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "this kernel does not tell");
	if (r < 0)
		return r;
	for (size_t i = 0; i < flaws.n; i++) {
		const struct sys_flaw *w = &flaws.v[i];
		enum verdict v = w->state == FLAW_VULNERABLE ? V_WARN
				 : w->state == FLAW_UNKNOWN  ? V_UNKNOWN
							     : V_OK;

		found_item(out, v, w->name, "%s", w->text);
		unknown += v == V_UNKNOWN;
		if (v != V_WARN)
			continue;
		open++;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", w->name);
	}
	free(flaws.v);
	if (!flaws.n)
		return found(out, V_UNKNOWN, "the kernel tells of none");
	if (!open)
		return found(out, unknown ? V_INFO : V_OK, "%zu known, none open%s", flaws.n,
			     unknown ? ", some not certain" : "");
	found(out, V_WARN, "open: %s", names);
	if (facts_is_arm64(f))
		return advise(
			out, NULL, R_REBOOT,
			"A guest may read memory of the host through them. Bring kernel and "
			"firmware up to date, and take mitigations=off away.");
	return advise(
		out, NULL, R_REBOOT,
		"A guest may read memory of the host through them. Bring kernel and microcode "
		"(packages intel-ucode, amd-ucode; Debian intel-microcode, "
		"amd64-microcode) up to date, and take mitigations=off away.");
}
