/* SPDX-License-Identifier: MIT */
/* Control groups: which version is mounted where, and with which controllers. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include "host/host.h"
#include "host/words.h"

enum cgroup_version {
	CGROUP_NONE,
	CGROUP_V1,
	CGROUP_V2,
	CGROUP_HYBRID, /* v1 controllers, and v2 beside them */
};

struct cgroup {
	enum cgroup_version version;
	char v2_path[128];        /* "/sys/fs/cgroup", "/sys/fs/cgroup/unified" */
	struct words controllers; /* v2: of the root; v1: mounted */
	struct words enabled;     /* v2: given to children of the root; v1: the same */
	struct words known;       /* of the kernel, /proc/cgroups: enabled there */
};

int cgroup_read(const struct host *h, struct cgroup *out, struct err *e) MUST_CHECK;
void cgroup_free(struct cgroup *c);
/* /proc/cgroups: names whose last column is 1. */
int cgroup_parse_known(const char *text, size_t len, struct words *out, struct err *e)
	MUST_CHECK;
const char *cgroup_version_name(enum cgroup_version v);

#endif
