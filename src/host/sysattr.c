/* SPDX-License-Identifier: MIT */
#include "host/sysattr.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int need_kernel(const struct host *h, struct err *e)
{
	return host_has_kernel(h) ? 0 : err_set(e, -ENOTSUP, "no kernel runs in an image");
}

int sysattr_psi(const struct host *h, enum psi *out, struct err *e)
{
	struct err mine = { 0 };
	char line[128];
	int r = need_kernel(h, e);

	if (r < 0)
		return r;
	*out = PSI_NONE;
	r = host_read_line(h, "/proc/pressure/memory", line, sizeof(line), &mine);
	if (r == -ENOENT)
		return 0;
	/* what stands in a record is the errno's name, said by its access line */
	if (r == -EOPNOTSUPP) {
		*out = PSI_OFF;
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	*out = PSI_ON;
	return 0;
}

int sysattr_ksm(const struct host *h, struct sys_ksm *out, struct err *e)
{
	uint64_t run, across;
	int r = need_kernel(h, e);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = host_read_u64(h, "/sys/kernel/mm/ksm/run", &run, e);
	if (r < 0)
		return r;
	out->run = (unsigned)run;
	if (host_read_u64(h, "/sys/kernel/mm/ksm/pages_shared", &out->pages_shared, NULL) < 0)
		out->pages_shared = 0;
	if (host_read_u64(h, "/sys/kernel/mm/ksm/pages_sharing", &out->pages_sharing, NULL) < 0)
		out->pages_sharing = 0;
	if (host_read_u64(h, "/sys/kernel/mm/ksm/merge_across_nodes", &across, NULL) == 0)
		out->across_nodes = tri_of(across != 0);
	return 0;
}

#define THP "/sys/kernel/mm/transparent_hugepage/"

int sysattr_thp(const struct host *h, struct sys_thp *out, struct err *e)
{
	int r = need_kernel(h, e);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = choice_read(h, THP "enabled", &out->enabled, e);
	if (r < 0)
		return r;
	if (choice_read(h, THP "defrag", &out->defrag, NULL) < 0)
		memset(&out->defrag, 0, sizeof(out->defrag));
	if (choice_read(h, THP "shmem_enabled", &out->shmem, NULL) < 0)
		memset(&out->shmem, 0, sizeof(out->shmem));
	return 0;
}

#define CPUFREQ "/sys/devices/system/cpu/cpufreq"

/* An attribute of a policy; "" where it has none. */
static void of_policy(const struct host *h, const char *policy, const char *name, char *buf,
		      size_t size)
{
	char path[192];

	snprintf(path, sizeof(path), CPUFREQ "/%.64s/%s", policy, name);
	if (host_read_line(h, path, buf, size, NULL) < 0)
		buf[0] = '\0';
}

static enum tri read_boost(const struct host *h)
{
	uint64_t v;

	if (host_read_u64(h, CPUFREQ "/boost", &v, NULL) == 0)
		return tri_of(v != 0);
	if (host_read_u64(h, "/sys/devices/system/cpu/intel_pstate/no_turbo", &v, NULL) == 0)
		return tri_of(v == 0);
	return TRI_UNKNOWN;
}

int sysattr_governors(const struct host *h, struct sys_governors *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	struct err mine = { 0 };
	int r = need_kernel(h, e);

	memset(out, 0, sizeof(*out));
	if (r < 0)
		return r;
	r = host_list(h, CPUFREQ, &l, &mine);
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "%s", mine.msg);
	for (size_t i = 0; i < l.n; i++) {
		char governor[32];

		if (strncmp(l.v[i], "policy", 6))
			continue;
		of_policy(h, l.v[i], "scaling_governor", governor, sizeof(governor));
		if (!governor[0])
			continue;
		if (!out->policies++) {
			snprintf(out->first, sizeof(out->first), "%s", governor);
			of_policy(h, l.v[i], "scaling_available_governors", out->offers,
				  sizeof(out->offers));
			of_policy(h, l.v[i], "energy_performance_preference", out->preference,
				  sizeof(out->preference));
		} else if (strcmp(governor, out->first)) {
			out->others++;
		}
	}
	out->boost = read_boost(h);
	return 0;
}

#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

int sysattr_clock(const struct host *h, struct sys_clock *out, struct err *e)
{
	int r = need_kernel(h, e);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = host_read_line(h, CLOCK "current_clocksource", out->current,
				   sizeof(out->current), e);
	if (r < 0)
		return r;
	return host_read_line(h, CLOCK "available_clocksource", out->available,
			      sizeof(out->available), e);
}

int sysattr_smt(const struct host *h, struct sys_smt *out, struct err *e)
{
	uint64_t active;
	int r = need_kernel(h, e);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = host_read_line(h, "/sys/devices/system/cpu/smt/control", out->control,
				   sizeof(out->control), e);
	if (r < 0)
		return r;
	if (host_read_u64(h, "/sys/devices/system/cpu/smt/active", &active, NULL) == 0)
		out->active = tri_of(active != 0);
	return 0;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

enum flaw_state sysattr_flaw(const char *text, bool *smt_vulnerable)
{
	*smt_vulnerable = strstr(text, "SMT vulnerable") != NULL;
	/* itlb_multihit: "KVM: Mitigation: VMX disabled" */
	if (begins(text, "KVM: "))
		text += 5;
	if (begins(text, "Not affected"))
		return FLAW_NOT_AFFECTED;
	if (begins(text, "Mitigation"))
		return FLAW_MITIGATED;
	if (begins(text, "Vulnerable") || begins(text, "Processor vulnerable"))
		return FLAW_VULNERABLE;
	return FLAW_UNKNOWN;
}

#define FLAWS "/sys/devices/system/cpu/vulnerabilities"

int sysattr_flaws(const struct host *h, struct sys_flaws *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	int r = need_kernel(h, e);

	out->v = NULL;
	out->n = 0;
	if (r == 0)
		r = host_list(h, FLAWS, &l, e);
	if (r < 0)
		return r;
	if (!l.n)
		return 0;
	out->v = mem_zalloc(l.n, sizeof(*out->v), e);
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; i < l.n; i++) {
		struct sys_flaw *f = &out->v[out->n];
		char path[160];

		snprintf(path, sizeof(path), FLAWS "/%.64s", l.v[i]);
		if (host_read_line(h, path, f->text, sizeof(f->text), NULL) < 0)
			continue;
		snprintf(f->name, sizeof(f->name), "%s", l.v[i]);
		f->state = sysattr_flaw(f->text, &f->smt_vulnerable);
		out->n++;
	}
	return 0;
}

int sysattr_param(const struct host *h, const char *module, const char *param, enum tri *out,
		  struct err *e)
{
	char path[192], text[32], *end;
	long v;
	int r = need_kernel(h, e);

	*out = TRI_UNKNOWN;
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/sys/module/%.64s/parameters/%.64s", module, param);
	r = host_read_line(h, path, text, sizeof(text), e);
	if (r < 0)
		return r;
	if (!strcmp(text, "Y") || !strcmp(text, "y") || !strcmp(text, "N") ||
	    !strcmp(text, "n")) {
		*out = tri_of((text[0] | 0x20) == 'y');
		return 0;
	}
	errno = 0;
	v = strtol(text, &end, 0);
	if (end == text || *end || errno)
		return err_set(e, -EINVAL, "%s: '%s' is neither yes nor no", path, text);
	*out = tri_of(v != 0);
	return 0;
}
