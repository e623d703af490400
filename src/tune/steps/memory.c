/* SPDX-License-Identifier: MIT */
/*
 * Attributes of /sys that the kernel forgets over a restart: KSM, transparent huge pages, the
 * processors' governor.  The boot service applies what the journal says again.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/choice.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KSM      "/sys/kernel/mm/ksm/"
#define THP      "/sys/kernel/mm/transparent_hugepage/enabled"
#define SHMEM    "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define POLICIES "/sys/devices/system/cpu/cpufreq"

/* Sets an attribute, and tells when nothing will set it again after a restart. */
static int attribute(const struct stepping *s, const char *path, const char *value,
		     const char *reason, bool *told, struct err *e)
{
	int r = plan_amend(s->plan, s->h, &kind_sysfs, s->step, path, value, WHEN_NOW, e, "%s",
			   reason);

	if (r <= 0 || *told || s->p->at_boot == WISH_YES)
		return r < 0 ? r : 0;
	*told = true;
	return STEP_NOTE(s, false, e,
			 "the kernel forgets this over a restart; 'boot = yes' in [services] "
			 "sets it again");
}

static int plan_ksm(const struct host *h, const struct profile *p, struct plan *out,
		    struct err *e)
{
	const struct stepping s = { h, p, out, "memory.ksm" };
	uint64_t run, sharing = 0;
	bool told = false;
	int r;

	if (p->ksm == WISH_KEEP || !host_has_kernel(h))
		return 0;
	if (!host_exists(h, KSM "run"))
		return p->ksm == WISH_YES
			       ? STEP_NOTE(&s, true, e, "this kernel cannot merge equal pages")
			       : 0;
	r = host_read_u64(h, KSM "run", &run, e);
	if (r < 0)
		return r;
	if (p->ksm == WISH_YES)
		return attribute(&s, KSM "run", "1", "guests share pages that are equal", &told,
				 e);
	/* 0 and 2 both merge nothing more */
	if (run == 1)
		r = attribute(&s, KSM "run", "0",
			      "merging takes processor time, and tells guests of each other",
			      &told, e);
	if (r == 0 && run != 2 && host_read_u64(h, KSM "pages_sharing", &sharing, NULL) == 0 &&
	    sharing)
		r = STEP_NOTE(&s, false, e,
			      "%llu pages stay shared until their guests end; writing 2 to " KSM
			      "run takes them apart at once, which needs the memory",
			      (unsigned long long)sharing);
	return r;
}

static int plan_thp(const struct host *h, const struct profile *p, struct plan *out,
		    struct err *e)
{
	const struct stepping s = { h, p, out, "memory.thp" };
	bool told = false;
	int r;

	if ((!p->thp && !p->thp_shared) || !host_has_kernel(h))
		return 0;
	if (!host_exists(h, THP))
		return STEP_NOTE(&s, p->thp && strcmp(p->thp, "never") != 0, e,
				 "this kernel has no transparent huge pages");
	r = p->thp ? attribute(&s, THP, p->thp,
			       !strcmp(p->thp, "never")
				       ? "memory is not moved together behind guests"
				       : "guests' memory takes fewer entries in tables",
			       &told, e)
		   : 0;
	if (r < 0 || !p->thp_shared)
		return r;
	if (!host_exists(h, SHMEM))
		return STEP_NOTE(&s, false, e,
				 "this kernel has no transparent huge pages of shared memory");
	return attribute(&s, SHMEM, p->thp_shared,
			 !strcmp(p->thp_shared, "never")
				 ? "shared memory is not moved together behind guests"
				 : "guests whose memory is a memfd ask for them too",
			 &told, e);
}

static int governor(const struct stepping *s, const char *policy, bool *told, struct err *e)
{
	AUTO_FREE char *path = str_printf(e, POLICIES "/%s/scaling_governor", policy);
	AUTO_FREE char *offers =
		str_printf(e, POLICIES "/%s/scaling_available_governors", policy);
	struct choice c;
	int r;

	if (!path || !offers)
		return -ENOMEM;
	if (!host_exists(s->h, path))
		return 0;
	r = choice_read(s->h, offers, &c, NULL);
	if (r == 0 && !choice_offers(&c, s->p->governor))
		return STEP_NOTE(s, true, e, "%s offers no governor %s, only %s", policy,
				 s->p->governor, c.all);
	return attribute(s, path, s->p->governor, "processors keep the pace that guests need",
			 told, e);
}

static int plan_governor(const struct host *h, const struct profile *p, struct plan *out,
			 struct err *e)
{
	const struct stepping s = { h, p, out, "cpu.governor" };
	AUTO_LIST struct host_list l = { 0 };
	bool told = false, any = false;
	int r = 0;

	if (!p->governor || !host_has_kernel(h))
		return 0;
	if (host_list(h, POLICIES, &l, NULL) < 0)
		l.n = 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		if (strncmp(l.v[i], "policy", 6))
			continue;
		any = true;
		r = governor(&s, l.v[i], &told, e);
	}
	if (r == 0 && !any)
		r = STEP_NOTE(&s, false, e,
			      "processors have no governors here: firmware or a hypervisor "
			      "decides how fast they run");
	return r;
}

const struct step step_memory_ksm = {
	.id = "memory.ksm",
	.title = "Merging of equal pages",
	.why = "Saves memory between guests of one image; costs processor time, and lets one "
	       "guest find out by timing what is in another.",
	.plan = plan_ksm,
};

const struct step step_memory_thp = {
	.id = "memory.thp",
	.title = "Transparent huge pages",
	.why = "Fewer entries in page tables, against pauses while memory is moved together.",
	.plan = plan_thp,
};

const struct step step_cpu_governor = {
	.id = "cpu.governor",
	.title = "Pace of the processors",
	.why = "A governor that saves power lets guests wait for it to speed up.",
	.plan = plan_governor,
};
